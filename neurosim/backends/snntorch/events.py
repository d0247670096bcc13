"""Delivery without gradients: only the edges of neurons that spiked are touched, in the order of the contract."""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
from torch import Tensor

from neurosim.program.step_program import ProjectionProgram

#: The spikes of one step: (trial, neuron), each (spike,), sorted by trial, then neuron.
Spikes = tuple[Tensor, Tensor]


class ArrivalTable:
    """The edges of a projection by presynaptic neuron and delay, so that the arrivals of a step are a few look-ups.

    Parameters
    ----------
    item
        The projection's program.
    n_pre
        Number of presynaptic neurons.
    device
        Where the tables live.
    """

    def __init__(self, item: ProjectionProgram, n_pre: int, device: torch.device) -> None:
        self.max_delay = item.max_delay
        self.one_delay = item.n == 0 or int(item.delay.min()) == item.max_delay
        self.delays = 1 if self.one_delay else self.max_delay + 1
        slot = np.zeros(item.n, dtype=np.int64) if self.one_delay else item.delay
        key = item.pre_index * self.delays + slot
        order = np.argsort(key, kind="stable")
        first = np.searchsorted(key[order], np.arange(n_pre * self.delays + 1))
        self.order = torch.as_tensor(order, dtype=torch.int64, device=device)
        self.first = torch.as_tensor(first, dtype=torch.int64, device=device)

    def due(self, recent: deque[Spikes]) -> tuple[Tensor, Tensor] | None:
        """Return the edges whose spike arrives now and their trials, by (emission, neuron, edge); ``None`` if none.

        Parameters
        ----------
        recent
            Spikes by age, the youngest first: ``recent[d]`` those of ``d`` steps ago.
        """
        if self.one_delay:
            trials, neurons = recent[self.max_delay]
            key = neurons
        else:
            ages = [age for age in range(self.max_delay, -1, -1) if recent[age][0].numel()]
            if not ages:
                return None
            trials = torch.cat([recent[age][0] for age in ages])
            key = torch.cat([recent[age][1] * self.delays + age for age in ages])
        if not key.numel():
            return None
        start = self.first[key]
        count = self.first[key + 1] - start
        end = torch.cumsum(count, 0)
        total = int(end[-1])
        if total == 0:
            return None
        position = torch.arange(total, device=key.device) + torch.repeat_interleave(start - end + count, count)
        return self.order[position], torch.repeat_interleave(trials, count)
