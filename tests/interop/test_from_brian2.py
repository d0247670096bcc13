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
                if variable in integrated or called in state:
                    obtained = np.asarray(state[called])[0]
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
