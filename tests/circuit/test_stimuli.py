"""Ramps, sine waves and trains of pulses on the steps of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurosim.circuit as nc
from circuit.small import small
from neurosim.circuit.stimuli import Pulses, Ramp, Sine
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Hz, ms, mV, nA, pA, second

DT = 1e-4
STEPS = np.arange(60)
#: Time steps whose products with whole numbers round in different ways.
GRIDS = st.sampled_from([1e-4, 1e-3, 5e-5, 2.5e-5, 3e-4])


def test_a_ramp_is_held_before_and_after() -> None:
    values = Ramp(10 * pA, 30 * pA, start=1 * ms, stop=3 * ms).sample(STEPS, DT, 2)
    expected = np.interp(STEPS, [10, 30], [10e-12, 30e-12])
    np.testing.assert_allclose(values, expected[:, None] * [1, 1], rtol=1e-14)
    assert set(values[:11, 0]) == {10e-12}
    assert set(values[30:, 0]) == {30e-12}


def test_a_ramp_with_ends_per_neuron() -> None:
    values = Ramp(0 * mV, [1, -2] * mV, stop=4 * ms).sample(np.array([0, 10, 20, 99]), DT, 2)
    np.testing.assert_allclose(values, 1e-3 * np.array([[0, 0], [0.25, -0.5], [0.5, -1], [1, -2]]), rtol=1e-15)


@given(st.integers(0, 10**6), st.integers(1, 4000), GRIDS)
def test_a_ramp_on_the_grid_is_exact_whatever_its_rounding(first: int, length: int, dt: float) -> None:
    ramp = Ramp(0.1, 0.3, start=first * dt * second, stop=(first + length) * dt * second)
    steps = first + np.arange(-1, length + 2)
    part = np.clip(np.arange(-1, length + 2) / length, 0, 1)
    np.testing.assert_array_equal(ramp.sample(steps, dt, 1)[:, 0], (1 - part) * 0.1 + part * 0.3)


def test_a_sine_and_its_window() -> None:
    wave = Sine(2 * nA, 50 * Hz, phase=0.25, offset=1 * nA, start=1 * ms, stop=4 * ms)
    expected = 1e-9 + 2e-9 * np.sin(2 * np.pi * 50 * (STEPS - 10) * DT + 0.25)
    on = (STEPS >= 10) & (STEPS < 40)
    np.testing.assert_allclose(wave.sample(STEPS, DT, 1)[:, 0], np.where(on, expected, 0), rtol=1e-12)


def test_a_sine_per_neuron() -> None:
    values = Sine([1.0, 2.0], 5 * Hz, phase=[0.0, np.pi / 2], offset=[0.0, 10.0]).sample(np.array([0, 500]), DT, 2)
    np.testing.assert_allclose(values, [[0, 12], [1, 10]], atol=1e-12)


def test_a_sine_keeps_its_phase_late_in_a_run() -> None:
    wave = Sine(1.0, 10 * Hz)  # its period is 1000 steps
    np.testing.assert_allclose(wave.sample(10**10 + STEPS, DT, 1), wave.sample(STEPS, DT, 1), atol=1e-5)


def test_pulses_repeat_until_the_stop() -> None:
    values = Pulses(3 * pA, width=0.2 * ms, period=0.5 * ms, start=1 * ms, stop=3.1 * ms).sample(STEPS, DT, 1)[:, 0]
    on = [10, 11, 15, 16, 20, 21, 25, 26, 30]
    np.testing.assert_array_equal(np.flatnonzero(values), on)
    assert set(values[on]) == {3e-12}


def test_pulses_off_the_grid_fall_on_the_steps_within_them() -> None:
    values = Pulses(1.0, width=0.12 * ms, period=0.25 * ms).sample(np.arange(11), DT, 1)[:, 0]
    assert values.tolist() == [1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]  # 0 to 1.2, 2.5 to 3.7, 5 to 6.2, 7.5 to 8.7 steps


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(0, 9), GRIDS)
def test_pulses_on_the_grid_are_exact_whatever_their_rounding(first: int, width: int, pause: int, dt: float) -> None:
    period = width + pause
    train = Pulses(1.0, width=width * dt * second, period=period * dt * second, start=first * dt * second)
    since = np.arange(-2, 5 * period)
    expected = (since >= 0) & (since % period < width)
    np.testing.assert_array_equal(train.sample(first + since, dt, 1)[:, 0], expected)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**5), GRIDS)
def test_pulses_of_thirds_of_a_step_begin_and_end_where_they_should(
    width: int, more: int, first: int, dt: float
) -> None:
    period = width + more
    train = Pulses(1.0, width=width / 3 * dt * second, period=period / 3 * dt * second)
    steps = first + np.arange(60)
    np.testing.assert_array_equal(train.sample(steps, dt, 1)[:, 0], 3 * steps % period < width)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Ramp(0, 1, start=3 * ms, stop=1 * ms), CircuitError, "stop .* lies before start"),
        (lambda: Ramp(0, 1, start=3 * ms, stop=3 * ms), CircuitError, r"after start \(0.003 s\)"),
        (lambda: Ramp(0, 1, stop=None), CircuitError, r"after start \(0.0 s\), got inf s"),
        (lambda: Ramp(0 * mV, 1 * pA, stop=1 * ms), UnitError, "Ramp: start_value"),
        (lambda: Ramp(0, np.inf, stop=1 * ms), CircuitError, "Ramp: end_value must be finite"),
        (lambda: Ramp(0, [1, 2], stop=1 * ms).check(3), CircuitError, "Ramp: end_value has 2 values, the target has 3"),
        (lambda: Sine(1, 50), UnitError, "Sine: frequency"),
        (lambda: Sine(1, -1 * Hz), CircuitError, "not negative"),
        (lambda: Sine(1, [1, 2] * Hz), CircuitError, "must be one finite value"),
        (lambda: Sine(1 * pA, 1 * Hz, offset=1), UnitError, "Sine: offset"),
        (lambda: Sine(1, 1 * Hz, phase=1 * ms), UnitError, "Sine: phase"),
        (lambda: Pulses(1, width=2 * ms, period=1 * ms), CircuitError, "within the period"),
        (lambda: Pulses(1, width=0 * ms, period=1 * ms), CircuitError, "must be positive"),
        (lambda: Pulses(1, width=2, period=3 * ms), UnitError, "Pulses: width"),
    ],
)
def test_stimuli_that_cannot_be(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_equal_by_value() -> None:
    different: list[nc.AnalogueSignal] = [
        Ramp(0.0, 1.0, stop=1 * ms), Ramp(0.0, 1 * pA / pA, stop=2 * ms), Ramp(0.0, [1.0], stop=1 * ms),
        Ramp(0 * pA, 1 * pA, stop=1 * ms), Sine(1.0, 1 * Hz), Sine(1.0, 1 * Hz, phase=1), Sine(1.0, 2 * Hz),
        Pulses(1.0, width=1 * ms, period=2 * ms), Pulses(1.0, width=1 * ms, period=3 * ms),
        nc.FilteredNoise(0.0, 1.0, 1 * ms), nc.FilteredNoise(0.0, 1.0, 1 * ms, shared=True),
    ]  # fmt: skip
    for index, first in enumerate(different):
        assert [first == second for second in different] == [index == other for other in range(len(different))]
    assert Ramp(0.0, [1, 2], stop=1 * ms) == Ramp(0.0, [1, 2], stop=1 * ms)
    assert hash(Ramp(0.0, [1, 2], stop=1 * ms)) == hash(Ramp(0.0, [1, 2], stop=1 * ms))


def test_how_they_are_listed() -> None:
    circuit = small()
    given = {
        "ramp": nc.Ramp(0 * pA, 50 * pA, start=1 * ms, stop=3 * ms),
        "sine": nc.Sine(20 * pA, 8 * Hz),
        "pulses": nc.Pulses(1 * nA, width=2 * ms, period=50 * ms, stop=1 * second),
        "noise": nc.FilteredNoise(100 * pA, 30 * pA, 5 * ms, shared=True),
    }
    for name, signal in given.items():
        circuit.inject(name, "exc", "i_ext", signal)
    shown = str(circuit)
    for text in (
        "a ramp from 0 A to 50 pA, from 1 ms to 3 ms",
        "a sine of 20 pA at 8 Hz, from 0 s",
        "pulses of 1 nA for 2 ms every 50 ms, from 0 s to 1 s",
        "noise 100 pA +- 30 pA with tau = 5 ms, shared, from 0 s",
    ):
        assert text in shown
