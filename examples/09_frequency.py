"""Which frequencies three layers of spiking neurons pass, over time; and what pooling leaves of maps, over space.

Noise drives the first of three layers of leaky neurons. Its own membrane passes 8 Hz; the layer passes several times
as much, as theory says, and each further layer loses more of the input: coherence tells, gain alone does not. Brian2
and torch measure the same. Beside it, maps of noise pass through maximum and average pooling.

Run it: ``python examples/09_frequency.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.analysis import frequency as fr
from neurosim.circuits.frequency_bias import operators
from neurosim.units import ms, second

DECAY = float(np.exp(-1 / 20))  # of a membrane of 20 ms, in a step of 1 ms
MEAN, NOISE = 0.8, 0.4
LAYERS = ("first", "second", "third")


def layered(neurons: int = 300) -> ns.Circuit:
    """Return three layers of noisy neurons; each neuron is fed by all of the layer before."""
    cell = ns.NeuronModel(
        "v : 1\nfed : 1\ni_ext : 1",
        update="v = decay*v + (1 - decay)*(i_ext + mean) + fed + spread*randn()\nfed = 0",
        threshold="v > 1",
        reset="v = 0",
        parameters={"decay": DECAY, "mean": MEAN, "spread": NOISE * float(np.sqrt((1 - DECAY**2) / 2))},
    )
    circuit = ns.Circuit("layers", dt=1 * ms)
    for layer in LAYERS:
        # What arrives from a layer raises the mean; the constant is lower there, so that all fire alike.
        mean = MEAN if layer == "first" else MEAN - 0.3
        circuit.population(layer, neurons, cell, parameters={"mean": mean}, initial={"v": ns.Uniform(0, 1)})
    circuit.inject("drive", "first", "i_ext")
    for before, after in pairwise(LAYERS):
        weight = 0.3 / (0.0147 * neurons) * (1 - DECAY)
        circuit.connect(before, after, ns.AllToAll(), receptor="fed", weight=weight)
    return circuit


def pooled() -> dict[str, fr.SpatialSpectrum]:
    """Return the spectra of maps of noise behind each way of pooling."""
    circuit = ns.Circuit("pooling", dt=1 * ms)
    circuit.population("none", (16, 32, 32), operators.map_units())
    circuit.inject("fed", "none", "i")
    operators.max_pool(circuit, "none", "maximum")
    operators.average_pool(circuit, "none", "average")
    noise = np.random.default_rng(1).normal(size=(1, 16 * 32 * 32)).repeat(2, axis=0)
    names = ("none", "maximum", "average")
    run = ns.simulate(circuit, 2 * ms, inputs={"fed": noise}, record={name: "y" for name in names})
    return {name: fr.spatial_spectrum(run[name]["y"].values[0, -1].reshape(16, 32, 32)) for name in names}


def main(figure: Path) -> None:
    """Measure, print, draw."""
    circuit, places = layered(), [f"{layer}.spikes" for layer in LAYERS]
    noise = fr.broadband(8 * second, 1 * ms, lead=0.4 * second, seed=1)
    found = {
        backend: fr.measure_response(
            circuit, "drive", noise, 0.3, places, after=20 * ms, segment=0.4 * second, backend=backend
        )
        for backend in ("brian2", "snntorch")
    }
    layers = found["brian2"]
    print(fr.through_depth(layers, low=(2.5, 7.5), high=(60, 120)))
    cut = layers["first.spikes"].cut_off((2, 8))
    print(f"the membrane passes {fr.leaky_cut_off(20 * ms):.0f} Hz, the layer {cut:.0f} Hz")
    same = all(np.array_equal(layers[name].response, found["snntorch"][name].response) for name in layers)
    print(f"the same on both backends: {same}")
    spectra = pooled()
    for name, spectrum in spectra.items():
        print(f"pooling {name}: {spectrum.high_frequency_ratio:.2f} of the power over space is high")

    drawn, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    first = layers["first.spikes"]
    frequency = np.geomspace(first.frequency[0], first.frequency[-1], 40)
    theory = fr.leaky_fire_response(frequency, mu=MEAN, sigma=NOISE, tau=20 * ms, dt=1 * ms)
    fr.plot_gain(first, relative=True, ax=axes[0], label="first layer")
    axes[0].plot(frequency, np.abs(theory) / abs(theory[0]), color="0.2", ls="--", label="theory")
    alone = np.abs(fr.leaky_response(first.frequency, 20 * ms))
    axes[0].plot(first.frequency, alone / alone[0], color="0.6", ls=":", label="membrane alone")
    axes[0].set_title("a layer passes more than its membrane")
    for layer in LAYERS:
        fr.plot_coherence(layers[f"{layer}.spikes"], ax=axes[1], label=f"{layer} layer")
    axes[1].set_title("each layer loses some of the input")
    for name, spectrum in spectra.items():
        fr.plot_spatial(spectrum, ax=axes[2], label=f"pooling: {name}")
    axes[2].set_title("pooling of maps")
    for one in axes:
        one.legend(frameon=False, fontsize="small")
        one.spines[["top", "right"]].set_visible(False)
    drawn.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "09_frequency.png")
