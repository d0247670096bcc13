"""Groups without equations, and background input: what spikes as given, at random, or arrives in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Population, View
from neurosim.circuit.sources import PoissonSource, SpikeSource
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.external import resolve, value_of
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import identifiers
from neurosim.interop.brian2_network.neurons import Neurons, shared_or_each
from neurosim.recording.spikes import SpikeTrains
from neurosim.units import quantity


def add_poisson_source(circuit: Circuit, neurons: Neurons, findings: Findings) -> None:
    """Add a ``PoissonGroup`` whose rates are numbers."""
    group = neurons.group
    rates = quantity(shared_or_each(group.variables["rates"].get_value()), "hertz")
    circuit.source(neurons.name, PoissonSource(len(group), rates))
    findings.remark(
        f"{group.name!r} draws its spikes from the run's seed in a circuit: the same rates, other spikes than Brian2's"
    )


def add_spike_source(circuit: Circuit, neurons: Neurons, findings: Findings) -> SpikeTrains:
    """Add a ``SpikeGeneratorGroup`` and return its spikes, on the grid of the circuit.

    Raises
    ------
    UnsupportedError
        If it repeats its spikes, or two of a neuron fall into one step.
    """
    group = neurons.group
    if float(group.variables["period"].get_value()[0]):
        raise UnsupportedError(f"{group.name!r} repeats its spikes with a period; give all of them")
    circuit.source(neurons.name, SpikeSource(len(group)))
    times = np.asarray(group.variables["spike_time"].get_value(), dtype=np.float64)
    neuron = np.asarray(group.variables["neuron_index"].get_value())
    # A thousandth of a step, as Brian2 has it: a time on the grid falls into the step that begins there.
    steps = np.floor((times + 1e-3 * circuit.dt) / circuit.dt).astype(np.int64)
    if len(np.unique(np.stack((steps, neuron)), axis=1).T) < len(steps):
        raise UnsupportedError(f"{group.name!r}: two spikes of a neuron fall into one step of {circuit.dt:g} s")
    moved = np.max(np.abs(times - steps * circuit.dt), initial=0.0)
    if moved > 1e-6 * circuit.dt:
        findings.remark(f"{group.name!r}: spikes were put on the grid, moved by {moved:g} s at most")
    return SpikeTrains(steps * circuit.dt, neuron, len(group))


def add_poisson_input(
    circuit: Circuit,
    name: str,
    part: Any,
    target: Population | View,
    names: Mapping[str, str],
    namespace: Mapping[str, Any],
    findings: Findings,
) -> None:
    """Add a ``PoissonInput``.

    Raises
    ------
    UnsupportedError
        If its weight is an expression of anything but constants.
    """
    group, weight = part._group, part.weight
    if isinstance(weight, str):
        outside = identifiers(weight) - set(group.variables)
        value = value_of(weight, resolve(group, outside, namespace), part.name)
        if value is None:
            raise UnsupportedError(f"the weight {weight!r} is not a constant")
        weight = quantity(*value)
    variable = names.get(part.target_var)
    if variable is None:
        raise UnsupportedError(f"it adds to {part.target_var!r}, which is no variable of {group.name!r}")
    circuit.poisson(name, target, receptor=variable, rate=part.rate, weight=weight, count=int(part.N))
    findings.remark(
        f"{part.name!r} draws binomial numbers in Brian2 and Poisson numbers in a circuit, of the same mean "
        f"({int(part.N)} inputs of {part.rate})"
    )
