"""`neurosim compare`: a simulation beside a recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, UseAppendAction, arg

from neurosim.cli.options import optional
from neurosim.cli.recordings import RECORDING_HELP
from neurosim.errors import RecordError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import Comparison

#: File in the folder of --figures.
FIGURE = "comparison.png"


@dataclass(frozen=True, kw_only=True)
class CompareCommand:
    """Compare the spikes of two recordings: rates, variability, correlations, spectra."""

    simulated: Positional[Annotated[str, arg(metavar="SIM", help=RECORDING_HELP)]]
    recorded: Positional[Annotated[str, arg(metavar="REC", help="What it is held against, named in the same ways.")]]
    pairs: Annotated[
        tuple[str, ...],
        arg(
            metavar="SIM=REC",
            help="Which population is held against which, such as exc=psb; may be given again. By default those of the "
            "same name, or the only one of each.",
            help_behavior_hint="",
        ),
        UseAppendAction,
    ] = ()
    start: Annotated[str | None, optional("TIME", "its beginning")] = None
    """From when on SIM counts, such as 500ms."""
    window: Annotated[str, arg(metavar="TIME")] = "100ms"
    """In which spikes are counted for the Fano factor and correlations."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Of what is drawn for intervals, halves and surrogates."""
    figures: Annotated[Path | None, optional("DIR", "")] = None
    """Draw the comparison into this folder."""
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.analysis.comparison import compare
        from neurosim.cli import figures
        from neurosim.cli.manifest import surroundings
        from neurosim.cli.recordings import from_time, load_recording
        from neurosim.cli.results import Results
        from neurosim.cli.values import parse_time

        results = Results(self.figures, overwrite=self.overwrite)
        place = results.in_folder(FIGURE)
        if place is not None:
            figures.check_plot(place)
        simulated = from_time(load_recording(self.simulated), self.start)
        recorded = load_recording(self.recorded)
        found = compare(
            simulated, recorded, _pairs(self.pairs), window=parse_time(self.window, "--window"), seed=self.seed
        )
        if place is not None:
            drawn = _figure(found)
            facts = {"command": ["neurosim", *command], **found.to_dict(), **surroundings()}
            results.write({place: lambda path: figures.save(drawn, path)}, facts)
        files = [str(path) for path in results.files]
        if self.json:
            print(json.dumps({**found.to_dict(), "files": files}, allow_nan=False))
        else:
            print("\n".join([str(found), *(f"wrote {path}" for path in files)]))
        return 0


def _pairs(given: Sequence[str]) -> dict[str, str] | None:
    if not given:
        return None
    pairs = {}
    for text in given:
        first, equals, second = text.partition("=")
        if not equals or not first or not second:
            raise RecordError(f"--pairs {text}: write SIM=REC, such as exc=psb.")
        pairs[first] = second
    return pairs


def _figure(found: Comparison) -> Figure:
    """Draw the distances, and below them every distribution."""
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import plot_comparison, plot_line

    columns = 3
    rows = -(-len(found.lines) // columns)
    drawn = Figure(figsize=(4.0 * columns, 2.6 + 0.25 * len(found.lines) + 2.7 * rows), layout="constrained")
    top, below = drawn.subfigures(
        2, 1, squeeze=False, height_ratios=[1.6 + 0.25 * len(found.lines), 2.7 * max(rows, 1)]
    )[:, 0]
    plot_comparison(found, ax=top.subplots())
    panels = below.subplots(max(rows, 1), columns, squeeze=False).reshape(-1)
    for panel, line in zip(panels, found, strict=False):
        used = found.settings["pairs"][f"{line.simulated_population} beside {line.recorded_population}"]
        plot_line(line, frequency=1 / used["segment"] if line.statistic == "spectrum" else None, ax=panel)
    for panel in panels[len(found.lines) :]:
        panel.set_axis_off()
    for panel in drawn.axes:
        panel.spines[["top", "right"]].set_visible(False)
    return drawn
