"""Recordings and states as trees of arrays (see `neurosim.recording.store` for the store itself).

Layout, with names percent-encoded: ``spikes/<population>/{times,neurons,trials}``;
``traces/<object>/<variable>/values`` and ``.../coordinates/<name>``; ``support/{starts,stops,trials}``;
``{intervals,events}/<table>/<column>`` and ``units/<column>``, text as its place in a list;
``state/variables/<object>/<variable>``; ``state/{spikes,last_spike,not_refractory}/<population>``. All else is in the
root's attributes under ``content``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from neurosim.errors import FileFormatError, NeurosimError, RecordError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import State
from neurosim.recording.store import Tree, read_tree, write_tree
from neurosim.recording.support import Support
from neurosim.recording.table_files import add_table, table
from neurosim.recording.values import to_numpy

if TYPE_CHECKING:
    import numpy as np
    import xarray

RECORDING = "neurosim-recording"
STATE = "neurosim-state"
_SPIKE_COLUMNS = ("times", "neurons", "trials")
_SUPPORT_COLUMNS = ("starts", "stops", "trials")
_TABLES = ("intervals", "events")
_CLOCK = ("step", "dt", "trials", "circuit_digest", "seed")
_PER_POPULATION = {
    "spikes": ("depth", "trial", "neuron"),
    "last_spike": ("trial", "neuron"),
    "not_refractory": ("trial", "neuron"),
}


def save_recording(recording: Recording, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a recording; see `Recording.save`."""
    tree = Tree()
    tree.content["spikes"] = {name: _add_spikes(tree, name, trains) for name, trains in recording.spikes.items()}
    tree.content["traces"] = {
        name: {variable: _add_trace(tree, name, variable, trace) for variable, trace in group.items()}
        for name, group in recording.traces.items()
    }
    tree.content["state"] = None if recording.state is None else _add_state(tree, recording.state)
    tree.content["metadata"] = dict(recording.metadata)
    tree.content["support"] = _add_support(tree, ("support",), recording.given_support)
    for kind in _TABLES:
        tree.content[kind] = {
            name: add_table(tree, _at(kind, name), table) for name, table in getattr(recording, kind).items()
        }
    tree.content["units"] = None if recording.units.empty else add_table(tree, "units", recording.units)
    write_tree(tree, path, RECORDING, overwrite=overwrite)


def load_recording(path: str | Path) -> Recording:
    """Read a recording; see `Recording.load`."""
    from neurosim.recording.parts import is_run, open_run

    if is_run(path):
        return open_run(path)
    tree = read_tree(path, RECORDING)
    content = tree.content
    try:
        return Recording(
            spikes={name: _spikes(tree, name, facts) for name, facts in content["spikes"].items()},
            traces={
                name: {variable: _trace(tree, name, variable, facts) for variable, facts in group.items()}
                for name, group in content["traces"].items()
            },
            state=None if content["state"] is None else _state(tree, content["state"]),
            metadata=content["metadata"],
            support=_support(tree, ("support",), content["support"]),
            **{
                kind: {name: table(tree, _at(kind, name), facts) for name, facts in content[kind].items()}
                for kind in _TABLES
            },
            units=None if content["units"] is None else table(tree, "units", content["units"]),
        )
    except (KeyError, TypeError, AttributeError, NeurosimError) as error:
        raise FileFormatError(f"{path}: the description does not fit the arrays ({error}).") from error


def save_state(state: State, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a state; see `State.save`."""
    tree = Tree()
    tree.content["state"] = _add_state(tree, state)
    write_tree(tree, path, STATE, overwrite=overwrite)


def load_state(path: str | Path) -> State:
    """Read a state; see `State.load`."""
    tree = read_tree(path, STATE)
    try:
        return _state(tree, tree.content["state"])
    except (KeyError, TypeError, AttributeError, NeurosimError) as error:
        raise FileFormatError(f"{path}: the description does not fit the arrays ({error}).") from error


def _at(*names: str) -> str:
    """Return the path of an array; names are encoded so that none can hold a separator or be a relative path."""
    return "/".join(quote(name, safe="").replace(".", "%2E") for name in names)


def spike_columns(name: str) -> dict[str, str]:
    """Return the path of each column of a population's spikes."""
    return {column: _at("spikes", name, column) for column in _SPIKE_COLUMNS}


def trace_paths(name: str, variable: str, facts: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the path of a trace's values, and that of each of its coordinates."""
    labels = {label: _at("traces", name, variable, "coordinates", str(label)) for label in facts["coords"]}
    return _at("traces", name, variable, "values"), labels


def _add_spikes(tree: Tree, name: str, trains: SpikeTrains) -> dict[str, Any]:
    for column, path in spike_columns(name).items():
        tree.add(path, getattr(trains, column), ("spike",))
    counts = {"n": trains.n, "n_trials": trains.n_trials}
    if trains.has_gaps:
        return {**counts, "support": _add_support(tree, ("spikes", name, "support"), trains.support)}
    return {**counts, "duration": trains.duration, "start": trains.start}


def _spikes(tree: Tree, name: str, facts: Mapping[str, Any]) -> SpikeTrains:
    columns: dict[str, Any] = {column: tree.arrays[path] for column, path in spike_columns(name).items()}
    if "support" in facts:
        facts = {**facts, "support": _support(tree, ("spikes", name, "support"), facts["support"])}
    return SpikeTrains(**columns, **facts)


def _add_support(tree: Tree, where: tuple[str, ...], support: Support | None) -> int | None:
    """Add the stretches; what is kept beside them is the number of trials."""
    if support is None:
        return None
    for column in _SUPPORT_COLUMNS:
        tree.add(_at(*where, column), getattr(support, column), ("stretch",))
    return support.n_trials


def _support(tree: Tree, where: tuple[str, ...], n_trials: int | None) -> Support | None:
    if n_trials is None:
        return None
    starts, stops, trials = (tree.arrays[_at(*where, column)] for column in _SUPPORT_COLUMNS)
    return Support(starts, stops, trials, n_trials)


def _add_trace(tree: Tree, name: str, variable: str, trace: xarray.DataArray) -> dict[str, Any]:
    dimensions = tuple(str(dimension) for dimension in trace.dims)
    tree.add(_at("traces", name, variable, "values"), trace.values, dimensions)
    coordinates = {}
    for label, coordinate in trace.coords.items():
        if coordinate.dtype.kind not in "biuf":
            raise RecordError(
                f"{name}.{variable}: the coordinate {label!r} holds {coordinate.dtype}; a store keeps numbers and "
                "booleans. Drop it with drop_vars before saving."
            )
        along = tuple(str(dimension) for dimension in coordinate.dims)
        tree.add(_at("traces", name, variable, "coordinates", str(label)), coordinate.values, along)
        coordinates[str(label)] = {"dims": list(along), "attrs": dict(coordinate.attrs)}
    return {"name": trace.name, "dims": list(dimensions), "coords": coordinates, "attrs": dict(trace.attrs)}


def _trace(tree: Tree, name: str, variable: str, facts: Mapping[str, Any]) -> xarray.DataArray:
    return trace_from(tree.arrays, name, variable, facts)


def trace_from(
    arrays: Mapping[str, np.ndarray], name: str, variable: str, facts: Mapping[str, Any]
) -> xarray.DataArray:
    """Return a trace from arrays by path, and what was noted of it."""
    import xarray

    path, paths = trace_paths(name, variable, facts)
    coordinates = {
        label: (coordinate["dims"], arrays[paths[label]], coordinate["attrs"])
        for label, coordinate in facts["coords"].items()
    }
    return xarray.DataArray(
        arrays[path], coords=coordinates, dims=facts["dims"], name=facts["name"], attrs=facts["attrs"]
    )


def _add_state(tree: Tree, state: State) -> dict[str, Any]:
    facts: dict[str, Any] = {field: getattr(state, field) for field in _CLOCK}
    facts["variables"] = {name: list(group) for name, group in state.variables.items()}
    for name, group in state.variables.items():
        for variable, array in group.items():
            tree.add(_at("state", "variables", name, variable), to_numpy(array), ("trial", "element"))
    for kind, dimensions in _PER_POPULATION.items():
        facts[kind] = list(getattr(state, kind))
        for name, array in getattr(state, kind).items():
            tree.add(_at("state", kind, name), to_numpy(array), dimensions)
    return facts


def _state(tree: Tree, facts: Mapping[str, Any]) -> State:
    variables = {
        name: {variable: tree.arrays[_at("state", "variables", name, variable)] for variable in group}
        for name, group in facts["variables"].items()
    }
    fields: dict[str, Any] = {field: facts[field] for field in _CLOCK}
    for kind in _PER_POPULATION:
        fields[kind] = {name: tree.arrays[_at("state", kind, name)] for name in facts[kind]}
    return State(variables=variables, **fields)
