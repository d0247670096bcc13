"""Rate and response of neurons in noise against their closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.analysis.frequency import (
    leaky_fire_response,
    leaky_rate,
    perfect_response,
    population_coherence,
    shifted_threshold,
)
from neurosim.errors import AnalysisError
from neurosim.units import ms

TAU = 0.02
ROWS = {  # mu, sigma: rate, its slope, gains at 1, 10, 20, 50, 100, 200 and 500 Hz, as published code gives them
    (0.8, 0.4): (16.8518, 42.7079, 42.703, 42.052, 39.081, 26.093, 17.971, 12.482, 7.756),
    (0.5, 0.5): (9.6433, 30.2052, 30.159, 26.623, 21.321, 13.161, 8.834, 6.007, 3.665),
    (1.2, 0.3): (32.9127, 51.4925, 51.506, 52.853, 57.537, 55.097, 39.686, 28.928, 18.764),
    (1.5, 0.2): (46.8660, 53.0361, 53.042, 53.627, 55.887, 103.387, 65.811, 51.165, 35.651),
}


@pytest.mark.parametrize(("noise", "row"), ROWS.items())
def test_leaky_neuron_in_white_noise_in_closed_form(noise: tuple[float, float], row: tuple[float, ...]) -> None:
    mu, sigma = noise
    assert leaky_rate(mu=mu, sigma=sigma, tau=20 * ms) == pytest.approx(row[0], abs=1e-4)
    found = leaky_fire_response([0, 1, 10, 20, 50, 100, 200, 500], mu=mu, sigma=sigma, tau=20 * ms)
    np.testing.assert_allclose(np.abs(found), row[1:], atol=6e-4)


def test_gain_at_zero_is_the_slope_of_the_rate_and_falls_as_a_square_root() -> None:
    rates = [leaky_rate(mu=0.8 + shift, sigma=0.4, tau=TAU) for shift in (-1e-5, 1e-5)]
    assert (rates[1] - rates[0]) / 2e-5 == pytest.approx(leaky_fire_response(0, mu=0.8, sigma=0.4, tau=TAU).real)
    high = complex(leaky_fire_response(20e3, mu=0.8, sigma=0.4, tau=TAU))
    omega = 2 * np.pi * 20e3
    assert abs(high) == pytest.approx(
        np.sqrt(2) * leaky_rate(mu=0.8, sigma=0.4, tau=TAU) / 0.4 / np.sqrt(omega * TAU), rel=0.03
    )
    assert np.degrees(np.angle(high)) == pytest.approx(-45, abs=2)


def test_rate_with_little_noise_is_the_one_without() -> None:
    without = 1 / (TAU * np.log(1.5 / 0.5))
    assert leaky_rate(mu=1.5, sigma=0.01, tau=TAU) == pytest.approx(without, rel=1e-3)
    assert leaky_rate(mu=0.1, sigma=0.02, tau=TAU) == 0


@pytest.mark.parametrize(("dt", "rate"), [(1e-4, 16.055), (5e-4, 15.103), (1e-3, 14.413)])
def test_rate_of_a_threshold_that_is_looked_at_once_a_step(dt: float, rate: float) -> None:
    assert leaky_rate(mu=0.8, sigma=0.4, tau=TAU, dt=dt) == pytest.approx(rate, abs=1e-3)
    higher = shifted_threshold(1.0, 0.4, TAU, dt)
    assert leaky_rate(mu=0.8, sigma=0.4, tau=TAU, threshold=higher) == pytest.approx(rate, abs=1e-3)


def test_perfect_integrator_in_closed_form() -> None:
    found = np.abs(perfect_response([1, 5, 10, 20, 50, 100], mean=20, diffusion=5))
    np.testing.assert_allclose(found, [0.991, 0.872, 0.744, 0.598, 0.421, 0.314], atol=6e-4)
    np.testing.assert_array_equal(perfect_response([0, 3, 1e4], mean=20, distance=4.0), 0.25)


@pytest.mark.parametrize(
    "wrong",
    [{"sigma": 0.0}, {"tau": 0.0}, {"reset": 1.0}],
    ids=["no noise", "no time", "reset at threshold"],
)
def test_neurons_without_a_closed_form_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match="must be positive"):
        leaky_rate(**{"mu": 0.8, "sigma": 0.4, "tau": TAU, **wrong})
    with pytest.raises(AnalysisError):
        perfect_response(1.0, mean=-1)
    with pytest.raises(AnalysisError, match="n_cells"):
        population_coherence(1.0, 1.0, rate=20, n_cells=0)
