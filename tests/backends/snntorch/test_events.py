"""Delivery as events against a search through all edges."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, mixed, mixed_inputs
from neurosim.backends.snntorch.events import ArrivalTable
from neurosim.program.lowering import lower
from neurosim.units import ms


@st.composite
def cases(draw: Any) -> tuple[ns.Circuit, np.ndarray]:
    """Return a circuit of one projection, and spikes of the last steps (age, trial, neuron)."""
    n_pre, n_post = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    edges = draw(st.lists(st.tuples(st.integers(0, n_pre - 1), st.integers(0, n_post - 1)), max_size=12))
    one = draw(st.booleans())
    delays = [2] * len(edges) if one else [draw(st.integers(0, 4)) for _ in edges]
    circuit = ns.Circuit("events", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(n_pre))
    circuit.population("p", n_post, ns.models.leaky_integrator(tau_mem=10 * ms))
    pairs = ns.Edges([pre for pre, _ in edges], [post for _, post in edges])
    circuit.connect("in", "p", pairs, receptor="v", weight=1.0, delay=np.array(delays, dtype=float) * ms)
    trials = draw(st.integers(1, 3))
    bits = st.lists(st.booleans(), min_size=5 * trials * n_pre, max_size=5 * trials * n_pre)
    return circuit, np.array(draw(bits)).reshape(5, trials, n_pre)


@given(cases())
def test_arrivals_are_found_in_the_order_of_the_contract(case: tuple[ns.Circuit, np.ndarray]) -> None:
    circuit, fired = case
    (item,) = lower(circuit).pulses
    recent = deque(np.nonzero(fired[age]) for age in range(5))
    found = ArrivalTable(item.pre_index, item.delay, fired.shape[2]).due(recent)
    by_trial: dict[int, list[int]] = {trial: [] for trial in range(fired.shape[1])}
    if found is not None:
        for edge, trial in zip(*(array.tolist() for array in found), strict=True):
            by_trial[trial].append(edge)
    for trial, edges in by_trial.items():
        due = [edge for edge in range(item.n) if fired[item.delay[edge], trial, item.pre_index[edge]]]
        assert edges == sorted(due, key=lambda edge: (-item.delay[edge], item.pre_index[edge], edge))


def test_events_and_sums_give_the_same_run() -> None:
    inputs = {name: value.numpy() for name, value in mixed_inputs().items()}
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-4)):
        module = ns.compile(mixed(), dtype=dtype, propagation="ordered")
        events = module.run(STEPS * ms, inputs=inputs, trials=2, record=RECORD)
        sums = module.run_eager(STEPS * ms, inputs=inputs, trials=2, record=RECORD)
        assert np.array_equal(events.spikes["h"].times, sums.spikes["h"].times)
        np.testing.assert_allclose(events["h"]["v"], sums["h"]["v"], rtol=tolerance, atol=tolerance)
        assert sums.metadata["exact"] is False
        assert events.metadata["exact"] is (dtype == "float64")
