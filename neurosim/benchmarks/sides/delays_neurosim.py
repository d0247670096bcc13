"""A layer of learned delays by the loops of the torch backend."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from neurosim.backends.snntorch.delayed_sum import EdgePlan, delayed_sum
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.benchmarks.sides.delay_layer import Layer


class Side(Layer):
    """The layer."""

    def prepare(self) -> None:
        """Order the edges."""
        pre, post = (index.reshape(-1) for index in np.indices(self.sizes))
        self.plan = EdgePlan(pre, post, *self.sizes, self.taps - 1)
        self.workspace = Workspace()

    def forward(self) -> Tensor:
        """Return what arrives, (time, batch, n_post)."""
        return delayed_sum(self.train, self.weight, self.delay, self.plan, self.workspace)
