"""Large networks fit into memory: bytes that an edge takes in a circuit, and in the circuit and its simulation."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.units import ms, mV

NEURONS, EDGES = 10_000, 100
NUMBER = NEURONS * EDGES
OPTIONS: dict[str, Any] = {"backend": "snntorch", "dtype": "float64", "training": False}
DRAWN = ns.Normal(0.001 * mV, 0.0001 * mV)


def network(weight: Any, rule: Any = None) -> ns.Circuit:
    """Return neurons that fire now and then, each with as many edges."""
    cell = ns.models.lif(tau_mem=20 * ms, v_leak=-49 * mV, v_threshold=-50 * mV, v_reset=-60 * mV)
    circuit = ns.Circuit("large", dt=0.1 * ms, seed=1)
    circuit.population("cells", NEURONS, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    rule = ns.FixedOutDegree(EDGES) if rule is None else rule
    circuit.connect("cells", "cells", rule, receptor="v", weight=weight, delay=1.5 * ms, name="edges")
    return circuit


def run(circuit: ns.Circuit) -> tuple[Any, Any]:
    """Return a simulator and what it recorded; steps enough for compiled loops."""
    simulator = ns.compile(circuit, **OPTIONS)
    return simulator, simulator.run(10 * ms)


# A target takes 4 bytes and a weight 8, the rest goes with neurons. Beside them a run holds no bytes for each edge.
@pytest.mark.parametrize(("weight", "most"), [(0.001 * mV, 4), (DRAWN, 12)], ids=["one weight", "weights"])
def test_bytes_of_an_edge(weight: Any, most: int) -> None:
    run(network(weight))  # imports and compiles what it needs
    circuit = network(weight)
    tracemalloc.start()
    circuit.edges("edges")
    drawn, drawing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    simulator, recording = run(circuit)
    running, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(recording.spikes["cells"]) > 100
    assert drawn / NUMBER < most + 0.2
    assert drawing / NUMBER < 17  # of which some are the chunks that are drawn at once
    assert running / NUMBER < most + 3.5
    assert peak / NUMBER < most + 5
    (rows,) = simulator.runs.plan.rows.values()
    assert np.shares_memory(rows.targets, circuit.edges("edges").post)


def test_given_edges_are_held_once() -> None:
    rng = np.random.default_rng(1)
    pre, post = np.sort(rng.integers(0, NEURONS, NUMBER)), rng.integers(0, NEURONS, NUMBER)
    tracemalloc.start()
    circuit = network(0.001 * mV, ns.Edges(pre, post))
    given = tracemalloc.get_traced_memory()[0]
    edges = circuit.edges("edges")
    realised = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert given / NUMBER < 8.2  # both ends, 4 bytes each
    assert (realised - given) / NUMBER < 0.2
    assert np.array_equal(edges.pre, pre)
    assert np.array_equal(edges.post, post)
