from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording import NEVER, State
from neurosim.recording.state import largest_difference


def make(**changes: Any) -> State:
    fields: dict[str, Any] = {
        "step": 40,
        "dt": 1e-4,
        "trials": 2,
        "variables": {"exc": {"v": np.array([[1.0, -4.0], [2.0, 3.0]])}, "exc_to_inh": {"w": np.full((2, 3), 1e-9)}},
        "spikes": {"exc": np.zeros((3, 2, 2), bool), "input": np.zeros((0, 2, 5), bool)},
        "last_spike": {"exc": np.array([[NEVER, 0.0031], [NEVER, NEVER]])},
        "not_refractory": {"exc": np.ones((2, 2), bool)},
        "circuit_digest": "abc",
        "seed": 7,
    }
    return State(**{**fields, **changes})


def test_equal_by_value() -> None:
    assert make() == make()
    assert make().equal(make())
    assert pickle.loads(pickle.dumps(make())) == make()
    assert make() != "state"


@pytest.mark.parametrize("change", [{"step": 41}, {"seed": 8}, {"circuit_digest": "xyz"}, {"dt": 2e-4}])
def test_clock_seed_and_circuit_count_whatever_the_tolerance(change: dict[str, Any]) -> None:
    assert not make().equal(make(**change), tolerance=1e9)


def test_differences_are_relative_to_the_largest_magnitude_of_the_variable() -> None:
    other = make(
        variables={"exc": {"v": np.array([[1.0, -4.0], [2.0 + 4e-9, 3.0]])}, "exc_to_inh": {"w": np.full((2, 3), 1e-9)}}
    )
    differences = make().max_differences(other)
    assert differences["exc.v"] == (pytest.approx(4e-9), pytest.approx(1e-9))
    assert differences["exc_to_inh.w"] == (0.0, 0.0)
    assert make().equal(other, tolerance=1.1e-9)
    assert not make().equal(other, tolerance=0.9e-9)
    assert make() != other


def test_one_spike_in_flight_is_a_difference() -> None:
    flying = np.zeros((3, 2, 2), bool)
    flying[2, 1, 0] = True
    other = make(spikes={"exc": flying, "input": np.zeros((0, 2, 5), bool)})
    assert make().max_differences(other)["exc.spikes"] == (1.0, 1.0)
    assert not make().equal(other, tolerance=1e-9)


def test_a_last_spike_one_step_off_is_found_beside_neurons_that_never_fired() -> None:
    other = make(last_spike={"exc": np.array([[NEVER, 0.0032], [NEVER, NEVER]])})
    absolute, steps = make().max_differences(other)["exc.last_spike"]
    assert absolute == pytest.approx(1e-4)
    assert steps == pytest.approx(1.0)
    assert not make().equal(other, tolerance=1e-6)


def test_states_of_other_structure_differ_and_say_how() -> None:
    less = make(variables={"exc": {"v": np.zeros((2, 2))}})
    assert not make().equal(less)
    with pytest.raises(RecordError, match=r"only one of them has: exc_to_inh.w"):
        make().max_differences(less)
    wider = make(not_refractory={"exc": np.ones((2, 3), bool)})
    assert not make().equal(wider)
    with pytest.raises(RecordError, match=r"exc.not_refractory has shape \(2, 2\) in one state and \(2, 3\)"):
        make().max_differences(wider)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([np.nan, 1.0], [np.nan, 1.0], (0.0, 0.0)),
        ([np.nan, 1.0], [0.0, 1.0], (np.inf, np.inf)),
        ([np.inf, 1.0], [np.inf, 1.0], (0.0, 0.0)),
        ([np.inf, 2.0], [np.inf, 1.0], (1.0, 0.5)),
        ([np.inf], [-np.inf], (np.inf, np.inf)),
        ([], [], (0.0, 0.0)),
        ([True, False], [False, False], (1.0, 1.0)),
    ],
)
def test_largest_difference(left: list[float], right: list[float], expected: tuple[float, float]) -> None:
    assert largest_difference(np.array(left), np.array(right)) == expected


def test_arrays_and_mappings_are_read_only() -> None:
    state = make()
    with pytest.raises(ValueError, match="read-only"):
        state.variables["exc"]["v"][0, 0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.step = 3
    with pytest.raises(TypeError):
        state.variables["exc"] = {}
    with pytest.raises(RecordError, match=r"No variable 'u' in the state of 'exc'. Known: v"):
        state.variables["exc"]["u"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variables": {"exc": {"v": np.zeros((3, 2))}}}, r"exc.v must have the shape \(2, neuron\), got \(3, 2\)"),
        ({"variables": {"exc": {"v": np.zeros(2)}}}, r"exc.v must have the shape"),
        ({"spikes": {"exc": np.zeros((2, 4))}}, r"exc.spikes must have the shape \(depth, 2, neuron\)"),
        ({"step": -1}, "step >= 0"),
        ({"dt": 0.0}, "dt must be a positive time"),
    ],
)
def test_bad_input_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        make(**change)


def test_of_one_trial() -> None:
    one = make().trial(1)
    assert one.trials == 1
    assert one.variables["exc"]["v"].tolist() == [[2.0, 3.0]]
    assert one.spikes["exc"].shape == (3, 1, 2)
    assert one.spikes["input"].shape == (0, 1, 5)
    with pytest.raises(RecordError, match="No trial 2"):
        make().trial(2)


def test_torch_tensors_are_states_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = make()
    moved = state.map(lambda array: torch.tensor(array))
    moved.variables["exc"]["v"].requires_grad_(True)
    assert isinstance(moved.trial(0).spikes["exc"], torch.Tensor)
    assert moved == state
    assert state == moved
    moved.save(tmp_path / "state.zarr")
    assert State.load(tmp_path / "state.zarr") == state


@pytest.mark.parametrize("name", ["state.zarr", "state.zarr.zip"])
def test_save_and_load(name: str, tmp_path: Path) -> None:
    state = make(step=np.int64(40))
    state.save(tmp_path / name)
    loaded = State.load(tmp_path / name)
    assert loaded == state
    assert loaded.spikes["exc"].dtype == np.bool_
    assert loaded.spikes["input"].shape == (0, 2, 5)
    assert isinstance(loaded.step, int)


def test_a_state_is_no_recording(tmp_path: Path, toy_run: Any) -> None:
    toy_run().save(tmp_path / "run.zarr")
    with pytest.raises(FileFormatError, match="is no neurosim-state store: its format is 'neurosim-recording'"):
        State.load(tmp_path / "run.zarr")


def test_repr_fits_a_screen() -> None:
    assert repr(make()).startswith("State(step 40 at dt 0.0001 s, 2 trials: exc.v (2, 2), exc_to_inh.w (2, 3)")
    many = make(variables={f"population_{index}": {"v": np.zeros((2, 1))} for index in range(500)})
    assert len(repr(many)) < 400


def test_arrays_that_are_made_later_are_those_of_a_state() -> None:
    plain, asked = make(), list[str]()

    def later(arrays: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return {name: lambda name=name: asked.append(f"{name}.{kind}") or arrays[name] for name in arrays}  # type: ignore[misc]

    state = State.deferred(
        "anything", step=40, dt=1e-4, trials=2,
        variables={name: partial(later, group, "variable") for name, group in plain.variables.items()},
        spikes=later(plain.spikes, "spikes"), last_spike=later(plain.last_spike, "last"),
        not_refractory=later(plain.not_refractory, "active"), circuit_digest="abc", seed=7,
    )  # fmt: skip
    assert state.source == "anything"
    assert not asked
    other = state.reseeded(8)
    assert (other.seed, other.source, asked) == (8, "anything", [])
    assert state == plain != other
    assert len(asked) == 6
    for copied in (pickle.loads(pickle.dumps(state)), copy.deepcopy(state), dataclasses.replace(state)):
        assert copied == plain
        assert copied.source is None
    assert len(asked) == 6
    assert plain.source is None
