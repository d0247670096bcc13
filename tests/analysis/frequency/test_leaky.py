"""A membrane without threshold: what is measured on both backends equals the closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

import neurosim as ns
from neurosim.analysis.frequency import (
    broadband,
    leaky_cut_off,
    leaky_decay,
    leaky_high_frequency_ratio,
    leaky_response,
    leaky_variance_ratio,
    line_frequencies,
    measure_response,
    multi_sine,
    transfer_function,
)
from neurosim.errors import AnalysisError
from neurosim.units import Hz, ms, second

FREQUENCIES = (1.0, 1 / (2 * np.pi * 0.02), 10.0, 50.0, 100.0, 200.0, 400.0)
GAINS = {  # tau 20 ms, worked out by hand
    (None, "exact"): (0.992197, 0.707107, 0.622677, 0.157177, 0.079327, 0.039757, 0.019890),
    (1e-3, "euler"): (0.992582, 0.716151, 0.632495, 0.161802, 0.082719, 0.043596, 0.026960),
    (1e-3, "exact"): (0.992198, 0.707180, 0.622779, 0.157825, 0.080647, 0.042499, 0.026280),
    (1e-4, "euler"): (0.992235, 0.707993, 0.623633, 0.157568, 0.079538, 0.039883, 0.019993),
}


@pytest.mark.parametrize(("how", "gains"), GAINS.items())
def test_gains_in_closed_form(how: tuple[float | None, str], gains: tuple[float, ...]) -> None:
    dt, method = how
    found = np.abs(leaky_response(FREQUENCIES, 20 * ms, dt=dt, method=method))
    np.testing.assert_allclose(found, gains, atol=1e-6)


def test_phases_in_closed_form() -> None:
    continuous = np.degrees(np.angle(leaky_response(FREQUENCIES, 0.02)))
    np.testing.assert_allclose(continuous, [-7.16, -45, -51.49, -80.96, -85.45, -87.72, -88.86], atol=6e-3)
    steps = np.degrees(np.angle(leaky_response(FREQUENCIES, 0.02, dt=1e-3, method="euler")))
    np.testing.assert_allclose(steps, [-6.80, -42.85, -48.99, -71.80, -67.49, -51.98, -17.52], atol=6e-3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 7.9577),
        ({"dt": 1e-3, "method": "euler"}, 8.1654),
        ({"dt": 1e-4, "method": "euler"}, 7.9777),
        ({"dt": 1e-3}, 7.9594),
        ({"dt": 1e-4}, 7.9578),
        ({"stages": 2}, 5.122),
        ({"stages": 3}, 4.057),
        ({"stages": 4}, 3.461),
    ],
)
def test_cut_off_in_closed_form(options: dict[str, Any], expected: float) -> None:
    cut = leaky_cut_off(20 * ms, **options)
    assert cut == pytest.approx(expected, abs=6e-4)
    assert abs(leaky_response(cut, 20 * ms, **options)) == pytest.approx(np.sqrt(0.5), rel=1e-9)


def test_cut_off_in_steps_exists_only_above_a_decay() -> None:
    assert np.isnan(leaky_cut_off(1.0, dt=0.84, method="euler"))  # b = 0.16
    assert leaky_cut_off(1.0, dt=0.75, method="euler") * 0.75 == pytest.approx(0.2699, abs=1e-4)
    assert leaky_cut_off(1.0, dt=0.5, method="euler") * 0.5 == pytest.approx(0.1150, abs=1e-4)
    assert np.isnan(leaky_cut_off(1.0, dt=1.0, method="euler"))


@pytest.mark.parametrize(
    ("decay", "ratio"), [(0, 0.5), (0.25, 0.3440), (0.5, 0.2048), (0.75, 0.0903), (0.9, 0.0335), (0.95, 0.0163)]
)
def test_high_frequency_ratio_and_variance_of_filtered_white_noise(decay: float, ratio: float) -> None:
    assert leaky_high_frequency_ratio(decay) == pytest.approx(ratio, abs=1e-4)
    drive = broadband(400.0, 1e-3, lead=0.2, seed=4)
    filtered = lfilter([1 - decay], [1, -decay], drive.values)
    measured = transfer_function(drive, filtered, segment=4.0)
    assert measured.high_frequency_ratio(250 * Hz) == pytest.approx(ratio, rel=0.05)
    assert filtered.var() / drive.values.var() == pytest.approx(leaky_variance_ratio(decay), rel=0.05)


def leaky_circuit(method: str, dt: Any = 1 * ms) -> ns.Circuit:
    circuit = ns.Circuit("leaky", dt=dt)
    cell = ns.models.leaky_integrator(tau_mem=20 * ms, v_leak=0.0, method=method)
    circuit.population("cells", 2, cell)
    circuit.inject("drive", "cells", "i_ext")
    return circuit


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
@pytest.mark.parametrize("method", ["exact", "euler"])
def test_membrane_has_the_gain_of_the_closed_form_on_both_backends(method: str, backend: str) -> None:
    drive = multi_sine(line_frequencies(0.25, 400, 25, 4.0), 4 * second, 1 * ms, lead=0.7 * second)
    found = measure_response(leaky_circuit(method), "drive", drive, 1.0, ["cells.v"], mean=0.3, backend=backend)
    measured = found["cells.v"]
    np.testing.assert_allclose(
        measured.response, leaky_response(measured.frequency, 20 * ms, dt=1 * ms, method=method), atol=1e-9
    )
    if method == "exact":
        assert measured.cut_off((0.25, 0.5)) == pytest.approx(7.96, abs=0.1)
    assert found.backend == backend
    assert measured.facts.n_cells == 2


def test_another_exact_integrator_is_the_same_filter() -> None:
    drive = multi_sine([1, 11, 101], 1 * second, 1 * ms, lead=0.7 * second)
    found = measure_response(leaky_circuit("exponential_euler"), "drive", drive, 1.0, ["cells.v"])["cells.v"]
    np.testing.assert_allclose(found.response, leaky_response(found.frequency, 0.02, dt=1e-3), atol=1e-9)


def test_the_neuron_of_snntorch_is_the_same_filter_once_its_input_is_scaled() -> None:
    import snntorch
    import torch

    decay = leaky_decay(20 * ms, dt=1 * ms)
    neuron = snntorch.Leaky(beta=decay, threshold=1e9, reset_mechanism="none")
    pulse = torch.zeros(1000, dtype=torch.float64)
    pulse[0] = 1.0
    membrane, answer = torch.zeros(1, dtype=torch.float64), []
    for value in pulse:
        _, membrane = neuron(value[None], membrane)
        answer.append(membrane.item())
    assert sum(answer) == pytest.approx(20.504, abs=1e-3)  # the gain of what does not change, without scaling
    turns = np.exp(-2j * np.pi * np.outer(FREQUENCIES, np.arange(len(answer))) * 1e-3)
    found = np.abs(turns @ np.array(answer)) * (1 - decay)
    np.testing.assert_allclose(found, np.abs(leaky_response(FREQUENCIES, 20 * ms, dt=1e-3)), rtol=1e-6)


def test_slope_of_a_leaky_membrane() -> None:
    frequency = line_frequencies(20, 400, 24, 2.0)
    drive = multi_sine(frequency, 2.0, 1e-4, lead=0.5)
    decay = leaky_decay(0.02, 1e-4, "euler")
    measured = transfer_function(drive, lfilter([1 - decay], [1, -decay], drive.values))
    assert measured.slope((50, 200)) == pytest.approx(-1.985, abs=0.05)
    noise = broadband(40.0, 1e-4, lead=0.5, seed=2)
    measured = transfer_function(noise, lfilter([1 - decay], [1, -decay], noise.values), segment=0.2)
    assert measured.slope((50, 200)) == pytest.approx(-1.985, abs=0.05)


def test_arguments_that_have_no_meaning_are_refused() -> None:
    with pytest.raises(AnalysisError, match="Did you mean 'euler'"):
        leaky_decay(0.02, 1e-3, "eular")
    with pytest.raises(AnalysisError, match="must be positive"):
        leaky_decay(0.0, 1e-3)
