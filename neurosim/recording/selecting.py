"""Some populations, neurons and trials of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.planning import choose
from neurosim.recording.request import selection_of

if TYPE_CHECKING:
    import pandas
    import xarray

    from neurosim.recording.recording import Recording

Chosen = NDArray[np.int64] | None


def select(
    recording: Recording, populations: str | Iterable[str] | None, neurons: Any, trials: Any, units: Any
) -> Recording:
    """Return a part of a recording; see `Recording.select`."""
    from neurosim.recording.recording import Recording

    names = [populations] if isinstance(populations, str) else list(populations or recording.objects)
    chosen = _neurons(recording, names, neurons)
    if units is not None:
        if neurons is not None:
            raise RecordError("select: give neurons= or units=, not both.")
        chosen = _by_units(recording, names, units)
        names = [name for name in names if name not in chosen or chosen[name].size]
    kept_trials = choose(selection_of(trials, "select: trials="), recording.n_trials, "select: trials=")
    spikes = {
        name: recording.spikes[name].select(chosen.get(name), kept_trials) for name in names if name in recording.spikes
    }
    traces = {
        name: {
            variable: part
            for variable, trace in recording.traces[name].items()
            if (part := _trace(trace, chosen.get(name), kept_trials)) is not None
        }
        for name in names
        if name in recording.traces
    }
    metadata = dict(recording.metadata)
    support = recording.support
    if kept_trials is not None:
        metadata["trials"] = int(kept_trials.size)
        support = None if support is None else support.select(kept_trials)
    return Recording(
        spikes,
        {name: group for name, group in traces.items() if group or name in spikes},
        None,
        metadata,
        support=support,
        intervals={name: _of_trials(table, kept_trials) for name, table in recording.intervals.items()},
        events={name: _of_trials(table, kept_trials) for name, table in recording.events.items()},
        units=_units(recording.units, names, chosen),
    )


def _size(recording: Recording, name: str) -> int:
    """Return how many neurons (or edges) an object has, as far as the recording knows."""
    if name in recording.spikes:
        return recording.spikes[name].n
    labels = [trace[trace.dims[2]].values for trace in recording.traces[name].values() if trace.ndim > 2]
    return max((int(label.max()) + 1 for label in labels if label.size), default=0)


def _neurons(recording: Recording, names: list[str], neurons: Any) -> dict[str, NDArray[np.int64]]:
    for name in names:
        recording[name]  # names the nearest one if there is none
    if neurons is None:
        return {}
    if not isinstance(neurons, Mapping):
        if len(names) != 1:
            raise RecordError(
                f"select: neurons= of {len(names)} objects are given by name, such as {{{names[0]!r}: slice(10)}}."
            )
        neurons = {names[0]: neurons}
    chosen = {}
    for name, selection in neurons.items():
        if name not in names:
            raise RecordError(f"select: neurons= names {name!r}, which is not among {', '.join(names)}.")
        where, size = f"select: {name}", _size(recording, name)
        indices = choose(selection_of(selection, where), size, where)
        chosen[name] = np.arange(size) if indices is None else indices
    return chosen


def _by_units(recording: Recording, names: list[str], units: Any) -> dict[str, NDArray[np.int64]]:
    table, mask = recording.units, np.asarray(units)
    if mask.dtype != np.bool_ or mask.shape != (len(table),):
        raise RecordError(
            f"select: units= is a condition on recording.units, a truth value for each of its {len(table)} rows; got "
            f"{mask.dtype} of shape {mask.shape}."
        )
    population, neuron = table["population"].to_numpy(), table["neuron"].to_numpy()
    return {name: neuron[mask & (population == name)] for name in names if (population == name).any()}


def _trace(trace: xarray.DataArray, neurons: Chosen, trials: Chosen) -> xarray.DataArray | None:
    """Return a part of a trace with its labels renumbered; None where nothing of it is left."""
    if trials is not None:
        trace = trace.isel(trial=trials).assign_coords(trial=np.arange(trials.size))
    if neurons is None:
        return trace
    if trace.ndim < 3:
        return None  # a mean over all says nothing of some
    dimension = trace.dims[2]
    place = {int(label): column for column, label in enumerate(trace[dimension].values)}
    new = np.array([number for number, label in enumerate(neurons) if int(label) in place], dtype=np.int64)
    if not new.size:
        return None
    columns = [place[int(neurons[number])] for number in new]
    return trace.isel({dimension: columns}).assign_coords({dimension: new})


def _of_trials(table: pandas.DataFrame, trials: Chosen) -> pandas.DataFrame:
    if trials is None or "trial" not in table:
        return table
    place = {int(old): new for new, old in enumerate(trials)}
    kept = table[table["trial"].isin(list(place))]
    return kept.assign(trial=[place[trial] for trial in kept["trial"]]).sort_values("trial", kind="stable")


def _units(table: pandas.DataFrame, names: list[str], chosen: Mapping[str, NDArray[np.int64]]) -> pandas.DataFrame:
    """Return the rows of what is left; the number that a neuron had is kept as its id where it had no other."""
    import pandas

    parts = []
    for name in names:
        rows = table[table["population"] == name]
        if name in chosen:
            if rows.empty:
                rows = _numbered(table, name, chosen[name])
            else:
                if "id" not in rows:
                    rows = rows.assign(id=rows["neuron"])
                rows = rows.set_index("neuron").loc[chosen[name]].reset_index()
            rows = rows.assign(neuron=np.arange(len(rows)))
        if not rows.empty:
            parts.append(rows)
    return pandas.concat(parts)[[*table.columns, *_new(parts, table)]] if parts else table[:0]


def _new(parts: list[pandas.DataFrame], table: pandas.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(name for part in parts for name in part) if name not in table]


def _numbered(table: pandas.DataFrame, name: str, neurons: NDArray[np.int64]) -> pandas.DataFrame:
    import pandas

    text = "id" in table and table["id"].dtype.kind not in "biuf"
    missing = {column: False for column in table if table[column].dtype == np.bool_}
    ids = [str(index) for index in neurons] if text else neurons
    return pandas.DataFrame({"population": name, "neuron": neurons, "id": ids, **missing})
