"""`neurosim analyse`: what a recording shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from neurosim.cli.options import optional
from neurosim.cli.recordings import RECORDING_HELP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.analysis.comparison import Overview
    from neurosim.recording import Recording

#: File in the folder of --figures.
FIGURE = "overview.png"


@dataclass(frozen=True, kw_only=True)
class AnalyseCommand:
    """Describe a recording: rates, variability, correlations, spectra, sparseness, dimensions."""

    recording: Positional[Annotated[str, arg(metavar="RECORDING", help=RECORDING_HELP)]]
    start: Annotated[str | None, optional("TIME", "its beginning")] = None
    """From when on it counts, such as 500ms."""
    window: Annotated[str, arg(metavar="TIME")] = "100ms"
    """In which spikes are counted for all but rates, intervals and spectra."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Of what is drawn for intervals."""
    figures: Annotated[Path | None, optional("DIR", "")] = None
    """Draw intervals and spectra into this folder."""
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.analysis.comparison import overview
        from neurosim.cli import figures
        from neurosim.cli.manifest import surroundings
        from neurosim.cli.recordings import from_time, load_recording
        from neurosim.cli.results import Results
        from neurosim.cli.values import parse_time

        results = Results(self.figures, overwrite=self.overwrite)
        place = results.in_folder(FIGURE)
        if place is not None:
            figures.check_plot(place)
        recording = from_time(load_recording(self.recording), self.start)
        found = overview(recording, window=parse_time(self.window, "--window"), seed=self.seed)
        if place is not None:
            drawn = _figure(recording, found)
            facts = {"command": ["neurosim", *command], **found.to_dict(), **surroundings()}
            results.write({place: lambda path: figures.save(drawn, path)}, facts)
        files = [str(path) for path in results.files]
        if self.json:
            print(json.dumps({**found.to_dict(), "files": files}, allow_nan=False))
        else:
            print("\n".join([str(found), *(f"wrote {path}" for path in files)]))
        return 0


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
