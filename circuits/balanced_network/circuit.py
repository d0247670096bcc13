"""Excitation and inhibition in balance: a random network that keeps itself firing irregularly, with no input at all.

It is benchmark 2 of Brette et al. (2007), with the parameters of the example ``CUBA`` in Brian2's documentation:
leaky integrate-and-fire neurons whose synaptic currents decay exponentially, counted as voltages.
"""

from __future__ import annotations

from typing import Any

from neurosim import models
from neurosim.circuit import Circuit, FixedProbability, Uniform
from neurosim.errors import CircuitError
from neurosim.units import ms, mV

NAME = "balanced-network"
SIZES = {"exc": 3200, "inh": 800}
PROBABILITY = 0.02
#: Receptor and weight of what each population sends: 60 * 0.27/10 and 20 * 4.5/10 mV.
OUTPUT = {"exc": ("ampa", 60 * 0.27 / 10 * mV), "inh": ("gaba", -20 * 4.5 / 10 * mV)}


def build(*, scale: float = 1.0, seed: int = 0, dt: Any = 0.1 * ms) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    scale
        Factor of the number of neurons. Each keeps receiving from 64 excitatory and 16 inhibitory ones on average, as
        long as there are so many.
    seed
        Of the edges and of the initial potentials.
    dt
        Time step.

    Returns
    -------
    Circuit
        Populations ``"exc"`` and ``"inh"`` of one kind of neuron, and four projections ``"exc_to_inh"``, ...

    Raises
    ------
    CircuitError
        If nothing remains of a population.

    References
    ----------
    T. P. Vogels, L. F. Abbott: Signal propagation and logic gating in networks of integrate-and-fire neurons. Journal
    of Neuroscience 25, 10786-10795 (2005), doi:10.1523/JNEUROSCI.3508-05.2005.

    R. Brette et al.: Simulation of networks of spiking neurons: a review of tools and strategies. Journal of
    Computational Neuroscience 23, 349-398 (2007), doi:10.1007/s10827-007-0038-6.
    """
    if not scale * SIZES["inh"] >= 1:
        raise CircuitError(f"{NAME}: scale={scale!r} leaves no inhibitory neuron; give at least {1 / SIZES['inh']}.")
    cell = models.lif(
        tau_mem=20 * ms,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        v_leak=-49 * mV,
        tau_ref=5 * ms,
        receptors={"ampa": 5 * ms, "gaba": 10 * ms},
    )
    circuit = Circuit(NAME, dt=dt, seed=seed)
    for name, size in SIZES.items():
        circuit.population(name, round(scale * size), cell, initial={"v": Uniform(-60 * mV, -50 * mV)})
    rule = FixedProbability(min(1.0, PROBABILITY / scale))
    for pre, (receptor, weight) in OUTPUT.items():
        for post in SIZES:
            circuit.connect(pre, post, rule, receptor=receptor, weight=weight)
    return circuit
