"""Folders of suite2p: what regions of a two-photon movie showed, as arrays (region, frame).

Its ``ops.npy`` and ``stat.npy`` are pickles, which run what is in them when they are opened. They are neither read nor
written: the frame rate has to be given, and where the regions lie is not known. A suite2p folder may hold the same in
``Fall.mat``, from which the frame rate is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording.exchange.facts import describe, from_text, recording_from, to_text, trace_from
from neurosim.recording.exchange.folders import whole_folder
from neurosim.recording.recording import Recording
from neurosim.recording.support import Support
from neurosim.recording.traces import trace_array
from neurosim.units import to_si, unit_of

if TYPE_CHECKING:
    import pandas

FACTS = "neurosim.json"
#: What the arrays hold: the variable of each file, and its modality.
FILES = {
    "fluorescence": ("F.npy", "fluorescence, raw"),
    "neuropil": ("Fneu.npy", "fluorescence of the neuropil around a region, raw"),
    "deconvolved": ("spks.npy", "deconvolved activity"),
}
_CELLS = "iscell.npy"


def from_suite2p(folder: str | Path, *, frame_rate: Any, population: str) -> Recording:
    """Read a folder of suite2p; see `Recording.from_suite2p`."""
    plane = _plane(Path(folder))
    arrays = {variable: _array(plane / name, 2) for variable, (name, _) in FILES.items() if (plane / name).exists()}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1:
        raise FileFormatError(f"{plane}: {', '.join(FILES[name][0] for name in arrays)} differ in shape: {shapes}.")
    if (plane / FACTS).exists() and frame_rate is None:
        return _own(plane, arrays)
    n_regions, n_frames = shapes.pop()
    rate = _frame_rate(plane, frame_rate)
    times = np.arange(n_frames) / rate
    traces = {}
    for variable, values in arrays.items():
        trace = trace_array(values.T[np.newaxis], variable=variable, unit="1", time=times)
        trace.attrs["modality"] = FILES[variable][1]
        traces[variable] = trace
    return Recording(
        {},
        {population: traces},
        None,
        {"frame_rate": rate},
        support=Support(0.0, n_frames / rate),
        units=_units(plane, population, n_regions),
    )


def to_suite2p(recording: Recording, folder: str | Path, *, population: str | None, overwrite: bool) -> None:
    """Write a folder of suite2p; see `Recording.to_suite2p`."""
    if population is not None:
        recording = _imaged(recording, population)
    held = [name for name, group in recording.traces.items() if group]
    others = [f"spikes of {name}" for name in recording.spikes]
    others += [f"the {kind} {name!r}" for kind in ("intervals", "events") for name in getattr(recording, kind)]
    imaged = next((name for name in held if "fluorescence" in recording.traces[name]), None)
    others += [f"traces of {name}" for name in held if name != imaged]
    if imaged is None:
        raise RecordError(f"to_suite2p: no object has a trace 'fluorescence'; there are {', '.join(held) or 'none'}.")
    group = recording.traces[imaged]
    others += [f"{imaged}.{variable}" for variable in group if variable not in FILES]
    if others or recording.n_trials != 1:
        others += [f"{recording.n_trials} trials"] if recording.n_trials != 1 else []
        raise RecordError(
            f"to_suite2p: a folder of suite2p has no place for {', '.join(others)}. Choose with select(), or "
            "leave out all but one object with population=."
        )
    facts = {**describe(recording), "population": imaged}
    units = recording.units
    with whole_folder(
        Path(folder), overwrite=overwrite, mark=FILES["fluorescence"][0], kind="folder of suite2p"
    ) as new:
        for variable, trace in group.items():
            np.save(new / FILES[variable][0], np.ascontiguousarray(trace.values[0].T), allow_pickle=False)
        n_regions = group["fluorescence"].shape[2]
        cells = np.ones((n_regions, 2), dtype=np.float32)
        for column, name in enumerate(("accepted", "probability")):
            if name in units and len(units) == n_regions:
                cells[:, column] = units[name].to_numpy(dtype=np.float32)
        np.save(new / _CELLS, cells, allow_pickle=False)
        (new / FACTS).write_text(to_text(facts), encoding="utf-8")


def _imaged(recording: Recording, population: str) -> Recording:
    """Return what a folder of suite2p can hold of one object."""
    units = recording.units
    return Recording(
        {},
        {population: {name: trace for name, trace in recording.traces[population].items() if name in FILES}},
        None,
        recording.metadata,
        support=recording.support,
        units=units[units["population"] == population],
    )


def _plane(folder: Path) -> Path:
    """Return the folder that holds the arrays: the given one, or the only plane in it."""
    name = FILES["fluorescence"][0]
    if (folder / name).is_file():
        return folder
    planes = sorted(path.parent for path in folder.glob(f"**/plane*/{name}"))
    if len(planes) != 1:
        found = f"it holds {len(planes)} planes: {', '.join(map(str, planes))}" if planes else f"there is no {name}"
        raise FileFormatError(f"{folder} is no folder of one plane of suite2p: {found}.")
    return planes[0]


def _array(path: Path, dimensions: int) -> NDArray[Any]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileFormatError(f"{path}: cannot be read as an array ({error}).") from None
    if values.ndim != dimensions or values.dtype.kind not in "biuf" or not values.size:
        raise FileFormatError(f"{path}: needs numbers in {dimensions} dimensions, has {values.dtype} {values.shape}.")
    return np.asarray(values)


def _frame_rate(plane: Path, given: Any) -> float:
    if given is not None:
        rate = float(to_si(given, "1" if unit_of(given) == "1" else "hertz", "frame_rate"))
    elif (plane / "Fall.mat").is_file():
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        try:
            rate = float(loadmat(plane / "Fall.mat", variable_names=["ops"])["ops"]["fs"][0, 0].item())
        except (OSError, ValueError, KeyError, TypeError, NotImplementedError, MatReadError) as error:
            raise FileFormatError(f"{plane / 'Fall.mat'}: says no frame rate ({error}); give frame_rate=.") from None
    else:
        raise RecordError(
            f"from_suite2p: {plane} does not say its frame rate in a form that is safe to open (ops.npy is a pickle). "
            "Give frame_rate=, which is ops['fs']."
        )
    if not (np.isfinite(rate) and rate > 0):
        raise RecordError(f"from_suite2p: frame_rate must be positive, got {rate:g} Hz.")
    return rate


def _units(plane: Path, population: str, n_regions: int) -> pandas.DataFrame:
    import pandas

    columns: dict[str, Any] = {
        "population": population,
        "neuron": np.arange(n_regions),
        "id": [str(region) for region in range(n_regions)],
        "identified": False,  # the number of a region is that of this movie
    }
    if (plane / _CELLS).exists():
        cells = _array(plane / _CELLS, 2)
        if cells.shape != (n_regions, 2):
            raise FileFormatError(f"{plane / _CELLS}: has shape {cells.shape}, {n_regions} regions need two columns.")
        columns |= {"accepted": cells[:, 0] > 0.5, "probability": cells[:, 1].astype(np.float64)}
    return pandas.DataFrame(columns)


def _own(plane: Path, arrays: Mapping[str, NDArray[Any]]) -> Recording:
    try:
        facts = from_text((plane / FACTS).read_text(encoding="utf-8"), str(plane))
    except (OSError, json.JSONDecodeError) as error:
        raise FileFormatError(f"{plane / FACTS}: cannot be read ({error}).") from None
    population = facts["population"]
    traces = {}
    for variable, one in facts["traces"][population].items():
        values = arrays.get(variable)
        if values is None or [1, *values.T.shape] != one["shape"]:
            raise FileFormatError(f"{plane}: {FILES[variable][0]} is not what was written with {FACTS}.")
        traces[variable] = trace_from(values.T[np.newaxis], one)
    return recording_from(
        {},
        {population: traces},
        facts,
        intervals={},
        events={},
    )
