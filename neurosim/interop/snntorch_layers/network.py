"""A network of plain snnTorch layers, made from numbers. Imports torch, snntorch and numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import snntorch
import torch
from torch import Tensor, nn

#: (spikes, v, synaptic current) of a layer, each (batch, *shape); what comes in on index t acts on index t.
LayerState = tuple[Tensor, Tensor, Tensor]


class Layer(nn.Module):
    """Weights and a layer of neurons: ``neuron(weight(spikes))``, and what goes round in the layer itself.

    Parameters
    ----------
    weight
        ``nn.Linear``, or a convolution, from the layer before.
    neuron
        ``snntorch.Leaky`` or ``snntorch.Synaptic``.
    recurrent
        From the layer's own spikes of the index before; ``None`` without.
    shape
        Of the layer.
    values
        ``rest`` (what v counts from), ``v`` and ``current`` (where it begins) and, where the neuron does not reset
        itself, ``reset`` (what v is set to) or ``lowered`` (what is taken from it).
    spiking
        Whether it spikes; otherwise its output is v.
    loses_arrivals
        Whether what arrives is lost in a neuron that spiked at the index before.
    """

    def __init__(
        self, weight: nn.Module, neuron: nn.Module, recurrent: nn.Module | None, shape: Sequence[int],
        values: Mapping[str, Tensor], *, spiking: bool, loses_arrivals: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.weight, self.neuron, self.recurrent = weight, neuron, recurrent
        self.shape, self.spiking, self.loses_arrivals = tuple(shape), spiking, loses_arrivals
        self.resets = next((name for name in ("reset", "lowered") if name in values), None)
        for name, value in values.items():
            self.register_buffer(name, value)

    def first(self, batch: int) -> LayerState:
        """Return where the layer begins."""
        v, current = (self.get_buffer(name).expand(batch, *self.shape) for name in ("v", "current"))
        return torch.zeros_like(v), v, current

    def forward(self, spikes: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Do one step: return spikes, or v of a layer that does not spike, and the state."""
        before, v, current = state
        # Of more than one axis: edges of a matrix do not care about them.
        given: Tensor = self.weight(spikes.flatten(1) if isinstance(self.weight, nn.Linear) else spikes).reshape(
            v.shape
        )
        if self.recurrent is not None:
            given = given + self.recurrent(before.flatten(1)).reshape(v.shape)
        if self.loses_arrivals:
            given = given * (1 - before)
        if isinstance(self.neuron, snntorch.Synaptic):
            fired, current, v = self.neuron(given, current, v)
        else:
            fired, v = self.neuron(given, v)
        fired = fired.to(v.dtype)
        if self.resets == "reset":
            v = v + fired * (self.get_buffer("reset") - v)
        elif self.resets == "lowered":
            v = v - fired * self.get_buffer("lowered")
        return (fired if self.spiking else v + self.get_buffer("rest")), (fired, v, current)


class Network(nn.Module):
    """Layers one behind the other; state is explicit.

    Parameters
    ----------
    names
        Of the layers, in order.
    layers
        The layers.
    """

    def __init__(self, names: Sequence[str], layers: Sequence[Layer]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.layers = nn.ModuleList(layers)

    def forward(
        self, spikes: Tensor, state: dict[str, LayerState] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
        """Run some steps.

        Parameters
        ----------
        spikes
            (time, batch, *shape of the source), 0 or 1.
        state
            As returned by the last call; ``None`` to begin.

        Returns
        -------
        outputs
            Of each layer, (time, batch, *shape): spikes, or v where it does not spike. Index t of layer l, counted from
            1, is step t + l of the circuit.
        state
            By layer.
        """
        layers: dict[str, Any] = dict(zip(self.names, self.layers, strict=True))
        now = state or {name: layer.first(spikes.shape[1]) for name, layer in layers.items()}
        outputs: dict[str, list[Tensor]] = {name: [] for name in layers}
        for passed in spikes:
            following = {}
            for name, layer in layers.items():
                passed, following[name] = layer(passed, now[name])
                outputs[name].append(passed)
            now = following
        return {name: torch.stack(values) for name, values in outputs.items()}, now


def build(plan: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray], dtype: torch.dtype) -> Network:
    """Return the network of a plan.

    Parameters
    ----------
    plan
        For each layer its ``name``, ``neuron``, ``shape``, ``weight``, ``spiking`` and so on.
    arrays
        Its numbers, under ``<layer>.<what>``.
    dtype
        Of all of them.
    """
    layers = []
    for item in plan:
        name, shape = item["name"], item["shape"]
        own = {key.partition(".")[2]: torch.tensor(value).to(dtype) for key, value in arrays.items()
               if key.partition(".")[0] == name}  # fmt: skip
        own.setdefault("current", torch.zeros_like(own["v"]))
        # snnTorch spikes above the threshold; one that is reached already is above the number before it.
        threshold = torch.nextafter(own["threshold"], torch.tensor(-torch.inf).to(dtype)) if item["inclusive"] else None
        constants = {
            "threshold": own["threshold"] if threshold is None else threshold,
            "reset_mechanism": item["reset"],
            "reset_delay": False,
        }
        if item["neuron"] == "Synaptic":
            neuron: nn.Module = snntorch.Synaptic(alpha=own["alpha"], beta=own["beta"], **constants)
        else:
            neuron = snntorch.Leaky(beta=own["beta"], **constants)
        layers.append(Layer(
            _weights(own["weight"], own.get("bias"), item["weight"]), neuron,
            _weights(own["recurrent"], None, {}) if "recurrent" in own else None, shape,
            {key: own[key] for key in ("rest", "v", "current", "reset", "lowered") if key in own},
            spiking=item["spiking"], loses_arrivals=item["loses_arrivals"],
        ))  # fmt: skip
    return Network([item["name"] for item in plan], layers)


def run(network: Network, spikes: Tensor) -> dict[str, Tensor]:
    """Return what every layer puts out, (time, batch, *shape), for spikes of the source, (time, batch, *shape)."""
    outputs: dict[str, Tensor] = network(spikes)[0]
    return outputs


def _weights(weight: Tensor, bias: Tensor | None, convolution: Mapping[str, Any]) -> nn.Module:
    """Return a module of weights: a convolution where there is a word about one."""
    module: nn.Module
    if convolution:
        kind: Any = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weight.ndim]
        channels = (weight.shape[1] * convolution["groups"], weight.shape[0])
        module = kind(*channels, tuple(weight.shape[2:]), bias=bias is not None, **convolution)
    else:
        module = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None:
            setattr(module, name, nn.Parameter(value.clone()))
    return module
