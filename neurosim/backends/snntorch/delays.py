r"""Delays that are learned: real numbers of steps while a module trains, whole steps everywhere else.

In training a spike is seen at a real age d by two taps, :math:`(1 - r)\,x[t - f] + r\,x[t - f - 1]` with
:math:`f = \lfloor d \rfloor` and :math:`r = d - f`, so that :math:`\partial/\partial d = x[t - f - 1] - x[t - f]`
(Hammouamri, Khalfaoui-Hassani and Masquelier, ICLR 2024, with the triangle as the kernel). Nothing is as long as the
longest delay but the history of the spikes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from neurosim.circuit.values import Trainable
from neurosim.errors import BackendError, UnsupportedError

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: What the parameter is called.
DELAY = "delay"


def mark_in_steps(mark: Trainable, dt: float) -> Trainable:
    """Return the mark of a delay with its bounds in steps."""
    low, high = mark.bounds or (None, None)
    return Trainable(
        bounds=(max(low or 0.0, 0.0) / dt, None if high is None else high / dt), per=mark.per, tie=mark.tie
    )


def whole_steps(delay: Tensor) -> Tensor:
    """Return delays as a simulation uses them: the nearest step, halves up."""
    return torch.floor(delay.detach() + 0.5)


def seen(history: list[Tensor], neurons: Tensor, delay: Tensor, longest: int, *, interpolate: bool) -> Tensor:
    """Return the spike that each edge sees in this step, (batch, edge).

    Parameters
    ----------
    history
        Spikes by age: ``history[d]`` those of ``d`` steps ago, (batch, neuron).
    neurons
        The neuron that each edge looks at, (edge,).
    delay
        In steps, (edge,).
    longest
        No delay is ever longer; one that has come to it is seen from below, the way it can move.
    interpolate
        Read between two steps, differentiable in the delay; else at the nearest.
    """
    by_age = torch.stack(history)
    if not interpolate:
        return by_age[whole_steps(delay).to(torch.int64).clamp(0, longest), :, neurons].T
    below = torch.floor(delay.detach()).clamp(0, max(longest - 1, 0))
    age = below.to(torch.int64)
    first = by_age[age, :, neurons]
    part = (delay - below)[:, None]
    return (first + part * (by_age[(age + 1).clamp(max=longest), :, neurons] - first)).T


def smoothed(train: Tensor, width: float) -> Tensor:
    r"""Return spike trains smeared over time by a Gaussian, (time, batch, neuron).

    Seen through two taps, the smeared train is what a Gaussian kernel of standard deviation `width` (in steps) around
    the delay would see, at the price of two taps: at the worst fraction of a step its kernel is within 0.01 of the
    Gaussian (sum of absolute differences) for widths from 4 steps up, and 0.13 at 1. A wide kernel feels spikes from
    far away, so that a delay can move there; it is narrowed while training goes on (Hammouamri et al., ICLR 2024,
    whose kernel is also cut at both ends of the range of delays and scaled up for it).

    Notes
    -----
    The Gaussian reaches into the future as far as into the past: it serves training, on whole sequences.
    """
    time = torch.arange(train.shape[0], device=train.device, dtype=train.dtype)
    reach = torch.arange(-math.ceil(5 * width), math.ceil(5 * width) + 1, device=train.device, dtype=train.dtype)
    total = torch.exp(-0.5 * (reach / width) ** 2).sum()
    kernel = torch.exp(-0.5 * ((time[:, None] - time) / width) ** 2) / total
    return (kernel @ train.reshape(train.shape[0], -1)).reshape(train.shape)


def set_width(module: CircuitModule, width: float) -> None:
    """Set how far the learned delays of a module feel for spikes (see :meth:`CircuitModule.set_delay_width`)."""
    if not width >= 0 or not math.isfinite(width):
        raise BackendError(f"set_delay_width: the width is a number of steps from 0 up, got {width!r}.")
    ahead = {name for component in module.schedule for name in component.ahead}
    learned = [name for name in module.program.projections if module.part(name).learns_delays]
    in_loops = [name for name in learned if name not in ahead]
    if in_loops and width > 0:
        raise UnsupportedError(
            f"set_delay_width: {', '.join(in_loops)} advances step by step, where a wide kernel would need spikes "
            "that have not happened yet."
        )
    for name in learned:
        module.part(name).delay_width.fill_(width)


@dataclass(frozen=True)
class Rounding:
    """What becomes of learned delays when a simulation takes them to the nearest step.

    Parameters
    ----------
    largest, mean
        By how much a delay moves, in steps.
    changed
        Part of the delays that move at all.
    """

    largest: float
    mean: float
    changed: float


def rounding(delay: np.ndarray) -> Rounding:
    """Return by how much delays in steps move when they are rounded."""
    moved = np.abs(delay - np.floor(delay + 0.5))
    if not moved.size:
        return Rounding(0.0, 0.0, 0.0)
    return Rounding(float(moved.max()), float(moved.mean()), float(np.mean(moved > 0)))
