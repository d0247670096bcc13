"""Cross entropy on what a readout makes of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy

from neurosim.errors import TrainingError
from neurosim.training import readouts
from neurosim.training.losses.decision import Decision
from neurosim.training.losses.targets import as_classes, target_of
from neurosim.training.terms import Outputs, Targets


@dataclass(frozen=True, eq=False)
class CrossEntropy(Decision):
    """Cross entropy on the readout of one variable.

    Parameters
    ----------
    name, address, target
        See :class:`neurosim.training.losses.decision.Decision`.
    readout
        Takes a trace (time, batch, class) and a mask, and returns (batch, class).
    gain
        What the readout is multiplied by before the softmax.
    smoothing
        Part of the target that is spread over all classes, 0 to 1.
    weights
        One for each class, or ``None``.
    """

    readout: Callable[..., Tensor]
    gain: float
    smoothing: float
    weights: tuple[float, ...] | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.smoothing <= 1.0:
            raise TrainingError(f"{self.name}: smoothing must lie between 0 and 1, got {self.smoothing}.")

    def logits(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the logits, (batch, class); of the targets only the mask is used."""
        trace, mask = self.read(outputs, targets)
        return self.gain * self.readout(trace, mask=mask)

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean cross entropy of the batch."""
        logits = self.logits(outputs, targets)
        return self.entropy(logits, self.wanted(targets, logits))

    def wanted(self, targets: Targets, logits: Tensor) -> Tensor:
        """Return the targets as classes, (batch,), or as probabilities of classes, (batch, class)."""
        wanted = target_of(targets, self.target, logits, self.name)
        if wanted.is_floating_point() and wanted.shape == logits.shape:
            return wanted.to(logits.dtype)
        return as_classes(wanted, logits, self.name)

    def entropy(self, logits: Tensor, wanted: Tensor, reduction: str = "mean") -> Tensor:
        """Return the cross entropy of logits (sample, class)."""
        weights = None if self.weights is None else logits.new_tensor(self.weights)
        return cross_entropy(logits, wanted, weight=weights, label_smoothing=self.smoothing, reduction=reduction)


@dataclass(frozen=True, eq=False)
class EveryStep(CrossEntropy):
    """Cross entropy of every step by itself, averaged over the steps that count, then over the batch."""

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean cross entropy."""
        trace, mask = self.read(outputs, targets)
        wanted = self.wanted(targets, trace[0])
        every = wanted.repeat(len(trace), *[1] * (wanted.ndim - 1))
        entropy = self.entropy(self.gain * trace.flatten(0, 1), every, "none").reshape(trace.shape[:2])
        mean = readouts.mean_over_time(entropy, mask)
        if self.weights is None or wanted.is_floating_point():
            return mean.mean()
        return mean.sum() / mean.new_tensor(self.weights)[wanted].sum()
