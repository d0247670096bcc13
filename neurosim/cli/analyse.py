"""`neurosim analyse`: what a recording shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from neurosim.cli.recordings import RECORDING_HELP, RecordingOptions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import Overview
    from neurosim.recording import Recording

#: File in the folder of --figures.
FIGURE = "overview.png"


@dataclass(frozen=True, kw_only=True)
class AnalyseCommand(RecordingOptions):
    """Describe a recording: rates, variability, correlations, spectra, time scales, sparseness, dimensions."""

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
    """Draw intervals and spectrum of every population; the place of what is not there stays empty."""
    from matplotlib.figure import Figure

    from neurosim.analysis.spikes import population_spectrum
    from neurosim.analysis.spikes.plots import plot_intervals, plot_population_spectrum

    names = list(found.sizes)
    drawn = Figure(figsize=(8.4, 2.8 * len(names)), layout="constrained")
    for row, name in zip(drawn.subplots(len(names), 2, squeeze=False), names, strict=True):
        trains, used = recording.spikes[name], found.settings["populations"][name]
        for panel in row:
            panel.spines[["top", "right"]].set_visible(False)
        if f"{name}: cv" not in found.left_out:
            plot_intervals(trains, ax=row[0])
        if f"{name}: spectral peak" not in found.left_out:
            plot_population_spectrum(population_spectrum(trains, bin=used["bin"], segment=used["segment"]), ax=row[1])
        row[0].set_title(name, loc="left")
    return drawn
