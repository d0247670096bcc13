"""What a user asks to be recorded: `Record`, and the `record=` argument in its several spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError, nearest
from neurosim.recording.times import one_time
from neurosim.recording.values import read_only, same

SPIKES = "spikes"  # the name under which spikes are asked for, beside the names of variables
RATE = "rate"  # and, with bin=, that of the rate of a population
REDUCTIONS = ("mean", "sum")

Selection: TypeAlias = slice | NDArray[np.int64] | NDArray[np.bool_] | None


@dataclass(frozen=True, init=False, eq=False)
class Record:
    """One variable to record, of which neurons, how often, and reduced how.

    Parameters
    ----------
    variable : str
        The variable's name, or ``"spikes"`` (which takes no options), or ``"rate"`` with `bin`.
    neurons : slice, int, array_like of int or of bool, optional
        Which neurons (of a projection: which edges); by default all.
    every : float or quantity, optional
        Time between samples, a multiple of dt (plain numbers are seconds); by default every step.
    reduce : {"mean", "sum"}, optional
        Record only the mean or the sum over the chosen neurons.
    bin : float or quantity, optional
        With ``"rate"``: the firing rate, averaged over the chosen neurons, in bins of this width, a multiple of dt.
        Spikes are counted as they happen and not kept, so that the memory depends neither on how many neurons there are
        nor on how many spikes.

    Examples
    --------
    >>> Record("v", neurons=slice(10), every=0.001)
    Record('v', neurons=slice(None, 10, None), every=0.001)
    """

    variable: str
    neurons: Selection
    every: float | None
    reduce: str | None
    bin: float | None

    def __init__(
        self, variable: Any, *, neurons: Any = None, every: Any = None, reduce: str | None = None, bin: Any = None
    ) -> None:
        if not isinstance(variable, str) or not variable:
            raise RecordError(f"Record needs the name of a variable, got {variable!r}.")
        if variable == SPIKES and not (neurons is None and every is None and reduce is None and bin is None):
            raise RecordError(
                "Spikes are recorded of all neurons and at every step: Record('spikes') takes no options. To count "
                "them in bins, ask for Record('rate', bin=)."
            )
        if bin is not None and variable != RATE:
            raise RecordError(f"Record({variable!r}): only the rate of a population, Record('rate', bin=), has bins.")
        if bin is not None and not (every is None and reduce is None):
            raise RecordError(
                "Record('rate', bin=) is a mean over neurons, one value a bin; it takes no every= or reduce=."
            )
        if reduce is not None and reduce not in REDUCTIONS:
            raise RecordError(f"Record({variable!r}): unknown reduce={reduce!r}.{nearest(str(reduce), REDUCTIONS)}")
        times = {"every": every, "bin": bin}
        for name, time in times.items():
            times[name] = None if time is None else one_time(time, f"Record({variable!r}, {name}=)")
            if times[name] is not None and times[name] <= 0:
                raise RecordError(f"Record({variable!r}): {name}= must be a positive time, got {times[name]:g} s.")
        object.__setattr__(self, "variable", variable)
        object.__setattr__(self, "neurons", selection_of(neurons, f"Record({variable!r})"))
        object.__setattr__(self, "every", times["every"])
        object.__setattr__(self, "reduce", reduce)
        object.__setattr__(self, "bin", times["bin"])

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, Record):
            return NotImplemented
        return same(list(vars(self).values()), list(vars(other).values()))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the call that makes this, leaving out what is default."""
        options = "".join(f", {name}={value!r}" for name, value in list(vars(self).items())[1:] if value is not None)
        return f"Record({self.variable!r}{options})"


RecordItem: TypeAlias = str | Record
RecordSpec: TypeAlias = Mapping[str, RecordItem | Iterable[RecordItem]] | Iterable[str] | None


def read_request(spec: RecordSpec) -> dict[str, list[Record]]:
    """Bring a `record=` argument into one form.

    Parameters
    ----------
    spec
        Either a mapping from the name of an object to a variable's name, a `Record`, or a list of both; or a list of
        addresses ``"object.variable"``.

    Returns
    -------
    dict
        The `Record` values of each object, in the order given.

    Raises
    ------
    RecordError
        If the argument is of another form.
    """
    request: dict[str, list[Record]] = {}
    if spec is None:
        return request
    if isinstance(spec, str) or not isinstance(spec, Iterable):
        raise RecordError(
            f"record= must map names to variables, such as {{'exc': ['spikes', 'v']}}, or list addresses, such as "
            f"['exc.v']; got {spec!r}."
        )
    if isinstance(spec, Mapping):
        for name, items in spec.items():
            entries = [items] if isinstance(items, str | Record) or not isinstance(items, Iterable) else list(items)
            request[name] = [_record(item, name) for item in entries]
        return request
    address: Any
    for address in spec:
        name, _, variable = address.rpartition(".") if isinstance(address, str) else ("", "", "")
        if not name or not variable:
            raise RecordError(f"record= lists addresses such as 'exc.v' or 'exc.spikes'; got {address!r}.")
        request.setdefault(name, []).append(Record(variable))
    return request


def _record(item: object, name: str) -> Record:
    if isinstance(item, Record):
        return item
    if isinstance(item, str):
        return Record(item)
    raise RecordError(f"record={{{name!r}: ...}} takes names of variables and Record(...) values; got {item!r}.")


def selection_of(neurons: Any, where: str) -> Selection:
    """Return a choice of neurons (or trials) in one of its forms, or refuse what is none."""
    if neurons is None or isinstance(neurons, slice):
        return neurons
    array = np.asarray(neurons)
    if array.ndim == 0:
        array = array[np.newaxis]
    if array.dtype.kind not in "iub" or array.ndim != 1:
        raise RecordError(
            f"{where}: neurons= must be a slice, whole numbers or booleans in one dimension; got "
            f"{array.dtype} of shape {array.shape}."
        )
    kept: Selection = read_only(array.astype(np.bool_ if array.dtype.kind == "b" else np.int64))
    return kept
