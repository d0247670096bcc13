"""Delivery without gradients: only the edges of neurons that spiked are touched, in the order of the contract.

The look-ups run in numpy on the host, whose small operations cost a tenth of torch's; the arrivals then go to the
device in one piece.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

import numpy as np
import torch
from torch import Tensor

#: The spikes of one step: (trial, neuron), each (spike,), sorted by trial, then neuron.
Spikes = tuple[np.ndarray, np.ndarray]


class ArrivalTable:
    """The edges of a projection by neuron and delay, so that the arrivals of a step are a few look-ups.

    Parameters
    ----------
    neurons, delay
        The neuron whose spike each edge waits for, and its delay in steps, each (edge,).
    n
        Number of neurons.
    """

    def __init__(self, neurons: np.ndarray, delay: np.ndarray, n: int) -> None:
        self.max_delay = int(delay.max(initial=0))
        self.one_delay = bool(np.all(delay == self.max_delay))
        self.delays = 1 if self.one_delay else self.max_delay + 1
        key = neurons * np.int64(self.delays)
        if not self.one_delay:
            key += delay
        self.order = np.argsort(key, kind="stable")
        self.first = np.searchsorted(key[self.order], np.arange(n * self.delays + 1))

    def due(self, recent: deque[Spikes]) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the edges whose spike arrives now and their trials, by (emission, neuron, edge); ``None`` if none.

        Parameters
        ----------
        recent
            Spikes by age, the youngest first: ``recent[d]`` those of ``d`` steps ago.
        """
        if self.one_delay:
            trials, key = recent[self.max_delay]
        else:
            # Once through the deque: reaching into its middle costs as much as going there.
            young = islice(recent, self.max_delay + 1)
            fired = [(age, *spikes) for age, spikes in enumerate(young) if spikes[0].size][::-1]
            if not fired:
                return None
            ages, by_trial, by_neuron = zip(*fired, strict=True)
            trials = np.concatenate(by_trial)
            key = np.concatenate(by_neuron) * self.delays + np.repeat(ages, [len(found) for found in by_trial])
        if not key.size:
            return None
        start = self.first[key]
        count = self.first[key + 1] - start
        end = np.cumsum(count)
        total = int(end[-1])
        if total == 0:
            return None
        position = np.repeat(start - end + count, count) + np.arange(total)
        return self.order[position], np.repeat(trials, count)


def indices(spikes: Tensor) -> Spikes:
    """Return the spikes of one step, bool (trial, neuron), as events."""
    trials, neurons = np.nonzero(spikes.cpu().numpy())
    return trials, neurons


def dense(spikes: Spikes, trials: int, n: int, device: torch.device) -> Tensor:
    """Return events as bool (trial, neuron)."""
    array = np.zeros((trials, n), dtype=bool)
    array[spikes] = True
    return torch.from_numpy(array).to(device)
