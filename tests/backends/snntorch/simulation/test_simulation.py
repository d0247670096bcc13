"""Compiled simulation equals the stepped path bit for bit: spikes, traces and states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim as ns
from backends.random_circuits import circuits
from neurosim.backends.snntorch.simulation import simulate as simulation
from neurosim.backends.snntorch.simulation.plan import WIDTH
from neurosim.units import Hz, ms, mV, nS, pA

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
OPTIONS = {"backend": "snntorch", "dtype": "float64", "training": False}


def network(
    *,
    n: int = 300,
    delay: Any = 0 * ms,
    plain: bool = False,
    seed: int = 1,
    weight: Any = 4 * mV,
    per_neuron: bool = False,
) -> ns.Circuit:
    """Return a network whose pulses reach a current and, masked while refractory, the potential itself."""
    circuit = ns.Circuit("network", dt=0.1 * ms, seed=seed)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49 * mV,
        tau_ref=None if plain else 1 * ms, receptors={"slow": 4 * ms, "jump": ns.models.Delta()},
    )  # fmt: skip
    parameters = {"tau_mem": ns.Uniform(8 * ms, 12 * ms)} if per_neuron else {}
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)}, parameters=parameters)
    circuit.connect(cells, cells, ns.FixedProbability(0.05), receptor="slow", weight=weight, delay=delay, name="slow")
    circuit.connect(
        cells, cells, ns.FixedProbability(0.02), receptor="jump", weight=ns.Uniform(-2 * mV, 2 * mV), delay=delay,
        name="jump",
    )  # fmt: skip
    return circuit


def both(circuit: ns.Circuit) -> tuple[Any, Any]:
    """Return the circuit compiled for the stepped path and for compiled programs."""
    stepped = ns.compile(circuit, **OPTIONS, fused="never")
    module = ns.compile(circuit, **OPTIONS, fused="always")
    assert module.stepped_runs is None
    return stepped, module


def forget(module: Any) -> None:
    """Let the next run prepare everything anew."""
    module.runs.plan.shelf.take()


def assert_equal(circuit: ns.Circuit, duration: Any, **arguments: Any) -> ns.Recording:
    stepped, module = both(circuit)
    expected, found = stepped.run(duration, **arguments), module.run(duration, **arguments)
    assert found == expected
    assert found.state == expected.state
    for (address, left), (_, right) in zip(found.state.arrays(), expected.state.arrays(), strict=True):
        assert left.tobytes() == right.tobytes(), address  # zeros have signs
    return found


DELAYS = [0 * ms, 0.1 * ms, 1.5 * ms, ns.Uniform(0 * ms, 2 * ms)]


@pytest.mark.parametrize("delay", DELAYS, ids=["none", "one step", "one for all", "many"])
def test_recurrent_network(delay: Any) -> None:
    found = assert_equal(network(delay=delay), 30 * ms, record={"cells": ["spikes", "v", "slow"]})
    assert len(found.spikes["cells"]) > 300


@settings(max_examples=8, deadline=None, suppress_health_check=CHECKS)
@given(
    n=st.sampled_from([1, 2, 255, 256, 257, 513]), delay=st.sampled_from(DELAYS), plain=st.booleans(),
    weight=st.sampled_from([0 * mV, 3 * mV, ns.Uniform(-1 * mV, 5 * mV), 300 * mV]), per_neuron=st.booleans(),
    seed=st.integers(0, 2**31), steps=st.sampled_from([1, 2, 37]), trials=st.sampled_from([1, 3]),
)  # fmt: skip
def test_random_sizes(
    n: int, delay: Any, plain: bool, weight: Any, per_neuron: bool, seed: int, steps: int, trials: int
) -> None:
    circuit = network(n=n, delay=delay, plain=plain, seed=seed, weight=weight, per_neuron=per_neuron)
    record = {"cells": ["spikes", ns.Record("v", every=0.2 * ms, neurons=sorted({0, n - 1}))]}
    assert_equal(circuit, steps * 0.1 * ms, trials=trials, record=record)


def test_no_neuron_or_every_neuron_spikes() -> None:
    silent = network(plain=True).replace({"cells.v_leak": -70 * mV, "cells.v_threshold": 0 * mV})
    assert len(assert_equal(silent, 5 * ms).spikes["cells"]) == 0
    always = network(plain=True).replace({"cells.v_threshold": -90 * mV, "slow.weight": 0 * mV, "jump.weight": 0 * mV})
    assert len(assert_equal(always, 5 * ms).spikes["cells"]) == 50 * 300


def test_more_blocks_than_a_program_is_given_at_once() -> None:
    """The last of the 64 has the bit of the sign; behind it others begin anew."""
    circuit = ns.Circuit("many", dt=0.1 * ms, seed=2)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-30 * mV, tau_ref=0.3 * ms, receptors={}
    )
    n = 66 * WIDTH + 9
    circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    found = assert_equal(circuit, 3 * ms)
    blocks = np.unique(np.asarray(found.spikes["cells"].neurons) // WIDTH)
    assert np.array_equal(blocks, np.arange(67))


def test_a_run_is_cut_and_goes_on_on_either_path() -> None:
    stepped, module = both(network(delay=ns.Uniform(0 * ms, 2 * ms)))
    whole = stepped.run(20 * ms, seed=3)
    for first, second in ((stepped, module), (module, stepped), (module, module)):
        begun = first.run(7.3 * ms, seed=3)
        rest = second.run(12.7 * ms, seed=3, state=begun.state)
        assert rest.state == whole.state
        assert len(begun.spikes["cells"]) + len(rest.spikes["cells"]) == len(whole.spikes["cells"])


@pytest.mark.parametrize("delay", [1.5 * ms, ns.Uniform(0 * ms, 2 * ms)], ids=["one", "many"])
def test_chunks_change_nothing(delay: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither their length nor memory that is full in the middle of one."""
    stepped, module = both(network(delay=delay))
    expected = stepped.run(30 * ms, record={"cells": ["spikes", "v"]})
    monkeypatch.setattr(simulation, "MOST_STEPS", 7)
    assert module.run(30 * ms, record={"cells": ["spikes", "v"]}) == expected
    monkeypatch.undo()
    monkeypatch.setattr("neurosim.backends.snntorch.simulation.trial.SPARE", 300)
    forget(module)
    assert module.run(30 * ms, record={"cells": ["spikes", "v"]}) == expected


@pytest.mark.parametrize("weight", [0.2 * mV, ns.Uniform(-0.5 * mV, 1 * mV)], ids=["one weight", "own weights"])
def test_everyone_reaches_everyone(weight: Any) -> None:
    """Whole rows are added at once, and neurons that rest are put back after many arrivals."""
    circuit = network(n=300)
    for receptor in ("jump", "slow"):
        circuit.connect("cells", "cells", ns.AllToAll(), receptor=receptor, weight=weight, name=f"all_{receptor}")
    some = circuit.populations["cells"][:40]
    circuit.connect("cells", some, ns.FixedProbability(0.9), receptor="jump", weight=weight, delay=0.2 * ms)
    assert len(assert_equal(circuit, 10 * ms, record={"cells": ["spikes", "v", "slow"]}).spikes["cells"]) > 300


@pytest.mark.parametrize(
    "rate", [20 * Hz, 3000 * Hz, ns.Uniform(0 * Hz, 500 * Hz)], ids=["low", "high", "each its own"]
)
def test_poisson_input_to_all(rate: Any) -> None:
    circuit = network(n=70)
    cells = circuit.populations["cells"]
    circuit.poisson("one", cells, receptor="jump", rate=rate, weight=0.3 * mV, count=20)
    circuit.poisson("each", cells, receptor="slow", rate=50 * Hz, weight=ns.Uniform(0 * mV, 1 * mV), count=20)
    assert_equal(circuit, 5 * ms, seed=2, trials=2, record={"cells": ["spikes", "v", "slow"]})


@pytest.mark.parametrize("chosen", [[3], [7, 2, 299, 258, 255], list(range(1, 290, 2))])
def test_poisson_input_to_some(chosen: list[int]) -> None:
    """They may lie in any order, within a block or in several, and may rest."""
    circuit = network(n=300)
    cells = circuit.populations["cells"][chosen]
    circuit.poisson("some", cells, receptor="jump", rate=200 * Hz, weight=0.3 * mV, count=20)
    circuit.poisson("each", cells, receptor="slow", rate=50 * Hz, weight=ns.Uniform(0 * mV, 1 * mV), count=20)
    assert_equal(circuit, 5 * ms, seed=2, trials=2, record={"cells": ["spikes", "v", "slow"]})


def driven() -> ns.Circuit:
    """Return a circuit with every kind of drive."""
    circuit = ns.Circuit("driven", dt=0.1 * ms, seed=5)
    cell = ns.models.adaptive_exponential(receptors={"ampa": ns.Exponential(3 * ms, reversal=0 * mV)})
    cells = circuit.population("cells", 20, cell, initial={"v": ns.Uniform(-70 * mV, -50 * mV)})
    circuit.population("maps", 9, ns.models.izhikevich_map(noise_std=6.0))
    circuit.source("given", ns.SpikeSource(30))
    circuit.source("noise", ns.PoissonSource(12, ns.Uniform(200 * Hz, 900 * Hz)))
    weight = ns.Uniform(1 * nS, 9 * nS)
    for source in ("given", "noise"):
        circuit.connect(source, cells, ns.FixedProbability(0.5), receptor="ampa", weight=weight, delay=0.3 * ms)
        circuit.connect(source, "maps", ns.FixedProbability(0.5), receptor="i_syn", weight=3.0)
    circuit.connect("maps", cells, ns.AllToAll(), receptor="ampa", weight=weight, delay=ns.Uniform(0 * ms, 1 * ms))
    circuit.inject("step", cells, "i_ext", ns.Step(500 * pA, start=1 * ms))
    circuit.inject("sine", cells[:7], "i_ext", ns.Sine(300 * pA, 200 * Hz))
    circuit.poisson("background", cells[3:], receptor="ampa", rate=300 * Hz, weight=2 * nS, count=10)
    return circuit


@pytest.mark.parametrize("trials", [1, 2])
def test_every_kind_of_drive(trials: int) -> None:
    given_spikes = np.random.default_rng(1).random((200, trials, 30)) < 0.05
    record = {
        "cells": ["spikes", "v", "w_adapt", ns.Record("i_ext", every=0.5 * ms)], "maps": ["spikes", "u"],
        "given": "spikes", "noise": "spikes",
    }  # fmt: skip
    found = assert_equal(driven(), 20 * ms, inputs={"given": given_spikes}, seed=4, trials=trials, record=record)
    assert all(len(trains) > 10 for trains in found.spikes.values())


def test_where_it_equals_brian2() -> None:
    circuit = network(delay=ns.Uniform(0 * ms, 2 * ms), n=100)
    reference = ns.simulate(circuit, 20 * ms, backend="brian2")
    found = ns.simulate(circuit, 20 * ms, backend="snntorch", fused="always")
    assert found.spikes == reference.spikes
    assert all(largest == 0 for largest, _ in found.state.max_differences(reference.state).values())


def test_what_is_stepped_says_why() -> None:
    circuit = network(n=5)
    assert ns.compile(circuit, **OPTIONS, fused="never").stepped_runs == 'fused="never"'
    assert ns.compile(circuit, backend="snntorch").stepped_runs == "it is not float64 on a CPU"
    assert ns.compile(circuit, **OPTIONS).stepped_runs is None
    noisy = ns.SynapseModel(on_pre="slow_post += w*rand()", name="noisy")
    circuit.connect("cells", "cells", ns.AllToAll(), synapse=noisy, weight=1 * mV, name="failing")
    assert ns.compile(circuit, **OPTIONS).stepped_runs == "the edges of failing compute random numbers"


RULES = {
    "pairs": lambda: ns.models.pair_stdp(a_plus=0.3 * mV, a_minus=0.2 * mV, w_max=3 * mV, amplitude="absolute"),
    "clocked": lambda: ns.SynapseModel(
        "drecent/dt = -recent/tau : 1\ndepth : 1",
        on_pre="slow_post += w*(1 + recent)*(1 + 0.1*tanh(depth)); depth += 0.1*recent",
        on_post="recent += 1", update="w = clip(w + int(timestep(t, dt) % 30 == 29)*0.1*mV*recent, 0*mV, 3*mV)",
        parameters={"tau": ns.Uniform(5 * ms, 9 * ms)}, post_first=True, name="clocked",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("delay", [0 * ms, 0.7 * ms, ns.Uniform(0 * ms, 2 * ms)], ids=["none", "one", "many"])
def test_plastic_edges(rule: str, delay: Any) -> None:
    circuit = network(n=60, plain=delay == 0 * ms)
    circuit.connect(
        "cells", "cells", ns.FixedProbability(0.2), synapse=RULES[rule](), weight=ns.Uniform(0 * mV, 2 * mV),
        delay=delay, name="learning", **({"receptor": "jump"} if rule == "pairs" else {}),
    )  # fmt: skip
    found = assert_equal(
        circuit, 12 * ms, trials=2, record={"cells": "spikes", "learning": [ns.Record("w", every=5 * ms)]}
    )
    weights = found.state.variables["learning"]["w"]
    assert np.any(weights != ns.compile(circuit, **OPTIONS).run(0.1 * ms).state.variables["learning"]["w"][0])


def test_graded_edges_and_signals() -> None:
    circuit = ns.Circuit("graded", dt=0.1 * ms, seed=3)
    circuit.source("signal", ns.SignalSource(4))
    leaky = ns.models.leaky_integrator(tau_mem=5 * ms)
    circuit.population("first", 30, leaky, initial={"v": ns.Uniform(-1.0, 1.0)})
    circuit.population("second", 300, leaky, initial={"v": ns.Uniform(-1.0, 1.0)})
    circuit.connect("signal", "first", ns.AllToAll(), receptor="i_ext", weight=ns.Normal(0.0, 1.0))
    circuit.connect("first", "second", ns.FixedProbability(0.3), receptor="i_ext", weight=ns.Normal(0.0, 1.0))
    squashed = ns.SynapseModel("i_ext_post = w*tanh(v_pre - v_post)*t/(1*ms) : 1 (summed)")
    circuit.connect("second", "second", ns.FixedProbability(0.05), synapse=squashed, weight=0.3, name="within")
    circuit.inject("more", circuit.populations["second"][:20], "i_ext", ns.Sine(1.0, 100 * Hz))
    values = np.random.default_rng(0).normal(size=(60, 2, 4))
    record = {"first": "v", "second": ["v", "i_ext"], "signal": "signal"}
    found = assert_equal(circuit, 6 * ms, inputs={"signal": values}, trials=2, record=record)
    assert np.ptp(found.traces["second"]["v"].values) > 0.5


def test_short_runs_are_stepped() -> None:
    runs = ns.compile(network(n=5), **OPTIONS).runs
    assert runs.plan_of(10) is None
    assert runs.plan_of(10_000) is not None


def check_any_circuit(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    """Hold both paths against each other, where programs cover the circuit, in two trials."""
    circuit, inputs = drawn
    module = ns.compile(circuit, **OPTIONS, fused="always")
    if module.stepped_runs is not None:
        return
    record = {
        name: (["spikes"] if part.spiking else []) + ([part.first_variable] if part.first_variable else [])
        for name, part in circuit.populations.items()
    }
    record = {name: what for name, what in record.items() if what}
    expected = ns.compile(circuit, **OPTIONS, fused="never").run(4 * ms, inputs=inputs, record=record, trials=2)
    found = module.run(4 * ms, inputs=inputs, record=record, trials=2)
    assert found == expected
    assert found.state == expected.state


@given(circuits())
@settings(max_examples=2, suppress_health_check=[*CHECKS, HealthCheck.filter_too_much])
def test_some_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    check_any_circuit(drawn)


@pytest.mark.slow
@given(circuits())
@settings(max_examples=200, suppress_health_check=[*CHECKS, HealthCheck.filter_too_much])
def test_many_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    check_any_circuit(drawn)
