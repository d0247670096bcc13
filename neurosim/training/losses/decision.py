"""Losses that decide between classes, whatever they minimise."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from neurosim.training.losses.targets import as_classes, target_of
from neurosim.training.terms import OneVariable, Outputs, Targets


@dataclass(frozen=True, eq=False)
class Decision(OneVariable):
    """A loss of one variable with a neuron for each class.

    Parameters
    ----------
    name, address
        See :class:`neurosim.training.terms.OneVariable`.
    target
        Which one it takes, where targets are a mapping.
    """

    target: str

    @abstractmethod
    def logits(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return what the largest of decides, (batch, class); of the targets only the mask is used."""

    def predict(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the class decided for, (batch,); of the targets only the mask is used."""
        return self.logits(outputs, targets).argmax(dim=1)

    def correct(self, outputs: Outputs, targets: Targets) -> Tensor:
        """Return whether the decision is the target, bool, (batch,)."""
        logits = self.logits(outputs, targets)
        wanted = target_of(targets, self.target, logits, self.name)
        if wanted.is_floating_point() and wanted.shape == logits.shape:
            return logits.argmax(dim=1) == wanted.argmax(dim=1)
        return logits.argmax(dim=1) == as_classes(wanted, logits, self.name)
