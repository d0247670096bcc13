"""The layers in SpikingJelly, in its multi-step mode."""

from __future__ import annotations

from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from neurosim.benchmarks.layers import DECAY
from neurosim.benchmarks.sides.training import Training


class Net(nn.Module):
    """Linear layers and neurons in turn, each over all steps at once."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for weight in weights:
            linear = layer.Linear(weight.shape[1], weight.shape[0], bias=False, step_mode="m")
            linear.weight.data.copy_(weight)
            tau = 1 / (1 - DECAY)
            parts += [
                linear, neuron.LIFNode(tau, decay_input=False, surrogate_function=surrogate.ATan(), step_mode="m"),
            ]  # fmt: skip
        self.parts = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the last layer, (time, batch, neuron)."""
        functional.reset_net(self)
        found: Tensor = self.parts(x)
        return found


class Side(Training):
    """The network."""

    def build(self) -> nn.Module:
        """Return the module."""
        return Net(self.weights)
