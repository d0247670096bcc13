"""Windows, parts and threads change no bit of a compiled simulation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim as ns
from backends.snntorch.simulation.test_simulation import OPTIONS, assert_equal, both, forget, network
from neurosim.backends.snntorch.simulation import division, simulate, trial
from neurosim.backends.snntorch.simulation.atomic import yielding
from neurosim.units import Hz, ms, mV

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Let torch have so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every block be a part of its own, however small the network."""
    monkeypatch.setattr(division, "PART", 128)
    monkeypatch.setattr(division, "OF_A_ROW", 1)
    monkeypatch.setattr(division, "LEAST", 1)


def parts_of(simulator: Any) -> set[int]:
    """Return into how many parts the edges of a circuit were sorted."""
    return {parts for _, parts in simulator.runs.plan.rows}


def several(
    *, n: int = 600, least: Any = 0.3 * ms, many: bool = True, plain: bool = False, seed: int = 1, noisy: bool = True
) -> ns.Circuit:
    """Return two populations with everything that windows touch: delays of all kinds, sources without, noise, rest."""
    circuit = ns.Circuit("several", dt=0.1 * ms, seed=seed)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49.5 * mV,
        tau_ref=None if plain else 1 * ms, receptors={"slow": 4 * ms, "jump": ns.models.Delta()},
    )  # fmt: skip
    initial = {"v": ns.Uniform(-60 * mV, -50 * mV)}
    exc = circuit.population("exc", n, cell, initial=initial)
    inh = circuit.population(
        "inh", max(1, n // 3), cell, initial=initial, parameters={"tau_mem": ns.Uniform(8 * ms, 12 * ms)}
    )
    later = ns.Uniform(least, 2 * ms) if many else least
    weight = ns.Uniform(0 * mV, 3 * mV)
    circuit.connect(exc, exc, ns.FixedProbability(0.05), receptor="slow", weight=3 * mV, delay=later)
    circuit.connect(exc, inh, ns.FixedProbability(0.1), receptor="jump", weight=weight, delay=least)
    circuit.connect(inh, exc, ns.FixedProbability(0.1), receptor="jump", weight=-1 * mV, delay=1.5 * ms)
    circuit.connect(
        inh, exc, ns.AllToAll(), receptor="slow", weight=ns.Uniform(-1 * mV, 0 * mV), delay=0.7 * ms, name="all"
    )
    circuit.source("given", ns.SpikeSource(9))
    circuit.source("drawn", ns.PoissonSource(300, 50 * Hz))
    for source in ("given", "drawn"):
        circuit.connect(source, exc, ns.FixedProbability(0.3), receptor="jump", weight=weight)
    circuit.poisson("each", exc, receptor="slow", rate=100 * Hz, weight=0.3 * mV, count=20)
    circuit.poisson("some", exc[[n - 1, 0, n // 2]], receptor="jump", rate=900 * Hz, weight=2 * mV)
    if noisy:
        circuit.population("maps", 270, ns.models.izhikevich_map(noise_std=6.0))
        circuit.connect("maps", exc, ns.FixedProbability(0.1), receptor="slow", weight=weight, delay=0.5 * ms)
    return circuit


def run_both(circuit: ns.Circuit, steps: int, trials: int = 1) -> ns.Recording:
    """Hold a run against the stepped path, everything recorded."""
    spikes = np.random.default_rng(3).random((steps, trials, 9)) < 0.05
    record = {
        "exc": ["spikes", "v", ns.Record("slow", every=0.3 * ms, neurons=[1, 0, circuit.populations["exc"].n - 1])],
        "inh": ["spikes", "v"], "drawn": "spikes", "given": "spikes",
    }  # fmt: skip
    return assert_equal(circuit, steps * 0.1 * ms, trials=trials, inputs={"given": spikes}, record=record, seed=4)


@pytest.mark.usefixtures("blocks", "threads")
@pytest.mark.parametrize("least", [0.1 * ms, 0.3 * ms, 1.5 * ms], ids=["one step", "three", "fifteen"])
@pytest.mark.parametrize("many", [False, True], ids=["one delay", "many"])
def test_parts_change_nothing(least: Any, many: bool) -> None:
    found = run_both(several(least=least, many=many), 150)
    assert min(len(trains) for trains in found.spikes.values()) > 20


@pytest.mark.usefixtures("blocks")
@settings(max_examples=6, deadline=None, suppress_health_check=CHECKS)
@given(
    n=st.sampled_from([257, 511, 900]), least=st.sampled_from([0.1 * ms, 0.2 * ms, 1 * ms]), many=st.booleans(),
    plain=st.booleans(), noisy=st.booleans(), seed=st.integers(0, 2**31), steps=st.sampled_from([1, 2, 37]),
    trials=st.sampled_from([1, 3]),
)  # fmt: skip
def test_random_networks(
    threads: int, n: int, least: Any, many: bool, plain: bool, noisy: bool, seed: int, steps: int, trials: int
) -> None:
    run_both(several(n=n, least=least, many=many, plain=plain, noisy=noisy, seed=seed), steps, trials)


def test_a_network_is_divided(blocks: None) -> None:
    """By blocks where spikes take a time, not where they arrive at once or edges have programs."""
    for delay, parts in ((0 * ms, 1), (0.1 * ms, 2), (1.5 * ms, 2)):
        module = ns.compile(network(n=300, delay=delay), **OPTIONS, fused="always")
        module.run(1 * ms)
        assert parts_of(module) == {parts}


def test_small_networks_are_one_part() -> None:
    module = ns.compile(network(n=300, delay=1.5 * ms), **OPTIONS, fused="always")
    module.run(1 * ms)
    assert parts_of(module) == {1}


@pytest.mark.usefixtures("blocks", "threads")
def test_chunks_and_full_memory_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither windows that a chunk cuts, nor those that are cut since memory may not hold the spikes of all steps."""
    stepped, module = both(network(delay=ns.Uniform(1 * ms, 2 * ms)))
    expected = stepped.run(30 * ms, record={"cells": ["spikes", "v"]})
    monkeypatch.setattr(simulate, "MOST_STEPS", 7)
    assert module.run(30 * ms, record={"cells": ["spikes", "v"]}) == expected
    monkeypatch.undo()
    monkeypatch.setattr(division, "PART", 128)
    monkeypatch.setattr(division, "OF_A_ROW", 1)
    monkeypatch.setattr(division, "LEAST", 1)
    monkeypatch.setattr(trial, "SPARE", 300)
    forget(module)
    assert module.run(30 * ms, record={"cells": ["spikes", "v"]}) == expected
    assert parts_of(module) == {2}


@pytest.mark.usefixtures("blocks", "threads")
def test_a_run_goes_on_with_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    stepped, module = both(network(delay=ns.Uniform(0.4 * ms, 2 * ms)))
    whole = stepped.run(20 * ms, seed=3)
    begun = module.run(7.3 * ms, seed=3)
    monkeypatch.setattr(division, "LEAST", 2**40)
    forget(module)
    rest = module.run(12.7 * ms, seed=3, state=begun.state)
    assert parts_of(module) == {1, 2}
    assert rest.state == whole.state
    assert len(begun.spikes["cells"]) + len(rest.spikes["cells"]) == len(whole.spikes["cells"])


def test_many_spikes_under_way_find_room() -> None:
    """More than memory is made for: all neurons spike in every step, and each spike is under way for long."""
    always = network(n=40, plain=True, delay=30 * ms).replace(
        {"cells.v_threshold": -90 * mV, "slow.weight": 0 * mV, "jump.weight": 0 * mV}
    )
    module = ns.compile(always, **OPTIONS, fused="always")
    found = simulate_with_little_room(module, always)
    assert len(found.spikes["cells"]) == 40 * 400


def simulate_with_little_room(module: Any, circuit: ns.Circuit) -> ns.Recording:
    """Run with memory for few spikes beside those of two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "SPARE", 100)
        return module.run(40 * ms)  # type: ignore[no-any-return]


def test_a_run_is_stopped_between_chunks(blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption is heard after a chunk, with the state of the whole steps before it."""
    monkeypatch.setattr(simulate, "MOST_STEPS", 20)
    module = ns.compile(network(delay=1.5 * ms), **OPTIONS, fused="always")

    def interrupt(done: int, of: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.run(100 * ms, progress=interrupt)
    assert module.run(5 * ms) == ns.compile(network(delay=1.5 * ms), **OPTIONS, fused="never").run(5 * ms)


def test_the_system_lets_others_run() -> None:
    assert yielding() != 0
