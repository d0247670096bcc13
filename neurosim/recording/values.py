"""Values that do not change: read-only mappings and arrays, and equality of what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from neurosim.errors import RecordError, nearest

Value = TypeVar("Value", covariant=True)


class NotRecordedError(RecordError, KeyError):
    """A name was asked for that a recording, a state or a plan does not hold."""

    def __str__(self) -> str:
        """Return the message itself, where a ``KeyError`` would quote it."""
        return str(self.args[0])


class Named(Mapping[str, Value]):
    """A read-only mapping from names, whose error for an unknown name says what there is.

    Parameters
    ----------
    items
        The content. It is copied (one level).
    what
        What a name stands for, as the error should say it: ``"population"``.
    where
        Where one is looked for: ``"in the recording's spikes"``.
    """

    __slots__ = ("_items", "_what", "_where")

    def __init__(self, items: Mapping[str, Value], what: str = "name", where: str = "here") -> None:
        self._items = dict(items)
        self._what = what
        self._where = where

    def __getitem__(self, name: str) -> Value:
        """Return the value under `name`."""
        try:
            return self._items[name]
        except KeyError:
            raise NotRecordedError(
                f"No {self._what} {name!r} {self._where}.{nearest(str(name), self._items)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._items)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a name; asking needs no error with the nearest one."""
        return name in self._items

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value under `name`, or `default` where there is none."""
        return self[name] if name in self._items else default

    def __eq__(self, other: object) -> bool:
        """Compare by value with any mapping, arrays included."""
        return same(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the names only, since the values may be long."""
        return f"Named({', '.join(self._items)})"


class Deferred(Named[Value]):
    """A `Named` of values that are made when they are first asked for.

    Parameters
    ----------
    items
        What makes each value.
    what, where
        As in `Named`.
    """

    __slots__ = ("_made",)

    def __init__(self, items: Mapping[str, Callable[[], Value]], what: str = "name", where: str = "here") -> None:
        super().__init__(items, what, where)  # type: ignore[arg-type]
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        """Return the value under `name`."""
        if name not in self._made:
            make: Any = super().__getitem__(name)
            self._made[name] = make()
        return self._made[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy, or send to another process, the values instead of what makes them."""
        return Named, (dict(self), self._what, self._where)


def to_numpy(array: Any) -> np.ndarray:
    """Return an array of any library as numpy's; a torch tensor leaves its graph and its device.

    Parameters
    ----------
    array
        A numpy array, a torch tensor, or anything that ``numpy.asarray`` takes.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    return np.asarray(array)


def read_only(array: Any) -> Any:
    """Return a read-only view of a numpy array; anything else is returned as it is."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def same(left: object, right: object) -> bool:
    """Compare by value, deeply: mappings, sequences, arrays (dtype, shape, values; NaN equals NaN), labelled arrays."""
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        if not (isinstance(left, Mapping) and isinstance(right, Mapping)) or left.keys() != right.keys():
            return False
        return all(same(left[name], right[name]) for name in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if hasattr(left, "equals") and hasattr(left, "columns"):  # a table; `equals` looks at types and labels, too
        return type(left) is type(right) and bool(left.equals(right))
    if hasattr(left, "identical") and hasattr(right, "identical"):
        return bool(left.identical(right)) and left.dtype == right.dtype  # type: ignore[attr-defined]
    if hasattr(left, "shape") or hasattr(right, "shape"):
        return _same_array(to_numpy(left), to_numpy(right))
    return type(left) is type(right) and bool(left == right)


def _same_array(left: np.ndarray, right: np.ndarray) -> bool:
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    return bool(np.array_equal(left, right, equal_nan=left.dtype.kind in "fc"))
