"""How many numbers of a network are trained, the published networks, and networks of equal size without delays.

References
----------
I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670. Sizes as in the configurations of the authors'
repository ``Thvnvtos/SNN-delays``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from neurosim.errors import CircuitError, nearest

#: What becomes of the delays: learned with the weights, drawn once and kept, or none at all.
DELAYS = ("learned", "random", "none")


@dataclass(frozen=True)
class Size:
    """The size of a network.

    Parameters
    ----------
    inputs, hidden, outputs
        Neurons of each layer.
    kernels
        Synapses from one neuron to another, each with a weight and a delay of its own.
    delays
        One of :data:`DELAYS`.
    batch_norm
        Whether what arrives at a hidden neuron is normalised, which trains two numbers for each.

    Examples
    --------
    >>> Size(140, (256, 256), 20).trained
    214016
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    kernels: int = 1
    delays: str = "learned"
    batch_norm: bool = True

    @property
    def layers(self) -> tuple[int, ...]:
        """Neurons from the input to the output."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def synapses(self) -> int:
        """Number of synapses, which is that of the weights."""
        return self.kernels * sum(pre * post for pre, post in pairwise(self.layers))

    @property
    def trained(self) -> int:
        """How many numbers training may change: weights, delays where they are learned, and of batch norm."""
        of_synapses = self.synapses * (2 if self.delays == "learned" else 1)
        return of_synapses + (2 * sum(self.hidden) if self.batch_norm else 0)


#: The published networks, by data set, number of hidden layers and kernels.
PUBLISHED: Mapping[str, tuple[Size, int]] = {
    "SHD, 2 layers of 256": (Size(140, (256, 256), 20), 214_016),
    "SSC, 2 layers of 512": (Size(140, (512, 512), 35), 705_536),
    "SSC, 2 layers of 512, 2 kernels": (Size(140, (512, 512), 35, kernels=2), 1_409_024),
    "SSC, 3 layers of 512": (Size(140, (512, 512, 512), 35), 1_230_848),
    "SSC, 3 layers of 512, 2 kernels": (Size(140, (512, 512, 512), 35, kernels=2), 2_458_624),
}


def of_equal_size(size: Size, delays: str) -> Size:
    """Return the network with other delays whose hidden layers are such that it trains as many numbers, or nearly.

    Parameters
    ----------
    size
        What it is compared with; its hidden layers must be equal.
    delays
        One of :data:`DELAYS`.

    Raises
    ------
    CircuitError
        If the hidden layers differ in size.

    Examples
    --------
    >>> of_equal_size(Size(140, (256, 256), 20), "none")
    Size(inputs=140, hidden=(388, 388), outputs=20, kernels=1, delays='none', batch_norm=True)
    """
    if len(set(size.hidden)) != 1:
        raise CircuitError(f"networks of equal size are found where hidden layers are alike, got {size.hidden}.")
    return min(_wider(size, delays), key=lambda other: abs(other.trained - size.trained))


def _wider(size: Size, delays: str) -> Iterator[Size]:
    """Yield networks from one neuron in each hidden layer on, to the first that trains more."""
    width = 0
    while True:
        width += 1
        other = Size(size.inputs, (width,) * len(size.hidden), size.outputs, size.kernels, delays, size.batch_norm)
        yield other
        if other.trained > size.trained:
            return


def checked_delays(delays: str, where: str) -> str:
    """Return one of :data:`DELAYS`.

    Raises
    ------
    CircuitError
        If it is none.
    """
    if delays not in DELAYS:
        raise CircuitError(f"{where}: delays={delays!r} is unknown.{nearest(str(delays), DELAYS)}")
    return delays
