"""Two rules that learn without back-propagation: a recurrent network draws a curve, a neuron tells patterns apart.

E-prop trains all weights of the network forward in time, with errors that come back through the readout's own weights
or through random ones. The tempotron teaches a neuron to fire at half of forty random patterns of spike times; Brian2
then simulates what it learned.

Run it: ``python examples/07_local_learning.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import neurosim as ns
from neurosim.training.local import EProp, Tempotron
from neurosim.units import ms

STEPS, UPDATES, PATTERNS = 100, 30, 40
PHASE = 2 * np.pi * np.arange(STEPS) / STEPS
CURVE = 0.4 * np.sin(PHASE) + 0.4 * np.sin(2 * PHASE) - 0.3 * np.sin(3 * PHASE)


def network(neurons: int = 40) -> ns.Circuit:
    """Return a recurrent network with an integrator that reads it."""
    circuit = ns.Circuit("pattern", dt=1 * ms, seed=1)
    cell = ns.models.lif(tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.source("in", ns.SpikeSource(20))
    circuit.population("cells", neurons, cell)
    circuit.population("out", 1, ns.models.leaky_integrator(tau_mem=20 * ms))
    spread = neurons**-0.5
    into, among, read = (ns.Normal(0.15, 0.3), ns.Normal(0, 0.5 * spread), ns.Normal(0, 0.3 * spread))
    circuit.connect("in", "cells", ns.AllToAll(), receptor="v", weight=ns.Trainable(into))
    recurrent = ns.AllToAll(autapses=False)
    circuit.connect("cells", "cells", recurrent, receptor="v", weight=ns.Trainable(among), delay=1 * ms)
    circuit.connect("cells", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(read))
    return circuit


def draw_curve(feedback: str) -> tuple[list[float], torch.Tensor]:
    """Train a network; return its error after each update, relative to the curve, and what it draws at the end."""
    module = ns.compile(network(), backend="snntorch")
    spikes = torch.tensor(np.random.default_rng(0).random((STEPS, 1, 20)) < 0.05, dtype=torch.float32)
    target = torch.tensor(CURVE, dtype=torch.float32)[:, None, None]
    rule = EProp(module, "out.v", feedback=feedback)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    errors = []
    for _ in range(UPDATES):
        optimiser.zero_grad()
        run = rule.accumulate({"in": spikes}, target)
        optimiser.step()
        module.project()
        errors.append(run.loss / (0.5 * target.square().sum().item()))
    print(f"e-prop, {feedback} feedback: squared error {errors[0]:.2f} of the curve's, then {errors[-1]:.2f}")
    return errors, run.outputs["out"]["v"][:, 0, 0]


def tell_apart() -> tuple[np.ndarray, np.ndarray]:
    """Teach a neuron; return its voltage at each pattern in Brian2, (time, pattern), and where it should fire."""
    rng = np.random.default_rng(3)
    inputs, steps = 40, 300
    spikes = np.zeros((steps, PATTERNS, inputs))
    spikes[rng.integers(0, steps, (PATTERNS, inputs)), np.arange(PATTERNS)[:, None], np.arange(inputs)] = 1
    labels = rng.permutation(np.arange(PATTERNS) % 2 == 0)
    circuit = ns.Circuit("tempotron", dt=1 * ms, seed=2)
    cell = ns.models.lif(tau_mem=15 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, receptors={"fast": 4 * ms})
    circuit.source("in", ns.SpikeSource(inputs))
    circuit.population("cell", 1, cell)
    circuit.connect("in", "cell", ns.AllToAll(), receptor="fast", weight=ns.Normal(0, 0.05))
    run = Tempotron(circuit, "in_to_cell").learn(spikes, labels)
    print(
        f"tempotron: wrong in the first epoch {run.errors[0]:.0%}, after {len(run.errors)} epochs {run.errors[-1]:.0%}"
    )
    recording = ns.simulate(
        run.circuit, steps * ms, inputs={"in": spikes}, trials=PATTERNS, record={"cell": ["spikes", "v"]}
    )
    fired = np.isin(np.arange(PATTERNS), recording.spikes["cell"].trials)
    print(f"all {PATTERNS} decisions right in Brian2: {np.array_equal(fired, labels)}")
    return recording["cell"]["v"].values[..., 0].T, labels


def main(figure: Path) -> None:
    """Learn both, draw both."""
    _, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    axes[0].plot(CURVE, color="0.6", lw=3, label="to be drawn")
    for number, feedback in enumerate(("symmetric", "random")):
        errors, drawn = draw_curve(feedback)
        axes[0].plot(drawn, color=f"C{number}", label=f"{feedback} feedback")
        axes[1].semilogy(errors, color=f"C{number}")
    axes[0].set(title="e-prop: a curve", xlabel="time (ms)")
    axes[0].legend(frameon=False, fontsize="small")
    axes[1].set(title="e-prop: squared error", xlabel="update")
    voltage, labels = tell_apart()
    for which, color, label in ((~labels, "0.6", "a pattern for silence"), (labels, "C3", "a pattern to fire at")):
        axes[2].plot(voltage[:, np.flatnonzero(which)[0]], color=color, label=label)
    axes[2].axhline(1, color="k", lw=0.8, ls=":")
    axes[2].set(title="tempotron, in Brian2", xlabel="time (ms)", ylabel="v", ylim=(-1.5, 1.2))
    axes[2].legend(frameon=False, fontsize="small", loc="lower left")
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "07_local_learning.png")
