"""What mixes the pixels of feature maps, as parts of a circuit: maximum and average pooling, depth-wise convolution.

A map is a population of shape (channel, height, width) of units without memory: what reaches a unit in a step, spikes
weighted by a convolution or values read from other units, is its value ``y`` at the end of the next. Every operator
takes maps and adds maps, one step later. Maps hold what neurons will be fed (the paper's "membrane-valued" maps), so
pooling acts before the spikes, as it does there.

References
----------
W. Fang et al.: Spiking neural networks need high-frequency information. NeurIPS 2025, arXiv:2505.18608.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.circuit import Circuit, Convolution, Edges, NeuronModel, Normal, OneToOne, SynapseModel, Trainable
from neurosim.errors import CircuitError, nearest

Shape = tuple[int, int, int]


def map_units() -> NeuronModel:
    """Return units whose value is what reached them: pulses at ``x`` in the last step, and values at ``i``."""
    return NeuronModel("x : 1\ni : 1\ny : 1", update="y = x + i\nx = 0", name="map")


def leaky_units(tau: float = 2.0, threshold: float = 1.0) -> NeuronModel:
    """Return the neurons of the paper's program: ``v += (i - v)/tau``, a spike at the threshold, then 0.

    Parameters
    ----------
    tau
        In steps: what is left of the membrane after a step is ``1 - 1/tau``.
    threshold
        Of the membrane.
    """
    return NeuronModel(
        "v : 1\ni : 1", update="v = v + (i - v)/tau", threshold="v >= v_threshold", reset="v = 0",
        parameters={"tau": tau, "v_threshold": threshold}, name="leaky",
    )  # fmt: skip


def reading(target: str, value: str = "y") -> SynapseModel:
    """Return a synapse that adds a value, by default that of a map, to a variable."""
    return SynapseModel(f"{target}_post = w*{value}_pre : 1 (summed)")


def max_pool(circuit: Circuit, source: str, name: str, *, size: int = 3, stride: int = 1) -> Shape:
    """Add the maximum over windows of maps; return its shape.

    Parameters
    ----------
    circuit, source, name
        Where; which maps; what the new ones are called.
    size, stride
        Of the windows: odd, around every `stride`-th pixel. What lies beyond the edge does not count.
    """
    shape, windows, _ = _windows(_shape(circuit, source), size, stride)
    inputs = [f"x{place}" for place in range(size * size)]
    chain, held = [], inputs[0]
    for place, one in enumerate(inputs[1:], start=1):
        larger = "y" if place == size * size - 1 else f"larger{place}"
        # Exact, and its slope belongs to the larger of the two.
        chain.append(f"{larger} = int({held} >= {one})*{held} + int({held} < {one})*{one}")
        held = larger
    model = NeuronModel(
        "\n".join(f"{one} : 1" for one in [*inputs, "y"]), update="\n".join(chain) or f"y = {held}", name="maximum"
    )
    circuit.population(name, shape, model)
    for place, one in enumerate(inputs):
        edges = Edges(windows[:, place], np.arange(len(windows)))
        circuit.connect(source, name, edges, synapse=reading(one), weight=1.0, name=f"{source}_to_{name}_{place}")
    return shape


def average_pool(circuit: Circuit, source: str, name: str, *, size: int = 3, stride: int = 1) -> Shape:
    """Add the average over windows of maps, of what lies inside; arguments as of :func:`max_pool`."""
    shape, windows, inside = _windows(_shape(circuit, source), size, stride)
    circuit.population(name, shape, map_units())
    target = np.broadcast_to(np.arange(len(windows))[:, None], windows.shape)
    weight = np.broadcast_to(1 / inside.sum(axis=1, keepdims=True), windows.shape)
    edges = Edges(windows[inside], target[inside])
    circuit.connect(source, name, edges, synapse=reading("i"), weight=weight[inside])
    return shape


def pass_on(circuit: Circuit, source: str, name: str) -> Shape:
    """Add maps that hold what others held a step before: no mixing."""
    shape = _shape(circuit, source)
    circuit.population(name, shape, map_units())
    circuit.connect(source, name, OneToOne(), synapse=reading("i"), weight=1.0)
    return shape


def depthwise(circuit: Circuit, source: str, name: str, *, size: int = 3, scale: float = 0.5) -> Shape:
    """Add a depth-wise convolution of the spikes of leaky neurons, and to it the maps themselves.

    Parameters
    ----------
    circuit, source, name
        Where; which maps; what the new ones are called. The neurons are called ``name_cells``.
    size
        Of the kernels, one for each channel, which are trained.
    scale
        Standard deviation of their weights at the start.
    """
    shape = pass_on(circuit, source, name)
    cells = f"{name}_cells"
    circuit.population(cells, shape, leaky_units())
    circuit.connect(source, cells, OneToOne(), synapse=reading("i"), weight=1.0)
    kernel = Convolution(size, padding="same", groups=shape[0])
    circuit.connect(cells, name, kernel, receptor="x", weight=Trainable(Normal(0.0, scale)))
    return shape


#: What can mix the pixels of maps, by name.
MIXERS: MappingProxyType[str, Callable[..., Shape]] = MappingProxyType(
    {"none": pass_on, "average": average_pool, "maximum": max_pool, "depthwise": depthwise}
)


def mix(circuit: Circuit, mixer: str, source: str, name: str, **options: Any) -> Shape:
    """Add maps that mix the pixels of others, by the name of the operator (see :data:`MIXERS`)."""
    if mixer not in MIXERS:
        raise CircuitError(f"there is no mixer {mixer!r}.{nearest(str(mixer), MIXERS)}")
    return MIXERS[mixer](circuit, source, name, **options)


def embed(
    circuit: Circuit,
    source: str,
    name: str,
    channels: int,
    *,
    value: str | None = None,
    pooled: bool = False,
    size: int = 3,
    gain: float = 2.0,
) -> Shape:
    """Add the embedding of patches: a trained convolution, of stride 2 or, `pooled`, followed by maximum pooling.

    Parameters
    ----------
    circuit, source, name
        Where; a population of spiking neurons, maps or an analogue source; what the new maps are called.
    channels
        How many maps.
    value
        The variable that is convolved; spikes by default.
    pooled
        Convolve with stride 1 and take the maximum over 3 x 3 with stride 2 ("Max-Embed"): the same size, and more of
        the high frequencies than a convolution of stride 2 keeps.
    size
        Of the kernels.
    gain
        Standard deviation of a map at the start, relative to that of its input if pixels are independent.
    """
    shape = _shape(circuit, source)
    stride = 1 if pooled else 2
    height, width = ((length + stride - 1) // stride for length in shape[1:])
    wide = f"{name}_wide" if pooled else name
    circuit.population(wide, (channels, height, width), map_units())
    convolve(circuit, source, wide, value=value, size=size, stride=stride, gain=gain)
    return max_pool(circuit, wide, name, stride=2) if pooled else (channels, height, width)


def convolve(
    circuit: Circuit,
    source: str,
    name: str,
    *,
    value: str | None = None,
    size: int = 3,
    stride: int = 1,
    gain: float = 2.0,
) -> None:
    """Connect a trained convolution to maps; arguments as of :func:`embed`."""
    kernel = Convolution(size, padding=size // 2, stride=stride)
    spread = gain / float(np.sqrt(size * size * _shape(circuit, source)[0]))
    weight = Trainable(Normal(0.0, spread))
    if value is None:
        circuit.connect(source, name, kernel, receptor="x", weight=weight)
    else:
        circuit.connect(source, name, kernel, synapse=reading("i", value), weight=weight)


def average_places(circuit: Circuit, source: str, name: str) -> None:
    """Add a unit for each channel of spiking neurons, whose value is the part of them that fired."""
    channels, height, width = _shape(circuit, source)
    circuit.population(name, channels, map_units())
    neurons = np.arange(channels * height * width)
    edges = Edges(neurons, neurons // (height * width))
    circuit.connect(source, name, edges, receptor="x", weight=1 / (height * width))


def _shape(circuit: Circuit, name: str) -> Shape:
    """Return the shape of maps."""
    if name not in circuit.populations:
        raise CircuitError(f"circuit {circuit.name!r} has no population {name!r}.{nearest(name, circuit.populations)}")
    shape = circuit.populations[name].shape
    if len(shape) != 3:
        raise CircuitError(f"{name!r} must be of shape (channel, height, width), got {shape}.")
    return shape[0], shape[1], shape[2]


def _windows(shape: Shape, size: int, stride: int) -> tuple[Shape, np.ndarray, np.ndarray]:
    """Return the new shape, the neurons in each window, and which of them count, both (neuron, place)."""
    if size < 1 or size % 2 == 0 or stride < 1:
        raise CircuitError(f"pooling: size ({size}) must be odd and stride ({stride}) positive.")
    channels, height, width = shape
    offsets = np.arange(size) - size // 2
    centres = np.meshgrid(np.arange(0, height, stride), np.arange(0, width, stride), indexing="ij")
    rows = centres[0].reshape(-1, 1) + np.repeat(offsets, size)
    columns = centres[1].reshape(-1, 1) + np.tile(offsets, size)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    # A place beyond the edge is the centre once more, which changes no maximum.
    middle = centres[0].reshape(-1, 1) * width + centres[1].reshape(-1, 1)
    pixels = np.where(inside, rows * width + columns, middle)
    windows = (np.arange(channels)[:, None, None] * (height * width) + pixels).reshape(-1, size * size)
    return (channels, *centres[0].shape), windows, np.tile(inside, (channels, 1))
