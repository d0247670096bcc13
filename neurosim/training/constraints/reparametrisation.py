r"""Bounds that hold by reparametrisation: what is trained is free, and the value is a smooth function of it.

By default bounds hold by projection, so that a module that was not trained is its circuit to the last bit, and values
may lie on a bound. Reparametrised, every step stays inside, and gradients fade out towards a bound instead of being
cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from neurosim.errors import TrainingError, nearest
from neurosim.training.trainable_values import TrainableValue, trainable_values

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: What a value with one bound is: bound + log(1 + exp(raw)), or bound + exp(raw).
OneSided = Literal["softplus", "exp"]


def reparametrise(module: CircuitModule, *patterns: str, one_sided: OneSided = "softplus") -> tuple[str, ...]:
    r"""Let bounds and signs hold by a smooth function of what is trained, in place of projection.

    .. math::

        \theta = a + (b - a)\,\sigma(x) \quad\text{between a and b}, \qquad
        \theta = a + \log(1 + e^x) \text{ or } a + e^x \quad\text{above a}, \qquad
        \theta = b - \dots \quad\text{below b}

    Parameters
    ----------
    module
        A compiled circuit, changed in place. Do this before making its optimiser.
    *patterns
        Addresses of values with bounds or a sign, in which ``*`` stands for anything.
    one_sided
        ``"softplus"`` or ``"exp"``, for values with one bound.

    Returns
    -------
    tuple of str
        The addresses.

    Raises
    ------
    TrainingError
        If a value has no bounds or lies on one, where its gradient would be 0 for ever; or is tied to one with others.

    Notes
    -----
    The values stay the circuit's to rounding, ``to_circuit()`` returns them as before, and ``module.project()`` finds
    nothing to do. Parameters are then called ``"hidden.parametrizations.tau_mem.original"``.
    """
    if one_sided not in get_args(OneSided):
        raise TrainingError(f"one_sided={one_sided!r} is unknown.{nearest(str(one_sided), get_args(OneSided))}")
    groups = _tied(module, trainable_values(module, *patterns))
    for group in groups:
        _check(group)
    for group in groups:
        for number, value in enumerate(group):
            low, high = _limits(value)
            bounded = _Bounded(low, high, one_sided, given_raw=number > 0)
            register_parametrization(value.part, value.entry.name, bounded)
    return tuple(value.address for group in groups for value in group)


def _tied(module: CircuitModule, chosen: list[TrainableValue]) -> list[list[TrainableValue]]:
    """Return values in groups that share a parameter: what is done to one is done to all of them."""
    groups: list[list[TrainableValue]] = []
    for value in chosen:
        if is_parametrized(value.part, value.entry.name):
            raise TrainingError(f"{value.address} is reparametrised already.")
        parameter = value.get()
        if not any(value.address == other.address for group in groups for other in group):
            groups.append([other for other in trainable_values(module, "*") if other.get() is parameter])
    return groups


class _Bounded(nn.Module):
    """A value inside its bounds as a function of a free one, and back."""

    def __init__(self, low: float | None, high: float | None, one_sided: str, *, given_raw: bool = False) -> None:
        super().__init__()
        self.low, self.high, self.one_sided, self.given_raw = low, high, one_sided, given_raw

    def forward(self, raw: Tensor) -> Tensor:
        """Return the value."""
        if self.low is not None and self.high is not None:
            return self.low + (self.high - self.low) * torch.sigmoid(raw)
        above = torch.logaddexp(raw, torch.zeros_like(raw)) if self.one_sided == "softplus" else raw.exp()
        return self.low + above if self.low is not None else cast(float, self.high) - above

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return what the value is a function of."""
        if self.given_raw:  # tied to one that is reparametrised already
            return value
        if self.low is not None and self.high is not None:
            return (value - self.low).log() - (self.high - value).log()
        above = value - self.low if self.low is not None else cast(float, self.high) - value
        return above + (-torch.expm1(-above)).log() if self.one_sided == "softplus" else above.log()


def _limits(value: TrainableValue) -> tuple[float | None, float | None]:
    """Return the bounds of a parameter, in its own unit."""
    low, high = value.entry.low, value.entry.high
    return (None if low is None else low / value.scale), (None if high is None else high / value.scale)


def _check(group: list[TrainableValue]) -> None:
    first = group[0]
    for value in group:
        low, high = _limits(value)
        if low is None and high is None:
            raise TrainingError(f"{value.address} has neither bounds nor a sign: there is nothing to reparametrise.")
        if (low, high) != _limits(first):
            raise TrainingError(f"{first.address} and {value.address} are tied, but their bounds differ.")
        parameter = value.get().detach()
        outside = torch.zeros_like(parameter, dtype=torch.bool)
        if low is not None:
            outside |= parameter <= low
        if high is not None:
            outside |= parameter >= high
        if bool(outside.any()):
            raise TrainingError(
                f"{value.address}: {int(outside.sum())} of {outside.numel()} values lie on a bound or beyond, where "
                "the gradient of a smooth function is 0. Move them inside, or let the bound hold by projection, which "
                "is the default."
            )
