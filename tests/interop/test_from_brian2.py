"""Networks of Brian2 as circuits: the same spikes and values on every backend, and nothing dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import brian2
import numpy as np
import pytest

import neurosim as ns
from interop.brian2_networks import NETWORKS, Script

TOLERANCE = 1e-9


@pytest.fixture(autouse=True)
def numpy_target() -> Iterator[None]:
    """Let Brian2 run without compiling, and put back what a test sets."""
    target, dt = brian2.prefs.codegen.target, brian2.defaultclock.dt
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target, brian2.defaultclock.dt = target, dt
    brian2.seed()


def groups_of(network: Any) -> dict[str, Any]:
    return {item.name: item for item in network.objects if type(item) is brian2.NeuronGroup}


def run_by_brian2(script: Script) -> tuple[dict[str, set[tuple[int, int]]], dict[str, dict[str, np.ndarray]]]:
    """Run the network itself; return the spikes, and the values at the end of all that is integrated or assigned."""
    groups = {name: group for name, group in groups_of(script.network).items() if "spike" in group.events}
    monitors = {name: brian2.SpikeMonitor(group) for name, group in groups.items()}
    script.network.add(*monitors.values())
    script.network.run(script.duration, namespace=script.namespace)
    dt = float(next(iter(script.network.objects)).clock.dt)
    spikes = {
        name: set(zip(np.rint(np.asarray(item.t) / dt).astype(int).tolist(), item.i[:].tolist(), strict=True))
        for name, item in monitors.items()
    }
    values: dict[str, dict[str, np.ndarray]] = {}
    for item in script.network.objects:
        if isinstance(item, (brian2.NeuronGroup, brian2.Synapses)):
            own = [*item.equations.values(), *(getattr(item, "event_driven", None) or {}).values()]
            values[item.name] = {
                equation.varname: np.array(item.variables[equation.varname].get_value(), dtype=float).reshape(-1)
                for equation in own
                if equation.type != "subexpression"
            }
    return spikes, values


def compare(script: Script, found: Any, part_names: dict[str, str]) -> None:
    spikes, values = run_by_brian2(script)
    assert sum(map(len, spikes.values())) >= script.least_spikes, "too quiet to prove anything"
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(found.circuit, script.duration, backend=backend, inputs=found.inputs)
        for name, expected in spikes.items():
            train = recording.spikes[part_names.get(name, name)]
            steps = train.to_steps(found.circuit.dt).tolist()
            assert set(zip(steps, train.neurons.tolist(), strict=True)) == expected, (backend, name)
        for name, variables in values.items():
            state = recording.state.variables.get(part_names.get(name, name), {})
            integrated = integrated_by(script.network[name])
            for variable, expected in variables.items():
                called = script.renamed.get(f"{name}.{variable}", variable)
                relay = recording.state.variables.get(f"{name}_presynaptic", {})
                held_once = np.asarray(relay[called])[0, script.network[name].i[:]] if called in relay else None
                if variable in integrated or called in state:
                    obtained = held_once if called not in state else np.asarray(state[called])[0]
                    largest = np.abs(expected).max()
                    assert np.abs(obtained - expected).max() <= TOLERANCE * largest, (backend, name, variable)


def integrated_by(item: Any) -> set[str]:
    event_driven = getattr(item, "event_driven", None)
    return set(item.equations.diff_eq_names) | set(event_driven.diff_eq_names if event_driven else ())


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_as_in_brian2(name: str) -> None:
    script = NETWORKS[name]()
    found = ns.interop.from_brian2(script.network, namespace=script.namespace)
    compare(script, found, {"_odd__name_": "odd_name"})


@pytest.mark.slow  # the exact solution of several equations takes computer algebra seconds, three times
def test_exact_solutions_as_in_brian2() -> None:
    script = NETWORKS["cuba"](method="exact")
    compare(script, ns.interop.from_brian2(script.network, namespace=script.namespace), {})


def lif(n: int = 4, name: str = "cells", **options: Any) -> Any:
    model = "dv/dt = (drive - v)/(10*ms) : 1\ndrive : 1"
    return brian2.NeuronGroup(n, model, **{"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": name,
                                           **options})  # fmt: skip


# -- what is taken ---------------------------------------------------------------------------------------------------


def test_names_are_looked_up_where_it_is_called_as_run_does() -> None:
    tau = 7 * brian2.ms
    cells = brian2.NeuronGroup(2, "dv/dt = -v/tau : 1", method="exact", name="decaying")
    cells.v = 1
    found = ns.interop.from_brian2([cells])
    assert found.circuit.parameter("decaying", "tau") == float(tau)

    def elsewhere() -> ns.Circuit:
        return ns.interop.from_brian2([cells], level=1).circuit

    assert elsewhere() == found.circuit
    assert (
        ns.interop.from_brian2([cells], namespace={"tau": 5 * brian2.ms}).circuit.parameter("decaying", "tau") == 5e-3
    )


def test_without_a_network_it_takes_what_run_would_collect() -> None:
    cells = lif(name="seen")
    assert len(cells) == 4
    assert list(ns.interop.from_brian2().circuit.populations) == ["seen"]
    assert list(ns.interop.from_brian2(brian2.magic_network).circuit.populations) == ["seen"]


def test_parts_are_called_and_valued_as_in_the_network() -> None:
    script = NETWORKS["coba"]()
    found = ns.interop.from_brian2(script.network, name="mine", namespace=script.namespace)
    circuit, cells, strong = found.circuit, script.network["cells"], script.network["strong"]
    assert (circuit.name, circuit.dt, list(circuit.parts)) == ("mine", 1e-4, ["cells", "inhibition", "strong"])
    assert np.array_equal(circuit.initial("cells", "v"), cells.v_[:])
    assert np.array_equal(circuit.parameter("cells", "I"), cells.I_[:])
    assert circuit.parameter("cells", "taum") == 0.02
    edges = circuit.edges("strong")
    assert np.array_equal(edges.pre, strong.i[:])
    assert np.array_equal(edges.weight, strong.w[:])
    assert np.array_equal(edges.steps, np.floor(strong.delay_[:] / 1e-4 + 0.5))
    assert found.remarks == (
        "'strong': nothing reads 'unread'; it was left out",
        "'inhibition': the number that a spike adds is the weight",
        f"'strong_pre': delays were put on the grid, as Brian2 does, by {moved(strong.delay_[:]):g} s at most",
    )
    assert str(found).startswith("<ImportedNetwork: <Circuit 'mine', dt 0.0001 s, seed 0: cells (40)>, 0 inputs, 3 rem")


def moved(delay: np.ndarray) -> float:
    return float(np.max(np.abs(delay - np.floor(delay / 1e-4 + 0.5) * 1e-4)))


def test_another_time_step_puts_delays_and_spikes_on_its_grid() -> None:
    outside = brian2.SpikeGeneratorGroup(2, [0, 1], [1.1, 3.0] * brian2.ms, name="outside")
    cells = lif()
    feed = brian2.Synapses(outside, cells, on_pre="v_post += 0.5", delay=1.6 * brian2.ms, name="feed")
    feed.connect()
    found = ns.interop.from_brian2([outside, cells, feed], dt=0.5 * brian2.ms)
    assert (found.circuit.dt, found.circuit.edges("feed").steps.tolist()) == (5e-4, [3] * 8)
    assert found.inputs["outside"].to_steps(5e-4).tolist() == [2, 6]
    assert "'outside': spikes were put on the grid, moved by 0.0001 s at most" in found.remarks
    outside.set_spikes([0, 0], [1.1, 3.0] * brian2.ms)
    with pytest.raises(ns.UnsupportedError, match="two spikes of a neuron fall into one step"):
        ns.interop.from_brian2([outside, cells, feed], dt=5 * brian2.ms)


def test_an_order_of_on_post_before_on_pre_is_kept() -> None:
    cells = lif()
    cells.v = "0.3*i"
    cells.drive = "1.5 + 0.1*i"
    pair = brian2.Synapses(
        cells, cells, "w : 1\nr : 1", on_pre="v_post += w; r += 1", on_post="w = w*(1 + 0.1*r); r *= 0.5", name="pair"
    )
    pair.connect(condition="i != j")
    pair.w = 0.05
    pair.pre.order = 2
    script = Script(brian2.Network(cells, pair), {}, 60 * brian2.ms, 15)
    found = ns.interop.from_brian2(script.network)
    assert found.circuit.projections["pair"].synapse.post_first
    compare(script, found, {})


# -- chance ----------------------------------------------------------------------------------------------------------


def test_random_sources_keep_their_rates() -> None:
    steady = brian2.PoissonGroup(50, rates=np.linspace(20, 80, 50) * brian2.Hz, name="steady")
    namespace = {
        "rate": brian2.TimedArray(np.array([0.0, 200.0]) * brian2.Hz, dt=100 * brian2.ms), "size": 0.02,
    }  # fmt: skip
    changing = brian2.PoissonGroup(50, rates="rate(t)*(1 + i/N)", name="changing")
    cells = lif(50)
    background = brian2.PoissonInput(cells[10:], "v", 100, 5 * brian2.Hz, weight="0.5*size")
    found = ns.interop.from_brian2([steady, changing, cells, background], namespace=namespace)
    record = {"cells": "v", "steady": "spikes", "changing": "spikes"}
    recording = ns.simulate(found.circuit, 200 * brian2.ms, backend="snntorch", seed=1, record=record)
    assert abs(len(recording.spikes["steady"].times) - 500) < 5 * 500**0.5
    times = recording.spikes["changing"].times
    assert abs(len(times) - 1500) < 5 * 1500**0.5
    assert times.min() >= 0.1
    v = recording.traces["cells"]["v"].values[0, -1]
    # The mean of 500 pulses a second of 0.01, each decaying within 10 ms.
    assert not v[:10].any()
    assert abs(v[10:].mean() - 0.05) < 0.02
    assert [remark.split("'")[1] for remark in found.remarks] == ["changing", "steady", "poissoninput"]


# -- what it is for --------------------------------------------------------------------------------------------------


def test_an_imported_network_is_trained_and_runs_in_brian2_again() -> None:
    torch = pytest.importorskip("torch")
    outside = brian2.SpikeGeneratorGroup(6, np.arange(30) % 6, np.arange(30) * 0.5 * brian2.ms, name="outside")
    cells = lif(3)
    feed = brian2.Synapses(outside, cells, "g : 1", on_pre="v_post += g", name="feed", delay=1 * brian2.ms)
    feed.connect()
    feed.g = "0.1 + 0.02*i"
    found = ns.interop.from_brian2([outside, cells, feed])
    module = ns.compile(found.circuit, backend="snntorch", trainable={"feed.weight": ns.Trainable()})
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    spikes = torch.from_numpy(found.inputs["outside"].to_dense(1e-4, 200)).to(torch.float32)
    losses = []
    for _ in range(4):
        outputs, _ = module({"outside": spikes}, record={"cells": ["v"]})
        loss = ((outputs["cells"]["v"].mean(dim=(0, 1)) - torch.tensor([0.6, 0.5, 0.4])) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    trained = module.to_circuit()
    assert not np.array_equal(trained.edges("feed").weight, found.circuit.edges("feed").weight)
    report = ns.verify(trained, 20 * brian2.ms, inputs=found.inputs)
    assert report.identical
