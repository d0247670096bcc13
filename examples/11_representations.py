"""What a layer of neurons represents, what the next one keeps of it, and a neuron that changes with a hidden state.

Four animals, which differ in their wiring, see twelve orientations ten times each. Their second layers are compared
with what a circle and a line would predict, up to the noise ceiling; the two layers of one animal with each other, by
as many neurons as an experiment might record. Then a neuron answers to a stimulus in one state and ignores it in
another, and a GLM-HMM finds out when, from stimulus and spikes.

Run it: ``python examples/11_representations.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.analysis import Features, features
from neurosim.analysis import representation as rep
from neurosim.units import Mohm, ms, mV, nA

ORIENTATIONS = np.arange(12) * np.pi / 12
REPEATS, SHOWN = 10, 50 * ms
NUMBER = REPEATS * ORIENTATIONS.size


def cell() -> ns.NeuronModel:
    """Return a leaky integrate-and-fire neuron with one kind of receptor."""
    return ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV, tau_ref=2 * ms,
        receptors={"ampa": 5 * ms},
    )  # fmt: skip


def see(animal: int) -> tuple[Features, Features]:
    """Return what both layers of an animal do at each orientation, (stimulus, neuron), labelled."""
    circuit = ns.Circuit("animal", dt=1 * ms, seed=animal)
    circuit.population("tuned", 60, cell(), initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("mixed", 80, cell(), initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.inject("stimulus", "tuned", "i_ext")
    circuit.connect("tuned", "mixed", ns.FixedProbability(0.2), receptor="ampa", weight=0.11 * nA, delay=1 * ms)
    draw = np.random.default_rng(animal)
    preferred, sharpness = draw.random(60) * np.pi, 1 + 2 * draw.random(60)
    tuned = np.exp(sharpness * (np.cos(2 * (ORIENTATIONS[:, None] - preferred)) - 1))
    drive = 0.06 + 0.14 * np.tile(tuned, (REPEATS, 1)) + 0.04 * draw.normal(size=(NUMBER, 60))
    recording = ns.simulate(
        circuit,
        NUMBER * SHOWN,
        inputs={"stimulus": ns.Signal(drive * nA, every=SHOWN)},
        record={"tuned": "spikes", "mixed": "spikes"},
    )
    labels = np.tile(np.rad2deg(ORIENTATIONS), REPEATS)
    first, second = (features(features(recording, name, bin=SHOWN), labels=labels) for name in ("tuned", "mixed"))
    return first, second


def change_its_mind() -> tuple[np.ndarray, np.ndarray]:
    """Return the posterior of the states of a neuron, (bin, state), and the states."""
    truth = rep.GLMHMM([0.5, 0.5], [[0.97, 0.03], [0.03, 0.97]], np.zeros((2, 1)))
    stimulus = np.random.default_rng(5).normal(size=600)
    _, states = truth.simulate(np.ones((600, 1)), seed=6)
    circuit = ns.Circuit("moody", dt=1 * ms)
    circuit.population("cell", 1, cell())
    circuit.inject("drive", "cell", "i_ext")
    drive = np.where(states == 0, 0.14 + 0.06 * stimulus, 0.125)[:, None]
    recording = ns.simulate(
        circuit, 600 * SHOWN, inputs={"drive": ns.Signal(drive * nA, every=SHOWN)}, record={"cell": "spikes"}
    )
    counts = features(recording, bin=SHOWN).values[:, 0]
    inputs = np.column_stack([stimulus, np.ones(600)])
    model = rep.fit_glm_hmm(inputs, counts, 2, family="poisson")
    posterior = model.posterior(inputs, counts)
    right = float(np.mean(posterior.argmax(1) == states))
    print(
        f"GLM-HMM: the stimulus weighs {model.weights[0, 0]:.1f} and {model.weights[1, 0]:.1f}, {right:.0%} of states"
    )
    return posterior, states


def main(figure: Path) -> None:
    """Compare, print, draw."""
    animals = [see(animal) for animal in range(1, 5)]
    first, second = animals[0]
    print(rep.similarity_report(first.means(), second.means(), ["debiased cka", "rsa"]))
    told = rep.decode(second, groups=np.repeat(np.arange(REPEATS), ORIENTATIONS.size))
    print(f"orientation, from the second layer: {told.accuracy:.0%} right, by chance {told.chance:.0%}")
    angle = 2 * ORIENTATIONS
    models = {
        "circle": rep.rdm(np.stack([np.cos(angle), np.sin(angle)], axis=1)),
        "line": rep.rdm(ORIENTATIONS[:, None]),
        "unrelated": rep.rdm(np.random.default_rng(0).normal(size=(12, 2))),
    }
    subjects = np.stack([rep.rdm(mixed.means(), "correlation") for _, mixed in animals])
    found = rep.compare_models(models, subjects, "spearman", resamples=500)
    print(found)
    print(f"a circle fits best: {found.mean.argmax() == 0}")
    sampled = rep.subsampling_report(first, second, [5, 10, 20, 40, 60], [12, 40, 120], side="both", repeats=10)
    posterior, states = change_its_mind()

    _, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    order = [f"{label:.0f}°" for label in second.means().labels]
    rep.plot_rdm(subjects.mean(0), order, ax=axes[0, 0]).set_title("second layer, mean of four animals")
    rep.plot_models(found, ax=axes[0, 1])
    rep.plot_subsampling(sampled, ax=axes[1, 0]).set_ylabel("debiased CKA of the two layers")
    rep.plot_states(posterior[:300], ax=axes[1, 1]).set_xlabel("bin of 50 ms (line: the true state)")
    axes[1, 1].plot(states[:300] == 0, color="k", lw=1)
    for panel in axes.flat[1:]:
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "11_representations.png")
