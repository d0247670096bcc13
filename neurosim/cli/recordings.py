"""What the verbs that look at recordings have in common: how one is named, and what is printed and written of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from tyro.conf import arg

from neurosim.cli.options import optional
from neurosim.cli.run import RECORDING
from neurosim.errors import RecordError, nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.cli.results import Results
    from neurosim.recording import Recording

#: What help says of it.
RECORDING_HELP = (
    "A saved recording (.zarr or .zarr.zip), the folder of a run, a file of Neurodata Without Borders (.nwb), or a "
    "name that `neurosim list recordings` shows, whose files must be there; NAME:sample is a small one that is drawn."
)
_SAMPLE = ":sample"


class Found(Protocol):
    """What an analysis ends in: text, and JSON values."""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """How recordings are looked at, and where figures go."""

    start: Annotated[str | None, optional("TIME", "its beginning")] = None
    """From when on the first recording counts, such as 500ms."""
    window: Annotated[str, arg(metavar="TIME")] = "100ms"
    """In which spikes are counted for all but rates, intervals and spectra."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Of what is drawn for intervals and surrogates."""
    figures: Annotated[Path | None, optional("DIR", "")] = None
    """Draw what was found into this folder."""
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def reserve(self, figure: str) -> Output:
        """Reserve the figure's place in the folder of --figures, before anything is read or analysed."""
        from neurosim.cli import figures
        from neurosim.cli.results import Results

        results = Results(self.figures, overwrite=self.overwrite)
        place = results.in_folder(figure)
        if place is not None:
            figures.check_plot(place)
        return Output(results, place)

    def show(self, command: Sequence[str], output: Output, found: Found, draw: Callable[[], Figure]) -> int:
        """Print what was found, and write what was asked for; return the exit code.

        Parameters
        ----------
        command
            The words of the command line.
        output
            What was reserved.
        found
            What is to be shown.
        draw
            The figure of it.
        """
        from neurosim.cli import figures
        from neurosim.cli.manifest import surroundings

        if output.figure is not None:
            drawn = draw()
            facts = {"command": ["neurosim", *command], **found.to_dict(), **surroundings()}
            output.results.write({output.figure: lambda path: figures.save(drawn, path)}, facts)
        files = [str(path) for path in output.results.files]
        if self.json:
            print(json.dumps({**found.to_dict(), "files": files}, allow_nan=False))
        else:
            print("\n".join([str(found), *(f"wrote {path}" for path in files)]))
        return 0


@dataclass(frozen=True)
class Output:
    """Where files go: all of them, and the figure, if one was asked for."""

    results: Results
    figure: Path | None


def load_recording(source: str) -> Recording:
    """Return the recording that a command names.

    Raises
    ------
    RecordError
        If there is none.
    FileFormatError
        If a file is not what it should be, or the files of a registered recording are missing.
    """
    from neurosim.datasets import recordings
    from neurosim.recording import Recording

    path = Path(source)
    if path.suffix == ".nwb" and path.is_file():
        return Recording.from_nwb(path)
    if (path / RECORDING).exists():
        return Recording.load(path / RECORDING)
    if path.exists():
        return Recording.load(path)
    name = source.removesuffix(_SAMPLE)
    if name in recordings.names():
        return recordings.load(name, sample=source.endswith(_SAMPLE))
    raise RecordError(
        f"{source!r} is no file, and there is no recording of this name.{nearest(name, recordings.names())}"
    )


def from_time(recording: Recording, start: str | None) -> Recording:
    """Return what was recorded from a time on, which is given as text; all of it if none is."""
    from neurosim.cli.values import parse_time
    from neurosim.recording.times import one_time

    if start is None:
        return recording
    if recording.support is None:
        raise RecordError("--start needs a recording that says when it was observed; this one does not.")
    first, last = one_time(parse_time(start, "--start"), "--start"), recording.support.stop
    if not first < last:
        raise RecordError(f"--start {start}: the recording ends at {last:g} s.")
    return recording.restrict((first, last))
