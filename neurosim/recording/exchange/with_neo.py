"""Neo: a block with a segment for each trial, a spike train for each neuron, a signal for each trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.exchange.extras import extra
from neurosim.recording.exchange.facts import (
    NAME,
    describe,
    from_text,
    observed_from,
    period_of,
    plain_column,
    recording_from,
    table_from,
    to_text,
    trace_from,
)
from neurosim.recording.exchange.foreign_neo import foreign_block
from neurosim.recording.exchange.neo_units import neo_unit
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support

if TYPE_CHECKING:
    import pandas

PURPOSE = "Exchange with Neo"


def to_neo(recording: Recording) -> Any:
    """Return a ``neo.Block``; see `Recording.to_neo`."""
    neo = extra("neo", PURPOSE)
    name = recording.metadata.get("circuit", recording.metadata.get("name", "recording"))
    block = neo.Block(name=str(name), **{NAME: to_text(describe(recording))})
    units = {key: rows.reset_index(drop=True) for key, rows in recording.units.groupby("population", sort=False)}
    for trial in range(recording.n_trials):
        segment = neo.Segment(name=f"trial {trial}", index=trial)
        for population, trains in recording.spikes.items():
            for train in _trains(neo, population, trains, trial, units.get(population)):
                segment.spiketrains.append(train)
        for owner, group in recording.traces.items():
            for variable, trace in group.items():
                signal = _signal(neo, owner, variable, trace, trial)
                signals = (
                    segment.analogsignals if hasattr(signal, "sampling_rate") else segment.irregularlysampledsignals
                )
                signals.append(signal)
        if recording.support is not None:
            segment.epochs.append(_support(neo, recording.support, trial))
        for name, table in recording.intervals.items():
            segment.epochs.append(_epoch(neo, name, _rows(table, trial)))
        for name, table in recording.events.items():
            segment.events.append(_event(neo, name, _rows(table, trial)))
        block.segments.append(segment)
    return block


def from_neo(source: Any, populations: str | None = None) -> Recording:
    """Return the recording of a ``neo.Block`` or ``neo.Segment``; see `Recording.from_neo`."""
    neo = extra("neo", PURPOSE)
    if isinstance(source, neo.Segment):
        segments, annotations = [source], {}
    elif isinstance(source, neo.Block):
        segments, annotations = list(source.segments), source.annotations
    else:
        raise RecordError(f"from_neo takes a neo.Block or a neo.Segment, got {type(source).__name__}.")
    if not segments:
        raise RecordError("from_neo: the block has no segments.")
    if NAME not in annotations or populations is not None:
        return foreign_block(source, segments, populations)
    facts = from_text(annotations[NAME], "The block")
    if len(segments) != facts["n_trials"]:
        raise RecordError(f"from_neo: the block was written with {facts['n_trials']} segments, it has {len(segments)}.")
    return recording_from(
        {name: _read_trains(segments, name, one) for name, one in facts["populations"].items()},
        {
            name: {variable: _read_trace(segments, name, variable, one) for variable, one in group.items()}
            for name, group in facts["traces"].items()
        },
        facts,
        intervals={name: _read_table(segments, "intervals", name, one) for name, one in facts["intervals"].items()},
        events={name: _read_table(segments, "events", name, one) for name, one in facts["events"].items()},
    )


def _trains(neo: Any, population: str, trains: SpikeTrains, trial: int, units: pandas.DataFrame | None) -> list[Any]:
    chosen = trains.trials == trial
    times, neurons = trains.times[chosen], trains.neurons[chosen]
    order = np.argsort(neurons, kind="stable")
    times, edges = times[order], np.searchsorted(neurons[order], np.arange(trains.n + 1))
    end = float(trains.times.max(initial=trains.start)) if trains.duration is None else trains.start + trains.duration
    result = []
    for neuron in range(trains.n):
        mine = times[edges[neuron] : edges[neuron + 1]]
        known = {} if units is None else _annotations(units, neuron)
        result.append(
            neo.SpikeTrain(
                mine,
                units="s",
                t_start=float(mine.min(initial=trains.start)),
                t_stop=float(mine.max(initial=end)),
                name=f"{population}[{neuron}]",
                **{**known, "population": population, "neuron": neuron},
            )
        )
    return result


def _annotations(units: pandas.DataFrame, neuron: int) -> dict[str, Any]:
    row = {name: plain_column(units[name])[neuron].item() for name in units}
    return {name: value for name, value in row.items() if name not in ("name", "units", "times")}


def _signal(neo: Any, owner: str, variable: str, trace: Any, trial: int) -> Any:
    times, values = trace["time"].values, np.array(trace.values[trial])
    unit, known = neo_unit(str(trace.attrs["units"]))
    labels = {"array_annotations": {str(trace.dims[2]): trace[trace.dims[2]].values}} if trace.ndim == 3 else {}
    shared = {
        "units": unit,
        "name": f"{owner}.{variable}",
        "object": owner,
        "variable": variable,
        **({} if known else {"unit": str(trace.attrs["units"])}),
        **labels,
    }
    columns = values if values.ndim == 2 else values[:, np.newaxis]
    period = period_of(times)
    if period is None:
        return neo.IrregularlySampledSignal(times, columns, time_units="s", **shared)
    import quantities

    return neo.AnalogSignal(
        columns, sampling_period=period * quantities.s, t_start=float(times[0]) * quantities.s, **shared
    )


def _support(neo: Any, support: Support, trial: int) -> Any:
    starts, stops = support.of_trial(trial)
    return _stretches(neo, "support", "support", starts, stops, {})


def _rows(table: pandas.DataFrame, trial: int) -> pandas.DataFrame:
    """Return the rows of a table that hold in a trial, with their place in it."""
    rows = table.assign(row=np.arange(len(table)))
    return rows[rows["trial"] == trial] if "trial" in table else rows


def _columns(table: pandas.DataFrame, *but: str) -> dict[str, NDArray[Any]]:
    return {
        f"column {name}" if name == "labels" else name: plain_column(table[name]) for name in table if name not in but
    }


def _epoch(neo: Any, name: str, table: pandas.DataFrame) -> Any:
    return _stretches(neo, name, "intervals", table["start"].to_numpy(), table["stop"].to_numpy(), _columns(table))


def _stretches(neo: Any, name: str, kind: str, starts: Any, stops: Any, columns: Mapping[str, Any]) -> Any:
    return neo.Epoch(
        starts,
        durations=stops - starts,
        labels=_labels(columns, starts.size),
        units="s",
        name=name,
        array_annotations=dict(columns),
        kind=kind,
    )


def _event(neo: Any, name: str, table: pandas.DataFrame) -> Any:
    columns = _columns(table, "time")
    times = table["time"].to_numpy()
    return neo.Event(
        times,
        labels=_labels(columns, times.size),
        units="s",
        name=name,
        array_annotations=columns,
        kind="events",
    )


def _labels(columns: Mapping[str, NDArray[Any]], n: int) -> NDArray[np.str_]:
    """Return the first text of each row as its label."""
    texts = (values for values in columns.values() if values.dtype.kind == "U")
    return np.asarray(next(texts, np.full(n, "")), dtype=np.str_)


def _of(segment: Any, kind: str, name: str) -> Any:
    for item in (*segment.epochs, *segment.events):
        if item.name == name and item.annotations.get("kind") == kind:
            return item
    raise RecordError(f"from_neo: segment {segment.name!r} has lost the {kind} {name!r}.")


def _read_trains(segments: list[Any], name: str, facts: Mapping[str, Any]) -> SpikeTrains:
    times, neurons, trials = [np.empty(0)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for trial, segment in enumerate(segments):
        mine = [train for train in segment.spiketrains if train.annotations.get("population") == name]
        if len(mine) != facts["n"]:
            raise RecordError(f"from_neo: {name!r} should have {facts['n']} spike trains a segment, not {len(mine)}.")
        for train in mine:
            times.append(_seconds(train))
            neurons.append(np.full(len(train), int(train.annotations["neuron"])))
            trials.append(np.full(len(train), trial))
    columns = (np.concatenate(times), np.concatenate(neurons), facts["n"], np.concatenate(trials), len(segments))
    return SpikeTrains(*columns, **observed_from(facts))


def _read_trace(segments: list[Any], name: str, variable: str, facts: Mapping[str, Any]) -> Any:
    values = []
    for segment in segments:
        address = f"{name}.{variable}"
        found = [
            signal
            for signal in (*segment.analogsignals, *segment.irregularlysampledsignals)
            if signal.annotations.get("object") == name and signal.annotations.get("variable") == variable
        ]
        if len(found) != 1:
            raise RecordError(f"from_neo: segment {segment.name!r} has {len(found)} signals of {address}, not one.")
        values.append(np.asarray(found[0].magnitude))
    return trace_from(np.stack(values), facts)


def _read_table(segments: list[Any], kind: str, name: str, facts: Mapping[str, Any]) -> pandas.DataFrame:
    parts = [_of(segment, kind, name) for segment in (segments if "trial" in facts["columns"] else segments[:1])]
    held: dict[str, NDArray[Any]] = {}
    place = np.concatenate([part.array_annotations["row"] for part in parts]).astype(np.int64)
    for column in facts["columns"]:
        if column == "time" and kind == "events":
            values = [_seconds(part) for part in parts]
        else:
            key = "column labels" if column == "labels" else column
            values = [np.asarray(part.array_annotations[key]) for part in parts]
        held[column] = np.concatenate(values)[np.argsort(place)]
    return table_from(held, facts)


def _seconds(times: Any) -> NDArray[np.float64]:
    return np.asarray(times.rescale("s").magnitude, dtype=np.float64)
