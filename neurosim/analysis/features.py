"""One table of numbers from whatever was recorded: a row for each time, event or condition, a column for each unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.binning import Extent, binned_counts, binned_means, samples
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording
from neurosim.recording.times import one_time

#: What spikes are called where a variable is asked for.
SPIKES = "spikes"
#: Instead of a width of bins: every sample of a trace is a row.
SAMPLES = "samples"
_PLACES = ("groups", "times")  # what says where a row of a recording lies


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """What units did, as a matrix with the names of its rows and columns.

    Measures take it wherever they take an array (``numpy.asarray(features)`` is `values`).

    Parameters
    ----------
    values : numpy.ndarray, shape (row, unit)
        Counts, rates or traces.
    units : numpy.ndarray of str, shape (unit,)
        The name of each column, ``"population[number]"`` of a recording.
    quantity : str
        What the values are, with their unit: ``"spike count"``, ``"v (volt)"``.
    labels : numpy.ndarray, shape (row,), optional
        The condition that each row belongs to.
    groups : numpy.ndarray of int, shape (row,), optional
        The trial that each row comes from; cross-validation keeps the rows of a group together.
    times : numpy.ndarray, shape (row,), optional
        When each row begins, in seconds.
    """

    values: NDArray[np.float64]
    units: NDArray[np.str_]
    quantity: str = ""
    labels: NDArray[Any] | None = None
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        for name, size in (("units", columns), ("labels", rows), ("groups", rows), ("times", rows)):
            given = getattr(self, name)
            if given is not None and np.shape(given) != (size,):
                raise AnalysisError(f"features: {name} needs {size} entries, got shape {np.shape(given)}.")

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and units there are."""
        rows, columns = self.values.shape
        return rows, columns

    def means(self) -> Features:
        """Return the mean of the rows of each condition: a row a condition, in the order of their sorted labels."""
        if self.labels is None:
            raise AnalysisError("features: these have no labels; give features(..., label=) or labels=.")
        names, place = np.unique(self.labels, return_inverse=True)
        sums = np.zeros((names.size, self.values.shape[1]))
        np.add.at(sums, place, self.values)
        return Features(sums / np.bincount(place)[:, np.newaxis], self.units, self.quantity, names)

    def rows(self, chosen: Any) -> Features:
        """Return some rows: a slice, whole numbers, or truth values."""
        parts = {name: getattr(self, name) for name in ("labels", "groups", "times")}
        cut: dict[str, Any] = {name: None if part is None else part[chosen] for name, part in parts.items()}
        return replace(self, values=self.values[chosen], **cut)

    def columns(self, chosen: Any) -> Features:
        """Return some units: a slice, whole numbers, or truth values."""
        return replace(self, values=self.values[:, chosen], units=self.units[chosen])

    def varying(self) -> Features:
        """Return the units whose values are not all the same: silent ones go."""
        return self.columns(np.ptp(self.values, axis=0) > 0 if self.values.shape[0] else slice(0))

    def standardised(self) -> Features:
        """Return every unit with mean 0 and standard deviation 1; of units that never change, zeros."""
        spread = self.values.std(axis=0)
        centred = self.values - self.values.mean(axis=0)
        return replace(
            self,
            values=np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0),
            quantity=f"standardised {self.quantity}".strip(),
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the values, for numpy."""
        return np.array(self.values, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __repr__(self) -> str:
        """Return the extent, not the values."""
        conditions = "" if self.labels is None else f", {np.unique(self.labels).size} conditions"
        return f"Features({len(self)} rows x {self.values.shape[1]} units{conditions}; {self.quantity or 'values'})"


def features(
    source: Any,
    population: str | Iterable[str] | None = None,
    *,
    variable: str = SPIKES,
    bin: Any = None,
    events: Any = None,
    window: Any = None,
    label: str | None = None,
    labels: ArrayLike | None = None,
) -> Features:
    """Return what units did as a matrix: of a recording, or of values that are one already.

    Parameters
    ----------
    source
        A `Recording`, simulated or measured; or a matrix (row, unit): an array, a tensor, an xarray or pandas table, or
        `Features`. Of a matrix only `labels` are looked at.
    population
        Whose activity; several names give their units side by side. By default the only one that has the variable.
    variable
        ``"spikes"``, which are counted, or the name of a trace, which is averaged.
    bin
        The width of a bin in time (a row for each trial and bin), ``"samples"`` (a row for each sample of a trace), or
        none: a row for each trial. What was not observed as a whole gives no row.
    events
        Makes every occurrence of an event a trial (see `Recording.per_trial`), in the `window` around it.
    window : (start, stop), optional
        From when to when: from the event, or in the time of the recording.
    label
        The column of ``recording.intervals["trials"]`` that names the condition of each trial; with `events`, of their
        table.
    labels
        Instead: the condition of each trial, or of each row of a matrix.

    Raises
    ------
    AnalysisError
        If the population, the variable or the label does not exist, or nothing was observed as a whole.
    RecordError
        If the observed time of the spikes is not known, or events do not fit.

    Examples
    --------
    >>> from neurosim.recording import SpikeTrains
    >>> spikes = SpikeTrains([0.01, 0.02, 0.13], [0, 0, 1], n=2, duration=0.2)
    >>> features(Recording({"exc": spikes}), bin=0.1).values.tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(source, Recording):
        return _of_matrix(source, labels)
    extent = None if window is None else _pair(window)
    if events is not None:
        if extent is None:
            raise AnalysisError("features: events= need a window=, such as (0, 0.5) in seconds from each.")
        source = source.per_trial(events, extent)
    elif extent is not None:
        source = source.restrict(extent)
    parts = [_of_population(source, name, variable, bin, extent) for name in _names(source, population, variable)]
    first = parts[0]
    for part in parts[1:]:
        pairs = [(np.asarray(getattr(part, name)), np.asarray(getattr(first, name))) for name in _PLACES]
        if not all(np.array_equal(one, other) for one, other in pairs):
            raise AnalysisError("features: these populations were not observed in the same trials and bins.")
    trial_labels = _labels(source, label, labels)
    joined = replace(
        first,
        values=np.concatenate([part.values for part in parts], axis=1),
        units=np.concatenate([part.units for part in parts]),
        labels=None if trial_labels is None else trial_labels[first.groups],
    )
    if not len(joined):
        raise AnalysisError("features: nothing was observed as a whole; choose another bin= or window=.")
    return joined


def _of_matrix(source: Any, labels: ArrayLike | None) -> Features:
    if isinstance(source, Features):
        return source if labels is None else replace(source, labels=np.asarray(labels))
    values = source.detach().cpu().numpy() if hasattr(source, "detach") else np.asarray(source)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise AnalysisError(f"features: a matrix (row, unit) of numbers, or a Recording; got {values.dtype} of shape "
                            f"{values.shape}.")  # fmt: skip
    names = getattr(source, "columns", np.arange(values.shape[1]))
    units = np.array([str(name) for name in names], dtype=np.str_)
    return Features(values.astype(np.float64), units, "", None if labels is None else np.asarray(labels))


def _names(recording: Recording, population: str | Iterable[str] | None, variable: str) -> list[str]:
    if variable == SPIKES:
        known = list(recording.spikes)
    else:
        known = [name for name, group in recording.traces.items() if variable in group]
    if population is None:
        if len(known) != 1:
            raise AnalysisError(f"features: say which population= is meant; of {variable!r} there are {known}.")
        return known
    names = [population] if isinstance(population, str) else list(population)
    if not names:
        raise AnalysisError("features: population= names none.")
    for name in names:
        if name not in known:
            raise AnalysisError(f"features: there are no {variable!r} of {name!r}.{nearest(name, known)}")
    return names


def _pair(window: Any) -> Extent:
    if len(window) != 2:
        raise AnalysisError(f"features: window= is a pair (start, stop), got {window!r}.")
    return one_time(window[0], "window"), one_time(window[1], "window")


def _of_population(recording: Recording, name: str, variable: str, bin: Any, extent: Extent | None) -> Features:
    width = None if bin is None or isinstance(bin, str) else one_time(bin, "bin")
    if isinstance(bin, str) and bin != SAMPLES:
        raise AnalysisError(f"features: bin is a time, or {SAMPLES!r}; got {bin!r}.")
    if variable == SPIKES:
        if isinstance(bin, str):
            raise AnalysisError("features: spikes have no samples; give bin= as a time.")
        table = binned_counts(recording.spikes[name], width, extent)
        numbers, quantity = np.arange(recording.spikes[name].n), "spike count"
    else:
        trace = recording.traces[name][variable]
        if trace.ndim != 3:
            raise AnalysisError(f"features: {name}.{variable} was reduced over its neurons; record each of them.")
        table = samples(trace) if isinstance(bin, str) else binned_means(trace, recording.support, width, extent)
        numbers, quantity = trace[trace.dims[2]].values, f"{variable} ({trace.attrs['units']})"
    units = np.array([f"{name}[{number}]" for number in numbers], dtype=np.str_)
    return Features(table.values, units, quantity, None, table.trials, table.times)


def _labels(recording: Recording, label: str | None, labels: ArrayLike | None) -> NDArray[Any] | None:
    if labels is not None:
        given = np.asarray(labels)
        if given.shape != (recording.n_trials,):
            raise AnalysisError(f"features: labels= needs one for each of the {recording.n_trials} trials.")
        return given
    if label is None:
        return None
    if "trials" not in recording.intervals:
        raise AnalysisError("features: the recording has no table of trials; give events=, or labels=.")
    table = recording.intervals["trials"]
    if label not in table:
        raise AnalysisError(f"features: trials have no column {label!r}.{nearest(label, map(str, table.columns))}")
    trials = table["trial"].to_numpy(np.int64) if "trial" in table else np.arange(len(table))
    if not np.array_equal(np.sort(trials), np.arange(recording.n_trials)):
        raise AnalysisError("features: the table of trials must have one row for each trial; give events= or labels=.")
    return np.asarray(table[label])[np.argsort(trials)]
