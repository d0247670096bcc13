"""Edges and weights from matrices, and weights on a dyadic grid."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import neurosim as ns
import neurosim.circuit as nc
from circuit.small import small
from neurosim.circuit.dyadic import grid_of, on_grid
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV, nS

W = np.zeros((10, 4))
W[[0, 0, 3, 9], [1, 3, 0, 2]] = [0.5, -2.0, 1.5, 4.0]
DIMS = ("pre", "post")


def connected(rule: Any, **options: Any) -> nc.Circuit:
    circuit = small()
    circuit.connect("exc", "inh", rule, **{"receptor": "exc", "name": "p", **options})
    return circuit


def rows(circuit: nc.Circuit) -> list[tuple[int, int, float]]:
    edges = circuit.edges("p")
    return list(zip(edges.pre.tolist(), edges.post.tolist(), edges.weight.tolist(), strict=True))


EXPECTED = [(0, 1, 0.5e-3), (0, 3, -2e-3), (3, 0, 1.5e-3), (9, 2, 4e-3)]


@pytest.mark.parametrize(
    "matrix",
    [
        nc.Matrix(W * mV, dims=DIMS),
        nc.Matrix(W.T * mV, dims=("post", "pre")),
        nc.Matrix(W, dims=DIMS, unit=mV),
        nc.Matrix(W / 1000, dims=list(DIMS), unit="volt"),
        nc.Matrix(sparse.csc_matrix(W), dims=DIMS, unit=mV),
        nc.Matrix(sparse.coo_array(W.T), dims=("post", "pre"), unit=mV),
    ],
    ids=["dense", "turned", "unit", "text", "sparse", "sparse-turned"],
)
def test_a_matrix_is_its_edges_and_weights(matrix: nc.Matrix, tmp_path: Path) -> None:
    circuit = connected(matrix)
    found = rows(circuit)
    assert [edge[:2] for edge in found] == [edge[:2] for edge in EXPECTED]
    np.testing.assert_allclose([edge[2] for edge in found], [edge[2] for edge in EXPECTED], rtol=1e-15)
    assert nc.Circuit.load(circuit.save(tmp_path / "c.json")) == circuit
    assert repr(matrix) == "Matrix(<10 x 4, 4 entries>)"


def test_sparse_entries_stored_twice_are_added_and_zeros_dropped() -> None:
    table = sparse.coo_matrix(([1.0, 2.0, 0.0], ([2, 2, 5], [1, 1, 3])), shape=(10, 4))
    assert rows(connected(nc.Matrix(table, dims=DIMS, unit=mV))) == [(2, 1, 0.003)]
    assert table.nnz == 3  # the user's matrix stays as it was
    assert rows(connected(nc.Matrix(np.zeros((10, 4)) * mV, dims=DIMS))) == []


def test_a_matrix_of_truth_values_is_a_mask() -> None:
    circuit = connected(nc.Matrix(W != 0, dims=DIMS), weight=2 * mV)
    assert rows(circuit) == [(pre, post, 0.002) for pre, post, _ in EXPECTED]
    assert rows(connected(nc.Matrix(sparse.csr_matrix(W != 0), dims=DIMS), weight=2 * mV)) == rows(circuit)


def test_as_weight_every_edge_takes_its_entry() -> None:
    matrix = nc.Matrix(W * mV, dims=DIMS)
    dense = connected(nc.AllToAll(), weight=matrix).edges("p")
    np.testing.assert_allclose(dense.weight.reshape(10, 4), W * 1e-3)
    drawn = connected(nc.FixedProbability(0.5), weight=matrix).edges("p")
    assert 5 < drawn.pre.size < 35
    np.testing.assert_allclose(drawn.weight, W[drawn.pre, drawn.post] * 1e-3)
    trained = connected(nc.AllToAll(), weight=nc.Trainable(matrix, sign=1))
    assert trained.trainables()["p.weight"].sign == 1
    np.testing.assert_allclose(trained.edges("p").weight, dense.weight)
    marked = connected(matrix, weight=nc.Trainable())
    np.testing.assert_allclose(marked.edges("p").weight, [edge[2] for edge in EXPECTED])
    assert "p.weight" in marked.trainables()


def test_rows_and_columns_of_views() -> None:
    circuit = small()
    matrix = nc.Matrix([[1.0, 0.0], [2.0, 3.0]], dims=DIMS, unit=mV)
    pre, post = nc.View("exc", (7, 2)), nc.View("inh", (3, 1))
    circuit.connect(pre, post, matrix, receptor="exc", name="p")
    assert [edge[:2] for edge in rows(circuit)] == [(7, 3), (2, 3), (2, 1)]
    circuit.connect(pre, post, nc.Edges([1, 0], [0, 1]), receptor="exc", name="q", weight=matrix)
    np.testing.assert_allclose(circuit.edges("q").weight, [0.002, 0])


@pytest.mark.parametrize(
    ("rule", "options", "error", "message"),
    [
        (W * mV, {}, CircuitError, r"A matrix must say what its rows are: wrap it as ns\.Matrix"),
        (sparse.csr_matrix(W), {}, CircuitError, r"wrap it as ns\.Matrix"),
        (nc.AllToAll(), {"weight": W * mV}, CircuitError, r"weight= is a bare matrix; wrap it as ns\.Matrix\(w, dims="),
        (nc.AllToAll(), {"weight": nc.Trainable(W * mV)}, CircuitError, "bare matrix"),
        (nc.AllToAll(), {"weight": nc.Matrix(W * nS, dims=DIMS)}, UnitError, "must be in volt"),
        (nc.AllToAll(), {"weight": nc.Matrix(W != 0, dims=DIMS)}, CircuitError, "truth values holds no weights"),
        (nc.AllToAll(), {"weight": nc.Matrix(W.T * mV, dims=DIMS)}, CircuitError, "Turn its dims round"),
        (nc.Matrix(W * mV, dims=DIMS), {"weight": 1 * mV}, CircuitError, "the matrix holds the weights"),
        (nc.Matrix(W * mV, dims=("post", "pre")), {}, CircuitError, "4 presynaptic and 10 postsynaptic .* Turn"),
        (nc.Matrix(W[:3] * mV, dims=DIMS), {}, CircuitError, r"but there are 10 and 4\.$"),
        (nc.Matrix(W, dims=DIMS), {}, UnitError, "needs a unit"),
        (nc.Matrix(W != 0, dims=DIMS), {}, CircuitError, "give weight="),
    ],
)
def test_matrices_that_do_not_fit(rule: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        connected(rule, **options)


@pytest.mark.parametrize(
    ("w", "options", "error", "message"),
    [
        (W, {}, CircuitError, "dims=None must say what rows and columns are"),
        (W, {"dims": ("post", "post")}, CircuitError, "must say what rows"),
        (W[0], {"dims": DIMS}, CircuitError, r"two axes, got shape \(4,\)"),
        (W * np.nan, {"dims": DIMS}, CircuitError, "40 entries are not finite"),
        (W * mV, {"dims": DIMS, "unit": mV}, UnitError, "in volt already"),
        (W != 0, {"dims": DIMS, "unit": mV}, UnitError, "truth values have no unit"),
        (W, {"dims": DIMS, "unit": [1, 2] * mV}, UnitError, "one unit such as nS"),
        ("w", {"dims": DIMS}, UnitError, "must be a number"),
    ],
)
def test_matrices_that_are_none(w: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nc.Matrix(w, **options)


# -- dyadic weights --------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e-6, 1e-6).filter(lambda w: w == 0 or abs(w) > 1e-200), min_size=1, max_size=30))
def test_the_grid_is_near_and_sums_on_it_are_exact(weights: list[float]) -> None:
    given_weights = np.array(weights)
    rounded = np.asarray(on_grid(given_weights))
    spacing = grid_of(given_weights)
    np.testing.assert_array_equal(on_grid(rounded), rounded)
    if spacing:
        largest = np.abs(given_weights).max()
        assert largest / 1024 <= spacing < largest / 511
        assert np.abs(rounded - given_weights).max() <= spacing / 2
        np.testing.assert_array_equal(rounded % spacing, 0)
        assert np.log2(spacing) % 1 == 0
    sums = {float(np.sum(rounded)), float(np.sum(rounded[::-1])), sum(rounded.tolist()), float(np.cumsum(rounded)[-1])}
    assert len(sums) == 1


def test_every_order_of_adding_is_exact_in_single_precision_too() -> None:
    weights = np.array([0.1, -0.7, 0.3, 0.9, 0.2, 1 / 3])
    orders = [np.array(order) for order in permutations(range(6))]

    def sums(values: np.ndarray) -> int:
        return len({float(np.cumsum(values[order].astype(np.float32))[-1]) for order in orders})

    assert sums(weights) > 1
    assert sums(np.asarray(on_grid(weights))) == 1


@pytest.mark.parametrize("weight", [6.1 * mV, nc.Normal(5 * mV, 1 * mV), np.linspace(1, 3, 40) * mV],
                         ids=["one", "drawn", "given"])  # fmt: skip
def test_dyadic_weights_stand_in_the_realised_edges(weight: Any, tmp_path: Path) -> None:
    plain, dyadic = (connected(nc.AllToAll(), weight=weight, dyadic=flag) for flag in (False, True))
    before, after = plain.edges("p").weight, dyadic.edges("p").weight
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, on_grid(before))
    assert not after.flags.writeable
    assert dyadic != plain
    again = nc.Circuit.load(dyadic.save(tmp_path / "c.json"))
    assert again == dyadic
    np.testing.assert_array_equal(again.edges("p").weight, after)
    assert "on a dyadic grid" in str(dyadic)
    replaced = dyadic.replace({"p.delay": 1 * ms})
    np.testing.assert_array_equal(replaced.edges("p").weight, after)


def test_trainable_and_infinite_weights_have_no_grid() -> None:
    with pytest.raises(CircuitError, match="dyadic=True and a trainable weight exclude each other"):
        connected(nc.AllToAll(), weight=nc.Trainable(1 * mV), dyadic=True)
    with pytest.raises(CircuitError, match="projection 'p': dyadic=True needs finite weights"):
        connected(nc.AllToAll(), weight=np.inf * mV, dyadic=True)


@pytest.mark.parametrize("dyadic", [False, True])
def test_both_backends_run_a_matrix(dyadic: bool) -> None:
    circuit = nc.Circuit("net", dt=0.5 * ms, seed=3)
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49 * mV)
    circuit.population("cells", 8, cell, initial={"v": nc.Uniform(-60 * mV, -50 * mV)})
    weights = np.outer(np.arange(8), np.arange(8)) % 3
    circuit.connect("cells", "cells", nc.Matrix(weights * 0.7 * mV, dims=DIMS), receptor="v", dyadic=dyadic)
    first, second = (
        ns.simulate(circuit, 20 * ms, backend=name, record=["cells.spikes"]) for name in ("brian2", "snntorch")
    )
    assert len(first.spikes["cells"]) > 5
    assert first.spikes == second.spikes
    assert all(largest == 0 for largest, _ in first.state.max_differences(second.state).values())  # type: ignore[union-attr]
