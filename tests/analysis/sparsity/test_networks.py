from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis.sparsity import (
    connection_sparsity,
    density,
    graph,
    modularity,
    small_world,
)
from neurosim.errors import AnalysisError
from neurosim.units import mV

KARATE = nx.karate_club_graph()


def test_karate_club() -> None:
    assert density(KARATE) == pytest.approx(0.139037, abs=5e-7)
    assert modularity(KARATE, method="greedy").modularity == pytest.approx(0.380671, abs=5e-7)
    assert modularity(KARATE, method="greedy", weight="weight").modularity == pytest.approx(0.434521, abs=5e-7)
    assert modularity(KARATE).modularity == pytest.approx(0.419790, abs=5e-7)
    clubs = [[node for node in KARATE if KARATE.nodes[node]["club"] == club] for club in ("Mr. Hi", "Officer")]
    assert modularity(KARATE, clubs).modularity == pytest.approx(0.358235, abs=5e-7)
    world = small_world(KARATE, rewired=3)
    assert world.clustering == pytest.approx(0.570638, abs=5e-7)
    assert world.path_length == pytest.approx(2.408200, abs=5e-7)
    assert world.efficiency == pytest.approx(0.492008, abs=5e-7)
    assert world.share == 1


@pytest.mark.parametrize("count", [2, 4])
def test_separate_cliques_are_modules(count: int) -> None:
    cliques = nx.disjoint_union_all([nx.complete_graph(5)] * count)
    found = modularity(cliques)
    assert found.modularity == pytest.approx(1 - 1 / count)
    assert [len(module) for module in found.modules] == [5] * count


def test_directed_cycles() -> None:
    cycles = nx.disjoint_union(nx.cycle_graph(3, nx.DiGraph), nx.cycle_graph(3, nx.DiGraph))
    parts = [[0, 1, 2], [3, 4, 5]]
    assert modularity(cycles, parts).modularity == pytest.approx(0.5)
    cycles.add_edge(0, 3)
    assert modularity(cycles, parts).modularity == pytest.approx(0.367347, abs=5e-7)
    matrix = nx.to_numpy_array(cycles).T  # rows are postsynaptic
    assert modularity(matrix, parts).modularity == pytest.approx(0.367347, abs=5e-7)


@pytest.mark.parametrize(("n", "k", "length"), [(100, 4, 12.8788), (1000, 10, 50.4505)])
def test_rings(n: int, k: int, length: float) -> None:
    ring = nx.watts_strogatz_graph(n, k, 0.0)
    assert nx.average_clustering(ring) == pytest.approx(3 * (k - 2) / (4 * (k - 1)))
    from neurosim.analysis.sparsity.networks import _path_length

    assert _path_length(ring) == pytest.approx(length, abs=5e-5)


@pytest.mark.slow
def test_watts_and_strogatz() -> None:
    for probability, clustering, length in ((0.01, 0.646, 8.7), (0.1, 0.490, 4.43), (1.0, 0.0088, 3.27)):
        world = small_world(nx.watts_strogatz_graph(1000, 10, probability, seed=0), rewired=1)
        assert world.clustering == pytest.approx(clustering, rel=0.1)
        assert world.path_length == pytest.approx(length, rel=0.1)
        assert (world.sigma > 5) == (probability < 1)


def test_a_small_world_between_a_ring_and_chance() -> None:
    ring, small, chance = (
        small_world(nx.watts_strogatz_graph(120, 6, probability, seed=1), rewired=3) for probability in (0.0, 0.1, 1.0)
    )
    assert ring.omega < -0.5 < small.omega < chance.omega
    assert chance.omega > 0.5
    assert small.sigma > 2
    assert chance.sigma == pytest.approx(1, abs=0.5)
    assert ring.lattice_clustering == ring.clustering


def test_rewiring_keeps_degrees_and_the_seed_fixes_it() -> None:
    from neurosim.analysis.sparsity.networks import _rewired

    other = _rewired(KARATE, 0)
    assert dict(other.degree) == dict(KARATE.degree)
    assert set(other.edges) != set(KARATE.edges)
    assert small_world(KARATE, rewired=2) == small_world(KARATE, rewired=2) != small_world(KARATE, rewired=2, seed=9)


def test_of_a_network_in_parts_the_largest_is_judged() -> None:
    parts = nx.disjoint_union(KARATE, nx.path_graph(6))
    whole, alone = small_world(parts, rewired=2), small_world(KARATE, rewired=2)
    assert whole.share == pytest.approx(34 / 40)
    assert whole.path_length == alone.path_length
    assert whole.efficiency == pytest.approx(nx.global_efficiency(parts))


def test_densities() -> None:
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, np.nan, 0.0], [3.0, 1.0, 0.0]])
    assert density(matrix) == pytest.approx(3 / 6)
    assert density(matrix, directed=False) == pytest.approx(3 / 3)
    assert connection_sparsity(matrix) == pytest.approx(5 / 9)
    assert connection_sparsity(matrix, self_connections=False) == pytest.approx(1 - density(matrix))
    assert connection_sparsity(np.eye(2, 4)) == 0.75
    assert density(nx.DiGraph(nx.path_graph(4))) == density(nx.path_graph(4)) == 0.5
    assert density(nx.MultiGraph([(0, 1), (0, 1), (1, 1)])) == 1


def circuit() -> ns.Circuit:
    made = ns.Circuit("wired", dt=1 * ns.units.ms)
    made.source("in", ns.SpikeSource(2))
    cell = ns.models.lif(tau_mem=10 * ns.units.ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    made.population("out", 3, cell)
    made.connect("in", "out", ns.Edges([0, 0, 1], [0, 1, 2]), receptor="v", weight=np.array([0.5, 0.0, 2.0]))
    made.connect("out", "out", ns.Edges([0, 0], [1, 1]), receptor="v", weight=np.array([1.0, 2.0]), name="twice")
    return made


def test_graph_of_a_circuit() -> None:
    whole = graph(circuit())
    assert whole.number_of_nodes() == 5
    assert set(whole.edges) == {
        *((("in", pre), ("out", post)) for pre, post in ((0, 0), (0, 1), (1, 2))),
        (("out", 0), ("out", 1)),
    }
    assert graph(circuit(), "twice").number_of_nodes() == 3
    weighted = graph(circuit(), weights=True)
    assert weighted.edges[("out", 0), ("out", 1)]["weight"] == 3
    assert modularity(whole).modularity > 0


def test_weights_of_different_units_are_not_added() -> None:
    made = ns.Circuit("units", dt=1 * ns.units.ms)
    model = ns.NeuronModel("dv/dt = -v/tau : volt\ng : 1", parameters={"tau": 10 * ns.units.ms}, threshold="v > 1*volt")
    made.population("cells", 2, model)
    for name, receptor, weight in (("one", "v", 1 * mV), ("other", "g", 1.0)):
        made.connect("cells", "cells", ns.Edges([0], [1]), receptor=receptor, weight=weight, name=name)
    with pytest.raises(AnalysisError, match="cannot be added"):
        graph(made, weights=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: density(np.ones((2, 3))), "square matrix"),
        (lambda: density(np.ones((1, 1))), "no connections between"),
        (lambda: connection_sparsity(np.ones((1, 1)), self_connections=False), "single neuron"),
        (lambda: connection_sparsity(np.ones(3)), "must be a matrix"),
        (lambda: modularity(np.zeros((3, 3))), "no edges"),
        (lambda: modularity(KARATE, [[0, 1]]), "every node once"),
        (lambda: modularity(KARATE, method="louvein"), "Did you mean 'louvain'"),
        (lambda: small_world(nx.path_graph(3)), "too few"),
        (lambda: small_world(nx.complete_graph(6)), "cannot be rewired"),
        (lambda: small_world(KARATE, rewired=0), "rewired must be"),
        (lambda: graph(circuit(), "twise"), "Did you mean 'twice'"),
    ],
)
def test_what_has_no_structure(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
