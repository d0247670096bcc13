"""The recording that a command names: a file, a folder of a run, or a registered one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.cli.run import RECORDING
from neurosim.errors import RecordError, nearest

if TYPE_CHECKING:
    from neurosim.recording import Recording

#: What help says of it.
RECORDING_HELP = (
    "A saved recording (.zarr or .zarr.zip), the folder of a run, a file of Neurodata Without Borders (.nwb), or a "
    "name that `neurosim list recordings` shows, whose files must be there; NAME:sample is a small one that is drawn."
)
_SAMPLE = ":sample"


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
