"""What a network of snnTorch layers is made from: a plan, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.interop.layer_steps import Layer
from neurosim.interop.layers import Layers
from neurosim.interop.links import Link


def plan_of(layers: Layers) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Return a plan for :func:`~neurosim.interop.snntorch_layers.network.build`, and the arrays.

    Notes
    -----
    ``Leaky`` computes ``v = beta*v + input`` and ``Synaptic`` ``i = alpha*i + input; v = beta*v + i``, with no gain of
    the input (snntorch 1.0, ``_neurons/leaky.py``, ``synaptic.py``): here the gain is in the weights. Resetting to rest
    is left to them (``reset_mechanism="zero"``, ``reset_delay=False``). Lowering by the threshold is not, because they
    look at the threshold again before the next step and lower twice where v is still above it; nor is what rests above
    its threshold, driven by a constant current.
    """
    plan = []
    arrays: dict[str, np.ndarray] = {}
    n_before = int(np.prod(layers.shape))
    for layer in layers.layers:
        own, convolution = numbers_of(layer, n_before)
        low = layer.threshold is None or bool(np.all(layer.threshold > 0))
        zero = layer.reset is not None and not np.any(layer.reset) and low
        if zero:
            del own["reset"]
        arrays |= {f"{layer.name}.{key}": value for key, value in own.items()}
        plan.append({
            "name": layer.name, "shape": list(layer.shape), "neuron": "Leaky" if layer.synapse is None else "Synaptic",
            "reset": "zero" if zero else "none", "spiking": layer.threshold is not None,
            "loses_arrivals": layer.loses_arrivals, "inclusive": layer.inclusive, "weight": convolution,
        })  # fmt: skip
        n_before = layer.n
    return plan, arrays


def numbers_of(layer: Layer, n_before: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a layer in its shape, and the arguments of its convolution (empty for a matrix)."""
    shape = layer.shape
    own = {
        "beta": layer.decay.reshape(shape), "rest": layer.rest.reshape(shape), "v": layer.v.reshape(shape),
        "threshold": np.full(shape, np.inf) if layer.threshold is None else layer.threshold.reshape(shape),
    }  # fmt: skip
    if layer.synapse is not None:
        own |= {"alpha": layer.synapse.reshape(shape), "current": (layer.gain * layer.current).reshape(shape)}
    for name, value in (("reset", layer.reset), ("lowered", layer.lowered)):
        if value is not None:
            own[name] = value.reshape(shape)
    bias = layer.gain * layer.constant
    own["weight"], convolution = weights(layer.links, n_before, layer.n, layer.gain, bias)
    if np.any(bias):
        own["bias"] = bias.reshape(own["weight"].shape[0], -1)[:, 0]
    if layer.recurrent:
        own["recurrent"] = weights(layer.recurrent, layer.n, layer.n, layer.gain)[0]
    return own, convolution


def weights(
    links: Sequence[Link], n_pre: int, n_post: int, gain: np.ndarray, bias: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the weights of some links with the gain of their target, and the arguments of a convolution.

    Parameters
    ----------
    links
        Between the same two populations.
    n_pre, n_post
        Numbers of neurons.
    gain
        (post,).
    bias
        What is added, (post,); ``None`` where it must be a matrix (post, pre) in any case.
    """
    first = links[0]
    if len(links) == 1 and bias is not None and first.kernel is not None and first.sliding is not None:
        sliding = first.sliding
        per_channel, added = (value.reshape(sliding.post[0], -1) for value in (gain, bias))
        even = np.all(per_channel == per_channel[:, :1]) and np.all(added == added[:, :1])
        if even and all(before == after for before, after in sliding.padding):
            factor = per_channel[:, 0].reshape(-1, *[1] * (first.kernel.ndim - 1))
            arguments = {
                "stride": list(sliding.stride), "padding": [before for before, _ in sliding.padding],
                "dilation": list(sliding.dilation), "groups": sliding.groups,
            }  # fmt: skip
            return first.kernel * factor, arguments
    return gain[:, None] * sum(link.matrix(n_pre, n_post) for link in links), {}
