"""The layer as a convolution with a dense kernel of triangles around the delays, as long as the longest of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from neurosim.benchmarks.sides.delay_layer import Layer


class Side(Layer):
    """The layer."""

    def forward(self) -> Tensor:
        """Return what arrives, (time, batch, n_post)."""
        taps = torch.arange(self.taps, dtype=self.train.dtype)
        kernel = torch.relu(1 - (taps - self.delay.reshape(*self.sizes, 1)).abs()) * self.weight.reshape(*self.sizes, 1)
        return conv1d(self.train.permute(1, 2, 0), kernel.permute(1, 0, 2).flip(2)).permute(2, 0, 1)
