"""COBA and CUBA, benchmarks 1 and 2 of Brette et al. (2007): 4,000 neurons that keep themselves firing irregularly.

They are one network of leaky integrate-and-fire neurons, with synapses that are conductances or currents. The second
is `balanced-network`, which is built here under another name.
"""

from __future__ import annotations

from typing import Any

from neurosim import models
from neurosim.circuit import Circuit, FixedProbability, Normal, Uniform
from neurosim.circuits.balanced_network.circuit import OUTPUT, PROBABILITY, SIZES
from neurosim.errors import CircuitError, nearest
from neurosim.units import ms, mV

NAME = "coba"
KINDS = ("conductance", "current")
#: Of COBA: weights in units of the leak conductance of 10 nS (6 nS and 67 nS), and where a neuron starts.
CONDUCTANCES = {"exc": ("ampa", 0.6), "inh": ("gaba", 6.7)}
START = {"v": Normal(-65 * mV, 5 * mV), "ampa": Normal(4.0, 1.5), "gaba": Normal(20.0, 12.0)}


def build(*, kind: str = "conductance", scale: float = 1.0, seed: int = 0, dt: Any = 0.1 * ms) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    kind
        ``"conductance"`` (COBA) or ``"current"`` (CUBA).
    scale
        Factor of the number of neurons. Each keeps receiving from 64 excitatory and 16 inhibitory ones on average, as
        long as there are so many.
    seed
        Of the edges and of the initial values.
    dt
        Time step.

    Returns
    -------
    Circuit
        Populations ``"exc"`` and ``"inh"`` of one kind of neuron, and four projections ``"exc_to_inh"``, ...

    Raises
    ------
    CircuitError
        If the kind is unknown, or nothing remains of a population.

    Notes
    -----
    Nothing drives COBA from outside: the conductances that it starts with wake it up. There the initial values are
    those of Brette's own script in the review's archive, normal about 4 and 20 times the leak.

    In the second after the first 0.1 s neurons fire at 19.4 Hz in COBA and at 5.6 Hz in CUBA (means of ten seeds; a
    single network of COBA has 17 to 23 Hz). A network of COBA much smaller than half falls silent.

    References
    ----------
    T. P. Vogels, L. F. Abbott: Signal propagation and logic gating in networks of integrate-and-fire neurons. Journal
    of Neuroscience 25, 10786-10795 (2005), doi:10.1523/JNEUROSCI.3508-05.2005.

    R. Brette et al.: Simulation of networks of spiking neurons: a review of tools and strategies. Journal of
    Computational Neuroscience 23, 349-398 (2007), doi:10.1007/s10827-007-0038-6.
    """
    if kind not in KINDS:
        raise CircuitError(f"{NAME}: unknown kind {kind!r}.{nearest(str(kind), KINDS)}")
    if not scale * SIZES["inh"] >= 1:
        raise CircuitError(f"{NAME}: scale={scale!r} leaves no inhibitory neuron; give at least {1 / SIZES['inh']}.")
    currents = kind == "current"
    cell = models.lif(
        tau_mem=20 * ms,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        v_leak=(-49 if currents else -60) * mV,
        tau_ref=5 * ms,
        receptors={
            "ampa": models.Exponential(5 * ms, reversal=None if currents else 0 * mV),
            "gaba": models.Exponential(10 * ms, reversal=None if currents else -80 * mV),
        },
    )
    circuit = Circuit(NAME, dt=dt, seed=seed)
    initial = {"v": Uniform(-60 * mV, -50 * mV)} if currents else START
    for name, size in SIZES.items():
        circuit.population(name, round(scale * size), cell, initial=initial)
    rule = FixedProbability(min(1.0, PROBABILITY / scale))
    for pre, (receptor, weight) in (OUTPUT if currents else CONDUCTANCES).items():
        for post in SIZES:
            circuit.connect(pre, post, rule, receptor=receptor, weight=weight)
    return circuit
