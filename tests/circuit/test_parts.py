"""Populations, views of them, projections and injections as values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import neurosim.circuit as nc
from circuit.small import CELL, GRADED, small
from neurosim.errors import CircuitError
from neurosim.units import ms, mV, pA


@pytest.fixture
def letters() -> nc.Population:
    return nc.Circuit("c", dt=1 * ms).population("letters", 5, GRADED, labels=["a", "b", "c", "d", "e"])


@pytest.mark.parametrize(
    ("selection", "indices"),
    [
        (slice(2), (0, 1)), (slice(None), (0, 1, 2, 3, 4)), (slice(None, None, -2), (4, 2, 0)), (3, (3,)), (-1, (4,)),
        (np.int64(2), (2,)), ([3, 1], (3, 1)), (np.array([0, 0]), (0, 0)), ("c", (2,)), (["d", "a"], (3, 0)),
        (("e",), (4,)), (np.array([1, 0, 0, 0, 1], dtype=bool), (0, 4)), ([True, False, False, False, True], (0, 4)),
    ],
)  # fmt: skip
def test_views(letters: nc.Population, selection: Any, indices: tuple[int, ...]) -> None:
    view = letters[selection]
    assert view == nc.View("letters", indices)
    assert len(view) == len(indices)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("f", r"population 'letters' has no neuron labelled 'f'\..* Known: a, b, c, d, e\."),
        (["a", "A"], "has no neuron labelled 'A'"),
        (5, "out of bounds"), (-6, "out of bounds"), ([1, 7], "out of bounds"), (slice(3, 3), "is empty"),
        ([], "population 'letters'"),
        (1.5, "population 'letters'"), (np.zeros(5, dtype=bool), "is empty"), ((0, 1), "too many indices"),
        (np.array([True, False]), "population 'letters'"),
    ],
)  # fmt: skip
def test_views_that_cannot_be(letters: nc.Population, selection: Any, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        letters[selection]


def test_labels_are_asked_for_where_there_are_none() -> None:
    with pytest.raises(CircuitError, match=r"has no neuron labelled 'a'\. There are none yet"):
        small().populations["exc"]["a"]


def test_views_of_a_shape() -> None:
    grid = nc.Circuit("c", dt=1 * ms).population("grid", (3, 4), GRADED)
    assert grid[1].indices == (4, 5, 6, 7)
    assert grid[1:, 0].indices == (4, 8)
    assert grid[..., 3].indices == (3, 7, 11)
    assert grid[:].indices == tuple(range(12))
    assert len(grid) == grid.n == 12
    assert repr(grid) == "<grid: 3x4 graded>"


def test_what_a_population_says_of_itself() -> None:
    circuit = small()
    exc, slow, spikes, signal = (circuit.populations[name] for name in ("exc", "slow", "input", "signal"))
    assert (exc.spiking, slow.spiking, spikes.spiking, signal.spiking) == (True, False, True, False)
    assert exc.first_variable == "v"
    assert (spikes.first_variable, signal.first_variable) == (None, "signal")
    assert exc.variables == CELL.units
    assert (spikes.variables, signal.variables) == ({}, {"signal": "1"})
    assert repr(exc) == "<exc: 10 cell>"
    assert repr(spikes) == "<input: 6 SpikeSource>"


def test_parts_are_frozen() -> None:
    circuit = small()
    exc = circuit.populations["exc"]
    with pytest.raises(FrozenInstanceError):
        exc.shape = (3,)  # type: ignore[misc]
    with pytest.raises(TypeError):
        exc.parameters["tau"] = exc.parameters  # type: ignore[index]
    with pytest.raises(TypeError):
        circuit.parts["new"] = exc  # type: ignore[index]


def test_populations_are_equal_by_value() -> None:
    def made(n: Any = 4, model: nc.NeuronModel = CELL, **options: Any) -> nc.Population:
        return nc.Circuit("c", dt=1 * ms).population("p", n, model, **options)

    assert made() == made()
    assert hash(made()) == hash(made())
    taus = {"tau": np.array([1, 2, 3, 4]) * ms}
    assert made(parameters=taus, initial={"v": -55 * mV}) == made(parameters=taus, initial={"v": -55 * mV})
    others: list[dict[str, Any]] = [
        {"n": 5}, {"n": (2, 2)}, {"model": GRADED}, {"parameters": taus}, {"parameters": {"tau": 20 * ms}},
        {"initial": {"v": -55 * mV}}, {"initial": {"v": "v_leak"}}, {"labels": "abcd"},
    ]  # fmt: skip
    for options in others:
        assert made(**options) != made()


def test_projections_are_equal_by_value() -> None:
    def made(pre: Any = "exc", post: Any = "inh", rule: nc.Connectivity | None = None, **options: Any) -> nc.Projection:
        given = {"receptor": "exc", "weight": 1 * mV, "name": "p", **options}
        return small().connect(pre, post, rule or nc.AllToAll(), **given)

    assert made() == made()
    assert hash(made()) == hash(made())
    assert made(weight=np.arange(40.0) * mV) == made(weight=np.arange(40.0) * mV)
    others: list[dict[str, Any]] = [
        {"pre": "inh"}, {"post": "exc"}, {"pre": nc.View("exc", (1,))}, {"post": nc.View("inh", (1,))},
        {"weight": 2 * mV},
        {"rule": nc.FixedProbability(1.0)}, {"weight": np.arange(40.0) * mV}, {"delay": 1 * ms}, {"name": "q"},
        {"receptor": "v"}, {"weight": nc.Trainable(1 * mV)},
    ]  # fmt: skip
    for options in others:
        assert made(**options) != made()
    assert made() != "p"
    assert repr(made()) == "<p: exc -> inh, AllToAll(autapses=True)>"


def test_injections_are_equal_by_value() -> None:
    def made(**options: Any) -> nc.Injection:
        return small().inject("s", **{"target": "exc", "variable": "i_ext", **options})

    assert made() == made()
    assert made(signal=nc.Step([1] * 10 * pA)) == made(signal=nc.Step([1] * 10 * pA))
    for options in ({"target": "inh"}, {"variable": "i_syn"}, {"signal": nc.Step(1 * pA)}):
        assert made(**options) != made()
    assert made().n == 10
