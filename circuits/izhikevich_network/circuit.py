"""A thousand simple neurons of different kinds, coupled all to all and driven by noise: the program ``net.m`` of 2003.

Each neuron has its own parameters: one random number turns an excitatory cell from regular spiking (0) to chattering
(1), and an inhibitory one from low-threshold to fast spiking. Delays of zero make a spike act in the next step.
"""

from __future__ import annotations

from neurosim import models
from neurosim.circuit import AllToAll, Circuit, Uniform
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms

NAME = "izhikevich-network"
SIZES = {"exc": 800, "inh": 200}
NOISE = {"exc": 5.0, "inh": 2.0}


def build(*, scheme: str = "published", scale: float = 1.0, seed: int = 0) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    scheme
        ``"published"``: two half steps of v and one of u per millisecond, as in the paper. ``"euler"``: one step of
        both. The scheme is part of the model: excitatory and inhibitory neurons fire at 7.7 and 7.3 Hz in the first,
        at 9.3 and 9.8 Hz in the second.
    scale
        Factor of the number of neurons; weights grow by its inverse, so that the mean input stays.
    seed
        Of the parameters and of the weights.

    Returns
    -------
    Circuit
        Populations ``"exc"`` and ``"inh"``, and four projections ``"exc_to_exc"``, ..., self-connections included.

    Raises
    ------
    CircuitError
        If the scheme is unknown, or nothing remains of a population.

    References
    ----------
    E. M. Izhikevich: Simple model of spiking neurons. IEEE Transactions on Neural Networks 14, 1569-1572 (2003),
    doi:10.1109/TNN.2003.820440.
    """
    if not scale * SIZES["inh"] >= 1:
        raise CircuitError(f"{NAME}: scale={scale!r} leaves no inhibitory neuron; give at least {1 / SIZES['inh']}.")
    circuit = Circuit(NAME, dt=1 * ms, seed=seed)
    kind = {name: Stream(circuit.seed, f"{name}/kind").uniform(round(scale * size)) for name, size in SIZES.items()}
    r = kind["exc"]
    parameters = {
        "exc": {"a": 0.02, "b": 0.2, "c": -65 + 15 * r**2, "d": 8 - 6 * r**2},
        "inh": {"a": 0.02 + 0.08 * kind["inh"], "b": 0.25 - 0.05 * kind["inh"], "c": -65.0, "d": 2.0},
    }
    for name, values in parameters.items():
        cell = models.izhikevich_map(noise_std=NOISE[name], scheme=scheme)
        circuit.population(name, len(kind[name]), cell, parameters=values)
    weights = {"exc": Uniform(0, 0.5 / scale), "inh": Uniform(-1 / scale, 0)}
    for pre, weight in weights.items():
        for post in SIZES:
            circuit.connect(pre, post, AllToAll(), receptor="i_syn", weight=weight)
    return circuit
