"""The layers through neurosim: a module that is compiled from a circuit."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from neurosim.backends.compile import compile
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.benchmarks.layers import layers, names
from neurosim.benchmarks.sides.training import Training


class Side(Training):
    """The network."""

    passed_over = (Workspace,)

    def build(self) -> nn.Module:
        """Return the module."""
        sizes = self.settings["sizes"]
        self.late = len(sizes) - 1  # every delivered spike acts in the next step
        self.last = names(sizes)[-1]
        options: dict[str, Any] = {"keep": self.settings.get("keep", "variables")}
        if "surrogate" in self.settings:
            from snntorch.surrogate import SFS

            options["surrogate"] = SFS(**self.settings["surrogate"])
        module: nn.Module = compile(layers(sizes, self.settings["recurrent"]), "snntorch", **options)
        return module

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the last layer, (time, batch, neuron)."""
        outputs, _ = self.module({"in": x}, record={self.last: "spikes"})
        found: Tensor = outputs[self.last]["spikes"]
        return found

    def result(self) -> dict[str, Any]:
        """Return the spikes of the last layer, and the number of those of every layer in one pass."""
        hidden = names(self.settings["sizes"])[1:]
        outputs, _ = self.module({"in": self.x}, record=dict.fromkeys(hidden, "spikes"))
        counts = {
            f"count{place}": outputs[name]["spikes"].sum().detach().cpu().numpy()
            for place, name in enumerate(hidden, 1)
        }
        return {**super().result(), **counts}
