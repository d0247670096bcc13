"""`neurosim bench`: neurosim beside its peers, on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from neurosim.cli.options import optional
from neurosim.errors import CircuitError, FileFormatError

#: In place of a file: standard output.
STDOUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class BenchCommand:
    """Measure neurosim beside its peers, in turn: exit code 1 if their outputs differ or a side fails."""

    name: Positional[
        Annotated[
            str | None,
            arg(metavar="NAME", help="Which benchmark, or all; without it they are listed.", help_behavior_hint=""),
        ]
    ] = None
    quick: bool = False
    """Small sizes and three runs: seconds, to see that all is there."""
    repeats: Annotated[int | None, optional("N", "the benchmark's")] = None
    """Runs of each side that count."""
    threads: Annotated[int | None, optional("N", "the benchmark's")] = None
    """Threads of each side."""
    json: Annotated[Path | None, optional("FILE", "")] = None
    """Put the result into FILE, in the place of an earlier one of the same benchmark; - prints it in place of the
    table."""
    nest_python: Annotated[Path | None, optional("PYTHON", "this one")] = None
    """The Python in whose environment NEST is installed."""
    sparxml_python: Annotated[Path | None, optional("PYTHON", "this one")] = None
    """The Python (3.12 or newer) in whose environment sparxml is installed."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.benchmarks.catalogue import benchmark_of, catalogue
        from neurosim.benchmarks.measuring import measure

        if self.name is None:
            _list()
            return 0
        for option, value in (("--repeats", self.repeats), ("--threads", self.threads)):
            if value is not None and value < 1:
                raise CircuitError(f"{option}: give 1 or more, not {value}.")
        chosen = list(catalogue().values()) if self.name == "all" else [benchmark_of(self.name)]
        earlier = [] if self.json is None or self.json == STDOUT else _read(self.json)
        interpreters = {
            name: Path(path).absolute()
            for name, path in (("nest", self.nest_python), ("sparxml", self.sparxml_python))
            if path is not None
        }
        found: list[Mapping[str, Any]] = []
        for benchmark in chosen:
            outcome = measure(
                benchmark, quick=self.quick, repeats=self.repeats, threads=self.threads, interpreters=interpreters,
                progress=_Progress(benchmark.name),
            )  # fmt: skip
            found.append(outcome.content())
            if self.json is not None and self.json != STDOUT:  # after each, so that an interruption loses little
                _write(self.json, earlier, found)
            if self.json != STDOUT:
                show(found[-1])
        if self.json == STDOUT:
            print(json.dumps({"benchmarks": found}, allow_nan=False))
        return 0 if all(content["ok"] for content in found) else 1


class _Progress:
    """Tells on standard error what happens, in one line that is written over, and only if somebody watches."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{self.name}: {text}", end="", file=sys.stderr, flush=True)


def _list() -> None:
    from neurosim.benchmarks.catalogue import catalogue

    width = max(len(name) for name in catalogue())
    for name, benchmark in catalogue().items():
        peers = ", ".join(side.name for side in benchmark.sides[1:])
        print(f"{name:{width}}  {benchmark.summary}" + (f" ({peers})" if peers else ""))


def _read(file: Path) -> list[Mapping[str, Any]]:
    """Return the benchmarks that a file holds, none if it is not there yet."""
    if not file.exists():
        if not file.parent.is_dir():
            raise FileFormatError(f"--json: {file.parent} is not a folder.")
        return []
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return list(content["benchmarks"])
    except (ValueError, KeyError, TypeError):
        raise FileFormatError(f"--json: {file} is there and holds no benchmarks; give another name.") from None


def _write(file: Path, earlier: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
    from neurosim.benchmarks.outcome import joined

    text = json.dumps({"benchmarks": joined(earlier, new)}, allow_nan=False, indent=1) + "\n"
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def show(content: Mapping[str, Any]) -> None:
    """Print what a benchmark came to."""
    from rich.console import Console
    from rich.table import Table

    from neurosim.benchmarks.tables import circumstances, figure, filled, versions

    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    # Where nobody watches, lines are as long as they must be, and may be searched.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    console.print(f"{content['name']}: {content['summary']}")
    console.print(circumstances(content))
    headings, tables = filled(content)
    for case, rows in tables:
        table = Table(title=case["label"], title_justify="left", title_style="bold")
        for place, heading in enumerate(headings):
            table.add_column(heading, justify="left" if place in (0, len(headings) - 1) else "right")
        for cells in rows:
            table.add_row(*cells)
        console.print(table)
        for item in case["figures"]:
            console.print(figure(item))
    for item in content["figures"]:
        console.print(figure(item))
    for note in content["notes"]:
        console.print(note)
    console.print(f"with {versions(content)}")
