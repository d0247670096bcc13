"""`neurosim compare`: a simulation beside a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, UseAppendAction, arg

from neurosim.cli.options import optional
from neurosim.cli.recordings import RECORDING_HELP, RecordingOptions
from neurosim.errors import RecordError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import Comparison

#: File in the folder of --figures.
FIGURE = "comparison.png"


@dataclass(frozen=True, kw_only=True)
class CompareCommand(RecordingOptions):
    """Compare the spikes of two recordings: rates, variability, correlations, spectra, dynamics, responses."""

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
    variable: Annotated[str, arg(metavar="NAME")] = "spikes"
    """What responses are of: spikes, the name of a trace, or SIM=REC, such as spikes=fluorescence."""
    events: Annotated[str | None, optional("NAME", "own trials")] = None
    """What trials begin with: a table of events, or SIM=REC, such as =tone where SIM has trials of its own."""
    label: Annotated[str | None, optional("NAME", "")] = None
    """The column of that table which says what was shown, or SIM=REC."""
    response: Annotated[str | None, optional("START:STOP", "whole trials")] = None
    """Which part of a trial is looked at, such as 0ms:500ms from the event."""
    response_bin: Annotated[str, arg(metavar="TIME")] = "20ms"
    """In which responses are averaged for their course in time."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.analysis.comparison import compare
        from neurosim.cli.recordings import from_time, load_recording
        from neurosim.cli.values import parse_time

        output = self.reserve(FIGURE)
        simulated = from_time(load_recording(self.simulated), self.start)
        found = compare(
            simulated,
            load_recording(self.recorded),
            _pairs(self.pairs),
            window=parse_time(self.window, "--window"),
            variable=_each(self.variable),
            events=_each(self.events),
            label=_each(self.label),
            response=_extent(self.response),
            response_bin=parse_time(self.response_bin, "--response-bin"),
            seed=self.seed,
        )
        return self.show(command, output, found, lambda: _figure(found))


def _each(text: str | None) -> Any:
    """Return one name for both sides, or what each has."""
    if text is None or "=" not in text:
        return text
    first, _, second = text.partition("=")
    return first or None, second or None


def _extent(text: str | None) -> tuple[Any, Any] | None:
    from neurosim.cli.values import parse_time

    if text is None:
        return None
    start, colon, stop = text.partition(":")
    if not colon:
        raise RecordError(f"--response {text}: write START:STOP, such as 0ms:500ms.")
    return parse_time(start, "--response"), parse_time(stop, "--response")


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
        plot_line(line, ax=panel)
    for panel in panels[len(found.lines) :]:
        panel.set_axis_off()
    for panel in drawn.axes:
        panel.spines[["top", "right"]].set_visible(False)
    return drawn
