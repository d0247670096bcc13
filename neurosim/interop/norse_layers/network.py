"""A Norse network of cells and weights, made from numbers. Imports torch, norse and numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import norse.torch as norse
import numpy as np
import torch
from norse.torch.functional.leaky_integrator import LIParameters
from norse.torch.functional.leaky_integrator_box import LIBoxParameters
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_subtract
from norse.torch.module.leaky_integrator_box import LIBoxCell
from norse.torch.module.lif_box import LIFBoxCell
from torch import Tensor, nn


def build(plan: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray], dt: float, dtype: torch.dtype) -> Any:
    """Return a ``norse.torch.SequentialState`` of weights and cells; one call is one step.

    Parameters
    ----------
    plan
        For each layer its ``name``, ``cell``, ``shape`` and ``weight``.
    arrays
        Its numbers, under ``<layer>.<what>``.
    dt
        Seconds.
    dtype
        Of all numbers.
    """
    modules: list[nn.Module] = []
    for item in plan:
        own = {key.partition(".")[2]: torch.tensor(value).to(dtype) for key, value in arrays.items()
               if key.partition(".")[0] == item["name"]}  # fmt: skip
        weight = nn.Parameter(own.pop("weight"))
        # Of more than one axis: edges of a matrix do not care about them.
        modules += [nn.Flatten(1)] if item["flatten"] else []
        if item["cell"] == "LIFRecurrentCell":
            modules.append(norse.LIFRecurrentCell(
                weight.shape[1], weight.shape[0], p=LIFParameters(**{k: v for k, v in own.items() if k != "recurrent"}),
                input_weights=weight, recurrent_weights=nn.Parameter(own["recurrent"]), autapses=True, dt=dt,
            ))  # fmt: skip
            continue
        modules += _weights(weight, item["weight"], item["shape"])
        modules.append(_cell(item["cell"], own, dt))
    return norse.SequentialState(*modules)


def run(network: Any, plan: Sequence[Mapping[str, Any]], spikes: Tensor) -> dict[str, Tensor]:
    """Return what every layer puts out, (time, batch, *shape), for spikes of the source, (time, batch, *shape)."""
    cells = [module for module, stateful in zip(network, network.stateful_layers, strict=True) if stateful]
    found: dict[str, list[Tensor]] = {item["name"]: [] for item in plan}
    hooks = [
        cell.register_forward_hook(lambda _, __, output, kept=kept: kept.append(output[0]))
        for cell, kept in zip(cells, found.values(), strict=True)
    ]
    state = None
    for step in spikes:
        _, state = network(step, state)
    for hook in hooks:
        hook.remove()
    return {name: torch.stack(values) for name, values in found.items()}


def _cell(kind: str, own: Mapping[str, Tensor], dt: float) -> nn.Module:
    cell: nn.Module
    if kind == "LIFCell":
        cell = norse.LIFCell(LIFParameters(**own), dt=dt)
    elif kind == "LICell":
        cell = norse.LICell(LIParameters(**own), dt=dt)
    elif kind == "LIBoxCell":
        cell = LIBoxCell(LIBoxParameters(**own), dt=dt)
    else:
        cell = LIFBoxCell(LIFBoxParameters(reset_method=reset_subtract, **own), dt=dt)
    return cell


def _weights(weight: nn.Parameter, convolution: Mapping[str, Any], shape: Sequence[int]) -> list[nn.Module]:
    """Return modules of weights without bias: a convolution where there is a word about one."""
    module: nn.Module
    if convolution:
        kind: Any = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weight.ndim]
        channels = (weight.shape[1] * convolution["groups"], weight.shape[0])
        module = kind(*channels, tuple(weight.shape[2:]), bias=False, **convolution)
        module.weight = weight
        return [module]
    module = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    module.weight = weight
    return [module, nn.Unflatten(1, tuple(shape))] if len(shape) > 1 else [module]
