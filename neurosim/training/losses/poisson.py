"""The Poisson likelihood of spike counts, for circuits whose output is a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training.clock import step_length
from neurosim.training.losses.targets import shaped_as, target_of
from neurosim.training.readouts import spread_mask
from neurosim.training.terms import OneVariable, Outputs, Targets

_LEAST = 1e-8  # spikes: what is expected where a rate is 0, whose logarithm is taken


def poisson(address: str, *, log: bool = False, every: int = 1, dt: Any = None, target: str = "target") -> Poisson:
    r"""Negative logarithm of the probability of spike counts, :math:`\langle \lambda - y \ln \lambda \rangle`.

    Parameters
    ----------
    address
        Of the trace that says what is expected, such as ``"out.rate"``: spikes a step, above 0.
    log
        The trace is the logarithm of that, which any number may be.
    every
        How many steps a count is of: what is expected of them is added up.
    dt
        The trace is a rate in hertz, of steps that long.
    target
        Which one, where targets are a mapping: counts, (time, batch, neuron), with as many times as the trace has
        steps, divided by `every`. Where a count is NaN, nothing is asked. A mask counts steps; a bin counts where all
        of its steps do.

    Returns
    -------
    Poisson
        The mean over all counts, without the logarithm of their factorials, which training does not change.

    References
    ----------
    W. Truccolo et al.: A point process framework for relating neural spiking activity to spiking history, neural
    ensemble, and extrinsic covariate effects. J. Neurophysiol. 93, 1074-1089 (2005).
    """
    if every < 1:
        raise TrainingError(f"poisson: every must be 1 step or more, got {every}.")
    return Poisson("poisson", address, bool(log), int(every), step_length(dt), target)


@dataclass(frozen=True, eq=False)
class Poisson(OneVariable):
    """The Poisson likelihood (see :func:`poisson`); `step` in seconds, or 1 where the trace counts in steps."""

    log: bool
    every: int
    step: float
    target: str

    def expected(self, outputs: Outputs) -> Tensor:
        """Return how many spikes are expected in each bin, (bin, batch, neuron)."""
        means = self._in_bins(outputs)
        return means.exp() if self._adds_no_steps else means

    @property
    def _adds_no_steps(self) -> bool:
        return self.log and self.every == 1

    def _in_bins(self, outputs: Outputs) -> Tensor:
        """Return what is expected, or its logarithm if at hand, which has a slope where nothing is expected, too."""
        trace = self.read(outputs)[0]
        if len(trace) % self.every:
            raise TrainingError(f"poisson: {len(trace)} steps are no whole number of bins of {self.every}.")
        if self._adds_no_steps:
            return trace + math.log(self.step)
        means = trace.exp() if self.log else trace
        return self.step * means.reshape(-1, self.every, *trace.shape[1:]).sum(1)

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over all counts that are asked for."""
        from neurosim.analysis.spikes.differentiable import poisson_log_likelihood  # loads what else analysis needs

        trace, mask = self.read(outputs, targets)
        means = self._in_bins(outputs)
        wanted = shaped_as(target_of(targets, self.target, means, self.name), means, self.name)
        asked = ~torch.isnan(wanted)
        counts = spread_mask(trace, mask)
        if counts is not None:
            asked = asked & counts.reshape(-1, self.every, *counts.shape[1:]).all(1)
        wanted = torch.where(asked, wanted, 0.0)
        if self._adds_no_steps:
            known = poisson_log_likelihood(wanted, means, log=True)
        else:
            known = poisson_log_likelihood(wanted, means.clamp(min=_LEAST))
        return -torch.where(asked, known, 0.0).sum() / asked.sum().clamp(min=1)
