from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import RecordError, UnitError
from neurosim.recording import Record
from neurosim.recording.request import read_request


def test_every_takes_a_time_or_seconds() -> None:
    from neurosim.units import ms, mV

    assert Record("v", every=1 * ms) == Record("v", every=0.001)
    with pytest.raises(UnitError, match=r"Record\('v', every=\) must be in second"):
        Record("v", every=1 * mV)


def test_equal_by_value_with_arrays() -> None:
    assert Record("v", neurons=np.array([1, 2])) == Record("v", neurons=[1, 2])
    assert Record("v", neurons=range(3)) == Record("v", neurons=[0, 1, 2])
    assert Record("v", neurons=3) == Record("v", neurons=[3])
    assert Record("v", neurons=[True, False]) != Record("v", neurons=[1, 0])
    assert Record("v", neurons=slice(3)) != Record("v", neurons=slice(4))
    assert Record("v") != Record("v", reduce="mean")
    assert Record("v") != "v"


def test_the_selection_cannot_be_changed_afterwards() -> None:
    chosen = np.array([1, 2])
    record = Record("v", neurons=chosen)
    chosen[0] = 5
    assert record == Record("v", neurons=[1, 2])
    with pytest.raises(ValueError, match="read-only"):
        record.neurons[0] = 3


def test_repr_is_the_call_that_makes_it() -> None:
    assert repr(Record("v", every=0.001, reduce="mean")) == "Record('v', every=0.001, reduce='mean')"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Record(""), "needs the name of a variable"),
        (lambda: Record(3), "needs the name of a variable, got 3"),
        (lambda: Record("v", every=0), "every= must be a positive time"),
        (lambda: Record("v", every=[1e-3, 2e-3]), "single time"),
        (lambda: Record("v", reduce="maen"), "unknown reduce='maen'. Did you mean 'mean'"),
        (lambda: Record("v", neurons=[0.5]), "must be a slice, whole numbers or booleans"),
        (lambda: Record("v", neurons=[[1]]), "in one dimension"),
        (lambda: Record("spikes", every=1e-3), "Spikes are recorded of all neurons"),
        (lambda: read_request("exc"), "record= must map names .* got 'exc'"),
        (lambda: read_request(3), "record= must map names to variables"),
        (lambda: read_request({"exc": 3}), r"takes names of variables and Record\(...\) values; got 3"),
        (lambda: read_request({"exc": ["v", None]}), "got None"),
        (lambda: read_request(["exc"]), "record= lists addresses such as 'exc.v'"),
        (lambda: read_request([Record("v")]), "record= lists addresses"),
    ],
)
def test_bad_requests_say_what_is_wrong(make: object, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        make()


def test_the_spellings_of_a_request() -> None:
    assert read_request(None) == {}
    assert read_request({"exc": "v"}) == {"exc": [Record("v")]}
    assert read_request({"exc": Record("v")}) == {"exc": [Record("v")]}
    assert read_request({"exc": ("spikes", Record("v", neurons=0))}) == {
        "exc": [Record("spikes"), Record("v", neurons=0)]
    }
    assert read_request(["exc.v", "a/inh.spikes", "exc.u"]) == {
        "exc": [Record("v"), Record("u")],
        "a/inh": [Record("spikes")],
    }
