"""Analogue signals on the steps of a run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuit.strategies import signals
from neurosim.circuit.signal_files import signal_from_dict
from neurosim.circuit.signals import AnalogueSignal, Signal, Step
from neurosim.errors import CircuitError, FileFormatError, UnitError
from neurosim.units import ms, mV, pA, second

DT = 1e-4
STEPS = np.arange(60)


def test_a_step_is_on_from_start_to_before_stop() -> None:
    values = Step(200 * pA, start=1 * ms, stop=3 * ms).sample(STEPS, DT, 2)
    assert values.shape == (60, 2)
    on = (STEPS >= 10) & (STEPS < 30)
    np.testing.assert_array_equal(values, np.where(on, 2e-10, 0.0)[:, None] * [1, 1])


def test_a_step_without_times_is_always_on() -> None:
    np.testing.assert_array_equal(Step(0.5).sample(STEPS, DT, 1), np.full((60, 1), 0.5))


def test_a_step_with_one_amplitude_per_neuron() -> None:
    values = Step([1, 2, 3] * pA).sample(STEPS[:2], DT, 3)
    np.testing.assert_allclose(values, [[1e-12, 2e-12, 3e-12]] * 2)


@given(st.integers(0, 10**6), st.sampled_from([1e-4, 1e-3, 5e-5, 2.5e-5, 3e-4]))
def test_a_start_on_the_grid_is_exact_whatever_its_rounding(step: int, dt: float) -> None:
    values = Step(1.0, start=step * dt * second, stop=(step + 1) * dt * second).sample(
        np.arange(step - 1, step + 3), dt, 1
    )
    assert values[:, 0].tolist() == [0, 1, 0, 0]


def test_a_signal_holds_each_sample() -> None:
    values = Signal([1.0, 2.0, 3.0], every=0.2 * ms, start=0.3 * ms).sample(np.arange(12), DT, 2)
    assert values[:, 0].tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 0]
    np.testing.assert_array_equal(values[:, 0], values[:, 1])


def test_a_signal_with_a_column_per_neuron() -> None:
    values = Signal(np.array([[1, 2], [3, 4]]) * mV, every=1 * ms).sample(np.array([0, 9, 10, 20]), DT, 2)
    np.testing.assert_allclose(values, [[0.001, 0.002], [0.001, 0.002], [0.003, 0.004], [0, 0]])


@given(st.integers(0, 10**6), st.sampled_from([1e-4, 1e-3, 5e-5, 3e-4]))
def test_samples_every_step_are_those_of_the_steps(first: int, dt: float) -> None:
    values = Signal(np.arange(5.0) + 1, every=dt * second, start=first * dt * second).sample(
        first + np.arange(5), dt, 1
    )
    assert values[:, 0].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        pytest.param(lambda: Step(1, start=3 * ms, stop=1 * ms), CircuitError, "stop .* lies before start", id="order"),
        pytest.param(lambda: Step(float("nan")), CircuitError, "amplitude must be finite", id="NaN"),
        pytest.param(lambda: Step([[1.0]]), CircuitError, "one or one per neuron", id="matrix"),
        pytest.param(lambda: Step(1, start=3), UnitError, "Step: start needs a unit", id="start"),
        pytest.param(lambda: Step("a"), UnitError, "Step: amplitude must be a number", id="text"),
        pytest.param(lambda: Signal([1, np.nan], 1 * ms), CircuitError, "values must be finite", id="NaN sample"),
        pytest.param(lambda: Signal(np.zeros((1, 1, 1)), 1 * ms), CircuitError, r"\(time, neuron\)", id="cube"),
        pytest.param(lambda: Signal([1], 0 * ms), CircuitError, "every must be positive", id="every 0"),
        pytest.param(lambda: Signal([1], 3), UnitError, "Signal: every needs a unit", id="every"),
        pytest.param(lambda: Step([1, 2]).sample(STEPS, DT, 3), CircuitError, "2 values, the target has 3", id="sizes"),
        pytest.param(
            lambda: Signal(np.zeros((4, 2)), 1 * ms).sample(STEPS, DT, 3), CircuitError, "2 columns", id="columns"
        ),
    ],
)
def test_signals_that_cannot_be(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_equal_by_value() -> None:
    assert Step([1, 2] * pA, stop=3 * ms) == Step([1, 2] * pA, stop=3 * ms)
    assert Signal([1, 2], 1 * ms) == Signal([1, 2], 1 * ms)
    assert hash(Signal([1, 2], 1 * ms)) == hash(Signal([1, 2], 1 * ms))
    assert hash(Step([1, 2])) == hash(Step([1, 2]))
    different: list[AnalogueSignal] = [
        Step(1.0), Step([1.0]), Step(1 * pA), Step(1.0, start=1 * ms), Step(1.0, stop=1 * ms), Step([1.0, 2.0]),
        Signal([1.0], 1 * ms), Signal([1.0], 2 * ms), Signal([1.0, 2.0], 1 * ms), Signal([1.0], 1 * ms, start=1 * ms),
    ]  # fmt: skip
    for index, first in enumerate(different):
        assert [first == second for second in different] == [index == other for other in range(len(different))]


def test_values_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Step([1.0, 2.0]).amplitude[0] = 3  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        Signal([1.0, 2.0], 1 * ms).values[0] = 3


@given(signals("amp", 3))
def test_data_form_and_back(signal: AnalogueSignal) -> None:
    arrays: dict[str, np.ndarray] = {}
    data = json.loads(json.dumps(signal.to_dict(arrays, "stimulus.signal")))
    assert signal_from_dict(data, arrays) == signal
    held = [value for value in vars(signal).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == len(held)


def test_unknown_kind() -> None:
    with pytest.raises(FileFormatError, match=r"unknown signal 'Stepp'\. Did you mean 'Step'"):
        signal_from_dict({"signal": "Stepp"}, {})
