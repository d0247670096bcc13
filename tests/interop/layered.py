"""Small circuits of layers, and their spikes as layers have them: shifted by a step for each."""

from __future__ import annotations

from typing import Any

import numpy as np

import neurosim as ns
from neurosim.circuit.values import as_given
from neurosim.units import Mohm, ms, mV, nA

N_IN = 12


def cell(receptors: dict[str, Any], method: str, *, lowered: bool = False, **options: Any) -> ns.NeuronModel:
    """Return a leaky integrate-and-fire neuron that is reset to rest, or lowered by the way from rest to threshold."""
    values = {"tau_mem": 20 * ms, "r": 100 * Mohm, "v_leak": -60 * mV, "v_threshold": -50 * mV, "v_reset": -60 * mV}
    model = ns.models.lif(**{**values, **options}, receptors=receptors, method=method)
    if not lowered:
        return model
    return ns.NeuronModel(
        model.equations, threshold=model.threshold, reset="v -= v_threshold - v_leak", method=method,
        parameters={name: as_given(item.value, item.unit) for name, item in model.parameters.items()},
        initial={"v": "v_leak"}, receptors=dict(model.receptors),
    )  # fmt: skip


def stack(
    dt: float, method: str = "exact", receptor: str = "ampa", *, lowered: bool = False, recurrent: bool = False,
    bias: bool = False,
) -> ns.Circuit:  # fmt: skip
    """Return a source, two layers that spike, and one that integrates."""
    receptors = {"ampa": 5 * ms, "jump": ns.Delta()}
    circuit = ns.Circuit("stack", dt=dt * ms, seed=4)
    hidden = circuit.population(
        "hidden", 20, cell(receptors, method, lowered=lowered), parameters={"tau_mem": ns.Uniform(10 * ms, 30 * ms)}
    )
    first = circuit.source("in", ns.SpikeSource(N_IN))
    second = circuit.population("second", 10, cell(receptors, method, lowered=lowered))
    readout = ns.models.leaky_integrator(
        tau_mem=15 * ms, v_leak=-60 * mV, r=100 * Mohm, receptors=receptors, method=method
    )
    out = circuit.population("out", 3, readout)
    strong = (
        ns.Uniform(-0.05 * nA, (0.4 if dt < 0.5 else 0.2) * nA) if receptor == "ampa" else ns.Uniform(-1 * mV, 5 * mV)
    )
    weak = ns.Uniform(-0.1 * nA, 0.1 * nA) if receptor == "ampa" else ns.Uniform(-2 * mV, 3 * mV)
    circuit.connect(first, hidden, ns.AllToAll(), receptor=receptor, weight=strong)
    between = ns.Uniform(-0.1 * nA, 0.13 * nA) if receptor == "ampa" else strong
    circuit.connect(hidden, second, ns.FixedProbability(0.7), receptor=receptor, weight=between)
    circuit.connect(second, out, ns.AllToAll(), receptor=receptor, weight=weak)
    if recurrent:
        circuit.connect(hidden, hidden, ns.FixedProbability(0.3), receptor=receptor, weight=weak)
    if bias:
        circuit.inject("bias", hidden[5:], "i_ext", ns.Step(0.05 * nA))
    return circuit


def spikes_for(shape: tuple[int, ...], steps: int, rate: float = 0.05, seed: int = 1) -> np.ndarray:
    """Return spikes of a source, (time, *shape)."""
    return np.random.default_rng(seed).random((steps, *shape)) < rate


def of_circuit(circuit: ns.Circuit, given: np.ndarray, layers: list[str]) -> dict[str, np.ndarray]:
    """Return the spikes of layers, or v of those that do not spike, (time, neuron), from a run in float64."""
    silent = [name for name in layers if not circuit.populations[name].spiking]
    record: dict[str, Any] = {name: ["v"] if name in silent else ["spikes"] for name in layers}
    recording = ns.simulate(
        circuit, len(given) * circuit.dt * 1000 * ms, backend="snntorch", dtype="float64", record=record,
        inputs={"in": given.reshape(len(given), -1)},
    )  # fmt: skip
    found = {name: recording[name]["v"].values[0] for name in silent}
    for name in set(layers) - set(silent):
        trains = recording.spikes[name]
        found[name] = np.zeros((len(given), circuit.populations[name].n))
        found[name][trains.to_steps(circuit.dt), np.asarray(trains.neurons)] = 1
    return {name: found[name] for name in layers}


def check_shifted(expected: dict[str, np.ndarray], outputs: dict[str, np.ndarray], rest: float = 0.0) -> None:
    """Hold outputs against a run: index t of layer l has the spikes of step t + l, and its v to rounding."""
    for shift, (name, values) in enumerate(outputs.items(), start=1):
        got = values.reshape(len(values), -1)[: len(values) - shift]
        want = expected[name][shift:]
        if set(np.unique(want)) <= {0.0, 1.0}:
            assert 10 < want.sum() < 0.8 * want.size, f"{name}: {want.sum()} of {want.size}, which tells little"
            assert not expected[name][:shift].any()
            assert np.array_equal(got, want), name
        else:
            assert np.abs(want - rest).max() > 1e-3
            np.testing.assert_allclose(got, want - rest, rtol=0, atol=1e-12)


#: How many steps are recorded.
STEPS = 150


def record(circuit: ns.Circuit, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the spikes, or v, of every population under the name of its node."""
    parts = {name: part for name, part in circuit.populations.items() if isinstance(part.model, ns.NeuronModel)}
    wanted = {name: ["spikes"] if part.spiking else ["v"] for name, part in parts.items()}
    recording = ns.simulate(
        circuit, STEPS * circuit.dt * 1000 * ms, backend="snntorch", dtype="float64", inputs=inputs, record=wanted
    )
    found = {}
    for name, part in parts.items():
        if part.spiking:
            trains = recording.spikes[name]
            array = np.zeros((STEPS, part.n))
            array[trains.to_steps(circuit.dt), np.asarray(trains.neurons)] = 1
            assert array.any(), name
        else:
            array = recording[name]["v"].values[0]
        found[name.replace("/", "_")] = array
    return found
