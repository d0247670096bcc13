from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, initial, rest, slopes
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV


def test_where_rest_is_lost() -> None:
    """The closed form of the Hopf bifurcation, from the trace of the linearised equations."""
    g, a, tau_m, tau_w, span, delta = 30e-9, 4e-9, 281e-12 / 30e-9, 0.144, 0.0202, 0.002
    ratio = tau_m / tau_w
    current = (g + a) * (span - delta + delta * np.log(1 + ratio)) + delta * g * (a / g - ratio)
    cell = ns.models.adaptive_exponential()
    lost = brentq(lambda i: growth(cell, rest(cell, i_ext=i), i_ext=i), 0.6e-9, 0.64e-9)
    assert lost == pytest.approx(current, rel=1e-4)
    assert current == pytest.approx(0.627e-9, rel=1e-3)


def test_slopes_with_the_published_constants() -> None:
    found = slopes(ns.models.adaptive_exponential(), {"v": -0.0504, "w_adapt": 5e-11, "i_ext": 3e-10})
    assert found["v"] == pytest.approx((-30e-9 * 0.0202 + 30e-9 * 0.002 - 5e-11 + 3e-10) / 281e-12)
    assert found["w_adapt"] == pytest.approx((4e-9 * 0.0202 - 5e-11) / 0.144)


def test_it_starts_at_the_leak() -> None:
    assert initial(ns.models.adaptive_exponential()) == {"v": -0.0706, "w_adapt": 0.0, "i_ext": 0.0}


def test_the_cut_follows_the_threshold_unless_given() -> None:
    assert ns.models.adaptive_exponential().threshold == "v > v_t + 5*delta_t"
    given = ns.models.adaptive_exponential(v_cut=0 * mV)
    assert (given.threshold, given.parameters["v_cut"].value) == ("v > v_cut", 0.0)


def test_refractoriness_holds_v_only() -> None:
    cell = ns.models.adaptive_exponential(tau_ref=2 * ms)
    assert (cell.refractory, cell.unless_refractory) == ("tau_ref", {"v"})
    assert ns.models.adaptive_exponential().unless_refractory == frozenset()


def test_receptors() -> None:
    cell = ns.models.adaptive_exponential(receptors={"ampa": ns.Alpha(5 * ms, reversal=0 * mV)})
    pulled = slopes(cell, {"v": -0.07, "ampa": 1e-9})["v"] - slopes(cell, {"v": -0.07})["v"]
    assert pulled == pytest.approx(1e-9 * 0.07 / 281e-12)
    with pytest.raises(CircuitError, match="cannot be called 'w_adapt'"):
        ns.models.adaptive_exponential(receptors={"w_adapt": 5 * ms})


def test_units_are_named() -> None:
    with pytest.raises(UnitError, match=r"model 'adaptive_exponential': C needs a unit \(farad\)"):
        ns.models.adaptive_exponential(C=281)
