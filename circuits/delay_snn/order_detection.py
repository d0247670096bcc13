"""Two inputs that fire one after the other, and two readouts that learn by their delays alone which came first.

References
----------
B. Mészáros, J. C. Knight, T. Nowotny: Efficient event-based delay learning in spiking neural networks. Nature
Communications (2025), arXiv:2501.07331; the task of ``sequence_detection.py`` in the authors' repository
``mbalazs98/deventprop``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuit import AllToAll, Circuit, SpikeSource, Trainable
from neurosim.models import leaky_integrator
from neurosim.units import ms

#: Steps of 1 ms from the first spike to the second, the longest delay, and of a trial.
APART, LONGEST, STEPS = 10, 15, 40


@dataclass(frozen=True)
class Outcome:
    """What training came to.

    Parameters
    ----------
    losses
        Cross entropy before each update, and of the delays at the end.
    accuracy
        Part of the two orders that are told right with delays rounded to steps, by the circuit simulated in Brian2.
    delays
        Rounded, in steps, (input, readout).
    """

    losses: tuple[float, ...]
    accuracy: float
    delays: np.ndarray


def build() -> Circuit:
    """Return the two inputs and two readouts with all weights 1 and trainable delays, 0 to begin with."""
    circuit = Circuit("order-detection", dt=1 * ms)
    circuit.source("in", SpikeSource(2))
    circuit.population("out", 2, leaky_integrator(tau_mem=10 * ms, receptors={"pulse": 5 * ms}))
    delay = Trainable(0 * ms, bounds=(0 * ms, LONGEST * ms), per="edge")
    circuit.connect("in", "out", AllToAll(), receptor="pulse", weight=1.0, delay=delay)
    return circuit


def orders() -> np.ndarray:
    """Return the spikes of both orders, bool (step, order, input)."""
    spikes = np.zeros((STEPS, 2, 2), dtype=bool)
    spikes[0, [0, 1], [0, 1]] = True
    spikes[APART, [0, 1], [1, 0]] = True
    return spikes


def train(updates: int = 60, rate: float = 1.0) -> Outcome:
    """Train the delays by the cross entropy of the highest membranes.

    Parameters
    ----------
    updates
        Number of updates by Adam.
    rate
        Of learning, in steps; 0 leaves the delays as they are.
    """
    import torch
    from torch.nn.functional import cross_entropy

    module = compile_circuit(build(), backend="snntorch")
    optimiser = torch.optim.Adam(module.parameters(), lr=rate)
    spikes, labels = torch.from_numpy(orders()), torch.tensor([0, 1])
    losses = []
    for update in range(updates + 1):
        outputs, _ = module({"in": spikes}, record={"out": "v"})
        loss = cross_entropy(outputs["out"]["v"].max(dim=0).values, labels)
        losses.append(loss.item())
        if update < updates:
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            module.project()
    return Outcome(tuple(losses), *_simulated(module.to_circuit()))


def _simulated(circuit: Circuit) -> tuple[float, np.ndarray]:
    """Return the part of the orders that a circuit tells right in Brian2, and its delays, (input, readout)."""
    recording = compile_circuit(circuit, backend="brian2").run(
        STEPS * ms, inputs={"in": orders()}, record={"out": "v"}, trials=2
    )
    highest = recording.traces["out"]["v"].values.max(axis=1)  # (order, readout)
    # A tie is decided by nothing: it counts as half right.
    own = highest[[0, 1], [0, 1]]
    other = highest[[0, 1], [1, 0]]
    accuracy = float(np.mean((own > other) + 0.5 * (own == other)))
    return accuracy, circuit.edges("in_to_out").steps.reshape(2, 2)
