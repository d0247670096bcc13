"""NWB files read: those that neurosim wrote come back equal, others as far as a recording goes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording.exchange.extras import extra
from neurosim.recording.exchange.facts import (
    NAME,
    from_text,
    observed_from,
    recording_from,
    table_from,
    trace_from,
)
from neurosim.recording.exchange.foreign_nwb import foreign_file
from neurosim.recording.exchange.layout import Layout
from neurosim.recording.exchange.nwb_imaging import INTERFACES, MODULE
from neurosim.recording.exchange.nwb_writing import PURPOSE, TRACES, interval_name, series_name, stored_name
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Intervals

if TYPE_CHECKING:
    import pandas

_log = logging.getLogger(__name__)


def from_nwb(
    path: str | Path, *, populations: str | None, series: list[str] | None, support: Intervals | None
) -> Recording:
    """Read an NWB file; see `Recording.from_nwb`."""
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"{source} does not exist, or is no file.")
    with _opened(source) as file:
        if NAME in file.scratch and populations is None and series is None and support is None:
            return _own(file, from_text(file.scratch[NAME].data, str(source)))
        return foreign_file(file, populations, series, support)


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    """Open a file; what pynwb has to say about old versions of the standard goes to the log."""
    pynwb = extra("pynwb", PURPOSE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            stream = pynwb.NWBHDF5IO(str(source), "r")
            file = stream.read()
        except (OSError, TypeError, ValueError, KeyError) as error:
            raise FileFormatError(f"{source} cannot be read as an NWB file ({error}).") from error
        with stream:
            yield file
    for warning in caught:
        _log.info("%s: %s", source, warning.message)


def _own(file: Any, facts: Mapping[str, Any]) -> Recording:
    laid = facts["layout"]
    layout = Layout(tuple(laid["offsets"]), laid["first"], laid["last"])
    return recording_from(
        _spikes(file, facts, layout),
        {
            name: {variable: _trace(file, name, variable, one, layout) for variable, one in group.items()}
            for name, group in facts["traces"].items()
        },
        facts,
        intervals={
            name: _table(file.intervals, interval_name(name, layout), one, layout, ("start", "stop"))
            for name, one in facts["intervals"].items()
        },
        events={
            name: _table(file.events, stored_name(name), one, layout, ("time",))
            for name, one in facts["events"].items()
        },
    )


def _spikes(file: Any, facts: Mapping[str, Any], layout: Layout) -> dict[str, SpikeTrains]:
    if not facts["populations"]:
        return {}
    units = file.units
    population, neuron = (np.asarray(units[name].data[:]) for name in ("population", "neuron"))
    edges = np.concatenate([[0], np.asarray(units["spike_times"].data[:], dtype=np.int64)])
    laid = np.asarray(units["spike_times"].target.data[:], dtype=np.float64)
    trials = layout.trials_of(laid)
    own = (
        np.asarray(units["trial_times"].target.data[:], dtype=np.float64)
        if facts["trial_times"]
        else layout.own(laid, trials, facts["metadata"].get("dt"))
    )
    neurons = np.repeat(neuron, np.diff(edges))
    result = {}
    for name, one in facts["populations"].items():
        rows = np.flatnonzero(population == name)
        if rows.size != one["n"]:
            raise RecordError(f"The file should hold {one['n']} units of {name!r}, it has {rows.size}.")
        inside = slice(edges[rows[0]], edges[rows[-1] + 1]) if rows.size else slice(0)
        result[name] = SpikeTrains(
            own[inside], neurons[inside], one["n"], trials[inside], len(layout.offsets), **observed_from(one)
        )
    return result


def _trace(file: Any, name: str, variable: str, facts: Mapping[str, Any], layout: Layout) -> Any:
    shape = tuple(facts["shape"])
    if 0 in shape:
        return trace_from(np.empty(shape if len(shape) == 3 else (*shape, 1)), facts)
    stored = _stored(file, series_name(name, variable), facts["attrs"].get("modality"))
    data = np.asarray(stored.data[:]) if hasattr(stored, "data") else np.asarray(stored["values"].data[:]).T
    return trace_from(data.reshape(shape[0], shape[1], -1), facts)


def _stored(file: Any, name: str, modality: str | None) -> Any:
    """Return the series of a trace: of regions of an image, where it was imaged, else a variable."""
    interface = INTERFACES.get(modality or "")
    if interface is not None and MODULE in file.processing and interface in file.processing[MODULE].data_interfaces:
        held = file.processing[MODULE][interface].roi_response_series
        if name in held:
            return held[name]
    return file.processing[TRACES][name]


def _table(
    tables: Mapping[str, Any], stored: str, facts: Mapping[str, Any], layout: Layout, times: tuple[str, ...]
) -> pandas.DataFrame:
    if facts["rows"] == 0:
        return table_from({name: [] for name in facts["columns"]}, facts)
    table = tables[stored]
    row = np.asarray(table["row"].data[:])
    order = np.argsort(row, kind="stable")
    if "trial" not in facts["columns"] and len(layout.offsets) > 1:  # each row holds in every trial; one will do
        order = order[:: len(layout.offsets)]
    columns: dict[str, NDArray[Any]] = {}
    for name in facts["columns"]:
        if name in times:
            place = {"start": "start_time", "stop": "stop_time", "time": "timestamp"}[name]
            key = f"own_{name}" if layout.moved else place
        else:
            key = stored_name(name)
        columns[name] = np.asarray(table[key].data[:])[order]
    return table_from(columns, facts)
