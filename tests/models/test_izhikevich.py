from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, initial, iterate, rest, slopes
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV, nS, pA, pF

KINDS = {
    "regular": (0.02, 0.2, 3.7975),
    "fast": (0.1, 0.2, 3.9375),
    "low": (0.02, 0.25, 0.685),
    "resonator": (0.1, 0.26, 0.2625),
}


@pytest.mark.parametrize(("b", "stable", "saddle"), [(0.2, -70.0, -50.0), (0.25, -64.41, -54.34)])
def test_rest_and_saddle(b: float, stable: float, saddle: float) -> None:
    cell = ns.models.izhikevich(b=b)
    found = rest(cell)
    assert found["v"] == pytest.approx(stable, abs=0.005)
    assert growth(cell, found) < 0
    at_saddle = {"v": saddle, "u": b * saddle}
    assert slopes(cell, at_saddle) == pytest.approx({"v": 0, "u": 0}, abs=5)  # per second
    assert growth(cell, at_saddle) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_where_rest_is_lost(kind: str) -> None:
    a, b, current = KINDS[kind]
    cell = ns.models.izhikevich(a=a, b=b)
    lost = brentq(lambda i: growth(cell, rest(cell, i_ext=i), i_ext=i), current - 0.3, current + 0.05)
    assert lost == pytest.approx(current, abs=1e-4)


def test_it_starts_as_published() -> None:
    assert initial(ns.models.izhikevich(b=0.25)) == {"v": -65.0, "u": -16.25, "i_ext": 0.0}


def test_receptors_are_plain_numbers() -> None:
    cell = ns.models.izhikevich(receptors={"ampa": ns.Exponential(5 * ms, reversal=0.0), "gaba": 10 * ms})
    still = slopes(cell, {"v": -65.0, "u": -13.0})["v"]
    driven = slopes(cell, {"v": -65.0, "u": -13.0, "ampa": 0.1, "gaba": -2.0})["v"]
    assert driven - still == pytest.approx((0.1 * 65 - 2) * 1000)
    with pytest.raises(UnitError, match="reversal of 'ampa'"):
        ns.models.izhikevich(receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)})
    with pytest.raises(UnitError, match="model 'izhikevich': c must be a plain number"):
        ns.models.izhikevich(c=-65 * mV)


def test_the_physical_form_loses_rest_at_its_rheobase() -> None:
    k, b, gap = 7e-7, -2e-9, 0.02
    rheobase = (k * gap + b) ** 2 / (4 * k)
    cell = ns.models.izhikevich_physical()
    below = rest(cell, i_ext=0.99 * rheobase)
    assert growth(cell, below, i_ext=0.99 * rheobase) < 0
    vertex = -0.06 + (k * gap + b) / (2 * k)  # where dv/dt along u = b*(v - v_rest) is smallest
    assert slopes(cell, {"v": vertex, "u": b * (vertex + 0.06), "i_ext": rheobase})["v"] == pytest.approx(0, abs=1e-9)
    assert rheobase == pytest.approx(51.4e-12, rel=1e-3)


def test_the_two_forms_are_one_model() -> None:
    """0.04 v^2 + 5 v + 140 is k (v - v_rest)(v - v_t) of a cell of 1 pF, in mV, ms and pA."""
    low, high = np.sort(np.roots([0.04, 5, 140])) * mV
    plain = ns.models.izhikevich()
    physical = ns.models.izhikevich_physical(
        C=1 * pF, k=0.04 * nS / mV, v_rest=low, v_t=high, a=0.02 / ms, b=0.2 * nS, c=-65 * mV, d=8 * pA
    )
    shift = 0.2 * float(low / mV)  # u is counted from its value at v_rest
    for v, u, i in [(-70, -14, 0), (-55, -10, 3), (10, -5, 20)]:
        expected = slopes(plain, {"v": v, "u": u, "i_ext": i})
        found = slopes(physical, {"v": v * 1e-3, "u": (u - shift) * 1e-12, "i_ext": (i - shift) * 1e-12})
        assert found["v"] * 1e3 == pytest.approx(expected["v"], rel=1e-9, abs=1e-6)
        assert found["u"] * 1e12 == pytest.approx(expected["u"], rel=1e-9, abs=1e-6)


def published_loop(currents: np.ndarray, a: float, b: float, c: float, d: float) -> tuple[list[int], float, float]:
    """Run the loop of the 2003 paper for one neuron: test, reset, two half steps of v, one step of u."""
    v, u, fired = -65.0, b * -65.0, []
    for step, current in enumerate(currents):
        if v >= 30:
            fired.append(step)
            v, u = c, u + d
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + a * (b * v - u)
    return fired, v, u


def test_the_map_is_the_published_loop_one_stamp_earlier() -> None:
    fired, v, u = published_loop(np.full(1000, 10.0), 0.02, 0.2, -65, 8)
    spikes, states = iterate(ns.models.izhikevich_map(), 1000, i_ext=10.0)
    assert len(fired) == 20
    assert [step - 1 for step in fired] == spikes
    assert (states[-1]["v"], states[-1]["u"]) == (v, u)


def test_schemes_differ_in_rate() -> None:
    counts = {
        scheme: len(iterate(ns.models.izhikevich_map(scheme=scheme), 1000, i_ext=10.0)[0])
        for scheme in ("published", "euler")
    }
    assert counts == {"published": 20, "euler": 22}


def test_the_map_consumes_its_pulses() -> None:
    _, states = iterate(ns.models.izhikevich_map(), 1, i_syn=5.0)
    assert states[0]["i_syn"] == 0
    assert states[0]["v"] > iterate(ns.models.izhikevich_map(), 1)[1][0]["v"]


def test_unknown_scheme() -> None:
    with pytest.raises(CircuitError, match=r"unknown scheme 'eular'. Did you mean 'euler'"):
        ns.models.izhikevich_map(scheme="eular")
