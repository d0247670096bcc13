"""`neurosim reproduce`: published results held against what a circuit does."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from neurosim.cli.options import optional
from neurosim.errors import RecordError

if TYPE_CHECKING:
    from neurosim.experiments import Reproduction

#: In place of a file: standard output.
STDOUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class ReproduceCommand:
    """Run the published experiment of a circuit: exit code 0 if every value is as reported, 1 if not."""

    name: Positional[
        Annotated[
            str | None,
            arg(metavar="NAME", help="Which experiment; without it they are listed.", help_behavior_hint=""),
        ]
    ] = None
    quick: bool = False
    """Do what takes less than two minutes."""
    backend: Annotated[str, arg(metavar="NAME")] = "brian2"
    """brian2, brian2:cython, or snntorch."""
    dtype: Annotated[str | None, optional("TYPE", "float64")] = None
    """Of the snntorch backend: float64 or float32."""
    device: Annotated[str | None, optional("NAME", "cpu")] = None
    """Of the snntorch backend: any torch device."""
    folder: Annotated[Path | None, optional("FOLDER", "")] = None
    """Keep long runs there, and go on with those that are there."""
    data: bool = False
    """Run what needs data that do not come with neurosim, from the cache; it may take hours."""
    json: Annotated[Path | None, optional("FILE", "")] = None
    """Write the table as one JSON object into FILE; - prints it in place of the table."""
    plot: Annotated[Path | None, optional("FILE", "")] = None
    """Draw the experiment into FILE (.png, .svg, .pdf)."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim import circuits
        from neurosim.cli import figures
        from neurosim.cli.backend import backend_options
        from neurosim.cli.manifest import surroundings
        from neurosim.cli.results import Results

        if self.name is None:
            _list()
            return 0
        started = time.perf_counter()
        backend, options = backend_options(self.backend, dtype=self.dtype, device=self.device)
        results = Results(None, overwrite=self.overwrite)
        if self.json is not None and self.json != STDOUT:
            results.announce(self.json)
        if self.plot is not None:
            figures.check_plot(results.announce(self.plot))
        more: dict[str, Any] = {} if self.folder is None else {"folder": self.folder}
        more |= {"data": True} if self.data else {}
        found = circuits.reproduce(self.name, quick=self.quick, backend=backend, options=options, **more)
        text = json.dumps(found.summary(), allow_nan=False)
        writers: dict[Path, Any] = {}
        if self.json is not None and self.json != STDOUT:
            writers[self.json] = lambda path: path.write_text(text + "\n", encoding="utf-8")
        if self.plot is not None:
            if found.draw is None:
                raise RecordError(f"--plot: {self.name} has no figure.")
            drawn = found.draw()
            writers[self.plot] = lambda path: figures.save(drawn, path)
        facts = {
            "command": ["neurosim", *command], "experiment": self.name, "quick": self.quick, "backend": self.backend,
            "ok": found.ok, "seconds": round(time.perf_counter() - started, 3), **surroundings(),
        }  # fmt: skip
        results.write(writers, facts)
        if self.json == STDOUT:
            print(text)
        else:
            _print(found, [f"wrote {path}" for path in results.files], self.backend)
        return 0 if found.ok else 1


def _list() -> None:
    from neurosim.circuits import describe, experiments

    width = max(len(name) for name in experiments())
    for name in experiments():
        print(f"{name:{width}}  {describe(name).citation}")


def _print(found: Reproduction, remarks: Sequence[str], backend: str) -> None:
    """Print the table, what was skipped, and the verdict."""
    from rich.console import Console
    from rich.table import Table

    table = Table()
    table.add_column("")
    for heading in ("reported", "obtained", "tolerance"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in found.rows:
        verdict = "[green]ok[/green]" if row.ok else "[red]DIFFERS[/red]"
        table.add_row(row.what, *(_text(value) for value in (row.reported, row.obtained, row.tolerance)), verdict)
    # Where nobody watches, lines are as long as they must be, and may be searched.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)
    print(found.name)
    console.print(table)
    for measured in found.measured:
        print(f"measured: {measured.what}: {measured.obtained}")
    for item in found.skipped:
        print(f"skipped: {item.what} (needs {item.needs})")
    right = sum(row.ok for row in found.rows)
    print("\n".join([f"{right} of {len(found.rows)} as reported ({backend})", *remarks]))


def _text(value: float | int | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
