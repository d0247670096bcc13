"""`neurosim analyse`: what a recording shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from neurosim.cli.recordings import RECORDING_HELP, RecordingOptions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import Overview
    from neurosim.recording import Recording

#: File in the folder of --figures.
FIGURE = "overview.png"
#: Of so many neurons the course of a variable is drawn.
_MOST_LINES = 12


@dataclass(frozen=True, kw_only=True)
class AnalyseCommand(RecordingOptions):
    """Describe a recording's spikes and traces: rates, variability, correlations, spectra, time scales, dimensions."""

    recording: Positional[Annotated[str, arg(metavar="RECORDING", help=RECORDING_HELP)]]

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.analysis.comparison import overview
        from neurosim.cli.recordings import from_time, load_recording
        from neurosim.cli.values import parse_time

        output = self.reserve(FIGURE)
        recording = from_time(load_recording(self.recording), self.start)
        found = overview(recording, window=parse_time(self.window, "--window"), seed=self.seed)
        return self.show(command, output, found, lambda: _figure(recording, found))


def _figure(recording: Recording, found: Overview) -> Figure:
    """Draw intervals (of traces, their course) and spectrum; the place of what is not there stays empty."""
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison.traces import trace_names
    from neurosim.analysis.spikes import population_spectrum
    from neurosim.analysis.spikes.plots import plot_intervals, plot_population_spectrum

    names, traces = list(found.sizes), trace_names(recording)
    drawn = Figure(figsize=(8.4, 2.8 * len(names)), layout="constrained")
    for row, name in zip(drawn.subplots(len(names), 2, squeeze=False), names, strict=True):
        used = found.settings["populations"][name]
        for panel in row:
            panel.spines[["top", "right"]].set_visible(False)
        if name in traces:
            population, variable = traces[name]
            _draw_trace(recording, population, variable, used["segment"], row)
            row[0].set_title(name, loc="left")
            continue
        trains = recording.spikes[name]
        if f"{name}: cv" not in found.left_out:
            plot_intervals(trains, ax=row[0])
        if f"{name}: spectral peak" not in found.left_out:
            plot_population_spectrum(population_spectrum(trains, bin=used["bin"], segment=used["segment"]), ax=row[1])
        row[0].set_title(name, loc="left")
    return drawn


def _draw_trace(recording: Recording, population: str, variable: str, segment: float | None, row: Any) -> None:
    """Draw the course of a variable's first neurons in the first trial, and the mean of all neurons' spectra."""
    from neurosim.analysis.comparison.traces import Samples
    from neurosim.errors import AnalysisError
    from neurosim.recording import plots

    trace = recording.traces[population][variable]
    drawn = slice(min(_MOST_LINES, trace.shape[2])) if trace.ndim == 3 else None
    plots.traces(recording, population, variable, drawn, ax=row[0])
    try:
        frequency, powers = Samples.of(trace, recording.support).powers(segment or 0.0)
    except AnalysisError:  # what `overview` gives as the reason why there is no peak
        return
    row[1].loglog(frequency, powers.mean(axis=0))
    row[1].set(xlabel="frequency (Hz)", ylabel="power / variance (1/Hz)")
