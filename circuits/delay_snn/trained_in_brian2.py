"""A network is trained, becomes a circuit again, and is held against a script of Brian2, spike for spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuits.delay_snn.circuit import READOUT, SOURCE, layer_names
from neurosim.circuits.delay_snn.deployment import WRONG_SCHEDULE, Spikes, simulate_by_hand, spikes_of
from neurosim.circuits.delay_snn.study import Task, train
from neurosim.units import quantity
from neurosim.verification import threshold_margins

#: Items of the test set that are shown, one after the other.
SHOWN = 5


@dataclass(frozen=True)
class Deployed:
    """How a trained network does in Brian2.

    Parameters
    ----------
    spikes
        Of all hidden neurons in the run.
    by_script, by_module
        Spikes that the circuit has and the script (or the module that was trained, in evaluation mode) has not, or the
        other way round.
    by_wrong_script
        The same for a script that delivers spikes before it looks at thresholds.
    margin
        The smallest distance of a membrane from its threshold, relative to the largest membrane.
    moved
        Mean distance in steps by which the rounding moved a delay.
    """

    spikes: int
    by_script: int
    by_module: int
    by_wrong_script: int
    margin: float
    moved: float


def deploy(task: Task, seed: int, *, backend: str = "brian2", options: Mapping[str, Any] | None = None) -> Deployed:
    """Train the network with learned delays on a task, fold batch normalisation, round delays, and compare.

    Parameters
    ----------
    task
        What is learned.
    seed
        Of the run.
    backend, options
        What runs the circuit; see ``neurosim.compile``.
    """
    module = train(task, "learned", seed).module.double().eval()
    moved = float(np.mean([item.mean for item in module.delay_rounding().values()]))
    circuit = module.to_circuit()
    names = layer_names(len(task.size.hidden))[1:-1]
    fed = shown(task)
    duration = quantity(len(fed) * circuit.dt, "second")
    recording = compile_circuit(circuit, backend=backend, **(options or {})).run(
        duration, inputs={SOURCE: fed}, record={**dict.fromkeys(names, "spikes"), READOUT: "v"}
    )
    ours = spikes_of(recording, circuit.dt, names)
    margins = threshold_margins(circuit, duration, populations=names, inputs={SOURCE: fed})
    return Deployed(
        spikes=sum(map(len, ours.values())),
        by_script=_differing(ours, simulate_by_hand(circuit, fed).spikes),
        by_module=_differing(ours, _of_module(module, fed, names)),
        by_wrong_script=_differing(ours, simulate_by_hand(circuit, fed, schedule=WRONG_SCHEDULE).spikes),
        margin=min(margin.relative for margin in margins.values()),
        moved=moved,
    )


def shown(task: Task) -> np.ndarray:
    """Return the spikes of some items of the test set one after the other, bool (step, input)."""
    items = task.padded(task.test)
    return np.asarray(np.concatenate([items[index][0] for index in range(SHOWN)]) > 0)


def _of_module(module: Any, fed: np.ndarray, names: tuple[str, ...]) -> Spikes:
    outputs, _ = module({SOURCE: fed[:, None]}, record=dict.fromkeys(names, "spikes"))
    found = {}
    for name in names:
        steps, neurons = np.nonzero(outputs[name]["spikes"][:, 0].detach().numpy())
        found[name] = frozenset(zip(steps.tolist(), neurons.tolist(), strict=True))
    return found


def _differing(ours: Spikes, theirs: Spikes) -> int:
    return sum(len(spikes ^ theirs[name]) for name, spikes in ours.items())
