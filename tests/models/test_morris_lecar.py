from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, integrate, rest, slopes
from models.runs import spike_times
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, pA


def test_rest_and_where_it_is_lost() -> None:
    cell = ns.models.morris_lecar()
    found = rest(cell)
    assert found == pytest.approx({"v": -60.855e-3, "n": 0.014915}, rel=1e-4)
    assert growth(cell, found) < 0
    lost = brentq(lambda i: growth(cell, rest(cell, i_ext=i * 1e-12), i_ext=i * 1e-12), 80, 100)
    assert lost == pytest.approx(93.86, abs=0.005)


def test_slopes_with_the_published_constants() -> None:
    found = slopes(ns.models.morris_lecar(), {"v": 0.01, "n": 0.3, "i_ext": 5e-11})
    calcium = 4.4 * 0.5 * (1 + np.tanh(11.2 / 18)) * 110
    assert found["v"] == pytest.approx((2 * -70 + calcium + 8 * 0.3 * -94 + 50) / 20)
    steady = 0.5 * (1 + np.tanh(8 / 30))
    assert found["n"] == pytest.approx(40 * np.cosh(8 / 60) * (steady - 0.3))


def test_it_oscillates_as_an_independent_solution() -> None:
    expected = integrate(ns.models.morris_lecar(), 0.6, threshold=0.0, i_ext=1.2e-10).t_events[0]
    found = spike_times(ns.models.morris_lecar(), 0.6, dt=0.1, i_ext=ns.Step(120 * pA))
    assert len(expected) > 3
    assert found == pytest.approx(expected, abs=1.5e-4)


def test_names_and_units() -> None:
    with pytest.raises(CircuitError, match="cannot be called 'm_open'"):
        ns.models.morris_lecar(receptors={"m_open": 5 * ms})
    with pytest.raises(UnitError, match="phi needs a unit"):
        ns.models.morris_lecar(phi=40)
