"""What advances together, and what is known before the first step."""

from __future__ import annotations

from typing import Any

import neurosim as ns
from neurosim.program.components import adds_constants, components
from neurosim.program.lowering import lower
from neurosim.units import ms


def chain(**last: Any) -> ns.Circuit:
    """Return in -> a -> b -> c, with a second source at b."""
    circuit = ns.Circuit("chain", dt=1 * ms)
    for name in ("c", "a", "b"):  # out of order on purpose
        circuit.population(name, 2, ns.models.lif(tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    circuit.source("in", ns.SpikeSource(2))
    circuit.source("late", ns.SpikeSource(2))
    for pre, post in (("b", "c"), ("a", "b"), ("in", "a"), ("late", "b")):
        circuit.connect(pre, post, ns.AllToAll(), receptor="v", weight=0.5)
    return circuit


def parts(circuit: ns.Circuit) -> list[set[str]]:
    return [set(found.populations) for found in components(lower(circuit), adds_constants)]


def test_each_part_of_a_chain_comes_after_those_it_hears_from() -> None:
    found = components(lower(chain()), adds_constants)
    order = [name for component in found for name in component.populations]
    assert sorted(order) == ["a", "b", "c", "in", "late"]
    for pre, post in (("in", "a"), ("a", "b"), ("late", "b"), ("b", "c")):
        assert order.index(pre) < order.index(post)
    assert all(not component.within for component in found)
    by_name = {component.populations[0]: set(component.ahead) for component in found}
    assert by_name["b"] == {"a_to_b", "late_to_b"}


def test_a_loop_advances_together() -> None:
    circuit = chain()
    circuit.connect("b", "a", ns.AllToAll(), receptor="v", weight=0.1, delay=3 * ms)
    circuit.connect("c", "c", ns.AllToAll(), receptor="v", weight=0.1, delay=1 * ms, name="own")
    found = {frozenset(part.populations): part for part in components(lower(circuit), adds_constants)}
    assert found[frozenset({"a", "b"})].within == {"a_to_b", "b_to_a"}
    assert found[frozenset({"c"})].within == {"own"}


def test_what_reads_a_neuron_is_stepped_with_it() -> None:
    circuit = chain()
    circuit.connect("a", "c", ns.OneToOne(), synapse=ns.SynapseModel("", on_pre="v_post += 0.1*(1 - v_pre)"))
    assert any({"a", "c"} <= found for found in parts(circuit))
    plastic = chain()
    rule = ns.SynapseModel("dx/dt = -x/(10*ms) : 1 (event-driven)", on_pre="x += 1; v_post += w*x")
    plastic.connect("in", "b", ns.OneToOne(), synapse=rule, weight=0.1)
    assert any({"in", "b"} <= found for found in parts(plastic))
