from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray

from neurosim.errors import RecordError
from neurosim.recording.values import Deferred, Named, read_only, same, to_numpy


def test_named_is_a_read_only_mapping() -> None:
    source = {"a": 1}
    named = Named(source, "population", "in this circuit")
    source["b"] = 2
    assert dict(named) == {"a": 1}
    assert named == {"a": 1}
    assert named != {"a": 2}
    assert "b" not in named
    assert repr(named) == "Named(a)"
    assert pickle.loads(pickle.dumps(named)) == named
    with pytest.raises(RecordError, match=r"^No population 'b' in this circuit. Known: a.$"):
        named["b"]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        ([1, [2]], (1, [2]), True),
        ([1], [1, 2], False),
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}, True),
        ({"a": np.zeros(2)}, {"b": np.zeros(2)}, False),
        ({"a": 1}, [1], False),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.zeros(2), np.zeros(2, np.float32), False),
        (np.zeros(2), np.zeros((2, 1)), False),
        (np.zeros(2), None, False),
        (None, None, True),
        (slice(3), slice(3), True),
        (slice(3), slice(4), False),
        (xarray.DataArray([1.0]), xarray.DataArray([1.0]), True),
        (xarray.DataArray([1.0]), xarray.DataArray([1]), False),
        (xarray.DataArray([2.0]), xarray.DataArray([2.0], attrs={"units": "volt"}), False),
    ],
)
def test_same(left: object, right: object, expected: bool) -> None:
    assert same(left, right) is expected
    assert same(right, left) is expected


def test_read_only_leaves_the_original_writeable() -> None:
    array = np.zeros(2)
    view = read_only(array)
    array[0] = 1.0
    assert view[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2.0
    assert read_only("text") == "text"


def test_tensors_become_arrays() -> None:
    torch = pytest.importorskip("torch")
    assert to_numpy(torch.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]
    assert to_numpy([1, 2]).tolist() == [1, 2]


def test_values_are_made_when_they_are_asked_for_and_once() -> None:
    made: list[str] = []
    deferred = Deferred({name: lambda name=name: made.append(name) or np.array([1.0]) for name in "ab"}, "name", "here")  # type: ignore[misc]
    assert "a" in deferred
    assert list(deferred) == ["a", "b"]
    assert not made
    assert deferred["a"] is deferred["a"]
    assert made == ["a"]
    twin = pickle.loads(pickle.dumps(deferred))
    assert type(twin) is Named
    assert made == ["a", "b"]
    assert twin == deferred
