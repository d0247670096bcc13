r"""What changes from epoch to epoch while delays are learned: the width of kernels, and the rates of learning.

A delay that is seen by a narrow kernel feels nothing of spikes further away. So training begins with a wide Gaussian
around each delay and ends with a narrow one; in simulation a delay is a whole number of steps.

References
----------
I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670 (width of kernels, rates).
L. N. Smith, N. Topin: Super-convergence: very fast training of neural networks using large learning rates.
arXiv:1708.07120 (the cycle of the rate of weights).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neurosim.errors import CircuitError

#: Where the width of kernels ends, in steps.
NARROW = 0.23
#: What is added to the width where a kernel is computed: no kernel is narrower.
FLOOR = 0.27
#: Of the epochs, the part over which kernels become narrow.
PART = 4
# One cycle: how much lower the rate starts and ends, which part of the epochs it rises, between which momenta it goes.
_START, _END, _RISE, _MOMENTUM = 25.0, 1e4, 0.3, (0.85, 0.95)


def width(epoch: int, epochs: int, start: float, end: float = NARROW) -> float:
    """Return the width of the kernels, in steps: shrinking by one factor an epoch in the first quarter, then narrow.

    Parameters
    ----------
    epoch
        Counted from 0.
    epochs
        How many there are.
    start, end
        The first width and the last.

    Examples
    --------
    >>> [round(width(epoch, 150, 12), 2) for epoch in (0, 1, 36, 37, 149)]
    [12.0, 10.78, 0.26, 0.23, 0.23]
    """
    _check(epoch, epochs)
    decay = max(epochs // PART, 1)
    return end if epoch >= decay else start * (end / start) ** (epoch / decay)


def cosine(epoch: int, epochs: int, rate: float) -> float:
    """Return a rate that falls from `rate` to 0 along half a cosine.

    Examples
    --------
    >>> [round(cosine(epoch, 100, 0.1), 3) for epoch in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """
    _check(epoch, epochs)
    return rate * (1 + math.cos(math.pi * epoch / epochs)) / 2


@dataclass(frozen=True)
class Cycle:
    """A point of the cycle: the rate of learning, and the momentum (Adam's first beta)."""

    rate: float
    momentum: float


def one_cycle(epoch: int, epochs: int, highest: float) -> Cycle:
    """Return rate and momentum of one cycle: up to the highest rate within 30 % of the epochs, then down to nearly 0.

    Parameters
    ----------
    epoch, epochs
        Which of how many; counted from 0.
    highest
        The highest rate; it starts 25 times and ends 250,000 times lower.

    Examples
    --------
    >>> [f"{one_cycle(epoch, 150, 5e-3).rate:.0e}" for epoch in (0, 44, 149)]
    ['2e-04', '5e-03', '2e-08']
    """
    _check(epoch, epochs)
    lowest = highest / _START
    top = max(_RISE * epochs - 1, 0.0)
    if epoch <= top:
        part = epoch / top if top else 1.0
        return Cycle(_between(lowest, highest, part), _between(_MOMENTUM[1], _MOMENTUM[0], part))
    part = min((epoch - top) / max(epochs - 1 - top, 1e-12), 1.0)
    return Cycle(_between(highest, lowest / _END, part), _between(*_MOMENTUM, part))


def _between(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _check(epoch: int, epochs: int) -> None:
    if epochs < 1 or not 0 <= epoch <= epochs:
        raise CircuitError(f"there is no epoch {epoch} of {epochs}.")
