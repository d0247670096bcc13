"""A Norse network of cells and weights, made from numbers. Imports torch, norse and numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import norse.torch as norse
import numpy as np
import torch
from norse.torch.functional.leaky_integrator import LIParameters, LIState
from norse.torch.functional.leaky_integrator_box import LIBoxParameters, LIBoxState
from norse.torch.functional.lif import LIFFeedForwardState, LIFParameters, LIFState
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters
from norse.torch.functional.reset import reset_subtract, reset_value
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
        weight, bias, back = own.pop("weight"), own.pop("bias", None), own.pop("recurrent", None)
        if item["inclusive"]:
            # Norse spikes above the threshold; one that is reached already is above the number before it.
            own["v_th"] = torch.nextafter(own["v_th"], torch.tensor(-torch.inf).to(dtype))
        v, current = own.pop("v"), own.pop("current", None)
        # Of more than one axis: edges of a matrix do not care about them.
        modules += [nn.Flatten(1)] if item["flatten"] else []
        if back is None:
            modules += _weights(weight, bias, item["weight"], item["shape"])
            cell = _cell(item["cell"], own, dt)
        else:
            if bias is not None:  # a recurrent cell has weights of its own, without
                modules += _weights(weight, bias, {}, item["shape"])
                weight = torch.eye(len(bias), dtype=dtype)
            cell = norse.LIFRecurrentCell(
                weight.shape[1], weight.shape[0], p=LIFParameters(**own), input_weights=nn.Parameter(weight),
                recurrent_weights=nn.Parameter(back), autapses=True, dt=dt,
            )  # fmt: skip
        cell.state_fallback = partial(_beginning, item["cell"], v, current)
        modules.append(cell)
    return norse.SequentialState(*modules)


def _beginning(kind: str, v: Tensor, current: Tensor | None, given: Tensor) -> Any:
    """Return the state of a cell at its first index, for what comes in there."""
    state = {"v": v.expand(len(given), *v.shape)}
    if current is not None:
        state["i"] = current.expand(len(given), *v.shape)
    if kind == "LIFRecurrentCell":
        return LIFState(z=torch.zeros_like(state["v"]), **state)
    if kind == "LIBoxCell":
        return LIBoxState(**state)
    if kind.startswith("LIFBoxCell"):
        return LIFBoxFeedForwardState(**state)
    return LIState(**state) if kind == "LICell" else LIFFeedForwardState(**state)


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


def _cell(kind: str, own: Mapping[str, Tensor], dt: float) -> Any:
    if kind == "LIFCell":
        return norse.LIFCell(LIFParameters(**own), dt=dt)
    if kind == "LICell":
        return norse.LICell(LIParameters(**own), dt=dt)
    if kind == "LIBoxCell":
        return LIBoxCell(LIBoxParameters(**own), dt=dt)
    how = reset_subtract if kind == "LIFBoxCell, lowered" else reset_value
    return LIFBoxCell(LIFBoxParameters(reset_method=how, **own), dt=dt)


def _weights(
    weight: Tensor, bias: Tensor | None, convolution: Mapping[str, Any], shape: Sequence[int]
) -> list[nn.Module]:
    """Return modules of weights: a convolution where there is a word about one."""
    module: nn.Module
    if convolution:
        kind: Any = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weight.ndim]
        channels = (weight.shape[1] * convolution["groups"], weight.shape[0])
        module = kind(*channels, tuple(weight.shape[2:]), bias=bias is not None, **convolution)
    else:
        module = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None:
            setattr(module, name, nn.Parameter(value))
    return [module, nn.Unflatten(1, tuple(shape))] if len(shape) > 1 and not convolution else [module]
