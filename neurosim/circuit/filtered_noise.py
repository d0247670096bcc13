"""Filtered noise as a stimulus: the Ornstein-Uhlenbeck process, its value at any step a function of that step alone.

The process is usually made step by step, ``x[k+1] = a*x[k] + sqrt(1 - a*a)*z[k]``, so that a value needs all those
before it. Here it is made as Lévy made Brownian motion, by halving: given two values ``2*h`` steps apart, the one in
the middle is normal with mean ``(left + right)/(2*cosh(r))`` and variance ``tanh(r)``, where ``r = h*dt/tau``. Every
step is the middle of one such pair and takes one random number of its own. What a step holds follows from the numbers
of a few dozen others, those that halving passes on its way down from steps so far apart that they are independent. The
values have exactly the distribution of the process, and a run that is cut in two, or goes on, finds the same ones.

References
----------
G. E. Uhlenbeck, L. S. Ornstein: On the theory of the Brownian motion. Phys. Rev. 36 (1930) 823,
doi:10.1103/PhysRev.36.823.
P. Lévy: Processus stochastiques et mouvement brownien. Gauthier-Villars, Paris 1948 (the halving, for Brownian motion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cosh, sqrt, tanh
from typing import Any

import numpy as np

from neurosim.circuit.signals import Normals, active, level, window
from neurosim.circuit.stimuli import Stimulus
from neurosim.errors import CircuitError
from neurosim.units import seconds, unit_of

#: Time constants after which two values are independent: the correlation that is left, 4e-18, is lost in rounding.
INDEPENDENT = 40.0


@dataclass(frozen=True, eq=False, init=False)
class FilteredNoise(Stimulus):
    """Noise that remembers: an Ornstein-Uhlenbeck process around `mean`.

    Its values are normal with standard deviation `std`, and correlated as ``exp(-lag/tau)``, from the first step on and
    whatever dt is. They come from the seed of the run and the path of the injection: the same on every backend, others
    in every trial, and none depends on the number of trials or on where a run was cut.

    Parameters
    ----------
    mean, std
        Quantities or numbers of one unit, one or one per neuron.
    tau
        Correlation time.
    shared
        One course for all neurons instead of one for each; a `mean` and `std` per neuron still apply.
    start, stop
        Times between which it is on, else 0; from the beginning and to the end by default.

    Notes
    -----
    The value is held through a step, as every input is. A run that goes on from a state under another seed finds the
    process of that seed, which does not join the one before.
    """

    mean: float | np.ndarray
    std: float | np.ndarray
    tau: float
    shared: bool
    start: float
    stop: float

    def __init__(
        self, mean: Any, std: Any, tau: Any, *, shared: bool = False, start: Any = None, stop: Any = None
    ) -> None:
        unit = unit_of(std)
        deviation = level(std, unit, "FilteredNoise: std")
        if np.any(np.asarray(deviation) < 0):
            raise CircuitError(f"FilteredNoise: std must not be negative, got {std}.")
        time = seconds(tau, "FilteredNoise: tau")
        if time <= 0:
            raise CircuitError(f"FilteredNoise: tau must be positive, got {time} s.")
        first, last = window(start, stop, "FilteredNoise")
        self._set(
            unit=unit, mean=level(mean, unit, "FilteredNoise: mean"), std=deviation, tau=time, shared=bool(shared),
            start=first, stop=last,
        )  # fmt: skip

    def check(self, n: int) -> None:
        """Refuse a number of neurons that the noise is not made for."""
        self._on("mean", n)
        self._on("std", n)

    def rows(self, first: int, last: int, dt: float, n: int, normals: Normals) -> np.ndarray:
        """Return the SI values at steps ``first <= k < last``, shape (time, trial, n)."""
        count = 1 if self.shared else n
        course = ornstein_uhlenbeck(first, last, dt / self.tau, lambda begin, end: normals(begin, end, count))
        on = active(np.arange(first, last), dt, self.start, self.stop)[:, None, None]
        values: np.ndarray = np.where(on, self._on("mean", n) + self._on("std", n) * course, 0.0)
        return values


def ornstein_uhlenbeck(first: int, last: int, ratio: float, draw: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """Return the process of mean 0 and standard deviation 1 at steps ``first <= k < last``.

    Parameters
    ----------
    first, last
        The steps; at least one.
    ratio
        Length of a step in correlation times.
    draw
        Standard normal numbers of a span of steps (first, last), shape (time, ...): always the same for a step.

    Returns
    -------
    numpy.ndarray
        Shape (time, ...). What a step holds does not depend on the span that is asked for.

    Raises
    ------
    CircuitError
        If the correlation time is longer than any run.
    """
    numbers = draw(first, last)

    def at(steps: np.ndarray) -> np.ndarray:
        outside = (steps < first) | (steps >= last)
        rows: np.ndarray = numbers[np.where(outside, first, steps) - first]
        for row in np.flatnonzero(outside):
            rows[row] = draw(int(steps[row]), int(steps[row]) + 1)[0]
        return rows

    spacing = 1
    while spacing * ratio < INDEPENDENT:
        spacing *= 2
        if spacing >= 2**62:
            raise CircuitError(f"FilteredNoise: tau is {1 / ratio:.3g} steps long; give a constant instead.")
    # Values at the multiples of the spacing from low to high, which enclose the steps.
    low, high = first // spacing, -(-(last - 1) // spacing)
    values = at(np.arange(low, high + 1) * spacing)
    while spacing > 1:
        spacing //= 2
        middles = at((2 * np.arange(low, high) + 1) * spacing)
        finer = np.empty((2 * (high - low) + 1, *values.shape[1:]))
        finer[0::2] = values
        finer[1::2] = (values[:-1] + values[1:]) * (0.5 / cosh(spacing * ratio))
        finer[1::2] += sqrt(tanh(spacing * ratio)) * middles
        left, right = first // spacing, -(-(last - 1) // spacing)
        values = finer[left - 2 * low : right - 2 * low + 1]
        low, high = left, right
    return values
