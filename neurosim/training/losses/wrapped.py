"""Losses that others wrote, as terms: any function of one recorded variable, and snnTorch's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training import readouts
from neurosim.training.losses.decision import Decision
from neurosim.training.losses.targets import target_of
from neurosim.training.terms import OneVariable, Outputs, Targets, mask_of, recorded

Function = Callable[[Tensor, Tensor], Tensor]


def custom(function: Function, address: str, *, target: str = "target", name: str = "custom") -> Custom:
    r"""Make a loss of any function of one recorded variable and the targets.

    Parameters
    ----------
    function
        Takes what was recorded, (time, batch, \*shape), and the targets, and returns one number.
    address
        Of the variable.
    target
        Which one, where targets are a mapping.
    name
        What a sum calls it.
    """
    return Custom(name, address, function, target)


@dataclass(frozen=True, eq=False)
class Custom(OneVariable):
    """A function of one recorded variable and the targets (see :func:`custom`)."""

    function: Function
    target: str

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the function returns, a scalar."""
        return _applied(self, self.function, recorded(outputs, self.address), targets, self.target)


@dataclass(frozen=True, eq=False)
class FromSnntorch(Decision):
    """A loss of snnTorch, with the readout that its decision is taken from (see :func:`from_snntorch`)."""

    function: Function
    readout: Callable[[Tensor], Tensor]

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the loss returns, a scalar."""
        return _applied(self, self._compute, self.read(outputs)[0], targets, self.target)

    def _compute(self, trace: Tensor, targets: Tensor) -> Tensor:
        return self.function(trace, targets.clone())  # some of snnTorch's losses write into their targets

    def logits(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the largest of decides, (batch, class)."""
        return self.readout(self.read(outputs)[0])


def from_snntorch(
    loss: Function, address: str, *, readout: Callable[[Tensor], Tensor] | None = None, target: str = "target"
) -> FromSnntorch:
    """Use a loss of ``snntorch.functional`` as it is.

    Parameters
    ----------
    loss
        Such as ``snntorch.functional.ce_rate_loss()``.
    address
        Of what it takes: spikes, or a membrane for those of the membrane.
    readout
        What a decision takes the largest of, (time, batch, neuron) to (batch, neuron). By default what the loss is
        about: the largest or the mean membrane, the earliest spike, or the number of spikes.
    target
        Which one, where targets are a mapping.
    """
    name = getattr(loss, "__name__", type(loss).__name__)
    return FromSnntorch(name, address, target, loss, readout or _READOUTS.get(name, readouts.spike_count))


def _applied(term: OneVariable, function: Function, trace: Tensor, targets: Targets, target: str) -> Tensor:
    """Return a function's value, refusing padding, which it would not know of."""
    mask = mask_of(targets, trace)
    if mask is not None and not bool((mask != 0).all()):
        raise TrainingError(f"{term.name}: this loss knows no padding; use sequences of one length.")
    value = torch.as_tensor(function(trace, target_of(targets, target, trace, term.name)))
    if value.numel() != 1:
        raise TrainingError(f"{term.name}: the function must return one number, got shape {tuple(value.shape)}.")
    return value.reshape(())


def _earliest(spikes: Tensor) -> Tensor:
    return -readouts.first_spike(spikes)


_READOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "ce_max_membrane_loss": readouts.max_over_time,
    "mse_membrane_loss": readouts.mean_over_time,
    "ce_temporal_loss": _earliest,
    "mse_temporal_loss": _earliest,
}
