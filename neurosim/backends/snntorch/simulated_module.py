"""A torch module as what a compiled simulation reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosim.backends.snntorch.simulation.simulated import Numbers, Simulated
from neurosim.backends.snntorch.watched import Watched

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


class SimulatedModule(Simulated):
    """A module with its values as they are at any time.

    Parameters
    ----------
    module
        In float64 on a CPU.
    """

    def __init__(self, module: CircuitModule) -> None:
        super().__init__(module.circuit, module.program)
        self.module = module

    @torch.no_grad()
    def parameters(self, population: str) -> Mapping[str, Numbers]:
        """Return the parameters of a population in SI, each () or (neuron,)."""
        return _arrays(self.module.part(population).values.current())

    @torch.no_grad()
    def edge_values(self, projection: str) -> Mapping[str, Numbers]:
        """Return the values of the edges of a projection in SI, each () or (edge,)."""
        return _arrays(self.module.part(projection).current(by_edge=True))

    @torch.no_grad()
    def pulse_weight(self, poisson_input: str) -> Numbers:
        """Return the weight of a background pulse in SI, () or (neuron that receives,)."""
        weight: Tensor = self.module.part(poisson_input).pulse_weight()
        return weight.numpy()

    def whole_delay(self, projection: str) -> NDArray[np.integer]:
        """Return the delays of a projection in steps, whole numbers of any type, (edge,)."""
        delay: NDArray[np.integer] = self.module.part(projection).whole_delay()
        return delay

    def learns_delays(self, projection: str) -> bool:
        """Tell whether delays may differ in the next run."""
        return bool(self.module.part(projection).learns_delays)

    def watch(self) -> Watched:
        """Return what tells later whether the numbers are still the same."""
        return Watched(self.module, frozenset(self.program.projections))


def _arrays(values: Mapping[str, Tensor]) -> dict[str, Numbers]:
    return {name: value.numpy() for name, value in values.items()}
