"""A neuron learns by its delays alone to answer one order of spikes, and goes back to Brian2 with the same spikes.

Thirty inputs fire once each. In the pattern every input has its time; in the other trials the same times are dealt out
anew, so that no count and no rate tells the two apart. All weights are equal and fixed.

Run it: ``python examples/05_learned_delays.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import softplus

import neurosim as ns
from neurosim.units import ms

INPUTS, STEPS, BATCH = 30, 50, 16
#: When each input fires in the pattern, in steps of 1 ms.
PATTERN = np.random.default_rng(1).integers(2, 26, INPUTS)


def build() -> ns.Circuit:
    """Return a neuron that hears its inputs through delays, which may be trained."""
    circuit = ns.Circuit("detector", dt=1 * ms, seed=4)
    circuit.source("in", ns.SpikeSource(INPUTS))
    circuit.population("cell", 1, ns.models.lif(tau_mem=6 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    delay = ns.Trainable(ns.Uniform(0 * ms, 25 * ms), bounds=(0 * ms, 25 * ms))
    circuit.connect("in", "cell", ns.AllToAll(), receptor="v", weight=0.06, delay=delay)
    return circuit


def trials(n: int, rng: np.random.Generator, *, pattern: bool) -> np.ndarray:
    """Return spikes (step, trial, input), each a step early, right, or late."""
    spikes = np.zeros((STEPS, n, INPUTS), dtype=bool)
    for trial in range(n):
        times = PATTERN if pattern else rng.permutation(PATTERN)
        spikes[times + rng.integers(-1, 2, INPUTS), trial, np.arange(INPUTS)] = True
    return spikes


def train(circuit: ns.Circuit, updates: int = 120) -> ns.Circuit:
    """Return the circuit with delays for which the pattern, and nothing else, makes it fire."""
    module = ns.compile(circuit, backend="snntorch", surrogate="atan")
    optimiser = torch.optim.Adam(module.parameters(), lr=0.3)
    rng = np.random.default_rng(2)
    for update in range(updates):
        spikes = np.concatenate([trials(BATCH, rng, pattern=True), trials(BATCH, rng, pattern=False)], axis=1)
        outputs, _ = module({"in": torch.tensor(spikes, dtype=torch.float32)}, record={"cell": ["spikes", "v"]})
        counts = outputs["cell"]["spikes"][..., 0].sum(0)
        fires, stays_silent = softplus(2 * (1 - counts[:BATCH])).mean(), softplus(2 * counts[BATCH:]).mean()
        height = outputs["cell"]["v"][28, :BATCH, 0].mean()  # leads the way while there are no spikes yet
        loss = fires + 0.5 * stays_silent - height
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        module.project()
        if update % 40 == 39:
            print(f"update {update + 1}: loss {loss.item():.3f}")
    print("rounding to steps:", module.delay_rounding()["in_to_cell"])
    return module.to_circuit()


def answers(circuit: ns.Circuit, spikes: np.ndarray, backend: str) -> ns.Recording:
    """Return the recording of all trials on a backend."""
    record = {"cell": ["spikes", "v"]}
    return ns.simulate(
        circuit, STEPS * ms, backend=backend, inputs={"in": spikes}, record=record, trials=spikes.shape[1]
    )


def main(figure: Path) -> None:
    """Train, test on trials that were not seen, compare the backends, draw."""
    untrained = build()
    trained = train(untrained)
    rng = np.random.default_rng(3)
    tests = np.concatenate([trials(50, rng, pattern=True), trials(50, rng, pattern=False)], axis=1)
    for name, circuit in (("before", untrained), ("after", trained)):
        fired = {
            backend: np.isin(np.arange(100), answers(circuit, tests, backend).spikes["cell"].trials)
            for backend in ("brian2", "snntorch")
        }
        rates = f"pattern {fired['brian2'][:50].mean():.0%}, other orders {fired['brian2'][50:].mean():.0%}"
        print(f"{name}: answers to {rates}; the same on torch: {np.array_equal(*fired.values())}")

    _, axes = plt.subplots(1, 3, figsize=(9, 3.2), width_ratios=[1, 1, 1.4], layout="constrained")
    order = np.argsort(PATTERN)
    for panel, name, circuit in zip(axes, ("before", "after"), (untrained, trained), strict=False):
        delay = circuit.edges("in_to_cell").steps
        panel.hlines(np.arange(INPUTS), PATTERN[order], (PATTERN + delay)[order], color="0.85")
        panel.plot(PATTERN[order], np.arange(INPUTS), ".", color="0.4", label="spike")
        panel.plot((PATTERN + delay)[order], np.arange(INPUTS), ".", color="C3", label="arrival")
        panel.set(title=f"{name} training", xlabel="time (ms)", ylabel="input", xlim=(0, STEPS))
    axes[0].legend(frameon=False, loc="upper left")
    voltage = answers(trained, tests, "brian2")["cell"]["v"].values[..., 0]
    for rows, color, label in ((slice(50, 100), "0.7", "other orders"), (slice(0, 50), "C0", "the pattern")):
        lines = axes[2].plot(voltage[rows].T, color=color, lw=0.7)
        lines[0].set_label(label)
    axes[2].axhline(1, color="k", lw=0.8, ls=":")
    axes[2].set(title="after training, in Brian2", xlabel="time (ms)", ylabel="v")
    axes[2].legend(frameon=False)
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "05_learned_delays.png")
