"""What a run, or a measured session, ends in: spikes, traces, the final state, and what they came from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.exchange.methods import Exchanged
from neurosim.recording.rates import whole_bins
from neurosim.recording.request import RATE, SPIKES
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import State
from neurosim.recording.support import Intervals, Support
from neurosim.recording.tables import event_tables, interval_tables, no_units, unit_table
from neurosim.recording.times import one_time
from neurosim.recording.traces import checked_trace
from neurosim.recording.values import Deferred, Named, same

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Recording(Exchanged):
    """The result of a run, or of an experiment.

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
        backend, seed, versions, circuit_digest and semantics; of data, licence and citation.
    support : Support or intervals, optional
        The observed stretches in each trial. Populations that know their own observed time must lie in it, the others
        take it. By default what the metadata of a run say, else what the spikes do; None where nothing is known.
    intervals : mapping of str to table, optional
        Named stretches, such as ``"trials"`` or ``"epochs"``: columns ``start`` and ``stop`` (s), any others, and
        ``trial`` where a row holds in one trial only.
    events : mapping of str to table, optional
        Named moments, such as ``"stimulus"``: columns ``time`` (s), any others, perhaps ``trial``.
    units : table, optional
        What is known of each unit: columns ``population`` and ``neuron``, a row for every neuron of a population (or no
        row for any of it), and others. By custom ``id`` (its name in its source), ``location``, ``quality``, and
        ``identified`` (whether the id is an identity that is the same cell in other recordings, or a mere number).

    Raises
    ------
    RecordError
        If a trace lacks a dimension or its unit, the metadata are not JSON, spikes lie outside the support, or a table
        lacks a column.
    """

    spikes: Mapping[str, SpikeTrains]
    traces: Mapping[str, Mapping[str, xarray.DataArray]]
    state: State | None
    metadata: Mapping[str, Any]
    support: Support | None
    intervals: Mapping[str, pandas.DataFrame]
    events: Mapping[str, pandas.DataFrame]
    _units: pandas.DataFrame | None

    def __init__(
        self,
        spikes: Mapping[str, SpikeTrains] | None = None,
        traces: Mapping[str, Mapping[str, xarray.DataArray]] | None = None,
        state: State | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        support: Intervals | None = None,
        intervals: Mapping[str, Any] | None = None,
        events: Mapping[str, Any] | None = None,
        units: Any = None,
    ) -> None:
        trains = dict(spikes or {})
        for name, one in trains.items():
            if not isinstance(one, SpikeTrains):
                raise RecordError(f"Recording: spikes[{name!r}] must be SpikeTrains, got {type(one).__name__}.")
        held = {
            name: Named(
                {variable: checked_trace(name, variable, trace) for variable, trace in group.items()},
                "trace",
                f"of {name!r}",
            )
            for name, group in (traces or {}).items()
        }
        facts = _as_json(metadata or {})
        trials = _trials(trains, held, facts, support)
        observed = None if support is None else Support.of(support, trials, "support")
        if observed is not None:
            trains = {
                name: one.within(observed if one.support is None else observed & one.support)
                for name, one in trains.items()
            }
        for name, value in (
            ("spikes", Named(trains, "spikes of", "in this recording")),
            ("traces", Named(held, "traces of", "in this recording")),
            ("state", state),
            ("metadata", Named(facts, "entry", "in this recording's metadata")),
            ("support", _observed(trains, facts, trials) if observed is None else observed),
            ("intervals", interval_tables(intervals or {}, trials)),
            ("events", event_tables(events or {}, trials)),
            ("_units", _units(units, trains)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def deferred(
        cls,
        spikes: Mapping[str, Callable[[], SpikeTrains]],
        traces: Mapping[str, Mapping[str, xarray.DataArray]],
        state: State | None,
        metadata: Mapping[str, Any],
    ) -> Recording:
        """Return the recording of a run whose spikes and traces are read when they are asked for.

        Parameters
        ----------
        spikes
            What reads the spikes of each population.
        traces
            Mappings that read a trace when it is taken out (`neurosim.recording.values.Deferred`).
        state, metadata
            As in the constructor.
        """
        recording = cls(state=state, metadata=metadata)
        object.__setattr__(recording, "spikes", Deferred(spikes, "spikes of", "in this recording"))
        object.__setattr__(recording, "traces", Named(traces, "traces of", "in this recording"))
        return recording

    @property
    def units(self) -> pandas.DataFrame:
        """What is known of each unit (see the parameter); without rows if nothing is known."""
        return no_units() if self._units is None else self._units.copy(deep=False)

    @property
    def given_support(self) -> Support | None:
        """The support, if it is not just what the spikes or the metadata say: what a file has to keep."""
        said = _observed(self.spikes, self.metadata, self.n_trials)
        return None if said == self.support else self.support

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return _trials(self.spikes, self.traces, self.metadata, self.support)

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of everything that was recorded."""
        return tuple(dict.fromkeys([*self.spikes, *self.traces]))

    def __getitem__(self, name: str) -> Named[Any]:
        """Return what was recorded of one object: its traces by variable, and its ``"spikes"``."""
        held = Named(dict.fromkeys(self.objects), "object", "in this recording")
        held[name]  # names the nearest one if there is none
        content = {SPIKES: partial(self.spikes.__getitem__, name)} if name in self.spikes else {}
        group: Mapping[str, Any] = self.traces.get(name, {})
        content.update({variable: partial(group.__getitem__, variable) for variable in group})
        return Deferred(content, "record", f"of {name!r}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of everything that was recorded."""
        return iter(self.objects)

    def __contains__(self, name: object) -> bool:
        """Tell whether anything was recorded of an object."""
        return name in self.spikes or name in self.traces

    def select(
        self,
        populations: str | Iterable[str] | None = None,
        *,
        neurons: Any = None,
        trials: Any = None,
        units: Any = None,
    ) -> Recording:
        """Return some populations, neurons and trials. What is chosen is numbered anew, in the order asked for.

        Parameters
        ----------
        populations
            Names of objects; by default all.
        neurons
            Which neurons (or edges): a slice, whole numbers or truth values, by name of the object if there are
            several. Their former numbers become their ``id`` in `units`, where they have none. Traces that were
            recorded reduced say nothing of the chosen neurons and are left out.
        trials
            Which trials.
        units
            Instead of `neurons`: a truth value for each row of `units`, such as ``recording.units.quality == "good"``.
            Populations without rows stay whole, those of which none is chosen are left out.

        Returns
        -------
        Recording
            Without `state`, from which only the whole could go on.
        """
        from neurosim.recording.selecting import select

        return select(self, populations, neurons, trials, units)

    def restrict(self, intervals: Intervals) -> Recording:
        """Return what lies in some intervals of time; the support shrinks to them.

        Events and spikes outside go, and so do samples (of trials that differ, samples become NaN), and bins of rates
        that do not lie inside as a whole; other intervals are cut at the ends.

        Parameters
        ----------
        intervals
            Half-open ``[start, stop)``: the name of a table in `intervals`, or a `Support`, a table, pairs, or one pair
            (start, stop) in seconds.

        Returns
        -------
        Recording
            Without `state`, and without the extent of the run in the metadata.
        """
        from neurosim.recording.restricting import restrict

        return restrict(self, intervals)

    def per_trial(self, event: Any, window: Any) -> Recording:
        """Return a recording with a trial for each event, in which times count from the event.

        Parameters
        ----------
        event
            The name of a table in `events`, or in `intervals` (whose starts are meant), a table, or times in seconds.
            An event that names no trial is one of every trial.
        window
            From when to when, in seconds from the event: ``(-0.2, 0.5)``, half-open.

        Returns
        -------
        Recording
            Where a window leaves the observed time, that trial's support is shorter, and its samples are NaN. Traces
            must be evenly sampled; each sample is labelled with the nearest time on the grid of samples that begins at
            the event. What is known of the events is in ``intervals["trials"]`` with their former ``time`` and
            ``source_trial``; it replaces a table of that name.
        """
        from neurosim.recording.trials import per_trial

        return per_trial(self, event, window)

    def rates(self) -> dict[str, xarray.DataArray]:
        """Return the firing rates in hertz, by observed time, of every population whose spikes were recorded."""
        return {name: trains.rates() for name, trains in self.spikes.items()}

    def population_rate(self, population: str, bin: Any) -> xarray.DataArray:
        """Return the rate per neuron in hertz in bins of time (see `SpikeTrains.population_rate`).

        Where only the rate was recorded, and not the spikes, its whole bins are returned, if they have this width.
        """
        if population in self.spikes or RATE not in self.traces.get(population, {}):
            return self.spikes[population].population_rate(bin)
        return whole_bins(self.traces[population][RATE], one_time(bin, "bin"))

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
        from neurosim.recording.summary import summary

        return summary(self)


def _units(given: Any, spikes: Mapping[str, SpikeTrains]) -> pandas.DataFrame | None:
    table = None if given is None else unit_table(given, {name: trains.n for name, trains in spikes.items()})
    return None if table is None or table.empty else table


def _trials(spikes: Mapping[str, Any], traces: Mapping[str, Any], metadata: Mapping[str, Any], support: Any) -> int:
    """Return the number of trials, from whatever knows it."""
    for trains in spikes.values():
        return int(trains.n_trials)
    for group in traces.values():
        for trace in group.values():
            return int(trace.sizes["trial"])
    if isinstance(support, Support):
        return support.n_trials
    trials = metadata.get("trials", 1)
    return trials if isinstance(trials, int) else 1


def _observed(spikes: Mapping[str, SpikeTrains], metadata: Mapping[str, Any], trials: int) -> Support | None:
    """Return what is known to have been observed: what the metadata of a run say, else what the spikes say."""
    start, duration = metadata.get("start"), metadata.get("duration")
    if isinstance(start, int | float) and isinstance(duration, int | float) and duration >= 0:
        return Support.whole(start, start + duration, trials)
    known = [trains.support for trains in spikes.values() if trains.support is not None and trains.n_trials == trials]
    return reduce(or_, known) if known else None


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata as they come back from a file: numpy scalars as Python's, tuples as lists."""
    if _is_json(metadata):
        return {name: _copied(value) for name, value in metadata.items()}
    try:
        text = json.dumps(dict(metadata), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise RecordError(f"Recording: metadata must be JSON values ({error}).") from None
    result: dict[str, Any] = json.loads(text)
    return result


def _is_json(value: Any) -> bool:
    """Tell whether a value is JSON as it stands, so that nothing has to be written and read again."""
    kind = type(value)
    if kind is dict:
        return all(type(name) is str and _is_json(held) for name, held in value.items())
    if kind is float:
        return math.isfinite(value)
    return value is None or kind in (str, int, bool) or (kind is list and all(map(_is_json, value)))


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copied(held) for name, held in value.items()}
    return list(map(_copied, value)) if type(value) is list else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not")
