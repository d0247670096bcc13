"""Files of SONATA: spikes by population, and reports of variables; milliseconds, and nodes by number.

Dai K. et al. (2020) The SONATA data format for efficient description of large-scale network models. PLoS Comput Biol
16:e1007696; the developer guide at github.com/AllenInstitute/sonata names the datasets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording.exchange.extras import extra
from neurosim.recording.exchange.facts import (
    describe,
    from_text,
    observed_from,
    period_of,
    recording_from,
    to_text,
    trace_from,
    whole_table,
)
from neurosim.recording.exchange.folders import whole_folder
from neurosim.recording.exchange.layout import on_grid
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Intervals, Support
from neurosim.recording.traces import trace_array

if TYPE_CHECKING:
    import xarray

PURPOSE = "Exchange by SONATA files"
FACTS = "neurosim.json"
SPIKES = "spikes.h5"
_SECONDS, _VALUES = "seconds", "values"  # beside timestamps and data, where these do not come back to the last bit
_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = {"none": 0, "by_id": 1, "by_time": 2}
_MS = 1e3
#: Units of reports in SI: text and factor.
_UNITS = {"mV": ("volt", 1e-3), "V": ("volt", 1.0), "nA": ("amp", 1e-9), "pA": ("amp", 1e-12), "uS": ("siemens", 1e-6)}


def to_sonata(recording: Recording, folder: str | Path, *, overwrite: bool) -> None:
    """Write a folder of SONATA files; see `Recording.to_sonata`."""
    h5py = extra("h5py", PURPOSE)
    if recording.n_trials != 1:
        raise RecordError(
            f"to_sonata: SONATA knows one line of time, the recording has {recording.n_trials} trials. Write them one "
            "by one: select(trials=[0])."
        )
    for name, group in recording.traces.items():
        for variable, trace in group.items():
            if trace.dims[2:] != ("neuron",) or period_of(trace["time"].values) is None:
                raise RecordError(f"to_sonata: {name}.{variable} is reduced, of edges, or unevenly sampled.")
    facts = describe(recording)
    for kind in ("intervals", "events"):
        facts[kind] = {name: whole_table(table) for name, table in getattr(recording, kind).items()}
    with whole_folder(Path(folder), overwrite=overwrite, mark=FACTS, kind="folder of SONATA files by neurosim") as new:
        with _created(h5py, new / SPIKES) as file:
            for name, trains in recording.spikes.items():
                _write_spikes(h5py, file.create_group(f"spikes/{_stored(name)}"), trains, recording.metadata.get("dt"))
        for name, group in recording.traces.items():
            for variable, trace in group.items():
                with _created(h5py, new / _report(name, variable)) as file:
                    _write_report(file.create_group(f"report/{_stored(name)}"), trace)
        (new / FACTS).write_text(to_text(facts), encoding="utf-8")


def from_sonata(path: str | Path, *, sizes: Mapping[str, int] | None, support: Intervals | None) -> Recording:
    """Read SONATA files; see `Recording.from_sonata`."""
    source = Path(path)
    if (source / FACTS).is_file() and sizes is None and support is None:
        return _own(source)
    files = sorted(source.glob("*.h5")) if source.is_dir() else [source]
    if not files or not all(file.is_file() for file in files):
        raise FileFormatError(f"{source} does not exist, or holds no .h5 files.")
    spikes: dict[str, SpikeTrains] = {}
    traces: dict[str, dict[str, Any]] = {}
    for one in files:
        with _opened(one) as file:
            if not {"spikes", "report"} & set(file):
                raise FileFormatError(f"{one}: holds neither /spikes nor /report, so it is no SONATA file of results.")
            for name, group in file.get("spikes", {}).items():
                spikes[name] = _read_spikes(one, name, group, sizes or {}, support)
            for name, group in file.get("report", {}).items():
                traces.setdefault(name, {})[one.stem] = _read_report(one, one.stem, group)
    observed = None
    if not spikes and traces:
        times = [trace["time"].values for group in traces.values() for trace in group.values()]
        observed = Support(min(one.min() for one in times), max(one.max() for one in times))
    return Recording(spikes, traces, support=observed)


def _stored(name: str) -> str:
    return name.replace("/", "__")


def _report(name: str, variable: str) -> str:
    return f"{_stored(name)}.{_stored(variable)}.h5"


@contextmanager
def _created(h5py: Any, path: Path) -> Iterator[Any]:
    with h5py.File(path, "w") as file:
        file.attrs["magic"] = np.uint32(_MAGIC)
        file.attrs["version"] = np.array(_VERSION, dtype=np.uint32)
        yield file


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = extra("h5py", PURPOSE)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read as HDF5 ({error}).") from None
    with file:
        yield file


# -- spikes ----------------------------------------------------------------------------------------------------------


def _write_spikes(h5py: Any, group: Any, trains: SpikeTrains, dt: float | None) -> None:
    group.attrs.create("sorting", _SORTING["by_time"], dtype=h5py.enum_dtype(_SORTING, basetype="u1"))
    stamps = group.create_dataset("timestamps", data=trains.times * _MS)
    stamps.attrs["units"] = "ms"
    group.create_dataset("node_ids", data=trains.neurons.astype(np.uint64))
    if not np.array_equal(on_grid(trains.times * _MS / _MS, dt), trains.times):
        group.create_dataset(_SECONDS, data=trains.times)


def _read_spikes(path: Path, name: str, group: Any, sizes: Mapping[str, int], support: Intervals | None) -> SpikeTrains:
    _need(path, group, "timestamps", "node_ids")
    unit = _text(group["timestamps"].attrs.get("units", "ms"))
    if unit not in ("ms", "s"):
        raise FileFormatError(f"{path}: the spikes of {name} have times in {unit!r}; ms and s are known.")
    times = group["timestamps"][:].astype(np.float64) / (_MS if unit == "ms" else 1.0)
    nodes = group["node_ids"][:].astype(np.int64)
    if nodes.size != times.size:
        raise FileFormatError(f"{path}: {name} has {times.size} timestamps and {nodes.size} node_ids.")
    n = sizes.get(name, int(nodes.max(initial=-1)) + 1)
    observed = Support(min(0.0, times.min(initial=0.0)), times.max(initial=0.0))
    if support is not None:
        observed = Support.of(support)
        inside = observed.contains(times, np.zeros(times.size, np.int64))
        times, nodes = times[inside], nodes[inside]
    return SpikeTrains(times, nodes, n, support=observed)


# -- reports ---------------------------------------------------------------------------------------------------------


def _write_report(group: Any, trace: xarray.DataArray) -> None:
    times, nodes = trace["time"].values, trace["neuron"].values
    period = period_of(times) or 0.0
    data = group.create_dataset("data", data=trace.values[0].astype(np.float32))  # readers of SONATA take no other type
    data.attrs["units"] = str(trace.attrs["units"])
    if not np.array_equal(data[:], trace.values[0], equal_nan=trace.dtype.kind == "f"):
        group[_VALUES] = trace.values[0]
    mapping = group.create_group("mapping")
    mapping["node_ids"] = nodes.astype(np.uint64)
    mapping["index_pointers"] = np.arange(nodes.size + 1, dtype=np.uint64)
    mapping["element_ids"] = np.zeros(nodes.size, dtype=np.uint32)
    clock = mapping.create_dataset("time", data=np.array([times[0], times[-1] + period, period]) * _MS)
    clock.attrs["units"] = "ms"


def _read_report(path: Path, variable: str, group: Any) -> xarray.DataArray:
    _need(path, group, "data", "mapping/node_ids", "mapping/time")
    mapping, data = group["mapping"], group["data"][:]
    start, stop, step = (float(value) / _MS for value in mapping["time"][:])
    nodes = mapping["node_ids"][:].astype(np.int64)
    pointers = next((mapping[name][:] for name in ("index_pointers", "index_pointer") if name in mapping), None)
    if data.ndim != 2 or step <= 0 or stop < start:
        raise FileFormatError(f"{path}: data {data.shape} and mapping/time do not make a report.")
    if pointers is not None and pointers.size == nodes.size + 1:
        nodes = np.repeat(nodes, np.diff(pointers.astype(np.int64)))
    if nodes.size != data.shape[1]:
        raise FileFormatError(f"{path}: {data.shape[1]} columns of data, but the mapping names {nodes.size} elements.")
    text = _text(group["data"].attrs.get("units", "1")) or "1"
    unit, factor = _UNITS.get(text, (text, 1.0))
    trace = trace_array(
        (data * factor)[np.newaxis] if factor != 1 else data[np.newaxis],
        variable=variable,
        unit=unit,
        time=start + np.arange(len(data)) * step,
        columns=nodes,
    )
    if "element_ids" in mapping and np.unique(nodes).size < nodes.size:
        trace = trace.assign_coords(element=("neuron", mapping["element_ids"][:].astype(np.int64)))
    return trace


# -- what neurosim wrote ---------------------------------------------------------------------------------------------


def _own(folder: Path) -> Recording:
    try:
        facts = from_text((folder / FACTS).read_text(encoding="utf-8"), str(folder))
    except (OSError, json.JSONDecodeError) as error:
        raise FileFormatError(f"{folder / FACTS}: cannot be read ({error}).") from None
    dt, spikes = facts["metadata"].get("dt"), {}
    with _opened(folder / SPIKES) as file:
        for name, one in facts["populations"].items():
            _need(folder / SPIKES, file, f"spikes/{_stored(name)}")
            group = file[f"spikes/{_stored(name)}"]
            _need(folder / SPIKES, group, "timestamps", "node_ids")
            times = group[_SECONDS][:] if _SECONDS in group else on_grid(group["timestamps"][:] / _MS, dt)
            spikes[name] = SpikeTrains(times, group["node_ids"][:].astype(np.int64), one["n"], **observed_from(one))
    traces: dict[str, dict[str, Any]] = {}
    for name, variables in facts["traces"].items():
        traces[name] = {}
        for variable, one in variables.items():
            path = folder / _report(name, variable)
            with _opened(path) as file:
                _need(path, file, f"report/{_stored(name)}/data")
                group = file[f"report/{_stored(name)}"]
                values: NDArray[Any] = group[_VALUES if _VALUES in group else "data"][:]
            if [1, *values.shape] != one["shape"]:
                raise FileFormatError(f"{path}: is not what was written with {FACTS}.")
            traces[name][variable] = trace_from(values[np.newaxis], one)
    return recording_from(
        spikes,
        traces,
        facts,
    )


def _need(path: Path, group: Any, *names: str) -> None:
    missing = [name for name in names if name not in group]
    if missing:
        raise FileFormatError(f"{path}: no {', '.join(missing)} in {group.name}; SONATA needs {', '.join(names)}.")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
