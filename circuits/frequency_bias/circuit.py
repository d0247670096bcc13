"""A network that tells textures apart, with a choice of what mixes neighbouring pixels before its neurons."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.circuit import AllToAll, Circuit, NeuronModel, Normal, OneToOne, SignalSource, Trainable
from neurosim.circuits.frequency_bias.operators import (
    average_places,
    convolve,
    embed,
    leaky_units,
    map_units,
    mix,
    reading,
)
from neurosim.datasets.textures import texture_images
from neurosim.errors import CircuitError, nearest
from neurosim.units import ms

NAME = "frequency-bias"
INPUT, OUTPUT = "image", "classes"
EMBEDDINGS, READOUTS = ("original", "maximum"), ("average", "place")


def build(
    *,
    mixers: str | Sequence[str] = "maximum",
    embedding: str = "original",
    readout: str = "average",
    size: int = 12,
    channels: int = 16,
    kernel: int = 5,
    classes: int = 8,
    tau: float = 2.0,
    shown: int | None = None,
    seed: int = 0,
) -> Circuit:
    """Build the network: maps of the image, mixed, into leaky neurons, stage by stage, and a reading of the classes.

    Parameters
    ----------
    mixers
        What mixes the pixels of each stage: ``"none"``, ``"average"``, ``"maximum"`` or ``"depthwise"``; several, for
        as many stages, with commas between them or as a sequence.
    embedding
        How a further stage halves the size of the maps: ``"original"`` (a convolution of stride 2) or ``"maximum"`` (a
        convolution, then maximum pooling of stride 2).
    readout
        What the classes are read from: the ``"average"`` over space of each channel, which says what is there and not
        where, or every neuron in its ``"place"``.
    size, channels, kernel, classes
        Pixels of a side, maps of the first stage (twice as many in each further one), pixels of its kernels, neurons
        that are read.
    tau
        Time constant of the neurons in steps.
    shown
        The class of a texture that is seen all the time, in place of the source.
    seed
        Of the weights.

    Returns
    -------
    Circuit
        Source ``image`` of shape (1, size, size), given for as long as it is seen. For stage k: ``maps_k``,
        ``mixed_k``, neurons ``cells_k``; then ``classes``, whose ``v`` adds up what is read, from the last neurons or
        from ``tokens``, their average over space. A stage takes three steps to answer, the reading one or two.
    """
    for what, given, known in (("embedding", embedding, EMBEDDINGS), ("readout", readout, READOUTS)):
        if given not in known:
            raise CircuitError(f"frequency-bias: there is no {what} {given!r}.{nearest(str(given), known)}")
    names = mixers.split(",") if isinstance(mixers, str) else list(mixers)
    circuit = Circuit(NAME, dt=1 * ms, seed=seed)
    if shown is None:
        circuit.source(INPUT, SignalSource((1, size, size), unit="1"))
    else:
        image = texture_images(shown + 1, size=size, noise=0.0, seed=seed).images[shown]
        held = NeuronModel("signal : 1", name="image")  # nothing changes what it starts with
        circuit.population(INPUT, (1, size, size), held, initial={"signal": image.ravel()})
    circuit.population("maps_1", (channels, size, size), map_units())
    convolve(circuit, INPUT, "maps_1", value="signal", size=kernel)
    for stage, mixer in enumerate(names, start=1):
        if stage > 1:
            embed(
                circuit, f"cells_{stage - 1}", f"maps_{stage}", channels * 2 ** (stage - 1),
                pooled=embedding == "maximum",
            )  # fmt: skip
        shape = mix(circuit, mixer, f"maps_{stage}", f"mixed_{stage}")
        circuit.population(f"cells_{stage}", shape, leaky_units(tau))
        circuit.connect(f"mixed_{stage}", f"cells_{stage}", OneToOne(), synapse=reading("i"), weight=1.0)
    last = f"cells_{len(names)}"
    circuit.population(
        OUTPUT, classes, NeuronModel("v : 1\ni : 1\nx : 1", update="v = v + i + x\nx = 0", name="reading")
    )
    if readout == "average":
        average_places(circuit, last, "tokens")
        weight = Trainable(Normal(0.0, 4 / float(circuit.populations["tokens"].n) ** 0.5))
        circuit.connect("tokens", OUTPUT, AllToAll(), synapse=reading("i"), weight=weight)
    else:
        weight = Trainable(Normal(0.0, 1 / float(circuit.populations[last].n) ** 0.5))
        circuit.connect(last, OUTPUT, AllToAll(), receptor="x", weight=weight)
    return circuit
