"""Blocks of Neo that others made: from any of the formats that Neo reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError, nearest
from neurosim.recording.exchange.neo_units import in_si
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support
from neurosim.recording.traces import trace_array

if TYPE_CHECKING:
    import pandas
    import xarray

_FACTS = ("name", "description", "file_origin")


def foreign_block(source: Any, segments: list[Any], populations: str | None) -> Recording:
    """Return a recording with a trial for each segment; see `Recording.from_neo`."""
    groups = [_grouped(segment.spiketrains, populations) for segment in segments]
    spikes, rows = {}, []
    for name in dict.fromkeys(name for group in groups for name in group):
        spikes[name], units = _population(name, [group.get(name, []) for group in groups])
        rows += units
    metadata = {name: str(getattr(source, name)) for name in _FACTS if getattr(source, name, None)}
    date = getattr(source, "rec_datetime", None)
    return Recording(
        spikes,
        _traces(segments),
        None,
        {**metadata, **({"rec_datetime": date.isoformat()} if date is not None else {}), "trials": len(segments)},
        support=None if spikes else _support(segments),
        intervals=_tables(segments, "epochs"),
        events=_tables(segments, "events"),
        units=_units(rows),
    )


def _grouped(trains: Any, key: str | None) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for train in trains:
        if key is not None and key not in train.annotations:
            raise RecordError(
                f"from_neo: spike train {train.name!r} has no annotation {key!r}.{nearest(key, train.annotations)}"
            )
        name = train.annotations.get(key or "population", "units")
        groups.setdefault(str(name), []).append(train)
    return groups


def _population(name: str, trials: list[list[Any]]) -> tuple[SpikeTrains, list[dict[str, Any]]]:
    if len({len(trains) for trains in trials}) > 1:
        raise RecordError(
            f"from_neo: the segments hold {', '.join(str(len(trains)) for trains in trials)} spike trains of {name!r}; "
            "a unit must be in every segment. Read the segments one by one."
        )
    times, neurons, numbers = [np.empty(0)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    spans: list[tuple[float, float]] = []
    for trial, trains in enumerate(_aligned(trials)):
        span = {(_second(train.t_start), _second(train.t_stop)) for train in trains}
        if len(span) > 1:
            raise RecordError(
                f"from_neo: the spike trains of {name!r} in segment {trial} were not observed for the same time. Cut "
                "them to one span with train.time_slice(start, stop)."
            )
        spans.append(*span)
        for neuron, train in enumerate(trains):
            times.append(in_si(train)[0].astype(np.float64))
            neurons.append(np.full(len(train), neuron))
            numbers.append(np.full(len(train), trial))
    support = Support([span[0] for span in spans], [span[1] for span in spans], np.arange(len(spans)), len(spans))
    spikes = SpikeTrains(
        np.concatenate(times),
        np.concatenate(neurons),
        len(trials[0]),
        np.concatenate(numbers),
        len(trials),
        support=support,
    )
    return spikes, [_unit(name, neuron, train) for neuron, train in enumerate(_aligned(trials)[0])]


def _aligned(trials: list[list[Any]]) -> list[list[Any]]:
    """Return the trains of each segment in one order: that of their names if these tell them apart."""
    names = [[train.name for train in trains] for trains in trials]
    if any(len(set(these)) < len(these) or set(these) != set(names[0]) for these in names):
        return trials
    return [sorted(trains, key=lambda train: names[0].index(train.name)) for trains in trials]


def _unit(population: str, neuron: int, train: Any) -> dict[str, Any]:
    plain = {key: value for key, value in train.annotations.items() if isinstance(value, bool | int | float | str)}
    row = {"population": population, "neuron": neuron, "id": str(train.name or neuron)}
    return row | {key: value for key, value in plain.items() if key not in row}


def _units(rows: list[dict[str, Any]]) -> pandas.DataFrame | None:
    """Return the units with those annotations that all of them have, of one type."""
    if not rows:
        return None
    import pandas

    kept = [
        key
        for key in rows[0]
        if all(key in row for row in rows) and len({isinstance(row[key], str) for row in rows}) == 1
    ]
    return pandas.DataFrame([{key: row[key] for key in kept} for row in rows])


def _traces(segments: list[Any]) -> dict[str, dict[str, xarray.DataArray]]:
    """Return the signals of all segments; a signal must be sampled at the same times in each."""
    held: dict[str, list[Any]] = {}
    for number, segment in enumerate(segments):
        for place, signal in enumerate((*segment.analogsignals, *segment.irregularlysampledsignals)):
            name = str(signal.name or f"signal {place}")
            held.setdefault(name, []).append(signal)
            if len(held[name]) != number + 1:
                raise RecordError(f"from_neo: signal {name!r} is not once in each segment. Read them one by one.")
    result = {}
    for name, signals in held.items():
        values, unit = zip(*(in_si(signal) for signal in signals), strict=True)
        times = [in_si(signal.times)[0].astype(np.float64) for signal in signals]
        alike = all(one.size == times[0].size and np.allclose(one, times[0], rtol=0, atol=1e-9) for one in times)
        if len(signals) != len(segments) or not alike:
            raise RecordError(
                f"from_neo: signal {name!r} is sampled at other times in some segment; a recording has one time axis "
                "for all trials. Read the segments one by one."
            )
        result[name] = {"signal": trace_array(np.stack(values), variable="signal", unit=unit[0], time=times[0])}
    return result


def _support(segments: list[Any]) -> Support | None:
    """Return when segments without spikes were observed: while their signals were sampled."""
    spans = []
    for segment in segments:
        signals = (*segment.analogsignals, *segment.irregularlysampledsignals)
        if not signals:
            return None
        spans.append((min(_second(one.t_start) for one in signals), max(_second(one.t_stop) for one in signals)))
    return Support([span[0] for span in spans], [span[1] for span in spans], np.arange(len(spans)), len(spans))


def _tables(segments: list[Any], container: str) -> dict[str, pandas.DataFrame]:
    import pandas

    parts: dict[str, list[pandas.DataFrame]] = {}
    for trial, segment in enumerate(segments):
        for place, item in enumerate(getattr(segment, container)):
            times = in_si(item.times)[0].astype(np.float64)
            columns: dict[str, Any] = {"time": times}
            if container == "epochs":
                columns = {"start": times, "stop": times + in_si(item.durations)[0]}
            if len(item.labels) == times.size and any(item.labels):
                columns["label"] = [str(label) for label in item.labels]
            for key, values in item.array_annotations.items():
                if key not in columns and np.asarray(values).dtype.kind in "biufU":
                    columns[str(key)] = np.asarray(values)
            if len(segments) > 1:
                columns["trial"] = np.full(times.size, trial)
            parts.setdefault(str(item.name or f"{container} {place}"), []).append(pandas.DataFrame(columns))
    return {name: pandas.concat(tables, ignore_index=True) for name, tables in parts.items()}


def _second(time: Any) -> float:
    return float(time.rescale("s").magnitude)
