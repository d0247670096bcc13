"""What other forms have no place for, as JSON values beside what they hold.

Times of samples are kept by how they come about (a step times dt, a rate), so that they come back to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support

if TYPE_CHECKING:
    import pandas
    import xarray

NAME = "neurosim"
VERSION = 1


def describe(recording: Recording) -> dict[str, Any]:
    """Return what a recording is beside its numbers."""
    dt = recording.metadata.get("dt")
    return {
        "version": VERSION,
        "metadata": dict(recording.metadata),
        "n_trials": recording.n_trials,
        "support": support_facts(recording.given_support),
        "populations": {
            name: {
                "n": trains.n,
                "start": trains.start,
                "duration": trains.duration,
                "support": support_facts(trains.support) if trains.has_gaps else None,
            }
            for name, trains in recording.spikes.items()
        },
        "traces": {
            name: {variable: trace_facts(trace, dt, f"{name}.{variable}") for variable, trace in group.items()}
            for name, group in recording.traces.items()
        },
        "intervals": {name: table_facts(table) for name, table in recording.intervals.items()},
        "events": {name: table_facts(table) for name, table in recording.events.items()},
        "units": None if recording.units.empty else whole_table(recording.units),
    }


def to_text(facts: Mapping[str, Any]) -> str:
    """Return the facts as JSON."""
    try:
        return json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RecordError(f"Attributes of traces must be JSON values to be exchanged ({error}).") from None


def from_text(text: str, where: str) -> dict[str, Any]:
    """Return the facts that were written.

    Raises
    ------
    RecordError
        If they are of another version.
    """
    facts: dict[str, Any] = json.loads(text)
    if facts.get("version") != VERSION:
        raise RecordError(
            f"{where} was written in version {facts.get('version')!r} of this exchange, this neurosim reads {VERSION}."
        )
    return facts


def support_facts(support: Support | None) -> dict[str, Any] | None:
    """Return stretches as lists."""
    if support is None:
        return None
    lists = {name: getattr(support, name).tolist() for name in ("starts", "stops", "trials")}
    return {**lists, "n_trials": support.n_trials}


def support_from(facts: Mapping[str, Any] | None) -> Support | None:
    """Return the stretches of lists."""
    return None if facts is None else Support(**facts)


def observed_from(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells `SpikeTrains` when they were observed, from the facts of a population."""
    if facts["support"] is not None:
        return {"support": support_from(facts["support"])}
    return {"duration": facts["duration"], "start": facts["start"]}


def trace_facts(trace: xarray.DataArray, dt: Any, where: str) -> dict[str, Any]:
    """Return the labels of a trace."""
    if trace.ndim > 3:
        raise RecordError(f"{where} has the dimensions {trace.dims}; only (trial, time, neuron) can be exchanged.")
    labels = {}
    for name, label in trace.coords.items():
        if name in ("trial", "time"):
            continue
        if label.dtype.kind not in "if" or label.ndim != 1:
            raise RecordError(f"{where}: the coordinate {name!r} holds {label.dtype}; only numbers can be exchanged.")
        labels[str(name)] = {
            "dim": str(label.dims[0]),
            "values": _short(label.values),
            "attrs": dict(label.attrs),
            "dtype": label.dtype.str,
        }
    return {
        "name": trace.name,
        "dims": list(trace.dims),
        "shape": list(trace.shape),
        "dtype": trace.dtype.str,
        "time": times_facts(trace["time"].values, dt),
        "time_attrs": dict(trace["time"].attrs),
        "labels": labels,
        "attrs": dict(trace.attrs),
    }


def trace_from(values: NDArray[Any], facts: Mapping[str, Any], times: NDArray[np.float64] | None = None) -> Any:
    """Return a trace, given its values (trial, time, column), or (trial, time, 1) if it was reduced."""
    import xarray

    if len(facts["dims"]) == 2:
        values = values[:, :, 0]
    stamps = times_from(facts["time"], values.shape[1]) if times is None else times
    labels = {
        name: (
            label["dim"],
            _long(label["values"], dict(zip(facts["dims"], values.shape, strict=True))[label["dim"]], label["dtype"]),
            label["attrs"],
        )
        for name, label in facts["labels"].items()
    }
    return xarray.DataArray(
        values.astype(facts["dtype"], copy=False),
        dims=facts["dims"],
        coords={"trial": np.arange(values.shape[0]), "time": ("time", stamps, facts["time_attrs"]), **labels},
        name=facts["name"],
        attrs=facts["attrs"],
    )


def times_facts(times: NDArray[np.float64], dt: Any) -> dict[str, Any]:
    """Return how the times of samples come about, exactly."""
    n = times.size
    if n and isinstance(dt, float):
        first, last = (round(times[place] / dt) for place in (0, -1))
        every = (last - first) // (n - 1) if n > 1 else 1
        if np.array_equal(_stepped(first, every, n, dt), times):
            return {"first": first, "every": every, "dt": dt}
    if n > 1:
        period = float(times[-1] - times[0]) / (n - 1)
        if np.array_equal(times[0] + np.arange(n) * period, times):
            return {"start": float(times[0]), "period": period}
    return {"values": times.tolist()}


def times_from(facts: Mapping[str, Any], n: int) -> NDArray[np.float64]:
    """Return the times of samples."""
    if "dt" in facts:
        return _stepped(facts["first"], facts["every"], n, facts["dt"])
    if "period" in facts:
        return np.asarray(facts["start"] + np.arange(n) * facts["period"], dtype=np.float64)
    return np.array(facts["values"], dtype=np.float64)


def period_of(times: NDArray[np.float64]) -> float | None:
    """Return the time between evenly spaced samples; None if they are not, or are too few to tell."""
    if times.size < 2:
        return None
    period = float(times[-1] - times[0]) / (times.size - 1)
    return period if period > 0 and np.allclose(np.diff(times), period, rtol=0, atol=1e-6 * period) else None


def table_facts(table: pandas.DataFrame) -> dict[str, Any]:
    """Return the types of a table's columns, and where a text is missing."""
    text = [str(name) for name, column in table.items() if column.dtype.kind not in "bif"]
    return {
        "rows": len(table),
        "columns": {str(name): "text" if name in text else column.dtype.name for name, column in table.items()},
        "missing": {name: np.flatnonzero(table[name].isna()).tolist() for name in text if table[name].isna().any()},
    }


def whole_table(table: pandas.DataFrame) -> dict[str, Any]:
    """Return a table with its values."""
    columns = {str(name): plain_column(column).tolist() for name, column in table.items()}
    for values in columns.values():
        values[:] = [None if isinstance(value, float) and not np.isfinite(value) else value for value in values]
    return {**table_facts(table), "values": columns}


def plain_column(column: Any) -> NDArray[Any]:
    """Return a column as an array of numbers, of truth values, or of text in which what is missing is empty."""
    if column.dtype.kind in "bif":
        return np.asarray(column.to_numpy())
    return np.array([str(value) for value in column.fillna("")], dtype=np.str_)


def table_from(columns: Mapping[str, Any], facts: Mapping[str, Any]) -> pandas.DataFrame:
    """Return a table of plain columns."""
    import pandas

    result: dict[str, Any] = {}
    for name, kind in facts["columns"].items():
        if kind != "text":
            result[name] = np.asarray(columns[name]).astype(kind)
            continue
        values = np.array([str(value) for value in columns[name]], dtype=object)
        values[facts["missing"].get(name, [])] = None
        result[name] = pandas.array(values, dtype="str")
    return pandas.DataFrame(result)


def recording_from(
    spikes: Mapping[str, SpikeTrains],
    traces: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, Any],
    *,
    intervals: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> Recording:
    """Return the recording that was described, with the numbers that another form held.

    Parameters
    ----------
    spikes, traces
        By population.
    facts
        As `describe` gave them, with tables where they are kept whole.
    intervals, events
        Tables by name; those of `facts` by default.
    """
    return Recording(
        spikes,
        traces,
        None,
        facts["metadata"],
        support=support_from(facts["support"]),
        intervals=_whole_tables(facts["intervals"]) if intervals is None else intervals,
        events=_whole_tables(facts["events"]) if events is None else events,
        units=None if facts["units"] is None else table_from(facts["units"]["values"], facts["units"]),
    )


def _whole_tables(facts: Mapping[str, Any]) -> dict[str, pandas.DataFrame]:
    return {name: table_from(one["values"], one) for name, one in facts.items()}


def _stepped(first: int, every: int, n: int, dt: float) -> NDArray[np.float64]:
    return np.asarray((first + np.arange(n) * every) * dt, dtype=np.float64)


def _short(values: NDArray[Any]) -> list[Any] | None:
    """Return numbers as a list, or None for 0, 1, 2 and so on."""
    return None if np.array_equal(values, np.arange(values.size)) else values.tolist()


def _long(values: list[Any] | None, n: int, dtype: str) -> NDArray[Any]:
    return np.arange(n, dtype=dtype) if values is None else np.array(values, dtype=dtype)
