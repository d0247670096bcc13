"""A trained network in Brian2, written by hand from its numbers: plain objects, no step program.

What arrives waits in a variable until the next step takes it, and Brian2's own order of a step (integrate, threshold,
deliver, reset) does the rest. With another order of these, other spikes come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends.brian2.prepared import preferences
from neurosim.circuit import Circuit, NeuronModel, SpikeSource
from neurosim.errors import CircuitError
from neurosim.recording import Recording

#: The slots of a step in Brian2, and a wrong order: what is delivered before the threshold is looked at comes too late.
SCHEDULE = ("start", "groups", "thresholds", "synapses", "resets", "end")
WRONG_SCHEDULE = ("start", "groups", "synapses", "thresholds", "resets", "end")
#: The spikes of each population as (step, neuron), in no order.
Spikes = Mapping[str, frozenset[tuple[int, int]]]


@dataclass(frozen=True)
class Handwritten:
    """What the script gave.

    Parameters
    ----------
    spikes
        By population.
    readout
        The membranes of the last population at the end of each step, (step, neuron).
    """

    spikes: Spikes
    readout: np.ndarray


def simulate_by_hand(circuit: Circuit, spikes: np.ndarray, *, schedule: Sequence[str] = SCHEDULE) -> Handwritten:
    """Run a network of :func:`~neurosim.circuits.delay_snn.circuit.build` by a script of Brian2 alone.

    Parameters
    ----------
    circuit
        The network, as built or as training left it, folded constants included.
    spikes
        Of the source, bool (step, neuron).
    schedule
        The slots of a step.

    Raises
    ------
    CircuitError
        If the circuit holds other kinds of neurons.
    """
    import brian2 as b2

    with preferences("numpy"):
        return _run(b2, circuit, spikes, schedule)


def _run(b2: Any, circuit: Circuit, spikes: np.ndarray, schedule: Sequence[str]) -> Handwritten:
    clock = b2.Clock(dt=circuit.dt * b2.second)
    groups: dict[str, Any] = {}
    for name, part in circuit.populations.items():
        model = part.model
        if isinstance(model, SpikeSource):
            steps, neurons = np.nonzero(spikes)
            groups[name] = b2.SpikeGeneratorGroup(part.n, neurons, steps * circuit.dt * b2.second, clock=clock)
        elif isinstance(model, NeuronModel) and model.name in ("leaky", "readout"):
            groups[name] = _layer(b2, circuit, name, part.n, clock)
        elif isinstance(model, NeuronModel) and model.threshold == "True":
            groups[name] = b2.NeuronGroup(part.n, "", threshold="True", reset="", clock=clock)
        else:
            raise CircuitError(f"simulate_by_hand: {name!r} is no part of a network of layers with delays.")
    synapses = []
    for name, projection in circuit.projections.items():
        edges = circuit.edges(name)
        made = b2.Synapses(
            groups[projection.pre], groups[projection.post], "w : 1", on_pre="arrived_post += w", clock=clock
        )
        made.connect(i=np.asarray(edges.pre), j=np.asarray(edges.post))
        made.w = edges.weight
        made.delay = edges.steps * circuit.dt * b2.second
        synapses.append(made)
    last = next(name for name, part in circuit.populations.items() if _is(part.model, "readout"))
    membranes = b2.StateMonitor(groups[last], "v", record=True, when="end", clock=clock)
    heard = {name: b2.SpikeMonitor(group) for name, group in groups.items() if name != last}
    network = b2.Network(list(groups.values()), synapses, membranes, list(heard.values()))
    network.schedule = list(schedule)
    network.run(len(spikes) * circuit.dt * b2.second, namespace={})
    found = {
        name: frozenset(zip(_steps(monitor.t / b2.second, circuit.dt), np.asarray(monitor.i).tolist(), strict=True))
        for name, monitor in heard.items()
    }
    return Handwritten(found, np.asarray(membranes.v).T)


def _layer(b2: Any, circuit: Circuit, name: str, n: int, clock: Any) -> Any:
    tau = circuit.parameter(name, "tau_mem")
    constants = {"keep": 1 - circuit.dt / tau}
    spiking: dict[str, Any] = {}
    if _is(circuit.populations[name].model, "leaky"):
        constants["v_threshold"] = circuit.parameter(name, "v_threshold")
        spiking = {"threshold": "v >= v_threshold", "reset": "v = 0"}
    group = b2.NeuronGroup(n, "v : 1\narrived : 1", clock=clock, namespace=constants, **spiking)
    group.run_regularly("v = keep*v + arrived\narrived = 0", when="groups", clock=clock)
    return group


def _is(model: Any, name: str) -> bool:
    return isinstance(model, NeuronModel) and model.name == name


def _steps(times: Any, dt: float) -> list[int]:
    found: list[int] = np.floor(np.asarray(times) / dt + 0.5).astype(int).tolist()
    return found


def spikes_of(recording: Recording, dt: float, names: Sequence[str]) -> Spikes:
    """Return the spikes of a recording of one trial by population, as :func:`simulate_by_hand` does."""
    found = {}
    for name in names:
        trains = recording.spikes[name]
        found[name] = frozenset(zip(trains.to_steps(dt).tolist(), trains.neurons.tolist(), strict=True))
    return found
