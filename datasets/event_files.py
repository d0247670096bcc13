"""Files in the layout of the Heidelberg digits (SHD, SSC): one HDF5 file for each split.

``spikes/times`` (seconds) and ``spikes/units`` have one row of their own length for each sample, ``labels`` a number,
``extra/speaker`` who speaks, ``extra/keys`` the names of the labels (Cramer et al. 2022). The published files keep
times in float16, which is a trap for whoever multiplies before converting; those written here are float32. Beside that
they have ``extra/duration`` (seconds), and the facts of the set as JSON in ``extra/neurosim``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.datasets.cache import staged
from neurosim.datasets.events import EventSet
from neurosim.datasets.extras import extra
from neurosim.errors import CircuitError, FileFormatError

_FACTS = "extra/neurosim"
_NEEDED = ("spikes/times", "spikes/units", "labels", "extra/keys")


def write_events(path: str | Path, events: EventSet) -> None:
    """Write a set; the file appears whole or not at all.

    Parameters
    ----------
    path
        Usually ends in ``.h5``. What was there is replaced.
    events
        At most 65,536 units, labels and speakers.
    """
    h5py = extra("h5py", "Writing HDF5 files")
    with staged(Path(path)) as partial, h5py.File(partial, "w") as file:
        n_samples = len(events)
        times = file.create_dataset("spikes/times", (n_samples,), dtype=h5py.vlen_dtype(np.float32))
        units = file.create_dataset("spikes/units", (n_samples,), dtype=h5py.vlen_dtype(np.uint16))
        for sample in range(n_samples):
            (when, where), _ = events[sample]
            times[sample] = when.astype(np.float32)
            units[sample] = where.astype(np.uint16)
        file["labels"] = events.labels.astype(np.uint16)
        file["extra/speaker"] = events.speakers.astype(np.uint16)
        file["extra/keys"] = np.array([key.encode() for key in events.keys])
        if events.durations is not None:
            file["extra/duration"] = events.durations
        file[_FACTS] = json.dumps(dict(events.facts), allow_nan=False)


def read_events(path: str | Path, *, n_units: int = 700) -> EventSet:
    """Read a file of this layout, written here or published.

    Parameters
    ----------
    path
        An ``.h5`` file, unpacked.
    n_units
        How many units there are, which the published files do not say; those written here do.

    Raises
    ------
    FileFormatError
        If the file is missing, cut short, or of another layout.
    """
    h5py = extra("h5py", "Reading HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in _NEEDED if name not in file]
            if missing:
                raise FileFormatError(f"{path}: no {', '.join(missing)}; the layout of SHD needs {', '.join(_NEEDED)}.")
            facts: dict[str, Any] = json.loads(file[_FACTS].asstr()[()]) if _FACTS in file else {}
            times, units = list(file["spikes/times"][:]), list(file["spikes/units"][:])
            keys = [key.decode() if isinstance(key, bytes) else str(key) for key in file["extra/keys"][:]]
            labels = file["labels"][:]
            speakers = file["extra/speaker"][:] if "extra/speaker" in file else None
            durations = file["extra/duration"][:] if "extra/duration" in file else None
    except (OSError, json.JSONDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read as HDF5 ({error}). Is it whole, and unpacked?") from None
    if len(times) != len(units) or any(a.shape != b.shape for a, b in zip(times, units, strict=True)):
        raise FileFormatError(f"{path}: spikes/times and spikes/units differ in length.")
    try:
        return EventSet.from_samples(
            [(when.astype(np.float32, copy=False), where) for when, where in zip(times, units, strict=True)],
            labels,
            keys=keys,
            n_units=int(facts.get("n_units", n_units)),
            speakers=speakers,
            durations=durations,
            facts=facts,
        )
    except CircuitError as error:
        raise FileFormatError(f"{path}: {error}") from None
