"""NWB files written: units with spike times, series, tables of intervals and events; trials one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording.exchange.extras import extra
from neurosim.recording.exchange.facts import NAME, describe, period_of, plain_column, to_text
from neurosim.recording.exchange.layout import Layout
from neurosim.recording.exchange.nwb_imaging import Imaging, is_imaged
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains

if TYPE_CHECKING:
    import pandas

PURPOSE = "Exchange by NWB files"
TRACES = "traces"
NWB_UNITS = {"volt": "volts", "amp": "amperes", "second": "seconds", "metre": "meters", "1": "n.a."}
RESERVED = (
    "id", "name", "description", "tags", "timeseries", "timestamp", "duration", "annotation", "start_time", "stop_time",
    "colnames", "columns", "spike_times", "obs_intervals", "electrodes", "electrode_group",
)  # fmt: skip
#: Fields of a file that may be given in the metadata.
FIELDS = ("experimenter", "institution", "lab", "experiment_description", "keywords", "related_publications", "notes")
#: What must be said of a subject of which nothing is known; of a simulation there is none to speak of.
NO_SUBJECT = {"subject_id": "none", "description": "Not stated.", "age": "P0D/", "sex": "U"}
NO_ANIMAL = {**NO_SUBJECT, "description": "A simulation: there is no animal."}
HDF5 = b"\x89HDF\r\n\x1a\n"


def to_nwb(
    recording: Recording,
    path: str | Path,
    *,
    overwrite: bool,
    session_start_time: datetime | None,
    subject: Mapping[str, str] | None,
) -> None:
    """Write an NWB file; see `Recording.to_nwb`."""
    pynwb = extra("pynwb", PURPOSE)
    target = Path(path)
    _check_target(target, overwrite)
    file = _file(recording, session_start_time, subject)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=target.parent) as scratch:
        complete = Path(scratch) / "new.nwb"
        with pynwb.NWBHDF5IO(str(complete), "w") as stream:
            stream.write(file)
        complete.replace(target)


def stored_name(name: str) -> str:
    """Return a name that may stand in an NWB file: no slash, no colon, and none that means something else there."""
    plain = name.replace("/", "__").replace(":", "_")
    return f"{plain}_" if plain in RESERVED else plain


def _file(recording: Recording, start: datetime | None, subject: Mapping[str, str] | None) -> Any:
    pynwb = extra("pynwb", PURPOSE)
    metadata, layout = recording.metadata, Layout.of(recording)
    facts = {**describe(recording), "layout": {"offsets": layout.offsets, "first": layout.first, "last": layout.last}}
    default = f"Simulation of the circuit {metadata['circuit']}" if "circuit" in metadata else "A recording"
    file = pynwb.NWBFile(
        session_description=str(metadata.get("session_description") or default),
        identifier=str(metadata.get("identifier") or sha256(to_text(facts).encode()).hexdigest()[:32]),
        session_start_time=_start(start, metadata),
        **{name: metadata[name] for name in FIELDS if metadata.get(name)},
    )
    given = {**(NO_ANIMAL if "backend" in metadata else NO_SUBJECT), **dict(subject or metadata.get("subject") or {})}
    file.subject = pynwb.file.Subject(**given)
    if recording.spikes:
        file.units = _units(recording, layout, facts)
    _add_traces(file, recording, layout)
    _add_tables(file, recording, layout)
    file.add_scratch(
        to_text(facts), name=NAME, description="What neurosim needs to read this file as it was written, as JSON."
    )
    return file


def _start(given: datetime | None, metadata: Mapping[str, Any]) -> datetime:
    start = given
    if start is None and "session_start_time" in metadata:
        start = datetime.fromisoformat(metadata["session_start_time"])
    if start is None:
        return datetime.now(UTC)
    return start if start.tzinfo is not None else start.replace(tzinfo=UTC)


# -- spikes ----------------------------------------------------------------------------------------------------------


def _units(recording: Recording, layout: Layout, facts: dict[str, Any]) -> Any:
    misc, dt = extra("pynwb.misc", PURPOSE), recording.metadata.get("dt")
    parts = [_ordered(trains, layout) for trains in recording.spikes.values()]
    laid, own, trials, counts = (np.concatenate([part[column] for part in parts]) for column in range(4))
    columns = _ragged("spike_times", "when the unit fired, in seconds", laid, counts)
    facts["trial_times"] = not np.array_equal(layout.own(laid, trials, dt), own)
    if facts["trial_times"]:
        columns += _ragged("trial_times", "the same in the time of its trial, in seconds", own, counts)
    if all(trains.support is not None for trains in recording.spikes.values()):
        spans = [_observed(trains, layout) for trains in recording.spikes.values()]
        columns += _ragged(
            "obs_intervals",
            "when the unit was observed, in seconds",
            np.concatenate([np.tile(span, (n, 1)) for span, n in spans]),
            np.concatenate([np.full(n, len(span)) for span, n in spans]),
        )
    sizes = {name: trains.n for name, trains in recording.spikes.items()}
    columns.append(_column("population", np.repeat(list(sizes), list(sizes.values())), "the population of the unit"))
    columns.append(_column("neuron", np.concatenate([np.arange(n) for n in sizes.values()]), "its number there"))
    columns += _unit_columns(recording.units, sizes)
    return misc.Units(
        name="units",
        description="Every neuron whose spikes were recorded, silent ones included.",
        id=np.arange(counts.size),
        columns=columns,
        colnames=[column.name for column in columns if not column.name.endswith("_index")],
        **({"resolution": dt} if isinstance(dt, float) else {}),
    )


def _ordered(trains: SpikeTrains, layout: Layout) -> tuple[NDArray[Any], ...]:
    """Return the times on the line, those of the trial, and the trials, unit by unit; and the number of each unit's."""
    order = np.argsort(trains.neurons, kind="stable")
    own, trials = trains.times[order], trains.trials[order]
    return layout.laid(own, trials), own, trials, np.bincount(trains.neurons, minlength=trains.n)


def _observed(trains: SpikeTrains, layout: Layout) -> tuple[NDArray[np.float64], int]:
    support = trains.support
    if support is None:
        raise RecordError("The observed time is not known.")
    return np.stack([layout.laid(edges, support.trials) for edges in (support.starts, support.stops)], axis=1), trains.n


def _unit_columns(units: pandas.DataFrame, sizes: Mapping[str, int]) -> list[Any]:
    """Return what is known of units, for other readers; neurosim reads it from the facts, with what is missing."""
    edges = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1], strict=True))
    known = units[units["population"].isin(list(sizes))]
    if known.empty:
        return []
    rows = known["population"].map(edges).to_numpy() + known["neuron"].to_numpy()
    columns = []
    for name in known.columns.drop(["population", "neuron"]):
        values = plain_column(known[name])
        whole = np.full(sum(sizes.values()), np.nan if values.dtype.kind == "f" else 0).astype(values.dtype)
        whole[:] = "" if values.dtype.kind == "U" else whole
        whole[rows] = values
        columns.append(_column("unit_name" if name == "id" else stored_name(name), whole, f"{name} of the unit"))
    return columns


# -- traces ----------------------------------------------------------------------------------------------------------


def _add_traces(file: Any, recording: Recording, layout: Layout) -> None:
    module, imaging = None, Imaging(file)
    for owner, group in recording.traces.items():
        for variable, trace in group.items():
            if not trace.size:
                continue
            if is_imaged(trace):
                imaging.add(owner, series_name(owner, variable), trace, _samples(owner, variable, trace, layout))
                continue
            if module is None:
                module = file.create_processing_module(name=TRACES, description="Variables, sampled.")
            module.add(_series(owner, variable, trace, layout))


def series_name(owner: str, variable: str) -> str:
    """Return the name under which a trace is stored."""
    return stored_name(f"{owner}.{variable}")


def _series(owner: str, variable: str, trace: Any, layout: Layout) -> Any:
    """Return a trace as a time series; as a table with a row for each column, if these are more than the samples."""
    pynwb, common = extra("pynwb", PURPOSE), extra("hdmf.common", PURPOSE)
    name, unit = series_name(owner, variable), str(trace.attrs["units"])
    series = _samples(owner, variable, trace, layout)
    values = series["data"]
    if values.ndim == 2 and values.shape[1] > values.shape[0]:
        dimension = str(trace.dims[2])
        columns = [
            _column(dimension, trace[dimension].values, f"number of the {dimension}"),
            _column("values", values.T, f"{variable} in {NWB_UNITS.get(unit, unit)}, (column, time)"),
        ]
        return common.DynamicTable(
            name=name,
            description=f"{series['description']}: a row for each {dimension}, {_span(trace, layout)}.",
            id=np.arange(values.shape[1]),
            columns=columns,
            colnames=[column.name for column in columns],
        )
    return pynwb.TimeSeries(name=name, **series)


def _samples(owner: str, variable: str, trace: Any, layout: Layout) -> dict[str, Any]:
    """Return what a series is made of: its trials one after the other."""
    unit, stamps = str(trace.attrs["units"]), _stamps(trace, layout)
    period = period_of(stamps)
    when = {"timestamps": stamps} if period is None else {"starting_time": float(stamps[0]), "rate": 1 / period}
    return {
        "description": f"{variable} of {owner}" + (f", {trace.attrs['reduce']}" if "reduce" in trace.attrs else ""),
        "data": np.concatenate(list(trace.values)),
        "unit": NWB_UNITS.get(unit, unit),
        **when,
    }


def _stamps(trace: Any, layout: Layout) -> NDArray[np.float64]:
    times, trials = trace["time"].values, trace.sizes["trial"]
    return layout.laid(np.tile(times, trials), np.repeat(np.arange(trials), times.size))


def _span(trace: Any, layout: Layout) -> str:
    stamps = _stamps(trace, layout)
    return f"{stamps.size} samples from {stamps[0]:g} s to {stamps[-1]:g} s"


# -- tables ----------------------------------------------------------------------------------------------------------


def _add_tables(file: Any, recording: Recording, layout: Layout) -> None:
    names = {"start": "start_time", "stop": "stop_time", "time": "timestamp"}
    for name, table in recording.intervals.items():
        if not table.empty:
            columns = _columns(layout.table(table), {"start": names["start"], "stop": names["stop"]})
            file.add_time_intervals(_table("pynwb.epoch", "TimeIntervals", interval_name(name, layout), columns))
    for name, table in recording.events.items():
        if not table.empty:
            columns = _columns(layout.table(table), {"time": names["time"]})
            file.add_events_table(_table("pynwb.event", "EventsTable", stored_name(name), columns))
    if len(layout.offsets) > 1:
        columns = [
            _column("start_time", np.array(layout.offsets) + layout.first, "when the trial begins"),
            _column("stop_time", np.array(layout.offsets) + layout.last, "when the trial ends"),
            _column("time_zero", np.array(layout.offsets), "where the time of the trial is 0, in seconds"),
        ]
        file.trials = _table("pynwb.epoch", "TimeIntervals", "trials", columns)


def interval_name(name: str, layout: Layout) -> str:
    """Return the name under which intervals are stored; ``trials`` is where the trials lie, if there are several."""
    return "trials_of_the_recording" if name == "trials" and len(layout.offsets) > 1 else stored_name(name)


def _columns(table: pandas.DataFrame, times: Mapping[str, str]) -> list[Any]:
    columns = []
    for name in sorted(table, key=lambda name: name not in times):
        plain = plain_column(table[name])
        if name in times:
            made = extra("pynwb.event", PURPOSE).TimestampVectorData if name == "time" else None
            columns.append(_column(times[name], plain, f"{name} in seconds", made))
        else:
            columns.append(_column(stored_name(name), plain, name))
    return columns


def _table(module: str, kind: str, name: str, columns: list[Any]) -> Any:
    return getattr(extra(module, PURPOSE), kind)(
        name=name,
        description=name,
        id=np.arange(len(columns[0].data)),
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _column(name: str, data: NDArray[Any], description: str, made: Any = None) -> Any:
    return (made or extra("hdmf.common", PURPOSE).VectorData)(name=name, description=description, data=data)


def _ragged(name: str, description: str, data: NDArray[Any], counts: Iterable[int]) -> list[Any]:
    column = _column(name, data, description)
    index = extra("hdmf.common", PURPOSE).VectorIndex(
        name=f"{name}_index", data=np.cumsum(np.asarray(counts, dtype=np.int64)), target=column
    )
    return [column, index]


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise FileFormatError(f"{target.parent} is not a folder; create it first.")
    if not target.exists():
        return
    if not overwrite:
        raise FileFormatError(f"{target} exists already. Choose another name, or give overwrite=True.")
    with target.open("rb") if target.is_file() else tempfile.TemporaryFile() as stream:
        if stream.read(len(HDF5)) != HDF5:
            raise FileFormatError(f"{target} exists and is no NWB file, so it is not replaced. Choose another name.")
