"""What a run, or a measured session, ends in: spikes, traces, the final state, and what they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.request import SPIKES
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import State
from neurosim.recording.values import Named, read_only, same

if TYPE_CHECKING:
    import xarray

_MOST_LINES = 20


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """The result of a run.

    ``recording["exc"]["v"]`` and ``recording.traces["exc"]["v"]`` are the same trace; ``recording["exc"]["spikes"]``
    and ``recording.spikes["exc"]`` the same spikes.

    Parameters
    ----------
    spikes : mapping of str to SpikeTrains
        Spikes of each population or source.
    traces : mapping of str to mapping of str to xarray.DataArray
        Traces of each object, by variable: dims (trial, time, neuron), or (trial, time, edge) of a projection, or
        (trial, time) if reduced; the unit in ``attrs["units"]``. Each has its own times and neurons. A sample labelled
        ``k * dt`` is the value at the end of step k.
    state : State, optional
        The state after the last step, from which a run goes on.
    metadata : mapping of str
        JSON values: of a simulation at least dt, start_step, n_steps, start, duration and trials, and from its backend
        backend, seed, versions, circuit_digest and semantics.

    Raises
    ------
    RecordError
        If a trace lacks a dimension or its unit, or the metadata are not JSON.
    """

    spikes: Mapping[str, SpikeTrains] = field(default_factory=dict)
    traces: Mapping[str, Mapping[str, xarray.DataArray]] = field(default_factory=dict)
    state: State | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze and check what was given."""
        for name, trains in self.spikes.items():
            if not isinstance(trains, SpikeTrains):
                raise RecordError(f"Recording: spikes[{name!r}] must be SpikeTrains, got {type(trains).__name__}.")
        traces = {
            name: Named(
                {variable: _checked(name, variable, trace) for variable, trace in group.items()},
                "trace",
                f"of {name!r}",
            )
            for name, group in self.traces.items()
        }
        object.__setattr__(self, "spikes", Named(self.spikes, "spikes of", "in this recording"))
        object.__setattr__(self, "traces", Named(traces, "traces of", "in this recording"))
        object.__setattr__(self, "metadata", Named(_as_json(self.metadata), "entry", "in this recording's metadata"))

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of everything that was recorded."""
        return tuple(dict.fromkeys([*self.spikes, *self.traces]))

    def __getitem__(self, name: str) -> Named[Any]:
        """Return what was recorded of one object: its traces by variable, and its ``"spikes"``."""
        held = Named(dict.fromkeys(self.objects), "object", "in this recording")
        held[name]  # names the nearest one if there is none
        content: dict[str, Any] = {SPIKES: self.spikes[name]} if name in self.spikes else {}
        content.update(self.traces.get(name, {}))
        return Named(content, "record", f"of {name!r}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of everything that was recorded."""
        return iter(self.objects)

    def __contains__(self, name: object) -> bool:
        """Tell whether anything was recorded of an object."""
        return name in self.spikes or name in self.traces

    def rates(self) -> dict[str, xarray.DataArray]:
        """Return the firing rates in hertz of every population whose spikes were recorded, dims (trial, neuron)."""
        return {name: trains.rates() for name, trains in self.spikes.items()}

    def population_rate(self, population: str, bin: Any) -> xarray.DataArray:
        """Return the rate per neuron in hertz in bins of time (see `SpikeTrains.population_rate`)."""
        return self.spikes[population].population_rate(bin)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write to a zarr store (format 3).

        The store is written under a temporary name beside `path` and renamed once it is complete.

        Parameters
        ----------
        path
            A folder, by custom ``name.zarr``, or one file, if the name ends in ``.zip``: ``name.zarr.zip``.
        overwrite : bool
            Whether a store that is there already may be replaced.

        Raises
        ------
        FileFormatError
            If something is there already that may not be replaced.
        RecordError
            If the recording holds something that the format does not know.
        """
        from neurosim.recording.files import save_recording

        save_recording(self, path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote, every array checked against its checksum.

        Raises
        ------
        FileFormatError
            If the store is missing, truncated, edited, or of another kind or version.
        """
        from neurosim.recording.files import load_recording

        return load_recording(path)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, Recording):
            return NotImplemented
        return same(vars(self), vars(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return one line for the run and one for each object."""
        lines = [f"Recording({_headline(self.metadata)})"]
        for name in self.objects[:_MOST_LINES]:
            parts = []
            if name in self.spikes:
                trains = self.spikes[name]
                rate = f" ({trains.mean_rate():.3g} Hz)" if trains.duration and trains.n else ""
                parts.append(f"{len(trains)} spikes of {trains.n} neurons{rate}")
            for variable, trace in list(self.traces.get(name, {}).items())[:6]:
                sizes = " x ".join(f"{size} {dimension}" for dimension, size in trace.sizes.items())
                parts.append(f"{variable} [{trace.attrs['units']}] {sizes}")
            parts += ["..."] if len(self.traces.get(name, {})) > 6 else []
            lines.append(f"  {name}: {'; '.join(parts)}")
        if len(self.objects) > _MOST_LINES:
            lines.append(f"  ... and {len(self.objects) - _MOST_LINES} more")
        return "\n".join(lines)


def trace_array(
    values: np.ndarray,
    *,
    variable: str,
    unit: str,
    time: np.ndarray,
    dimension: str = "neuron",
    columns: np.ndarray | None = None,
    reduce: str | None = None,
) -> xarray.DataArray:
    """Build a trace with its labels.

    Parameters
    ----------
    values : numpy.ndarray, shape (trial, time, column), or (trial, time) where `reduce` is given
        The samples.
    variable, unit : str
        Name and unit text.
    time : numpy.ndarray, shape (time,)
        Time of each sample in seconds.
    dimension : str
        Name of the last axis, "neuron" or "edge".
    columns : numpy.ndarray of int, shape (column,), optional
        Index of each neuron (or edge) in its object; by default counted from 0.
    reduce : str, optional
        How the last axis was reduced; noted in the attributes.
    """
    import xarray

    coords: dict[str, Any] = {"trial": np.arange(values.shape[0]), "time": ("time", time, {"units": "second"})}
    attributes = {"units": unit}
    dimensions: tuple[str, ...] = ("trial", "time")
    if reduce is None:
        dimensions = (*dimensions, dimension)
        coords[dimension] = np.arange(values.shape[2]) if columns is None else columns
    else:
        attributes["reduce"] = f"{reduce} over {dimension}s"
    return xarray.DataArray(values, dims=dimensions, coords=coords, name=variable, attrs=attributes)


def _checked(name: str, variable: str, trace: Any) -> xarray.DataArray:
    import xarray

    where = f"Recording: traces[{name!r}][{variable!r}]"
    if not isinstance(trace, xarray.DataArray):
        raise RecordError(f"{where} must be an xarray.DataArray, got {type(trace).__name__}.")
    if trace.dims[:2] != ("trial", "time"):
        raise RecordError(f"{where} must begin with the dimensions (trial, time), got {trace.dims}.")
    if "time" not in trace.coords:
        raise RecordError(f"{where} needs a coordinate 'time', in seconds.")
    if "units" not in trace.attrs:
        raise RecordError(f"{where} needs its unit in attrs['units'], for instance 'volt' or '1'.")
    return trace.copy(deep=False, data=read_only(trace.values))


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata as they come back from a file: numpy scalars as Python's, tuples as lists."""
    try:
        text = json.dumps(dict(metadata), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise RecordError(f"Recording: metadata must be JSON values ({error}).") from None
    result: dict[str, Any] = json.loads(text)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not")


def _headline(metadata: Mapping[str, Any]) -> str:
    words = [str(metadata["backend"])] if "backend" in metadata else []
    if "duration" in metadata:
        words.append(f"{metadata['duration']:g} s from {metadata.get('start', 0.0):g} s")
    if "dt" in metadata:
        words.append(f"dt {metadata['dt']:g} s")
    if "trials" in metadata:
        words.append(f"{metadata['trials']} trial" + ("s" if metadata["trials"] != 1 else ""))
    if "seed" in metadata:
        words.append(f"seed {metadata['seed']}")
    return ", ".join(words)
