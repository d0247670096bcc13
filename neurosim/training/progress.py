"""A progress bar, on stderr and only where someone watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with (steps done, what to say beside the bar).
Report = Callable[[int, str], None]


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Report | None]:
    """Yield what moves the bar, or None where there is none.

    Parameters
    ----------
    total
        Number of steps.
    shown
        False for none, whoever watches.
    """
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("training", total=total)

        def report(done: int, text: str) -> None:
            bars.update(task, completed=done, description=text)

        yield report
