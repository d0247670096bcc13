"""Tables beside the spikes and traces: intervals, events, and what is known of each unit.

They are pandas frames. A recording copies them, brings their columns to one of four types (bool, int64, float64, text)
and hands out copies, so that it stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.support import EDGE_TOLERANCE, Support
from neurosim.recording.values import Named

if TYPE_CHECKING:
    import pandas

INTERVAL = ("start", "stop")
EVENT = ("time",)
UNIT = ("population", "neuron")


class Tables(Named["pandas.DataFrame"]):
    """Named tables that stay as they are: each access returns a copy (which shares memory until it is changed)."""

    __slots__ = ()

    def __getitem__(self, name: str) -> pandas.DataFrame:
        """Return a copy of one table."""
        return super().__getitem__(name).copy(deep=False)


def interval_tables(given: Mapping[str, Any], n_trials: int) -> Tables:
    """Check tables of intervals: columns ``start`` and ``stop`` in seconds, perhaps ``trial``, and any others."""
    checked = {name: _timed(table, INTERVAL, n_trials, f"intervals[{name!r}]") for name, table in given.items()}
    for name, table in checked.items():
        if (table["stop"] < table["start"]).any():
            raise RecordError(f"intervals[{name!r}]: an interval ends before it begins.")
    return Tables(checked, "intervals", "in this recording")


def event_tables(given: Mapping[str, Any], n_trials: int) -> Tables:
    """Check tables of events: a column ``time`` in seconds, perhaps ``trial``, and any others."""
    checked = {name: _timed(table, EVENT, n_trials, f"events[{name!r}]") for name, table in given.items()}
    return Tables(checked, "events", "in this recording")


def unit_table(given: Any, sizes: Mapping[str, int]) -> pandas.DataFrame:
    """Check the table of units.

    Parameters
    ----------
    given
        A table with the columns ``population`` and ``neuron``. A population is left out, or has a row for each neuron.
    sizes
        Number of neurons of each population whose spikes were recorded.

    Returns
    -------
    pandas.DataFrame
        The rows in the order of populations, then of neurons.
    """
    where = "units"
    table = typed(given, where)
    _need(table, UNIT, where)
    if table.empty:
        return table
    if table["neuron"].dtype != np.int64:
        raise RecordError(f"{where}: the column 'neuron' must hold whole numbers, got {table['neuron'].dtype}.")
    parts = []
    for population in dict.fromkeys(table["population"]):
        rows = table[table["population"] == population].sort_values("neuron", kind="stable")
        n = sizes.get(population, len(rows))
        if not np.array_equal(rows["neuron"], np.arange(n)):
            raise RecordError(
                f"{where}: population {population!r} needs one row for each of its neurons 0 to {n - 1}, got "
                f"{len(rows)} rows; leave it out altogether if nothing is known of it."
            )
        parts.append(rows)
    import pandas

    return pandas.concat(parts, ignore_index=True)


def no_units() -> pandas.DataFrame:
    """Return a table of units without rows."""
    import pandas

    return pandas.DataFrame({"population": pandas.Series(dtype="str"), "neuron": np.empty(0, np.int64)})


def typed(given: Any, where: str) -> pandas.DataFrame:
    """Return a copy of a table with each column of one of the four types, numbered from 0.

    Raises
    ------
    RecordError
        If it is no table, or a column holds something else, such as dates or lists.
    """
    import pandas

    if not isinstance(given, pandas.DataFrame | Mapping):
        raise RecordError(f"{where} must be a pandas.DataFrame, or columns by name; got {type(given).__name__}.")
    table = pandas.DataFrame(given)
    if not table.columns.is_unique or not all(isinstance(name, str) for name in table.columns):
        raise RecordError(f"{where}: its columns need different names, and text as names.")
    return pandas.DataFrame(
        {name: _column(column, f"{where}[{name!r}]") for name, column in table.items()},
        index=pandas.RangeIndex(len(table)),
    )


def rows_in(table: pandas.DataFrame, support: Support) -> pandas.DataFrame:
    """Return the events or intervals that a support leaves, intervals cut to the observed time that they span.

    A row that names no trial is left as long as it is in some trial; it is then cut to what is left in any of them.
    """
    if table.empty:
        return table
    if "trial" not in table:
        support = Support(support.starts, support.stops)
    trials = table["trial"].to_numpy() if "trial" in table else np.zeros(len(table), dtype=np.int64)
    if "time" in table and "start" not in table:
        return table[support.contains(table["time"].to_numpy(), trials)].reset_index(drop=True)
    starts, stops = table["start"].to_numpy().copy(), table["stop"].to_numpy().copy()
    inside = np.zeros(starts.size, dtype=np.bool_)
    for row, trial in enumerate(trials):
        part = _cut(starts[row], stops[row], *support.of_trial(int(trial)))
        if part is not None:
            inside[row] = True
            starts[row], stops[row] = part
    return table.assign(start=starts, stop=stops)[inside].reset_index(drop=True)


def _cut(
    start: float, stop: float, starts: NDArray[np.float64], stops: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Return an interval from the first to the last moment of it that was observed, or None; an instant may be one."""
    first = int(np.searchsorted(stops, start + EDGE_TOLERANCE, side="right"))
    last = int(np.searchsorted(starts, max(stop - EDGE_TOLERANCE, start), side="right")) - 1
    if first > last:
        return None
    return max(start, float(starts[first])), min(stop, float(stops[last]))


def _timed(given: Any, columns: tuple[str, ...], n_trials: int, where: str) -> pandas.DataFrame:
    table = typed(given, where)
    _need(table, columns, where)
    if table.empty:  # what holds nothing has no type of its own
        return table.astype(dict.fromkeys(columns, np.float64) | ({"trial": np.int64} if "trial" in table else {}))
    for name in columns:
        if table[name].dtype.kind not in "if" or not np.isfinite(table[name]).all():
            raise RecordError(f"{where}: the column {name!r} must hold finite times in seconds.")
    if "trial" in table:
        trials = table["trial"]
        if trials.dtype != np.int64 or ((trials < 0) | (trials >= n_trials)).any():
            raise RecordError(f"{where}: the column 'trial' must hold whole numbers from 0 to {n_trials - 1}.")
    return table.astype(dict.fromkeys(columns, np.float64))


def _need(table: pandas.DataFrame, columns: tuple[str, ...], where: str) -> None:
    for name in columns:
        if name not in table:
            raise RecordError(f"{where} needs a column {name!r}; it has {', '.join(table.columns) or 'none'}.")


def _column(column: pandas.Series[Any], where: str) -> Any:
    kind = column.dtype.kind
    if kind in "biuf" and column.isna().any():  # numpy's numbers have a place for what is missing, its integers none
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind in "biuf":
        return column.to_numpy(dtype={"b": np.bool_, "f": np.float64}.get(kind, np.int64))
    values = column.to_numpy(dtype=object, na_value=None)
    if not all(value is None or isinstance(value, str) for value in values):
        odd = next(value for value in values if value is not None and not isinstance(value, str))
        raise RecordError(f"{where} holds {odd!r}; a column holds truth values, whole numbers, numbers or text.")
    import pandas

    return pandas.array([None if value is None else str(value) for value in values], dtype="str")
