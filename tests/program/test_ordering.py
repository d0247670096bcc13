"""Graded input of one step: algebraic populations after what they are computed from, circles refused."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.program.lowering import lower
from neurosim.units import ms
from program.library import population

UNIT = ns.models.rate_unit(nonlinearity="relu")


def chain(order: list[tuple[str, str]]) -> ns.Circuit:
    """Return rate units a, b, c behind a source, projections added in a given order; each doubles."""
    circuit = ns.Circuit("chain", dt=1 * ms)
    circuit.source("drive", ns.SignalSource(1))
    for name in "abc":
        circuit.population(name, 1, UNIT)
    for pre, post in order:
        circuit.connect(pre, post, ns.OneToOne(), receptor="x", weight=2.0)
    return circuit


FORWARD = [("drive", "a"), ("a", "b"), ("b", "c")]


@pytest.mark.parametrize("order", [FORWARD, FORWARD[::-1], [FORWARD[1], FORWARD[2], FORWARD[0]]])
def test_a_chain_of_algebraic_units_passes_a_signal_within_the_step(order: list[tuple[str, str]]) -> None:
    circuit = chain(order)
    assert [(item.pre, item.rank) for item in lower(circuit).graded] == [("drive", 0), ("a", 1), ("b", 2)]
    signal = np.array([[1.0], [0.0], [3.0]])
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 3 * ms, backend=backend, inputs={"drive": signal}, record={"c": "r"})
        np.testing.assert_array_equal(recording["c"]["r"].values[0], 8 * signal)


def test_states_are_read_as_they_stood_at_the_end_of_the_last_step() -> None:
    circuit = ns.Circuit("states", dt=1 * ms)
    circuit.population("first", 1, ns.models.leaky_integrator(tau_mem=10 * ms), initial={"v": 1.0})
    circuit.population("unit", 1, UNIT)
    circuit.population("last", 1, UNIT)
    circuit.connect("unit", "last", ns.OneToOne(), receptor="x", weight=1.0)
    circuit.connect("first", "unit", ns.OneToOne(), receptor="x", weight=1.0)
    record = {"first": "v", "last": "r"}
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 4 * ms, backend=backend, record=record)
        v, r = (recording[name][variable].values[0, :, 0] for name, variable in record.items())
        np.testing.assert_array_equal(r, [1.0, *v[:-1]])


def test_projections_of_one_rank_keep_the_order_of_the_circuit() -> None:
    circuit = chain(FORWARD)
    circuit.connect("drive", "c", ns.OneToOne(), receptor="x", weight=1.0, name="aaa_shortcut")
    circuit.connect("drive", "b", ns.OneToOne(), receptor="x", weight=1.0, name="zzz_shortcut")
    program = lower(circuit)
    assert [item.name for item in program.graded] == [
        "drive_to_a", "aaa_shortcut", "zzz_shortcut", "a_to_b", "b_to_c",
    ]  # fmt: skip
    assert [term.source for term in program.populations["c"].inputs["x"]] == ["b_to_c", "aaa_shortcut"]


def test_contributions_are_added_left_to_right_in_the_order_of_the_circuit() -> None:
    """(0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3); names and ranks must not decide."""
    circuit = chain([("drive", "a"), ("drive", "b")])
    for name, (pre, weight) in {"z": ("drive", 0.1), "y": ("a", 0.1), "x": ("drive", 0.3)}.items():
        circuit.connect(pre, "c", ns.OneToOne(), receptor="x", weight=weight, name=name)
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 1 * ms, backend=backend, inputs={"drive": np.ones((1, 1))}, record={"c": "x"})
        assert recording["c"]["x"].values.item() == (0.1 + 0.2) + 0.3


@pytest.mark.parametrize(
    ("edges", "named"),
    [
        ([("c", "a"), *FORWARD], "a -> b -> c -> a"),
        ([("drive", "a"), ("a", "a")], "a -> a"),
        ([("drive", "a"), ("b", "c"), ("c", "b"), ("a", "b")], "b -> c -> b"),
    ],
)
def test_a_circle_of_algebraic_units_is_refused_and_named(edges: list[tuple[str, str]], named: str) -> None:
    with pytest.raises(CircuitError, match="an algebraic cycle") as caught:
        lower(chain(edges))
    circle = str(caught.value).partition("same step: ")[2].partition(". ")[0].split(" -> ")
    expected = named.split(" -> ")
    start = expected.index(circle[0])
    assert circle == [*expected[start:-1], *expected[:start], circle[0]]
    assert "differential equation" in str(caught.value)


def test_a_state_in_the_circle_opens_it() -> None:
    circuit = ns.Circuit("open", dt=1 * ms)
    circuit.population("unit", 1, UNIT)
    circuit.population("state", 1, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.connect("unit", "state", ns.OneToOne(), receptor="i_ext", weight=1.0)
    circuit.connect("state", "unit", ns.OneToOne(), receptor="x", weight=1.0)
    assert [(item.name, item.rank) for item in lower(circuit).graded] == [("state_to_unit", 0), ("unit_to_state", 1)]


def test_reading_the_own_algebraic_value_is_a_circle_too() -> None:
    circuit = chain([("drive", "a")])
    pull = ns.SynapseModel("x_post = w*(r_pre - r_post) : 1 (summed)")
    circuit.connect("a", "b", ns.OneToOne(), synapse=pull, weight=1.0)
    with pytest.raises(CircuitError, match="an algebraic cycle"):
        lower(circuit)


def test_sub_expressions_that_define_each_other_are_refused() -> None:
    with pytest.raises(CircuitError, match=r"p -> q -> p|q -> p -> q"):
        population(ns.NeuronModel("p = q + 1 : 1\nq = 2*p : 1\nx : 1"))


def test_an_injection_reaches_the_end_of_a_chain_in_its_step() -> None:
    circuit = chain([("a", "b")])
    circuit.inject("touch", "a", "x", ns.Step(1.0, start=1 * ms, stop=2 * ms))
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 3 * ms, backend=backend, record={"b": "r"})
        assert recording["b"]["r"].values.ravel().tolist() == [0.0, 2.0, 0.0]


def test_sub_expressions_of_a_graded_synapse_are_part_of_what_it_reads() -> None:
    """The rank and the sum are those of the expression written out, on both backends."""
    results = []
    for text in ("half = w*r_pre/2 : 1\nx_post = half + half*r_pre : 1 (summed)",
                 "x_post = w*r_pre/2 + w*r_pre/2*r_pre : 1 (summed)"):  # fmt: skip
        circuit = chain(FORWARD[:1])
        circuit.connect("b", "c", ns.OneToOne(), synapse=ns.SynapseModel(text), weight=3.0)
        circuit.connect("a", "b", ns.OneToOne(), receptor="x", weight=2.0)
        assert [item.name for item in lower(circuit).graded] == ["drive_to_a", "a_to_b", "b_to_c"]
        inputs = {"drive": np.array([[1.0], [0.5]])}
        for backend in ("brian2", "snntorch"):
            recording = ns.simulate(circuit, 2 * ms, backend=backend, inputs=inputs, record={"c": "r"})
            results.append(recording["c"]["r"].values[0, :, 0].tolist())
    assert results == [[30.0, 9.0]] * 4
