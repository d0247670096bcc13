"""The order in which the spikes of one step reach the edges of a projection, for the path with gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class ArrivalOrder(nn.Module):
    """Edges by the order of the contract: emission (longest delay first), neuron, edge.

    Parameters
    ----------
    neurons, delay
        The neuron whose spike each edge waits for, and its delay in steps, each (edge,).
    """

    order: Tensor  # the edge at each place
    neurons: Tensor  # the neuron at each place

    def __init__(self, neurons: np.ndarray, delay: np.ndarray) -> None:
        super().__init__()
        order = np.lexsort((np.arange(len(neurons)), neurons, -delay))
        self.register_buffer("order", torch.tensor(order, dtype=torch.int64), persistent=False)
        self.register_buffer("neurons", torch.tensor(neurons[order], dtype=torch.int64), persistent=False)
        self.groups: list[tuple[int, int, int]] = []  # delay, first place, last place
        sorted_delays = delay[order]
        for steps in np.unique(sorted_delays)[::-1]:
            first, last = np.searchsorted(-sorted_delays, [-steps, -steps + 1])
            self.groups.append((int(steps), int(first), int(last)))

    def spikes(self, history: list[Tensor]) -> Tensor:
        """Return for each place whether its spike arrives now, (batch, edge).

        Parameters
        ----------
        history
            Spikes by age: ``history[d]`` those of ``d`` steps ago, (batch, neuron).
        """
        return torch.cat(
            [history[age].index_select(1, self.neurons[first:last]) for age, first, last in self.groups], 1
        )
