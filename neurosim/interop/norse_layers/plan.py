r"""What a Norse network is made from: a plan, its numbers, and what Norse cannot hold.

Notes
-----
One step of ``LIFCell`` (norse 1.1, ``norse/torch/functional/lif.py``) is :math:`i' = i + x`, :math:`v' = v +
dt\,\tau_{mem}^{-1} (v_{leak} - v + i')`, spike and reset, :math:`i = i' - dt\,\tau_{syn}^{-1} i'`: forward Euler, with
what arrives acting at once. ``LIFBoxCell`` has x in the place of i'. A circuit that is integrated by Euler has these
time constants. For any other method the inverse time constants are those with which Norse's step does the same to v and
i: ``(1 - exp(-dt/tau))/dt`` in the place of ``1/tau``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.interop.layer_steps import NEARLY, Layer
from neurosim.interop.layers import Layers
from neurosim.interop.snntorch_layers.plan import weights


def plan_of(layers: Layers) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], list[str]]:
    """Return a plan for :func:`~neurosim.interop.norse_layers.network.build`, the arrays, and what is in the way."""
    plan: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    problems: list[str] = []
    n_before, before = int(np.prod(layers.shape)), layers.shape
    for layer in layers.layers:
        cell, refused = _cell(layer)
        problems += [f"population {layer.name!r}: {problem}" for problem in refused]
        if cell:
            own, convolution = _numbers(layer, cell, n_before, layers.dt)
            arrays |= {f"{layer.name}.{key}": value for key, value in own.items()}
            plan.append({
                "name": layer.name, "cell": cell, "shape": list(layer.shape), "weight": convolution,
                "flatten": len(before) > 1 and not convolution, "inclusive": layer.inclusive,
            })  # fmt: skip
        n_before, before = layer.n, layer.shape
    return plan, arrays, problems


def _cell(layer: Layer) -> tuple[str, list[str]]:
    """Return the cell for a layer and what it cannot hold; no cell where there is none."""
    problems = []
    spikes = layer.threshold is not None
    if np.any(layer.decay == 1):
        problems.append("its membrane does not leak")
    if layer.loses_arrivals:
        problems.append(
            "pulses add to v itself, which is set when it spikes: a pulse that arrives with the neuron's own spike is "
            "lost in the circuit and kept by Norse; let pulses add to a current, or lower v by the threshold"
        )
    if layer.recurrent and (layer.synapse is None or layer.reset is None or len(layer.shape) > 1):
        problems.append("Norse has recurrent neurons with a synaptic current and a value to reset to alone")
    if spikes and layer.reset is None and layer.lowered is None:
        problems.append("it is not reset")
    if layer.lowered is not None and layer.threshold is not None:
        if layer.synapse is not None:
            problems.append("Norse sets v when it spikes where there is a synaptic current, and does not lower it")
        elif np.any(np.abs(layer.lowered - layer.threshold) > NEARLY * layer.threshold):
            problems.append("a spike lowers v by something else than the distance from rest to threshold")
    if layer.synapse is None:
        cell = "LIFBoxCell" if spikes else "LIBoxCell"
        cell = f"{cell}, lowered" if layer.lowered is not None else cell
    else:
        cell = ("LIFRecurrentCell" if layer.recurrent else "LIFCell") if spikes else "LICell"
    return ("" if problems else cell), problems


def _numbers(layer: Layer, cell: str, n_before: int, dt: float) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a layer in its shape, voltages from rest, and the arguments of its convolution."""
    shape = layer.shape
    falls = 1 - layer.decay
    own: dict[str, np.ndarray] = {
        "tau_mem_inv": (falls / dt).reshape(shape),
        "v_leak": np.zeros(()) if cell == "LIFRecurrentCell" else np.zeros(shape),
    }
    if layer.synapse is not None:
        own["tau_syn_inv"] = ((1 - layer.synapse) / dt).reshape(shape)
        # Norse keeps what a step has left of the current, and adds what arrives to that.
        own["current"] = (layer.gain / falls * layer.synapse * layer.current).reshape(shape)
    if layer.threshold is not None:
        own["v_th"] = layer.threshold.reshape(shape)
        own["v_reset"] = (np.zeros(layer.n) if layer.reset is None else layer.reset).reshape(shape)
    gain = layer.gain / falls
    own |= {"v": layer.v.reshape(shape)}
    bias = gain * layer.constant
    given = None if cell == "LIFRecurrentCell" else bias
    own["weight"], convolution = weights(layer.links, n_before, layer.n, gain, given)
    if np.any(bias):
        own["bias"] = bias.reshape(own["weight"].shape[0], -1)[:, 0]
    if layer.recurrent:
        own["recurrent"] = weights(layer.recurrent, layer.n, layer.n, gain)[0]
    return own, convolution
