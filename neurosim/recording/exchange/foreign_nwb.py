"""NWB files that others wrote."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError, nearest
from neurosim.recording.exchange.nwb_columns import joined, plain_values
from neurosim.recording.exchange.nwb_regions import by_time, regions_of
from neurosim.recording.memory import available_bytes, byte_text
from neurosim.recording.planning import SHARE_OF_MEMORY
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Intervals, Support
from neurosim.recording.traces import trace_array

if TYPE_CHECKING:
    import pandas
    import xarray

#: Series that are read only if they are named: what was measured before spikes and rates of change were drawn from it.
RAW = ("ElectricalSeries", "ImageSeries", "OnePhotonSeries", "TwoPhotonSeries", "IndexSeries", "ImageMaskSeries")
UNKNOWN = "unknown"
_UNITS = {"volts": "volt", "V": "volt", "amperes": "amp", "A": "amp", "seconds": "second", "s": "second",
          "meters": "metre", "m": "metre", "Hz": "hertz", "n.a.": "1", "na": "1", "a.u.": "1", "": "1"}  # fmt: skip
_FACTS = ("session_description", "identifier", "institution", "lab", "experiment_description", "notes")
_OURS = ("population", "neuron", "id")
_ABOUT = ("subject_id", "species", "age", "sex", "strain", "genotype", "description")

_log = logging.getLogger(__name__)


def foreign_file(file: Any, populations: str | None, series: list[str] | None, support: Intervals | None) -> Recording:
    """Return what a file holds of a recording; see `Recording.from_nwb`."""
    intervals = {name: _table(table) for name, table in (file.intervals or {}).items()}
    spikes, sorted_units = _spikes(file, populations, intervals, support)
    chosen = _chosen(file, series)
    traces = {name: {"data": _trace(one)} for name, one in chosen.items()}
    imaged = [regions for name, one in chosen.items() if (regions := regions_of(name, one)) is not None]
    for regions in imaged:
        traces[regions.name]["data"].attrs.update(regions.about)
    observed = None if support is None else Support.of(support)
    if observed is None and not spikes and traces:
        times = [trace["time"].values for group in traces.values() for trace in group.values()]
        observed = Support(min(one.min() for one in times), max(one.max() for one in times))
    return Recording(
        spikes,
        traces,
        None,
        _metadata(file),
        support=observed,
        intervals=intervals,
        events={name: _table(table) for name, table in (getattr(file, "events", None) or {}).items()},
        units=joined([*sorted_units, *(regions.units for regions in imaged)]),
    )


def _metadata(file: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(file, name) for name in _FACTS if getattr(file, name, None)}
    facts["session_start_time"] = file.session_start_time.isoformat()
    for name in ("experimenter", "related_publications", "keywords"):
        if getattr(file, name, None) is not None and len(getattr(file, name)):
            facts[name] = [str(value) for value in getattr(file, name)]
    if file.subject is not None:
        about = {name: getattr(file.subject, name, None) for name in _ABOUT}
        facts |= {"subject": {name: str(value) for name, value in about.items() if value}}
    return facts


# -- units -----------------------------------------------------------------------------------------------------------


def _spikes(
    file: Any, key: str | None, intervals: Mapping[str, Any], support: Intervals | None
) -> tuple[dict[str, SpikeTrains], list[pandas.DataFrame]]:
    import pandas

    if file.units is None or "spike_times" not in file.units:
        return {}, []
    table = file.units
    columns = {name: column for name in table.colnames if (column := plain_values(table[name])) is not None}
    names = _populations(table, columns, key)
    ends = np.asarray(table["spike_times"].data[:], dtype=np.int64)
    flat = np.asarray(table["spike_times"].target.data[:], dtype=np.float64)
    times = np.split(flat, ends[:-1])
    spans = _spans(table)
    spikes, parts = {}, []
    for name in dict.fromkeys(names):
        rows = [row for row, other in enumerate(names) if other == name]
        observed = _observed(name, rows, times, spans, intervals) if support is None else Support.of(support)
        mine = np.concatenate([times[row] for row in rows])
        neurons = np.repeat(np.arange(len(rows)), [times[row].size for row in rows])
        kept = observed.contains(mine, np.zeros(mine.size, np.int64)) if support is not None else slice(None)
        spikes[name] = SpikeTrains(mine[kept], neurons[kept], len(rows), support=observed)
        parts.append(
            pandas.DataFrame(
                {
                    "population": name,
                    "neuron": np.arange(len(rows)),
                    "id": np.asarray(table.id[:])[rows],
                    **{column: values[rows] for column, values in columns.items() if column not in _OURS},
                    "identified": False,  # a sorter's cluster is no cell that is known elsewhere
                }
            )
        )
    return spikes, parts


def _populations(table: Any, columns: Mapping[str, NDArray[Any]], key: str | None) -> list[str]:
    if key is None and "population" not in columns:
        return ["units"] * len(table.id)
    name = key or "population"
    if name not in columns:
        raise RecordError(f"from_nwb: the units have no column {name!r} to go by.{nearest(name, columns)}")
    values = [str(value) for value in columns[name]]
    if name == "location" and "electrode_group" in table.colnames:  # many files say it there
        groups = [str(getattr(group, "location", "") or "") for group in table["electrode_group"].data[:]]
        values = [value or group for value, group in zip(values, groups, strict=True)]
    return [value or UNKNOWN for value in values]


def _spans(table: Any) -> list[NDArray[np.float64]] | None:
    if "obs_intervals" not in table.colnames:
        return None
    ends = np.asarray(table["obs_intervals"].data[:], dtype=np.int64)
    flat = np.asarray(table["obs_intervals"].target.data[:], dtype=np.float64).reshape(-1, 2)
    return np.split(flat, ends[:-1])


def _observed(
    name: str,
    rows: list[int],
    times: list[NDArray[np.float64]],
    spans: list[NDArray[np.float64]] | None,
    intervals: Mapping[str, Any],
) -> Support:
    """Return when a population was observed: what its units say, else the epochs, else until the last spike."""
    if spans is not None:
        said = [Support.of(spans[row]) for row in rows]
        if any(one != said[0] for one in said):
            raise RecordError(
                f"from_nwb: the units of {name!r} were not observed at the same times (obs_intervals). Tell "
                "populations apart by another column, or give support= to read a time in which all were observed."
            )
        return said[0]
    spikes = np.concatenate(times)  # of all units, since they were in one session
    first, last = float(spikes.min(initial=0.0)), float(spikes.max(initial=0.0))
    if "epochs" in intervals and len(intervals["epochs"]):
        epochs = Support.of(intervals["epochs"])
        if epochs.contains(spikes, np.zeros(spikes.size, np.int64)).all():
            return epochs
        first, last = min(first, epochs.start), max(last, epochs.stop)
    return Support(first, last)


# -- tables ----------------------------------------------------------------------------------------------------------


def _table(table: Any) -> pandas.DataFrame:
    """Return a table of intervals or events; lists of texts are joined, what else is no single value is left out."""
    import pandas

    names = {"start_time": "start", "stop_time": "stop", "timestamp": "time"}
    columns: dict[str, Any] = {}
    for name in table.colnames:
        values = plain_values(table[name])
        if values is None and name == "tags":
            values = np.array([", ".join(map(str, table[name][row])) for row in range(len(table.id))], dtype=object)
        if values is not None:
            columns[names.get(name, name)] = values
    held = pandas.DataFrame(columns).rename(columns={"trial": "trial_number"})  # `trial` is one of the recording's
    known = np.isfinite(held[[name for name in ("start", "stop", "time") if name in held]]).all(axis=1)
    if not known.all():
        _log.warning("%s: %d rows without times are left out", table.name, int((~known).sum()))
    return held[known]


# -- series ----------------------------------------------------------------------------------------------------------


def _chosen(file: Any, wanted: list[str] | None) -> dict[str, Any]:
    """Return the series to read, by name."""
    found = dict(_series(file))
    if wanted is None:
        chosen = {name: one for name, one in found.items() if type(one).__name__ not in RAW}
    else:
        for name in wanted:
            if name not in found:
                raise RecordError(f"from_nwb: the file has no series {name!r}.{nearest(name, found)}")
        chosen = {name: found[name] for name in wanted}
    size = sum(8 * int(np.prod(one.data.shape)) for one in chosen.values())
    available = available_bytes()
    if available is not None and size > SHARE_OF_MEMORY * available:
        raise RecordError(
            f"from_nwb: the series would take {byte_text(size)}. Name those that you want with series=: "
            f"{', '.join(chosen)}."
        )
    return chosen


def _series(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield the numeric series of a file by name, with the module before it where a name occurs twice."""
    seen: set[str] = set()
    for kind, item in _items(file):
        data: Any = getattr(item, "data", None)
        if getattr(data, "ndim", 0) not in (1, 2) or np.dtype(data.dtype).kind not in "biuf" or not data.shape[0]:
            continue
        if getattr(item, "timestamps", None) is None and getattr(item, "rate", None) is None:
            continue
        name = item.name if item.name not in seen else f"{kind}/{item.name}"
        seen.add(name)
        yield name, item


def _items(file: Any) -> Iterator[tuple[str, Any]]:
    holders = {"acquisition": file.acquisition, "stimulus": file.stimulus}
    holders |= {name: module.data_interfaces for name, module in file.processing.items()}
    for kind, held in holders.items():
        for item in held.values():
            if hasattr(item, "data") and hasattr(item, "timestamps"):
                yield kind, item
                continue
            for inner in ("time_series", "spatial_series", "roi_response_series", "electrical_series"):
                for one in (getattr(item, inner, None) or {}).values():
                    yield f"{kind}/{item.name}", one


def _trace(series: Any) -> xarray.DataArray:
    data = by_time(series)
    if series.conversion != 1 or getattr(series, "offset", 0.0):
        data = data * series.conversion + getattr(series, "offset", 0.0)
    if series.timestamps is not None:
        times = np.asarray(series.timestamps[:], dtype=np.float64)
    else:
        times = (series.starting_time or 0.0) + np.arange(data.shape[0]) / series.rate
    columns = data if data.ndim == 2 else data[:, np.newaxis]
    unit = str(series.unit)
    return trace_array(columns[np.newaxis], variable="data", unit=_UNITS.get(unit, unit), time=times)
