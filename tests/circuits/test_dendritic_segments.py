from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis.sparsity import draw_patterns, false_positive
from neurosim.circuits.dendritic_segments.circuit import (
    NEURONS_AFTER,
    SEGMENTS_AFTER,
    build,
    stored_patterns,
    with_noise,
)
from neurosim.circuits.dendritic_segments.experiment import answers, figure, reproduce
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms

RECORD = {"segments": "spikes", "dendritic": "spikes", "adding": "spikes"}


def test_the_neuron_with_dendrites_knows_its_patterns() -> None:
    """Ten noisy patterns, then ten random ones: one neuron answers to the former, the other to everything."""
    run = ns.simulate(build(), 22 * ms, record=RECORD)
    steps = {name: run.spikes[name].to_steps(1e-3) for name in RECORD}
    assert (steps["segments"] - SEGMENTS_AFTER).tolist() == list(range(10))
    assert run.spikes["segments"].neurons.tolist() == list(range(10))
    assert (steps["dendritic"] - NEURONS_AFTER).tolist() == list(range(10))
    assert (steps["adding"] - SEGMENTS_AFTER).tolist() == list(range(20))


@pytest.mark.parametrize("threshold", [3, 6])
def test_segments_answer_where_the_overlap_is_enough(threshold: int) -> None:
    shown = draw_patterns(80, 20, 60, Stream(4, "shown"))
    circuit = build(cells=80, active=20, synapses=12, patterns=15, threshold=threshold)
    edges = circuit.edges("cells_to_segments")
    synapses = np.zeros((15, 80), dtype=int)
    synapses[edges.post, edges.pre] = 1
    assert (synapses.sum(axis=1) == 12).all()
    stored = stored_patterns(cells=80, active=20, patterns=15, seed=0)
    assert (synapses <= stored).all()
    found = answers(shown, active=20, synapses=12, patterns=15, threshold=threshold, backend="snntorch")
    np.testing.assert_array_equal(found, shown.astype(int) @ synapses.T >= threshold)
    assert found.any()
    assert not found.all()


def test_noise_replaces_as_many_cells() -> None:
    stored = stored_patterns(cells=50, active=10, patterns=200, seed=1)
    shown = with_noise(stored, 4, Stream(0, "noise"))
    assert (shown.sum(axis=1) == 10).all()
    assert ((shown & stored).sum(axis=1) == 6).all()
    assert (with_noise(stored, 0, Stream(0, "noise")) == stored).all()


def test_backends_agree_to_the_last_bit() -> None:
    report = ns.verify(build(), 22 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] == 20 * 30 + 10 + 10 + 20


def test_published_values() -> None:
    found = reproduce(quick=True, backend="snntorch", options={})
    assert found.ok, found.rows
    assert len(found.rows) == 17
    trial = found.rows[-3].obtained
    assert isinstance(trial, float)
    assert trial == pytest.approx(false_positive(300, 64, 24, 12), rel=0.2)
    assert "1.650e-15" in found.measured[0].obtained
    assert float(found.measured[1].obtained.split()[0]) > 1.7
    drawn = figure(trial)
    assert len(drawn.axes) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"synapses": 40},
        {"active": 400},
        {"threshold": 0},
        {"patterns": 0},
        {"replaced": 31},
        {"cells": 32, "replaced": 3},
    ],
)
def test_what_does_not_fit(arguments: dict[str, Any]) -> None:
    with pytest.raises(CircuitError, match="dendritic-segments"):
        build(**arguments)
