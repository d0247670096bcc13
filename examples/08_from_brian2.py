"""A network written for Brian2 is trained: imported as a circuit, taught in torch, run by Brian2 again.

Forty inputs drive two neurons through conductances. Two rhythms differ only in which half of the inputs fires first.
The network as it was written answers both alike; after training each neuron answers a rhythm of its own.

Run it: ``python examples/08_from_brian2.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import brian2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms, mV

import neurosim as ns

INPUTS, STEPS, BATCH = 40, 120, 8


def rhythm(which: int, rng: np.random.Generator) -> np.ndarray:
    """Return spikes (step, input): one half of the inputs around 8 ms, the other around 30 ms."""
    middle = np.where((np.arange(INPUTS) < INPUTS // 2) == (which == 0), 16, 60)
    spikes = np.zeros((STEPS, INPUTS), dtype=bool)
    spikes[np.clip(middle + rng.integers(-8, 9, INPUTS), 0, STEPS - 1), np.arange(INPUTS)] = True
    return spikes


def written_for_brian2(spikes: np.ndarray) -> tuple[brian2.Network, brian2.SpikeMonitor]:
    """Return the network: nothing in it knows of neurosim."""
    tau, tau_e, e_rest, e_exc = 10 * ms, 5 * ms, -65 * mV, 0 * mV
    steps, inputs = np.nonzero(spikes)
    outside = brian2.SpikeGeneratorGroup(INPUTS, inputs, steps * 0.5 * ms, name="outside")
    neurons = brian2.NeuronGroup(
        2,
        """
        dv/dt = (e_rest - v + g*(e_exc - v))/tau : volt (unless refractory)
        dg/dt = -g/tau_e : 1
        """,
        threshold="v > -50*mV", reset="v = e_rest", refractory=3 * ms, method="exponential_euler", name="neurons",
        namespace={"tau": tau, "tau_e": tau_e, "e_rest": e_rest, "e_exc": e_exc},
    )  # fmt: skip
    neurons.v = e_rest
    synapses = brian2.Synapses(outside, neurons, "w : 1", on_pre="g += w", delay=1 * ms, name="synapses")
    synapses.connect()
    synapses.w = "0.1 + 0.001*i"
    monitor = brian2.SpikeMonitor(neurons, name="monitor")
    return brian2.Network(outside, neurons, synapses, monitor), monitor


def train(circuit: ns.Circuit, rng: np.random.Generator) -> ns.Circuit:
    """Return the circuit with weights for which the neuron of a rhythm fires more than the other."""
    module = ns.compile(
        circuit, backend="snntorch", trainable={"synapses.weight": ns.Trainable(bounds=(0, 1))}, surrogate="atan"
    )
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    labels = torch.arange(BATCH) % 2
    for _ in range(25):
        spikes = np.stack([rhythm(int(label), rng) for label in labels], axis=1)
        outputs, _ = module({"outside": torch.tensor(spikes, dtype=torch.float32)}, record={"neurons": ["spikes"]})
        counts = outputs["neurons"]["spikes"][STEPS // 3 :].sum(0)
        loss = torch.nn.functional.cross_entropy(counts, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        module.project()
    return module.to_circuit()


def answers(circuit: ns.Circuit, spikes: np.ndarray, backend: str) -> ns.SpikeTrains:
    """Return the spikes of the two neurons in all trials."""
    trials = spikes.shape[1]
    run = ns.simulate(circuit, STEPS * 0.5 * ms, backend=backend, inputs={"outside": spikes}, trials=trials)
    return run.spikes["neurons"]


def told_apart(spikes: ns.SpikeTrains, labels: np.ndarray) -> float:
    """Return in how many trials the neuron of the rhythm fires more than the other, late in the trial."""
    late = spikes.times >= STEPS / 3 * 0.5e-3
    counts = np.zeros((labels.size, 2))
    np.add.at(counts, (spikes.trials[late], spikes.neurons[late]), 1)
    trials = np.arange(labels.size)
    return float(np.mean(counts[trials, labels] > counts[trials, 1 - labels]))


def main(figure: Path) -> None:
    """Import, compare with the network itself, train, test on trials that were not seen, draw."""
    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = 0.5 * ms
    network, monitor = written_for_brian2(rhythm(0, np.random.default_rng(1)))
    imported = ns.interop.from_brian2(network, name="rhythms")
    network.run(STEPS * 0.5 * ms)
    for backend in ("brian2", "snntorch"):
        run = ns.simulate(imported.circuit, STEPS * 0.5 * ms, backend=backend, inputs=imported.inputs)
        spikes = run.spikes["neurons"]
        same = np.allclose(spikes.times, monitor.t / brian2.second) and np.array_equal(spikes.neurons, monitor.i)
        print(f"{backend}: {len(spikes)} spikes, those of the network itself: {same}")

    trained = train(imported.circuit, np.random.default_rng(2))
    labels = np.arange(20) % 2
    rng = np.random.default_rng(3)
    tests = np.stack([rhythm(int(label), rng) for label in labels], axis=1)
    _, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    for panel, (name, circuit) in zip(axes, (("before", imported.circuit), ("after", trained)), strict=True):
        in_brian2, in_torch = (answers(circuit, tests, backend) for backend in ("brian2", "snntorch"))
        same = np.array_equal(in_brian2.times, in_torch.times) and np.array_equal(in_brian2.neurons, in_torch.neurons)
        print(
            f"{name}: {told_apart(in_brian2, labels):.0%} of the trials told apart in Brian2; the same on torch: {same}"
        )
        order = np.argsort(labels, kind="stable").argsort()
        for neuron in range(2):
            chosen = in_brian2.neurons == neuron
            rows = order[in_brian2.trials[chosen]] + 0.4 * neuron
            panel.plot(in_brian2.times[chosen] * 1e3, rows, "|", color=f"C{3 * neuron}", label=f"neuron {neuron}")
        panel.axhline(9.7, color="0.7", lw=0.8)
        panel.set(title=f"{name} training", xlabel="time (ms)", xlim=(0, STEPS / 2))
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].set(ylabel="trial (rhythm 1 above, 0 below)")
    axes[0].legend(frameon=False, loc="upper right")
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "08_from_brian2.png")
