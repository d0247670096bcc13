"""Mean squared errors: of what is measured on the outputs, from numbers that are given or from levels of classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training.losses.decision import Decision
from neurosim.training.losses.targets import as_levels, shaped_as, target_of
from neurosim.training.readouts import spread_mask
from neurosim.training.terms import OneVariable, Outputs, Targets

Measure = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, eq=False)
class SquaredError(OneVariable):
    """Mean squared error from numbers that are given.

    Parameters
    ----------
    name, address
        See :class:`neurosim.training.terms.OneVariable`.
    target
        Which one it takes, where targets are a mapping. Where a target is NaN, nothing is asked.
    measure
        What is compared: takes a trace (time, batch, neuron) and a mask.
    scale
        What an error of 1 is.
    over_time
        What is measured still has its time, so that padding must be left out of the mean.
    """

    target: str
    measure: Measure
    scale: float
    over_time: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scale > 0:
            raise TrainingError(f"{self.name}: scale must be positive, got {self.scale}.")

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over all that is asked."""
        trace, mask = self.read(outputs, targets)
        found = self.measure(trace, mask)
        return mean_square(self, found, shaped_as(_given(self, targets, found), found, self.name), mask)


@dataclass(frozen=True, eq=False)
class LevelError(Decision):
    """Mean squared error from levels, one for the neuron of the class and one for the others.

    Parameters
    ----------
    name, address, target
        See :class:`neurosim.training.losses.decision.Decision`.
    measure, scale, over_time
        See :class:`SquaredError`.
    levels
        Of the neuron of the class and of the others; a pair for each row of what is measured, or one for all.
    decide
        What the largest of decides, (batch, neuron): takes a trace and a mask.
    """

    measure: Measure
    scale: float
    over_time: bool
    levels: tuple[tuple[float, float], ...]
    decide: Measure

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scale > 0:
            raise TrainingError(f"{self.name}: scale must be positive, got {self.scale}.")

    def logits(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the largest of decides, (batch, class)."""
        return self.decide(*self.read(outputs, targets))

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over everything that is measured."""
        trace, mask = self.read(outputs, targets)
        found = self.measure(trace, mask)
        classes = _given(self, targets, found)
        rows = [as_levels(classes, pair, trace[0], self.name) for pair in self.levels]
        wanted = torch.stack(rows).expand(len(found), *rows[0].shape) if found.ndim == 3 else rows[0]
        return mean_square(self, found, wanted, mask)


def mean_square(term: SquaredError | LevelError, found: Tensor, wanted: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of the squares of (found - wanted) / scale over what counts."""
    asked = ~torch.isnan(wanted)
    if term.over_time:
        counts = spread_mask(found, mask)
        asked = asked if counts is None else asked & counts
    difference = torch.where(asked, (found - torch.where(asked, wanted, 0.0)) / term.scale, 0.0)
    return difference.square().sum() / asked.sum().clamp(min=1)


def _given(term: SquaredError | LevelError, targets: Targets, found: Tensor) -> Tensor:
    return target_of(targets, term.target, found, term.name)
