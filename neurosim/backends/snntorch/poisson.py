"""Background pulses as a torch module: their weight, and where they arrive."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie, Values
from neurosim.circuit.values import Trainable
from neurosim.program.step_program import PoissonProgram


class PoissonDrive(nn.Module):
    """The weight of a Poisson input, trainable or not.

    Parameters
    ----------
    item
        The input's program.
    n
        Size of the population.
    trainable, ties, options
        See :class:`neurosim.backends.snntorch.parameters.Values`.
    """

    def __init__(
        self,
        item: PoissonProgram,
        n: int,
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        options: SnntorchOptions,
    ) -> None:
        super().__init__()
        self.index: Tensor
        self.n = n
        self.values = Values(self, {"weight": item.weight}, trainable, ties, item.name, options.torch_dtype)
        self.register_buffer("index", torch.tensor(item.index, dtype=torch.int64), persistent=False)

    def pulse_weight(self) -> Tensor:
        """Return the weight of a pulse in SI, one for all or (index,), differentiable in the parameter."""
        return self.values.current()["weight"]

    def pulses(self, amount: Tensor) -> Tensor:
        """Return what arrives at every neuron, (batch, n), from the amounts for those that receive, (batch, index)."""
        whole = torch.zeros((amount.shape[0], self.n), dtype=amount.dtype, device=amount.device)
        return whole.index_copy(1, self.index, amount)
