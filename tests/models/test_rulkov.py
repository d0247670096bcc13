from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import iterate
from neurosim.errors import UnitError
from neurosim.units import mV


def published_map(steps: int, alpha: float, mu: float, sigma: float) -> tuple[list[float], list[float]]:
    x, y, xs, ys = -1.0, -1 - alpha / 2, [], []
    for _ in range(steps):
        if x <= 0:
            x_next = alpha / (1 - x) + y
        elif x < alpha + y:
            x_next = alpha + y
        else:
            x_next = -1.0
        x, y = x_next, y - mu * (x + 1 - sigma)
        xs.append(x)
        ys.append(y)
    return xs, ys


@pytest.mark.parametrize(("alpha", "sigma"), [(4.0, 0.1), (6.0, -0.2)])
def test_it_is_the_published_map(alpha: float, sigma: float) -> None:
    spikes, states = iterate(ns.models.rulkov(alpha=alpha, sigma=sigma), 1500)
    xs, ys = published_map(1500, alpha, 0.001, sigma)
    assert [state["x"] for state in states] == pytest.approx(xs, abs=1e-9)
    assert [state["y"] for state in states] == pytest.approx(ys, abs=1e-9)
    above = np.array([-1.0, *xs]) > 0
    assert spikes == list(np.flatnonzero(above[1:] & ~above[:-1]))
    assert len(spikes) > 10


def test_where_it_starts_to_spike() -> None:
    border = 2 - np.sqrt(4 / (1 - 0.001))
    assert border == pytest.approx(-0.001, abs=1e-5)
    silent, states = iterate(ns.models.rulkov(sigma=border - 0.001), 4000)
    assert silent == []
    assert states[-1]["x"] == pytest.approx(border - 1.001, abs=1e-3)
    assert iterate(ns.models.rulkov(sigma=border + 0.01), 4000)[0] != []


def test_input_excites_and_pulses_are_consumed() -> None:
    cell = ns.models.rulkov(sigma=-0.1)
    assert iterate(cell, 1500)[0] == []
    assert len(iterate(cell, 1500, i_ext=0.5)[0]) > 10
    pulsed = iterate(cell, 1, i_syn=1.0)[1][0]
    assert pulsed["i_syn"] == 0
    assert pulsed["x"] - iterate(cell, 1)[1][0]["x"] == pytest.approx(0.133)


def test_plain_numbers_only() -> None:
    with pytest.raises(UnitError, match="model 'rulkov': alpha must be a plain number"):
        ns.models.rulkov(alpha=4 * mV)
