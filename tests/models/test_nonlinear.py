from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, initial, rest, slopes
from models.runs import spike_times
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV, pA

KINDS = {"quadratic": (ns.models.quadratic_if, 196.875), "exponential": (ns.models.exponential_if, 400.0)}


@pytest.mark.parametrize("kind", KINDS)
def test_where_rest_is_lost(kind: str) -> None:
    build, current = KINDS[kind]
    cell = build()
    below = rest(cell, i_ext=0.99 * current * 1e-12)
    assert growth(cell, below, i_ext=0.99 * current * 1e-12) < 0
    least = {"quadratic": -0.0575, "exponential": -0.055}[kind]  # where dv/dt is smallest
    found = brentq(lambda i: slopes(cell, {"v": least, "i_ext": i * 1e-12})["v"], 0.5 * current, 1.5 * current)
    assert found == pytest.approx(current, rel=1e-9)


@pytest.mark.parametrize(("kind", "current"), [("quadratic", 300.0), ("exponential", 500.0)])
def test_period_is_the_integral_of_the_inverse_slope(kind: str, current: float) -> None:
    cell = KINDS[kind][0]()
    period = quad(lambda v: 1 / slopes(cell, {"v": v, "i_ext": current * 1e-12})["v"], -0.06, -0.03, points=[-0.055])[0]
    times = spike_times(cell, 0.3, dt=0.01, i_ext=ns.Step(current * pA))
    assert len(times) > 3
    assert np.diff(times) == pytest.approx(period, abs=1e-4)


def test_period_of_the_quadratic_neuron_as_documented() -> None:
    q = 70 * (20e6 * 300e-12 - 70 * 0.015**2 / 4)
    angle = [np.arctan((v + 0.0575) * 70 / np.sqrt(q)) for v in (-0.06, -0.03)]
    period = 0.012 / np.sqrt(q) * (angle[1] - angle[0])
    assert period == pytest.approx(57.08e-3, abs=5e-6)
    times = spike_times(ns.models.quadratic_if(), 0.3, dt=0.01, i_ext=ns.Step(300 * pA))
    assert np.diff(times) == pytest.approx(period, abs=5e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_start_refractoriness_receptors_and_errors(kind: str) -> None:
    build = KINDS[kind][0]
    assert initial(build()) == {"v": -0.065, "i_ext": 0.0}
    assert build().refractory is None
    held = build(tau_ref=2 * ms, receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)})
    assert (held.refractory, held.unless_refractory) == ("tau_ref", {"v"})
    pulled = slopes(held, {"v": -0.06, "ampa": 1e-9})["v"] - slopes(held, {"v": -0.06})["v"]
    assert pulled == pytest.approx(20e6 * 1e-9 * 0.06 / 0.012)
    with pytest.raises(CircuitError, match="cannot be called 'v_peak'"):
        build(receptors={"v_peak": 5 * ms})
    with pytest.raises(UnitError, match=r"v_peak needs a unit \(volt\)"):
        build(v_peak=-30)
