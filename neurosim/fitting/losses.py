r"""What a fit minimises: how far simulated spikes and traces are from recorded ones, with gradients.

Losses are added, and multiplied by numbers: ``losses.counts() + 0.1 * losses.van_rossum(10 * ms)``. Each is 0 for a
perfect simulation and about 1 for one that does nothing, so that weights mean the same everywhere. All of them work
alike for both methods; a fit by gradient asks for their derivatives.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.fitting.on_steps import around, expected_counts, smoothed, summed, times_of_spikes
from neurosim.recording.times import one_time
from neurosim.training.terms import split_address
from neurosim.units import to_si, unit_of

#: What of a run a loss reads: (population, None) its spikes, (population, variable) a trace.
Need = tuple[str | None, str | None]


@dataclass(frozen=True)
class Compared:
    """One population's spikes, or one of its traces, simulated and recorded, on one grid of steps.

    Parameters
    ----------
    simulated
        (time, trial, repeat, candidate, neuron): spikes in each step, or values.
    recorded
        (time, trial, neuron): alike; NaN where there is no sample.
    counted
        (time, trial, neuron): 1 where something counts, else 0.
    dt
        The step in seconds.
    """

    simulated: Tensor
    recorded: Tensor
    counted: Tensor
    dt: float

    def binned(self, steps: int) -> Compared:
        """Return spikes as counts in bins of some steps; a bin counts by the share of it that does."""
        simulated, recorded = self.simulated * self.counted[:, :, None, None], self.recorded * self.counted
        pieces = (summed(values, steps) for values in (simulated, recorded, self.counted))
        first, second, counted = pieces
        return Compared(first, second, counted / steps, self.dt * steps)


class Loss(ABC):
    """One thing to minimise, or a sum."""

    @property
    @abstractmethod
    def needs(self) -> tuple[Need, ...]:
        """What it reads."""

    @abstractmethod
    def __call__(self, found: Mapping[Need, Compared]) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""

    def __add__(self, other: Any) -> Loss:
        return Weighted(((1.0, self), (1.0, other))) if isinstance(other, Loss) else NotImplemented

    def __mul__(self, factor: Any) -> Loss:
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            return NotImplemented
        return Weighted(((float(factor), self),))

    __rmul__ = __mul__


@dataclass(frozen=True)
class Weighted(Loss):
    """A sum of losses, each with a factor."""

    terms: tuple[tuple[float, Loss], ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """What the terms read."""
        return tuple(dict.fromkeys(need for _, term in self.terms for need in term.needs))

    def __call__(self, found: Mapping[Need, Compared]) -> Tensor:
        """Return the sum for each candidate, (candidate,)."""
        return torch.stack([factor * term(found) for factor, term in self.terms]).sum(0)


@dataclass(frozen=True)
class _OfSpikes(Loss):
    population: str | None

    @property
    def needs(self) -> tuple[Need, ...]:
        """The spikes of its population."""
        return ((self.population, None),)

    def __call__(self, found: Mapping[Need, Compared]) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        return self.measure(found[self.population, None])

    @abstractmethod
    def measure(self, spikes: Compared) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""


@dataclass(frozen=True)
class Counts(_OfSpikes):
    """Squared error of spike counts (see :func:`counts`)."""

    bin: float | None

    def measure(self, spikes: Compared) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        length = len(spikes.recorded)
        bins = spikes.binned(length if self.bin is None else _steps(self.bin, spikes.dt, "counts: bin"))
        error = bins.simulated.mean(2) - bins.recorded[:, :, None]
        size = bins.recorded.square().sum().clamp(min=1.0)
        return error.square().sum((0, 1, 3)) / size


@dataclass(frozen=True)
class VanRossum(_OfSpikes):
    """Distance of smoothed spikes (see :func:`van_rossum`)."""

    tau: float
    bin: float | None

    def measure(self, spikes: Compared) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        width = self.bin if self.bin is not None else max(self.tau / 10, spikes.dt)
        bins = spikes.binned(max(1, round(width / spikes.dt)))
        error = bins.simulated.mean(2) - bins.recorded[:, :, None]
        decay = self.tau / bins.dt
        size = smoothed(bins.recorded, decay).square().sum().clamp(min=torch.finfo(error.dtype).tiny)
        return smoothed(error, decay).square().sum((0, 1, 3)) / size


@dataclass(frozen=True)
class Intervals(_OfSpikes):
    """Squared relative error of interspike intervals (see :func:`intervals`)."""

    count: int

    def measure(self, spikes: Compared) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        mine, theirs = (
            times_of_spikes(values * weights, weights, self.count + 1).diff(dim=0)
            for values, weights in (
                (spikes.simulated, spikes.counted[:, :, None, None]),
                (spikes.recorded, spikes.counted),
            )
        )
        there = (spikes.recorded * spikes.counted).sum(0) > torch.arange(1, self.count + 1).reshape(-1, 1, 1)
        share = torch.where(there, theirs, 1.0)[:, :, None, None]
        error = torch.where(there[:, :, None, None], (mine - share) / share, 0.0)
        return error.square().mean(2).sum((0, 1, 3)) / there.sum().clamp(min=1)


@dataclass(frozen=True)
class Likelihood(_OfSpikes):
    """Bits a spike that the mean of repeats lacks (see :func:`likelihood`)."""

    bin: float
    width: float
    floor: float

    def measure(self, spikes: Compared) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        bins = spikes.binned(_steps(self.bin, spikes.dt, "likelihood: bin"))
        expected = expected_counts(bins.simulated.mean(2), self.width / self.bin, self.floor)
        recorded = bins.recorded[:, :, None]
        covered = bins.counted[:, :, None]
        number = bins.recorded.sum().clamp(min=1.0)
        constant = number / bins.counted.sum().clamp(min=1.0)
        gained = torch.xlogy(recorded, expected / constant) - (expected - constant) * covered
        return -gained.sum((0, 1, 3)) / (number * math.log(2))


@dataclass(frozen=True)
class TraceError(Loss):
    """Squared error of a trace (see :func:`trace`)."""

    population: str
    variable: str
    before: float
    after: float
    scale: float | None

    @property
    def needs(self) -> tuple[Need, ...]:
        """The trace, and the spikes around which it is cut."""
        return ((self.population, self.variable), (self.population, None))

    def __call__(self, found: Mapping[Need, Compared]) -> Tensor:
        """Return the loss of each candidate, (candidate,)."""
        values, spikes = found[self.population, self.variable], found[self.population, None]
        cut = around(spikes.recorded, round(self.before / spikes.dt), round(self.after / spikes.dt))
        counted = values.counted.bool() & ~values.recorded.isnan() & ~cut
        wanted = torch.where(counted, values.recorded, 0.0)
        number = counted.sum().clamp(min=1)
        mean = wanted.sum() / number
        spread = torch.where(counted, wanted - mean, 0.0).square().sum() / number
        size = spread.clamp(min=1e-18) if self.scale is None else torch.as_tensor(self.scale**2)
        chosen = counted[:, :, None, None]
        error = torch.where(chosen, values.simulated - wanted[:, :, None, None], 0.0)
        return error.square().mean(2).sum((0, 1, 3)) / (number * size)


def counts(population: str | None = None, *, bin: Any = None) -> Counts:
    r"""Return the squared error of spike counts, :math:`\sum (n - \hat n)^2 / \sum \hat n^2`.

    Parameters
    ----------
    population
        Of the circuit; by default the only one that is compared.
    bin
        Count in bins of this time; by default over the whole of each trial.
    """
    return Counts(population, None if bin is None else _positive(bin, "counts: bin"))


def van_rossum(tau: Any, population: str | None = None, *, bin: Any = None) -> VanRossum:
    r"""Return the squared distance of van Rossum, as a share of that of a silent simulation.

    Parameters
    ----------
    tau
        Time constant of the causal exponential with which spikes are smoothed: short ones compare times, long ones
        rates. Where the same model is run several times, the mean of its repeats is compared.
    population
        Of the circuit; by default the only one that is compared.
    bin
        Spikes are counted in bins of this time before they are smoothed; by default a tenth of `tau`.

    References
    ----------
    M. C. W. van Rossum: A novel spike distance. Neural Comput. 13:751 (2001).
    """
    width = None if bin is None else _positive(bin, "van_rossum: bin")
    return VanRossum(population, _positive(tau, "van_rossum: tau"), width)


def intervals(count: int = 10, population: str | None = None) -> Intervals:
    """Return the squared relative error of interspike intervals, the mean over those that were recorded.

    Parameters
    ----------
    count
        How many intervals of each trial, from its first spike on. One that the simulation does not reach lasts until
        the end of the trial; those after it count as an error of 1.
    population
        Of the circuit; by default the only one that is compared.
    """
    if count < 1:
        raise TrainingError(f"intervals: count must be 1 or more, got {count}.")
    return Intervals(population, count)


def likelihood(bin: Any, *, smooth: Any, floor: float = 0.02, population: str | None = None) -> Likelihood:
    """Return minus the bits a spike that the simulated rate knows beyond a constant one.

    The rate is the mean over the repeats of a stochastic model (``fit(..., repeats=)``), smoothed by a Gaussian.

    Parameters
    ----------
    bin
        Of the counts.
    smooth
        Standard deviation of the Gaussian.
    floor
        Least rate, as a share of the mean: what a finite number of repeats left out is not impossible.
    population
        Of the circuit; by default the only one that is compared.
    """
    if not 0 < floor < 1:
        raise TrainingError(f"likelihood: floor must be above 0 and below 1, got {floor}.")
    return Likelihood(population, _positive(bin, "likelihood: bin"), _positive(smooth, "likelihood: smooth"), floor)


def trace(address: str, *, before: Any = 0.002, after: Any = 0.01, scale: Any = None) -> TraceError:
    r"""Return the mean squared error of a trace, :math:`\langle (v - \hat v)^2 \rangle / \sigma^2`.

    Parameters
    ----------
    address
        Of the trace, such as ``"cell.v"``; it is compared where it was sampled.
    before, after
        How much around each recorded spike is left out: a reset is no action potential.
    scale
        :math:`\sigma`: what an error of 1 is; by default the standard deviation of what was recorded.
    """
    population, variable = split_address(address)
    size = None if scale is None else to_si(scale, unit_of(scale), "trace: scale")
    if size is not None and (not isinstance(size, float) or not size > 0):
        raise TrainingError(f"trace: scale must be one positive value, got {scale}.")
    edges = [one_time(value, f"trace: {name}") for name, value in (("before", before), ("after", after))]
    if min(edges) < 0:
        raise TrainingError("trace: before and after must not be negative.")
    return TraceError(population, variable, edges[0], edges[1], size)


def _steps(width: float, dt: float, where: str) -> int:
    steps = round(width / dt)
    if steps < 1 or abs(steps * dt - width) > 1e-6 * width:
        raise TrainingError(f"{where} must be a multiple of dt = {dt:g} s, got {width:g} s.")
    return steps


def _positive(value: Any, where: str) -> float:
    time = one_time(value, where)
    if not time > 0:
        raise TrainingError(f"{where} must be above 0, got {value}.")
    return time
