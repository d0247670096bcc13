r"""The distance of van Rossum between spike trains, exact at any step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training.clock import a_time, step_length
from neurosim.training.losses.targets import shaped_as, target_of
from neurosim.training.readouts import masked
from neurosim.training.terms import OneVariable, Outputs, Targets


def van_rossum(address: str, tau: Any, *, dt: Any = None, target: str = "target") -> VanRossum:
    r"""Squared distance of van Rossum from target spikes.

    .. math:: D^2 = \frac{1}{\tau} \int_0^\infty (f - g)^2\, \mathrm{d}t, \qquad
        f(t) = \sum_k \Theta(t - t_k)\, e^{-(t - t_k)/\tau}

    Parameters
    ----------
    address
        Of the spikes, such as ``"out.spikes"``.
    tau
        :math:`\tau`: in steps, or a time where `dt` is given. Short ones compare times of spikes, long ones counts.
    dt
        The step.
    target
        Which one, where targets are a mapping: spikes, (time, batch, neuron).

    Returns
    -------
    VanRossum
        The sum over neurons, averaged over the batch.

    Notes
    -----
    One spike against none is 1/2; one against one that is :math:`\Delta` away is :math:`1 - e^{-\Delta/\tau}`. Between
    two steps the traces only decay, so the integral is a sum without any error of the step, its tail included. It is
    the square of :func:`neurosim.analysis.spikes.van_rossum`.

    References
    ----------
    van Rossum, A novel spike distance, Neural Computation 13 (2001).
    """
    steps = a_time(tau, dt, "van_rossum: tau") / step_length(dt)
    if not steps > 0:
        raise TrainingError(f"van_rossum: tau must be positive, got {tau}.")
    return VanRossum("van_rossum", address, steps, target)


@dataclass(frozen=True, eq=False)
class VanRossum(OneVariable):
    """Squared distance of van Rossum (see :func:`van_rossum`); `tau` in steps."""

    tau: float
    target: str

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the distance, summed over neurons and averaged over the batch."""
        from neurosim.analysis.spikes.differentiable import van_rossum_squared  # loads what else analysis needs

        spikes, mask = self.read(outputs, targets)
        wanted = shaped_as(target_of(targets, self.target, spikes, self.name), spikes, self.name)
        whole = van_rossum_squared(masked(spikes, mask), masked(wanted, mask), tau=self.tau)
        return whole.sum() / spikes.shape[1]
