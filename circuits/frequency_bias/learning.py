"""Training the network by gradient, and what it then answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.frequency import maps_of
from neurosim.backends.compile import compile as compile_circuit
from neurosim.backends.compile import simulate
from neurosim.circuit import Circuit
from neurosim.circuits.frequency_bias.circuit import INPUT, OUTPUT
from neurosim.random import Stream
from neurosim.units import ms

Floats = NDArray[np.float64]


def steps_for(circuit: Circuit, seen: int = 4) -> int:
    """Return how many steps a network needs until its last neurons have seen an image so many times."""
    stages = sum(name.startswith("cells_") for name in circuit.populations)
    pooled = sum(name.endswith("_wide") for name in circuit.populations)
    return 3 * stages + pooled + seen + 1


def train(
    circuit: Circuit,
    images: Floats,
    labels: NDArray[np.int64],
    *,
    epochs: int,
    batch: int = 64,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Circuit:
    """Return the network with its weights learned, by Adam on the cross-entropy of what is read at the end.

    Parameters
    ----------
    circuit
        What :func:`~neurosim.circuits.frequency_bias.circuit.build` returns.
    images, labels
        Shapes (image, height, width) and (image,).
    epochs, batch, learning_rate
        How often all images are shown, how many at once, and the step of Adam at the start; it falls to 0 along a
        cosine.
    seed
        Of the order of the images.
    """
    import torch
    from torch.nn.functional import cross_entropy

    module = compile_circuit(circuit, backend="snntorch", dtype="float32", surrogate="atan")
    optimiser = torch.optim.Adam(module.parameters(), lr=learning_rate)
    batches = max(1, len(labels) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * batches)
    steps, target = steps_for(circuit), torch.from_numpy(labels)
    for epoch in range(epochs):
        order = Stream(seed, f"order/{epoch}").permutation(len(labels))
        for chosen in np.array_split(order[: batches * batch], batches):
            optimiser.zero_grad()
            outputs, _ = module({INPUT: torch.from_numpy(_shown(images[chosen], steps)).float()})
            cross_entropy(outputs[OUTPUT]["v"][-1], target[torch.from_numpy(chosen)]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return module.to_circuit()  # type: ignore[no-any-return]


def answers(
    circuit: Circuit, images: Floats, *, backend: str = "brian2", options: Mapping[str, Any] | None = None
) -> NDArray[np.int64]:
    """Return which class the network reads in each image, shape (image,); an image is a trial of one run."""
    record = {OUTPUT: "v"}
    found = _run(circuit, images, record, backend, options)[OUTPUT]["v"].values[:, -1]
    return np.asarray(found.argmax(axis=1), dtype=np.int64)


def feature_maps(
    circuit: Circuit, images: Floats, *, backend: str = "brian2", options: Mapping[str, Any] | None = None
) -> dict[str, Floats]:
    """Return what every stage makes of images, at the last step of the run.

    Returns
    -------
    dict
        ``maps_k``, ``mixed_k``: values; ``cells_k``: the number of spikes in the run. Shapes (image, channel, height,
        width).
    """
    names = [name for name in circuit.populations if name.startswith(("maps_", "mixed_", "cells_"))]
    wanted = {
        name: "spikes" if name.startswith("cells_") else "y" for name in names if not name.endswith(("_cells", "_wide"))
    }
    run = _run(circuit, images, wanted, backend, options)
    found: dict[str, Floats] = {}
    for name, variable in wanted.items():
        maps = maps_of(run, f"{name}.{variable}", circuit.populations[name].shape)
        found[name] = maps if variable == "spikes" else maps[:, -1]
    return found


def _run(circuit: Circuit, images: Floats, record: Any, backend: str, options: Mapping[str, Any] | None) -> Any:
    steps = steps_for(circuit)
    shown = _shown(np.asarray(images, dtype=np.float64), steps)
    return simulate(
        circuit, steps * ms, backend=backend, inputs={INPUT: shown}, trials=len(images), record=record,
        **(options or {}),
    )  # fmt: skip


def _shown(images: Floats, steps: int) -> Floats:
    """Return images held for some steps: (time, image, channel, height, width)."""
    return np.repeat(images[None, :, None], steps, axis=0)
