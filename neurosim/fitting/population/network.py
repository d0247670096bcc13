"""A recurrent network of rates whose outputs are the rates of recorded neurons: something to begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.circuit import AllToAll, Circuit, NeuronModel, Normal, SignalSource, Trainable
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time
from neurosim.units import quantity

_RADIUS = 0.8  # of the recurrent weights' spectrum at first: activity dies away by itself
_OUTPUT = 0.1
_LEAST = 0.01  # hertz: a unit that was silent so far may fire yet


def rate_network(
    seen: int,
    rates: ArrayLike,
    *,
    dt: Any,
    hidden: int = 64,
    tau: Any = None,
    seed: int = 0,
    name: str = "rate_network",
) -> Circuit:
    r"""Return a circuit that is to be fitted to a population: from the activity of some neurons to the rates of others.

    .. math:: \tau \dot r = \tanh(W r + U s + b) - r, \qquad \lambda = e^{V r + c}

    Parameters
    ----------
    seen
        How many neurons are seen: channels of the source ``"seen"``.
    rates : array_like, shape (neuron,)
        Mean rates in hertz of the neurons that are predicted, in the time that may be fitted: there :math:`c` begins.
    dt
        The step: the bin in which spikes are counted.
    hidden
        Neurons of ``"hidden"``.
    tau
        :math:`\tau`; by default 1.5 steps.
    seed
        Of the weights at first.
    name
        Of the circuit.

    Returns
    -------
    Circuit
        With ``"out.rate"`` in hertz. All weights and offsets are trainable. What is seen in a step reaches the output
        in the next: fit it with ``latency=dt``.

    Raises
    ------
    AnalysisError
        If rates are no rates.

    References
    ----------
    D. Sussillo, L. F. Abbott: Generating coherent patterns of activity from chaotic neural networks. Neuron 63, 544-557
    (2009), for the network; its output is that of a generalised linear model.
    """
    hertz = np.asarray(rates, dtype=np.float64)
    if hertz.ndim != 1 or not hertz.size or not np.isfinite(hertz).all() or hertz.min() < 0:
        raise AnalysisError("rate_network: rates= needs a rate in hertz, 0 or more, for each neuron.")
    step = one_time(dt, "dt")
    circuit = Circuit(name, dt=quantity(step, "second"), seed=seed)
    cell = NeuronModel(
        "dr/dt = (tanh(x + b) - r)/tau : 1\nx : 1",
        method="exponential_euler",
        parameters={"tau": quantity(1.5 * step, "second") if tau is None else tau, "b": 0.0},
        name="leaky_rate",
    )
    output = NeuronModel("rate = exp(x + c)*Hz : hertz\nx : 1", parameters={"c": 0.0}, name="log_linear_rate")
    circuit.source("seen", SignalSource(seen))
    circuit.population("hidden", hidden, cell, parameters={"b": Trainable(np.zeros(hidden))})
    offsets = np.log(np.maximum(hertz, _LEAST))
    circuit.population("out", hertz.size, output, parameters={"c": Trainable(offsets)})
    for pre, post, spread in (
        ("seen", "hidden", 1 / np.sqrt(seen)),
        ("hidden", "hidden", _RADIUS / np.sqrt(hidden)),
        ("hidden", "out", _OUTPUT),
    ):
        circuit.connect(pre, post, AllToAll(), receptor="x", weight=Trainable(Normal(0.0, spread)))
    return circuit
