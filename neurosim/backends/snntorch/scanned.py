"""What compiled loops and kernels return, and the slope of surrogates that they do not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Scanned:
    """What a population did: (time, batch, neuron), and the state that it ends in, (batch, neuron).

    `bits` are the spikes as bits, (time, batch, byte), where they are known. `felt` says in the same way whose spikes
    feel a gradient; ``None``: all.
    """

    spikes: Tensor | None
    traces: dict[str, Tensor]
    final: dict[str, Tensor]
    last: Tensor | None
    active: Tensor | None
    bits: np.ndarray | None = None
    felt: np.ndarray | None = None


def slope_of(spike_gradient: Any, distance: Tensor) -> Tensor:
    """Return the derivative of the surrogate at every step, whatever function it is."""
    with torch.enable_grad():
        argument = distance.detach().requires_grad_()
        (slope,) = torch.autograd.grad(spike_gradient(argument).sum(), argument)
    return slope.to(argument.dtype).contiguous()
