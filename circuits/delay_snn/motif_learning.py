"""Learning motifs from rasters and onsets alone: logistic regression over inputs and delays, by gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.circuits.delay_snn.motifs import Floats
from neurosim.datasets.motifs import motif_rasters


def learn_kernels(
    kernels: Floats, *, iterations: int = 100, learning_rate: float = 0.1, seed: int = 1, **rasters: Any
) -> Floats:
    """Return kernels learned from rasters that these kernels made.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay): what rasters are drawn from. Learning sees spikes and onsets only.
    iterations
        Steps of Adam, each on new rasters.
    learning_rate
        At the start; it falls to 0 along a cosine.
    seed
        Of the first rasters; every iteration takes the next.
    rasters
        Other arguments of :func:`~neurosim.datasets.motifs.motif_rasters`.

    Returns
    -------
    numpy.ndarray
        Shape (motif, input, delay), float64.

    Notes
    -----
    The loss is the binary cross-entropy of every motif in every step; weights start at 0. A weight is the log-odds that
    a spike adds. Those below 0 stay near 0 where inputs fire seldom without a motif: what is missing is then hardly
    seen. The paper learns in the same way, by plain gradient descent.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, conv1d

    room = rasters.get("steps", 1024) - kernels.shape[2] + 1
    weights = torch.zeros(kernels.shape, requires_grad=True)
    bias = torch.full((kernels.shape[0],), -5.0, requires_grad=True)
    optimiser = torch.optim.Adam([weights, bias], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
    for iteration in range(iterations):
        drawn = motif_rasters(kernels, seed=seed + iteration, **rasters)
        spikes, onsets = (
            torch.from_numpy(np.ascontiguousarray(part.transpose(1, 2, 0), dtype=np.float32))  # (trial, channel, time)
            for part in (drawn.spikes, drawn.onsets[:room])
        )
        optimiser.zero_grad()
        binary_cross_entropy_with_logits(conv1d(spikes, weights, bias), onsets).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    learned: Floats = weights.detach().numpy().astype(np.float64)
    return learned
