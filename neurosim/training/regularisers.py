r"""Regularisers: what is to be small whatever the targets are.

They are terms like losses: ``loss + 0.1 * regularisers.upper_rate("hidden.spikes", 50 * Hz, dt=circuit.dt)``. Padding
is left out where the targets say so. Rates are in spikes per step, or in hertz where `dt` is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from neurosim.errors import TrainingError, nearest
from neurosim.training import readouts
from neurosim.training.clock import a_rate, one_number, step_length
from neurosim.training.terms import OneVariable, Outputs, Targets, Term, recorded
from neurosim.training.trainable_values import TrainableValue, trainable_values

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

__all__ = [
    "density",
    "from_snntorch",
    "lower_rate",
    "magnitude",
    "parameters",
    "target_rate",
    "total_variation",
    "upper_rate",
]

#: What a rate is averaged over before it is compared: each neuron's over the batch, each sample's over the neurons, or
#: nothing.
Averaged = Literal["batch", "neurons", "nothing"]


def upper_rate(
    address: str, rate: Any, *, averaged: Averaged = "batch", power: float = 2.0, dt: Any = None
) -> RateBound:
    r"""Penalise firing above a rate, :math:`\langle \max(0, r - r_\mathrm{max})^p \rangle`.

    Parameters
    ----------
    address
        Of the spikes, such as ``"hidden.spikes"``.
    rate
        :math:`r_\mathrm{max}`; 0 with ``power=1`` is a price of every spike.
    averaged
        Over the ``"batch"``: each neuron's mean rate is bounded. Over the ``"neurons"``: each sample's mean rate is.
        Over ``"nothing"``: each neuron's rate in each sample is.
    power
        :math:`p`.
    dt
        Count rates in hertz, of steps that long.

    References
    ----------
    Zenke and Vogels, The Remarkable Robustness of Surrogate Gradient Learning for Instilling Complex Function in
    Spiking Neural Networks, Neural Computation 33 (2021); Cramer et al., The Heidelberg Spiking Data Sets for the
    Systematic Evaluation of Spiking Neural Networks, IEEE TNNLS 33 (2022).
    """
    return _bound("upper_rate", address, rate, 1.0, averaged, power, dt)


def lower_rate(
    address: str, rate: Any, *, averaged: Averaged = "batch", power: float = 2.0, dt: Any = None
) -> RateBound:
    r"""Penalise firing below a rate, :math:`\langle \max(0, r_\mathrm{min} - r)^p \rangle`: neurons that fall silent.

    Parameters
    ----------
    address, rate, averaged, power, dt
        See :func:`upper_rate`.

    References
    ----------
    See :func:`upper_rate`.
    """
    return _bound("lower_rate", address, rate, -1.0, averaged, power, dt)


def _bound(name: str, address: str, rate: Any, side: float, averaged: str, power: float, dt: Any) -> RateBound:
    if averaged not in get_args(Averaged):
        raise TrainingError(f"{name}: averaged={averaged!r} is unknown.{nearest(str(averaged), get_args(Averaged))}")
    return RateBound(
        name, address, a_rate(rate, dt, f"{name}: rate"), side, averaged, _power(name, power), step_length(dt)
    )


@dataclass(frozen=True, eq=False)
class RateBound(OneVariable):
    """Firing beyond a rate (see :func:`upper_rate`, :func:`lower_rate`)."""

    rate: float
    side: float  # +1 above, -1 below
    averaged: str
    power: float
    step: float

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over what is not averaged before."""
        spikes, mask = self.read(outputs, targets)
        rate = readouts.mean_over_time(spikes, mask) / self.step
        if self.averaged != "nothing":
            rate = rate.mean(dim=0 if self.averaged == "batch" else 1)
        return (self.side * (rate - self.rate)).clamp(min=0.0).pow(self.power).mean()


def target_rate(address: str, rate: Any, *, dt: Any = None) -> TargetRate:
    r"""Penalise a mean rate away from a target, :math:`(\langle r \rangle - \hat r)^2`.

    Parameters
    ----------
    address
        Of the spikes.
    rate
        :math:`\hat r`, for the mean over neurons and batch.
    dt
        Count rates in hertz, of steps that long.

    References
    ----------
    Bellec et al., A solution to the learning dilemma for recurrent networks of spiking neurons, Nature Communications
    11 (2020), firing rate regularisation.
    """
    return TargetRate("target_rate", address, a_rate(rate, dt, "target_rate: rate"), step_length(dt))


@dataclass(frozen=True, eq=False)
class TargetRate(OneVariable):
    """The mean rate away from a target (see :func:`target_rate`)."""

    rate: float
    step: float

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the square of the difference."""
        spikes, mask = self.read(outputs, targets)
        return (readouts.mean_over_time(spikes, mask).mean() / self.step - self.rate).square()


def density(
    address: str, *, of: Literal["population", "lifetime"] = "population", measure: str = "treves_rolls"
) -> Density:
    r"""Measure how evenly activity is spread, from 1 for all alike down to 1/n for one alone.

    .. math:: a = \langle r \rangle^2 / \langle r^2 \rangle

    Parameters
    ----------
    address
        Of the spikes.
    of
        The ``"population"``: means over the neurons, in each sample; small where few neurons answer to it. Or
        ``"lifetime"``: means over the batch, for each neuron; small where it answers to few samples.
    measure
        :math:`a` of ``"treves_rolls"``; or 1 less the sparseness of ``"vinje_gallant"``, ``"hoyer"`` or ``"gini"`` (see
        :mod:`neurosim.analysis.sparsity`).

    Notes
    -----
    Minimising it makes activity sparse without fixing how much of it there is. What is silent counts as 0.

    References
    ----------
    Treves and Rolls, What determines the capacity of autoassociative memories in the brain?, Network 2 (1991); Vinje
    and Gallant, Sparse coding and decorrelation in primary visual cortex during natural vision, Science 287 (2000).
    """
    if of not in ("population", "lifetime"):
        raise TrainingError(f"density: of={of!r} is unknown.{nearest(str(of), ('population', 'lifetime'))}")
    from neurosim.analysis.sparsity.differentiable import DIFFERENTIABLE  # loads what else analysis needs

    if measure not in DIFFERENTIABLE:
        raise TrainingError(f"density: measure={measure!r} is unknown.{nearest(measure, DIFFERENTIABLE)}")
    return Density("density", address, 1 if of == "population" else 0, measure)


@dataclass(frozen=True, eq=False)
class Density(OneVariable):
    """How evenly activity is spread (see :func:`density`)."""

    axis: int
    measure: str

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over samples, or over neurons."""
        from neurosim.analysis.sparsity.differentiable import DIFFERENTIABLE

        rate = readouts.mean_over_time(*self.read(outputs, targets))
        found = DIFFERENTIABLE[self.measure](rate, dim=self.axis, silent=0.0 if self.measure == "treves_rolls" else 1.0)
        return (found if self.measure == "treves_rolls" else 1.0 - found).mean()


def magnitude(address: str, *, power: float = 2.0, centre: Any = 0.0, scale: Any = 1.0) -> Trace:
    r"""Penalise the size of a membrane or another trace, :math:`\langle (|v - v_0| / \sigma)^p \rangle`: l1 or l2.

    Parameters
    ----------
    address
        Of the trace, such as ``"hidden.v"``.
    power
        :math:`p`, 1 or more.
    centre
        :math:`v_0`, in the trace's unit.
    scale
        :math:`\sigma`: what 1 is, in the trace's unit; with membranes in volts, ``1*mV``.
    """
    middle, size = one_number(centre, "magnitude: centre"), one_number(scale, "magnitude: scale")
    return Trace("magnitude", address, _power("magnitude", power), _size("magnitude", size), middle, change=False)


def total_variation(address: str, *, power: float = 1.0, scale: Any = 1.0) -> Trace:
    r"""Penalise change from step to step, :math:`\langle (|v[t+1] - v[t]| / \sigma)^p \rangle`: against jitter.

    Parameters
    ----------
    address
        Of the trace, such as ``"out.v"``.
    power
        :math:`p`, 1 or more.
    scale
        :math:`\sigma`: what 1 is, in the trace's unit.

    References
    ----------
    Rudin, Osher and Fatemi, Nonlinear total variation based noise removal algorithms, Physica D 60 (1992), along time.
    """
    size = one_number(scale, "total_variation: scale")
    return Trace("total_variation", address, _power("total_variation", power), _size("total_variation", size))


@dataclass(frozen=True, eq=False)
class Trace(OneVariable):
    """Size or change of a trace (see :func:`magnitude`, :func:`total_variation`)."""

    power: float
    scale: float
    centre: float = 0.0
    change: bool = True

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over the steps that count, then over batch and neurons."""
        trace, mask = self.read(outputs, targets)
        if self.change:
            if len(trace) < 2:
                raise TrainingError(f"{self.name}: a trace of {len(trace)} step has no change.")
            value = trace.diff(dim=0)
            counts = None if mask is None else (mask[1:] != 0) & (mask[:-1] != 0)
        else:
            value, counts = trace - self.centre, mask
        return readouts.mean_over_time((value.abs() / self.scale).pow(self.power), counts).mean()


def parameters(module: CircuitModule, *patterns: str, power: float = 2.0) -> ParameterSize:
    r"""Penalise the size of trainable values, :math:`\langle |\theta|^p \rangle` over all of them: weight decay, or l1.

    Parameters
    ----------
    module
        Whose values; make it anew for a copy of the module.
    *patterns
        Addresses, in which ``*`` stands for anything: ``"*.weight"``.
    power
        :math:`p`, 1 or more.

    Notes
    -----
    Values count in the unit that the module keeps them in: weights and time constants relative to a power of two near
    their initial size, delays in steps.
    """
    return ParameterSize("parameters", tuple(trainable_values(module, *patterns)), _power("parameters", power))


@dataclass(frozen=True, eq=False)
class ParameterSize(Term):
    """Size of trainable values (see :func:`parameters`)."""

    name: str
    values: tuple[TrainableValue, ...] = field(repr=False)
    power: float = 2.0

    @property
    def records(self) -> dict[str, list[str]]:
        """Nothing."""
        return {}

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over all values."""
        sizes = [value.get().abs().pow(self.power) for value in self.values]
        return torch.cat([size.reshape(-1) for size in sizes]).mean()


def from_snntorch(regulariser: Callable[[Tensor], Tensor], address: str) -> Wrapped:
    """Use a regulariser of ``snntorch.functional`` as it is.

    Parameters
    ----------
    regulariser
        Such as ``snntorch.functional.l1_rate_sparsity()``, or any function of one trace.
    address
        Of what it takes.
    """
    name = getattr(regulariser, "__name__", type(regulariser).__name__)
    return Wrapped(name, address, regulariser)


@dataclass(frozen=True, eq=False)
class Wrapped(OneVariable):
    """A function of one trace (see :func:`from_snntorch`)."""

    function: Callable[[Tensor], Tensor]

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the function returns."""
        return self.function(recorded(outputs, self.address)).reshape(())


def _power(name: str, power: float) -> float:
    if not power >= 1:
        raise TrainingError(f"{name}: power must be 1 or more, got {power}.")
    return float(power)


def _size(name: str, scale: float) -> float:
    if not scale > 0:
        raise TrainingError(f"{name}: scale must be positive, got {scale}.")
    return scale
