"""Circuits as native scripts of Brian2, and back: the network of a script becomes a circuit that runs as the first."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brian2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import neurosim as ns
from backends.random_circuits import KINDS, _connect, draw_shape
from backends.random_rules import FAMILIES
from neurosim.interop import export_brian2_script
from neurosim.program.lowering import lower
from neurosim.units import Mohm, ms, mV, nA, nS

DURATION = 6 * ms


@pytest.fixture(autouse=True)
def own_preferences() -> Iterator[None]:
    codegen, dt = brian2.prefs.codegen, brian2.defaultclock.dt
    before = codegen.target, codegen.loop_invariant_optimisations
    yield
    codegen.target, codegen.loop_invariant_optimisations = before
    brian2.defaultclock.dt = dt
    brian2.seed()


def network_of_script(circuit: ns.Circuit, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the network that a circuit's script makes, before it runs."""
    path = export_brian2_script(circuit, folder / "script.py", DURATION, statements="native", overwrite=True)
    made, _, _ = path.read_text().partition("\nnetwork.run(")
    path.write_text(made)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return runpy.run_path(str(path))["network"]


def assert_same(circuit: ns.Circuit, network: Any) -> int:
    """Import a network and hold its run against the circuit's; return the number of spikes."""
    found = ns.interop.from_brian2(network, name=circuit.name, namespace={})
    assert not found.inputs
    first, second = (ns.simulate(part, DURATION, backend="snntorch") for part in (circuit, found.circuit))
    count = 0
    for name in circuit.populations:
        if circuit.populations[name].spiking:
            pairs = [set(zip(*map(np.ndarray.tolist, (train.to_steps(circuit.dt), train.neurons)), strict=True))
                     for train in (first.spikes[name], second.spikes[name])]  # fmt: skip
            assert pairs[0] == pairs[1], name
            count += len(pairs[0])
    for part, variables in first.state.variables.items():
        for variable, expected in variables.items():
            obtained = second.state.variables.get(part, {}).get(variable)
            if obtained is not None:
                largest = np.abs(expected).max(initial=0)
                assert np.abs(np.asarray(obtained) - expected).max(initial=0) <= 1e-9 * largest, (part, variable)
    return count


def test_a_circuit_comes_back_from_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = ns.Circuit("there_and_back", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV, tau_ref=2 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(7 * ms, reversal=-80 * mV)},
    )  # fmt: skip
    cells = circuit.population("cells", 12, cell, initial={"v": ns.Uniform(-55 * mV, -49 * mV)})
    circuit.connect(
        cells[:8], cells, ns.FixedProbability(0.5), receptor="ampa", weight=ns.Uniform(1 * nS, 9 * nS),
        delay=ns.Uniform(0 * ms, 3 * ms), name="excitation",
    )  # fmt: skip
    circuit.connect(cells[8:], cells, ns.AllToAll(), receptor="gaba", weight=3 * nS, delay=1 * ms, name="inhibition")
    circuit.inject("drive", cells, "i_ext", ns.Step(0.15 * nA))
    assert assert_same(circuit, network_of_script(circuit, tmp_path, monkeypatch)) > 5


@st.composite
def self_contained(draw: Any) -> ns.Circuit:
    """Draw a circuit without inputs."""
    circuit = ns.Circuit("random", dt=0.1 * ms, seed=draw(st.integers(0, 2**31)))
    family = draw(st.sampled_from(FAMILIES))
    roles = {}
    for position in range(draw(st.integers(1, 3))):
        model, roles[f"p{position}"], initial = draw(st.sampled_from(KINDS))(draw)
        circuit.population(f"p{position}", draw_shape(draw, family), model, initial=initial)
    for count in range(draw(st.integers(1, 5))):
        pre, post = draw(st.sampled_from(list(roles))), draw(st.sampled_from(list(roles)))
        _connect(draw, circuit, pre, post, roles[post], f"c{count}")
    return circuit


@pytest.mark.slow
def test_random_circuits_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[str] = []

    @given(self_contained())
    @settings(
        max_examples=120, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def there_and_back(circuit: ns.Circuit) -> None:
        try:
            program = lower(circuit)
            if program.plastic:  # written in SI numbers, whose units Brian2 does not check and a circuit would
                outcomes.append("plastic")
                return
            network = network_of_script(circuit, tmp_path, monkeypatch)
        except ns.UnsupportedError:
            outcomes.append("no native script")
            return
        try:
            if program.noisy:
                ns.interop.from_brian2(network, namespace={})
                outcomes.append("noisy")
            else:
                outcomes.append(f"{assert_same(circuit, network) > 0}")
        except ns.UnsupportedError as error:
            for problem in str(error).splitlines()[1:]:
                assert "run_regularly" in problem, problem
            outcomes.append("code of its own")

    there_and_back()
    assert outcomes.count("True") >= 20, outcomes
