"""Learning to tell motions from events, by the binary cross-entropy of every motion at every place and time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.circuits.delay_snn.motion import Floats, batches, cone, evidence
from neurosim.datasets.motion import motion_movies


def learn_motion(
    velocities: Floats,
    *,
    n_delays: int = 11,
    width: int = 9,
    size: int = 16,
    iterations: int = 60,
    learning_rate: float = 0.04,
    frames: int = 5,
    seed: int = 1,
    report: Callable[[int, float], None] | None = None,
    **movies: Any,
) -> tuple[Floats, Floats]:
    """Return kernels and biases learned from movies.

    Parameters
    ----------
    velocities
        Of the motions, shape (class, 2).
    n_delays, width
        Of the kernels.
    size
        Of the field in pixels.
    iterations
        Steps of Adam, each on one new movie of each motion.
    learning_rate
        The highest; it rises over the first third and then falls to almost 0.
    frames
        Steps of every movie that are learned from, after those that fill the memory.
    seed
        Of the first movies; every iteration takes the next.
    report
        Called with the number of iterations done and the loss.
    movies
        Other arguments of :func:`~neurosim.datasets.motion.motion_movies`.

    Returns
    -------
    tuple of numpy.ndarray
        Kernels (class, 2, delay, y, x) and biases (class,).

    Notes
    -----
    The paper shows movies whose motion changes at random times, and learns from all frames, at a rate of 1e-5 and with
    1,024 movies a hundred times. Here every motion is shown equally often and to the end, which makes the gradient of
    the biases quiet enough for a rate a thousand times higher.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

    n_motions = len(velocities)
    start = torch.Generator().manual_seed(seed)
    weights = 0.01 * torch.randn(n_motions, 2, n_delays, width, width, generator=start)
    weights.requires_grad_()
    bias = torch.full((n_motions,), -math.log(max(n_motions - 1, 1)), requires_grad=True)
    mask = torch.from_numpy(cone(n_delays, width)).float()
    optimiser = torch.optim.Adam([weights, bias], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=iterations)
    for iteration in range(iterations):
        drawn = motion_movies(
            velocities, n_movies=n_motions, size=size, steps=n_delays + frames, seed=seed + iteration, **movies
        )
        optimiser.zero_grad()
        total = 0.0
        for events, labels in batches(drawn):
            odds = evidence(weights * mask, bias, events)[:, :, n_delays:]
            wanted = one_hot(labels[:, n_delays:], n_motions).permute(0, 2, 1)[..., None, None].to(odds.dtype)
            loss = binary_cross_entropy_with_logits(odds, wanted.expand_as(odds)) * (len(events) / n_motions)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        optimiser.step()
        schedule.step()
        if report is not None:
            report(iteration + 1, total)
    kernels: Floats = (weights * mask).detach().numpy().astype(np.float64)
    return kernels, bias.detach().numpy().astype(np.float64)
