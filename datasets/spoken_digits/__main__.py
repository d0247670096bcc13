"""Make the spoken digits before they are needed: ``python -m neurosim.datasets.spoken_digits --voices 40``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast, get_args

from neurosim.datasets.spoken_digits.baselines import baselines, chance_of
from neurosim.datasets.spoken_digits.loading import Split, load_spoken_digits
from neurosim.datasets.spoken_digits.making import Report
from neurosim.datasets.spoken_digits.recipe import Recipe
from neurosim.errors import NeurosimError


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or find a set, say what it holds; return the exit code."""
    usual = Recipe()
    parser = argparse.ArgumentParser(
        prog="python -m neurosim.datasets.spoken_digits",
        description="Make the synthetic spoken digits, and say how many.",
    )
    parser.add_argument("--voices", type=int, default=usual.voices, help="(default: %(default)s)")
    parser.add_argument(
        "--repetitions", type=int, default=usual.repetitions, help="of each word (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=usual.seed, help="(default: %(default)s)")
    parser.add_argument("--places", type=int, default=usual.n_places, help="of the cochlea (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="threads (default: one for each core, at most 4)")
    parser.add_argument("--out", type=Path, help="folder to keep it in (default: the cache of data sets)")
    parser.add_argument("--sample", action="store_true", help="take the small set that comes along instead")
    parser.add_argument("--baselines", action="store_true", help="classify the validation voices without a network")
    given = parser.parse_args(arguments)
    try:
        with _progress() as report:
            splits = {
                split: load_spoken_digits(
                    cast(Split, split),
                    sample=given.sample,
                    voices=given.voices,
                    repetitions=given.repetitions,
                    seed=given.seed,
                    n_places=given.places,
                    folder=given.out,
                    workers=given.workers,
                    report=report,
                )
                for split in get_args(Split)
            }
    except NeurosimError as error:
        print(f"spoken digits: {error}", file=sys.stderr)
        return 2
    for split, events in splits.items():
        voices = len(set(events.speakers.tolist()))
        spikes = f"{len(events.times) / len(events):.0f} spikes each"
        print(f"{split:10s} {len(events):5d} words of {voices:2d} voices, {spikes}")
    if given.baselines:
        print(
            f"Linear classifiers, trained on the training voices, tested on those of validation; {chance_of(splits)}:"
        )
        for line in baselines(splits["train"], splits["validation"], seed=given.seed):
            print(line)
    return 0


@contextmanager
def _progress() -> Iterator[Report | None]:
    """Yield what draws a bar on stderr, or None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("spoken digits", total=None)
        yield lambda name, done, total: bars.update(task, description=name, completed=done, total=total)


if __name__ == "__main__":
    sys.exit(main())
