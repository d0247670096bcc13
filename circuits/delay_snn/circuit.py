"""Layers of leaky neurons behind synapses with delays, as a circuit and as it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from neurosim.circuit import (
    AllToAll,
    Circuit,
    Connectivity,
    Edges,
    NeuronModel,
    PoissonSource,
    SpikeSource,
    Trainable,
    Uniform,
)
from neurosim.circuits.delay_snn.sizes import Size, checked_delays
from neurosim.errors import CircuitError
from neurosim.units import ms, quantity, seconds

NAME = "delay-snn"
#: The names of the source and of the readout; hidden layers are called "hidden1", "hidden2", ...
SOURCE, READOUT = "in", "out"

# What arrives in a step acts whole in the next one, and is gone: of the membrane a part 1 - dt/tau_mem remains.
_MEMBRANE = "v : 1\narrived : 1\ni_ext : 1"
_UPDATE = "v = (1 - dt/tau_mem)*v + (arrived + i_ext)\narrived = 0"


def build(
    *,
    inputs: int = 140,
    hidden: Sequence[int] = (256, 256),
    outputs: int = 20,
    delays: str = "learned",
    kernels: int = 1,
    max_delay: Any = 240 * ms,
    tau_mem: Any = 10.05 * ms,
    tau_out: Any = None,
    v_threshold: Any = 1.0,
    rate: Any = None,
    dt: Any = 10 * ms,
    seed: int = 0,
) -> Circuit:
    r"""Build the circuit.

    Every neuron of a layer hears every neuron of the one before, each through synapses with a weight and a delay of
    their own. A membrane keeps a part of itself from step to step and takes what arrived,

    .. math:: v_{k+1} = (1 - \Delta t / \tau)\, v_k + x_k,

    spikes where it reaches the threshold, and is then 0. The readout is the same membrane without a threshold.

    Parameters
    ----------
    inputs, hidden, outputs
        Neurons of each layer.
    delays
        ``"learned"`` (trainable, drawn to start with), ``"random"`` (drawn and kept), or ``"none"``.
    kernels
        Synapses from one neuron to another.
    max_delay
        No delay is longer.
    tau_mem, tau_out
        Time constants of the hidden neurons and of the readout (by default the same); at least `dt`.
    v_threshold
        Where a hidden neuron spikes.
    rate
        Of inputs that fire at random, to see the network at work; by default the source is fed.
    dt, seed
        Of the circuit.

    Returns
    -------
    Circuit
        Source ``"in"``, populations ``"hidden1"``, ``"hidden2"``, ... and ``"out"``, projections ``"in_to_hidden1"``
        and so on. All weights are trainable.

    Raises
    ------
    CircuitError
        If a layer is empty, a time constant is shorter than a step, or `delays` is unknown.

    Notes
    -----
    The defaults are the smaller network of the paper for spoken digits, whose membranes forget in a step: all memory
    of the past is in the delays. Weights are drawn from ``U(-b, b)`` with ``b**2 = 6/(kernels*n_pre)``, delays
    uniformly from 0 to `max_delay`. A spike of one layer acts on the next a step later than in the paper, whose layers
    answer within a step; a delay of d steps here is one of d there, and the readout comes a step later for each layer.

    References
    ----------
    I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
    convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670.
    """
    checked_delays(delays, NAME)
    size = Size(inputs, tuple(hidden), outputs, kernels, delays)
    for what, count in (("kernels", kernels), *((f"layer {place}", n) for place, n in enumerate(size.layers))):
        if count < 1:
            raise CircuitError(f"{NAME}: {what}: {count}: there must be one at least.")
    tau_out = tau_mem if tau_out is None else tau_out
    for name, tau in (("tau_mem", tau_mem), ("tau_out", tau_out)):
        if not seconds(tau, f"{NAME}: {name}") >= seconds(dt, f"{NAME}: dt"):
            raise CircuitError(f"{NAME}: {name} must be at least dt: of a membrane 1 - dt/{name} remains after a step.")
    steps = seconds(max_delay, f"{NAME}: max_delay") / seconds(dt, f"{NAME}: dt")
    if not (steps >= 0 and abs(steps - round(steps)) < 1e-6):
        raise CircuitError(f"{NAME}: max_delay must be a whole number of steps of dt, got {max_delay} at {dt}.")
    circuit = Circuit(NAME, dt=dt, seed=seed)
    cell = NeuronModel(
        _MEMBRANE, threshold="v >= v_threshold", reset="v = 0", update=_UPDATE,
        parameters={"tau_mem": tau_mem, "v_threshold": v_threshold}, receptors={"pulse": "arrived"}, name="leaky",
    )  # fmt: skip
    readout = NeuronModel(
        _MEMBRANE, update=_UPDATE, parameters={"tau_mem": tau_out}, receptors={"pulse": "arrived"}, name="readout"
    )
    circuit.source(SOURCE, SpikeSource(inputs) if rate is None else PoissonSource(inputs, rate))
    names = layer_names(len(size.hidden))
    for name, n in zip(names[1:-1], size.hidden, strict=True):
        circuit.population(name, n, cell)
    circuit.population(READOUT, outputs, readout)
    longest = quantity(seconds(max_delay, f"{NAME}: max_delay"), "second")
    for (pre, n_pre), (post, n_post) in pairwise(zip(names, size.layers, strict=True)):
        bound = float(np.sqrt(6 / (kernels * n_pre)))
        circuit.connect(
            pre, post, _pairs(n_pre, n_post, kernels), receptor="pulse",
            weight=Trainable(Uniform(-bound, bound)), delay=_delay(delays, longest),
        )  # fmt: skip
    return circuit


def layer_names(hidden: int) -> tuple[str, ...]:
    """Return the names of the layers, from the source to the readout.

    Examples
    --------
    >>> layer_names(2)
    ('in', 'hidden1', 'hidden2', 'out')
    """
    return (SOURCE, *(f"hidden{place + 1}" for place in range(hidden)), READOUT)


def _delay(delays: str, longest: Any) -> Any:
    if delays == "none":
        return 0 * longest
    drawn = Uniform(0 * longest, longest)
    return Trainable(drawn, bounds=(0 * longest, longest)) if delays == "learned" else drawn


def _pairs(n_pre: int, n_post: int, kernels: int) -> Connectivity:
    if kernels == 1:
        return AllToAll()
    pre, post = np.divmod(np.arange(n_pre * n_post), n_post)
    return Edges(np.repeat(pre, kernels), np.repeat(post, kernels))
