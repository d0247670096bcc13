"""The network of layers that the benchmarks of training share: how it is built, and what every side gets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.benchmarks.benchmark import Settings
from neurosim.circuit import AllToAll, Circuit, NeuronModel, Normal, SpikeSource, Trainable
from neurosim.units import ms

#: Time constant of the membrane and time step, ms.
TAU, DT = 10.0, 1.0
DECAY = math.exp(-DT / TAU)
#: Standard deviation of the weights from layer to layer, and within one.
SPREAD, RECURRENT_SPREAD = 0.2, 0.1


def names(sizes: Sequence[int]) -> list[str]:
    """Return the names of the layers: ``"in"``, ``"layer1"``, ..."""
    return ["in", *(f"layer{place}" for place in range(1, len(sizes)))]


def layers(sizes: Sequence[int], recurrent: Sequence[int] = ()) -> Circuit:
    """Return a network of leaky integrate-and-fire neurons.

    Parameters
    ----------
    sizes
        Neurons of each layer, the input first.
    recurrent
        The layers, by place, whose neurons are connected among themselves, all to all.
    """
    circuit = Circuit("layers", dt=DT * ms, seed=3)
    circuit.source("in", SpikeSource(sizes[0]))
    cell = NeuronModel(
        "v : 1\ni : 1", update="v = decay*v + i\ni = 0", threshold="v > 1", reset="v = 0", parameters={"decay": DECAY}
    )
    for name, n in list(zip(names(sizes), sizes, strict=True))[1:]:
        circuit.population(name, n, cell)
    for pre, post in itertools.pairwise(names(sizes)):
        circuit.connect(pre, post, AllToAll(), receptor="i", weight=Trainable(Normal(0, SPREAD)))
    for place in recurrent:
        name = names(sizes)[place]
        circuit.connect(name, name, AllToAll(), receptor="i", weight=Trainable(Normal(0, RECURRENT_SPREAD)))
    return circuit


def write(settings: Settings, file: Path) -> None:
    """Write input spikes ``x`` (step, trial, neuron), classes ``target``, and the weights (post, pre) of all layers.

    They are called ``weight1`` for what enters the first layer, ``recurrent1`` for what it sends to itself.
    """
    sizes, recurrent = settings["sizes"], settings.get("recurrent", [])
    circuit = layers(sizes, recurrent)
    random = np.random.default_rng(1)
    arrays: dict[str, Any] = {
        "x": random.random((settings["steps"], settings["batch"], sizes[0])) < settings["density"],
        "target": random.integers(0, sizes[-1], settings["batch"]),
    }
    for place, (pre, post) in enumerate(itertools.pairwise(names(sizes)), start=1):
        shape = sizes[place - 1], sizes[place]
        arrays[f"weight{place}"] = np.reshape(circuit.edges(f"{pre}_to_{post}").weight, shape).T.astype(np.float32)
        if place in recurrent:
            own = np.reshape(circuit.edges(f"{post}_to_{post}").weight, (sizes[place],) * 2)
            arrays[f"recurrent{place}"] = own.T.astype(np.float32)
    np.savez(file, **arrays)
