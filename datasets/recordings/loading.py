"""A recording by name: from its published files, or drawn in their form."""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path
from typing import Any

from neurosim.cache_folder import cache_folder
from neurosim.datasets.downloads import OFFLINE, fetched, is_offline
from neurosim.datasets.recordings.catalogue import RecordingSet, describe
from neurosim.errors import CircuitError, FileFormatError, nearest
from neurosim.recording.recording import Recording


def load(
    name: str, *, sample: bool = False, folder: str | Path | None = None, download: bool = False, **options: Any
) -> Recording:
    """Load a recording.

    Parameters
    ----------
    name
        One of :func:`~neurosim.datasets.recordings.names`.
    sample
        A small recording of our own making instead, written in the form of the published files and read as they are. It
        is drawn from random numbers, the same each time, and says of itself that it is ``synthetic``.
    folder
        Where the published files are; by default a folder of this name in ``recordings`` in that of NEUROSIM_CACHE or
        the user's cache.
    download
        Fetch files that are not there. The environment variable NEUROSIM_OFFLINE=1 forbids it.
    **options
        What this recording can be asked beside: the keywords of ``describe(name).function("read")``.

    Returns
    -------
    Recording
        Its metadata hold ``dataset``, ``licence``, ``citation``, ``source``, ``form`` and ``synthetic``.

    Raises
    ------
    CircuitError
        If there is no such recording or option.
    FileFormatError
        If a file is missing (the message says the licence, and how to get it), or is not what it should be.

    Examples
    --------
    >>> load("grasshopper-receptor", sample=True).metadata["synthetic"]
    True
    """
    known = describe(name)
    read = known.function("read")
    accepted = list(inspect.signature(read).parameters)[1:]
    for option in options:
        if option not in accepted:
            raise CircuitError(f"recordings.load({name!r}): no option {option!r}.{nearest(option, accepted)}")
    if sample:
        with tempfile.TemporaryDirectory() as scratch:
            known.function("draw")(Path(scratch))
            recording = read(Path(scratch), **options)
        return _labelled(recording, known, synthetic=True)
    place = cache_folder() / "recordings" / name if folder is None else Path(folder).expanduser()
    _provide(known, place, download=download)
    return _labelled(read(place, **options), known, synthetic=False)


def _provide(known: RecordingSet, folder: Path, *, download: bool) -> None:
    missing = [name for name in known.wanted if not any((folder / f"{name}{end}").exists() for end in ("", ".gz"))]
    if not missing:
        return
    if download and known.files and not is_offline():
        for file in known.files:
            fetched(file, folder, download=True, what=known.name)
        return
    call = f"neurosim.datasets.recordings.load({known.name!r}, download=True)"
    how = f"`{call}` fetches it" if known.files else f"`{known.fetch}` fetches it"
    forbidden = f" ({OFFLINE} is set, which forbids downloads)" if is_offline() else ""
    raise FileFormatError(
        f"{known.name}: {', '.join(missing)} not in {folder}. {how} from {known.source}{forbidden}; or give folder=, "
        f"or sample=True for a small one that is drawn. Licence: {known.licence}. Cite: {known.citation}."
    )


def _labelled(recording: Recording, known: RecordingSet, *, synthetic: bool) -> Recording:
    """Return a recording with what is known of its origin."""
    facts = {
        "dataset": known.name,
        "form": known.form,
        "synthetic": synthetic,
        "licence": known.licence,
        "citation": known.citation,
        "source": known.source,
    }
    if synthetic:
        facts |= {
            "licence": "Apache-2.0 (part of neurosim)",
            "citation": f"Drawn by neurosim in the form of {known.name}; nothing was measured",
            "source": "neurosim",
        }
    return Recording(
        recording.spikes,
        recording.traces,
        None,
        {**recording.metadata, **facts},
        support=recording.given_support,
        intervals=recording.intervals,
        events=recording.events,
        units=recording.units,
    )
