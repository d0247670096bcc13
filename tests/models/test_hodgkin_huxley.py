from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import growth, initial, integrate, known, rest, slopes
from neurosim.units import ms, mV


def test_it_rests() -> None:
    cell = ns.models.hodgkin_huxley()
    found = rest(cell)
    assert found["v"] == pytest.approx(-0.06476, abs=5e-6)
    assert growth(cell, found) < 0


def test_the_gates_start_at_their_steady_state() -> None:
    cell = ns.models.hodgkin_huxley()
    found = slopes(cell, initial(cell))
    assert [found[gate] for gate in "mhn"] == pytest.approx([0, 0, 0], abs=1e-9)
    assert initial(cell)["h"] == pytest.approx(0.998, abs=0.001)


def test_it_spikes() -> None:
    solution = integrate(ns.models.hodgkin_huxley(), 0.06, threshold=-0.02, i_ext=500e-12)
    assert len(solution.t_events[0]) == 5
    assert 0.03 < solution.y[0].max() < 0.05
    assert solution.y[0].min() < -0.06
    assert len(integrate(ns.models.hodgkin_huxley(), 0.1, threshold=-0.02, i_ext=20e-12).t_events[0]) == 0


def test_the_benchmark_fires_by_itself() -> None:
    assert len(integrate(ns.models.hodgkin_huxley(v_leak=-60 * mV), 0.1, threshold=-0.02).t_events[0]) == 2


@pytest.mark.parametrize("v", [-80.0, -65.0, -42.0, 20.0])
def test_rates_are_the_published_ones(v: float) -> None:
    x = v + 63
    published = {
        "alpha_m": 0.32 * (13 - x) / (np.exp((13 - x) / 4) - 1),
        "beta_m": 0.28 * (x - 40) / (np.exp((x - 40) / 5) - 1),
        "alpha_h": 0.128 * np.exp((17 - x) / 18),
        "beta_h": 4 / (1 + np.exp((40 - x) / 5)),
        "alpha_n": 0.032 * (15 - x) / (np.exp((15 - x) / 5) - 1),
        "beta_n": 0.5 * np.exp((10 - x) / 40),
    }
    found = known(ns.models.hodgkin_huxley(), {"v": v * 1e-3})
    assert {name: found[name] / 1000 for name in published} == pytest.approx(published, rel=1e-9)


@pytest.mark.parametrize(
    ("rate", "v", "limit"), [("alpha_m", -0.050, 1.28), ("beta_m", -0.023, 1.4), ("alpha_n", -0.048, 0.16)]
)
def test_rates_are_finite_where_the_published_form_is_not(rate: str, v: float, limit: float) -> None:
    cell = ns.models.hodgkin_huxley(v_t=0 * mV)
    assert known(cell, {"v": v + 0.063})[rate] == pytest.approx(1000 * limit, rel=1e-9)


def test_one_spike_per_crossing() -> None:
    cell = ns.models.hodgkin_huxley()
    assert cell.threshold == cell.refractory == "v > v_spike"
    assert cell.reset == ""
    assert cell.unless_refractory == frozenset()


def test_receptors() -> None:
    cell = ns.models.hodgkin_huxley(receptors={"gaba": ns.Exponential(10 * ms, reversal=-80 * mV)})
    pulled = slopes(cell, {"v": -0.06, "gaba": 1e-9})["v"] - slopes(cell, {"v": -0.06})["v"]
    assert pulled == pytest.approx(1e-9 * -0.02 / 200e-12)
