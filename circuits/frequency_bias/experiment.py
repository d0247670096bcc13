"""The experiment: whether what mixes pixels, and not the spikes alone, decides which frequencies a network can use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis.frequency import Response, leaky_fire_response, leaky_response
from neurosim.backends.compile import simulate
from neurosim.circuit import Circuit, NeuronModel
from neurosim.circuits.frequency_bias.circuit import NAME
from neurosim.circuits.frequency_bias.learning import answers
from neurosim.circuits.frequency_bias.study import (
    DigitStudy,
    Outcome,
    Study,
    mean_accuracy,
    mean_part,
    mean_ratio,
    outcome,
)
from neurosim.experiments import Measured, Reproduction, Row, Skipped
from neurosim.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Per cent on CIFAR-100 with each mixer of tokens, in the paper: maximum pooling in the embeddings of stages 2 and 3.
PUBLISHED = {"none": 80.46, "average": 77.61, "maximum": 79.78}
#: The same with no maximum pooling in any embedding.
PUBLISHED_ORIGINAL = {"average": 76.73, "maximum": 79.12}
#: Hertz, of the three sines of the paper's figure about time.
SINES = (100, 200, 300)
#: Images that are shown to both backends.
BOTH = 16


def three_sines(backend: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the amplitudes at the three sines' frequencies, by the first, in the spikes and in the next membrane.

    A neuron with beta 0.5 and threshold 0.25, reset by subtraction, at 1 kHz; the next membrane has the same beta.
    """
    steps = np.arange(1000)
    course = np.sum([np.sin(2 * np.pi * frequency * steps * 1e-3) for frequency in SINES], axis=0) / 3
    model = NeuronModel(
        "v : 1\ni : 1", update="v = 0.5*v + 0.5*i", threshold="v >= 0.25", reset="v -= 0.25", name="subtracting"
    )
    circuit = Circuit("three sines", dt=1 * ms)
    circuit.population("cells", 1, model)
    circuit.inject("drive", "cells", "i")
    run = simulate(circuit, 1000 * ms, backend=backend, inputs={"drive": course[:, None]}, **options)
    spikes = run.spikes["cells"].to_dense(1e-3, 1000)[:, 0].T.astype(np.float64)
    behind = Response(spikes, 1e-3, "cells.spikes", "1", "spikes").filtered(1e-3 / np.log(2))
    return _relative(spikes[0]), _relative(behind.values[0])


def _relative(course: np.ndarray) -> np.ndarray:
    amplitude = np.abs(np.fft.rfft(course))[list(SINES)]
    return np.asarray(amplitude / amplitude[0])


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any], data: bool = False) -> Reproduction:
    """Run the experiment: time, then space with networks of one stage (and, unless `quick`, of two), trained alike.

    `quick` trains three small networks, with one seed; otherwise there are twice as many images, three seeds, the
    depth-wise mixer, and both embeddings. `data` adds handwritten digits.
    """
    textures = Study() if quick else Study(training=640, test=320, batch=32)
    seeds = range(1) if quick else range(3)

    def trained(mixers: str, embedding: str = "original", study: Study = textures) -> list[Outcome]:
        return [
            outcome(study, mixers, embedding=embedding, seed=seed, backend=backend, options=options) for seed in seeds
        ]

    found = {mixer: trained(mixer) for mixer in PUBLISHED}
    rows, measured = _of_time(backend, options)
    rows += _of_space(found)
    rows.append(_of_backends(found["maximum"][0], textures))
    measured += [_said(f"textures, mixer {mixer}", networks) for mixer, networks in found.items()]
    if not quick:
        measured.append(_said("textures, mixer depthwise", trained("depthwise")))
        for embedding in ("original", "maximum"):
            measured.append(_said(f"textures, two stages, embedding {embedding}", trained("none,none", embedding)))
    skipped = []
    if data:
        digits = DigitStudy()
        measured += [
            _said(f"digits, mixer {mixer}", trained(mixer, study=digits)) for mixer in (*PUBLISHED, "depthwise")
        ]
    else:
        skipped.append(Skipped("the mixers on handwritten digits", "--data, and scikit-learn, which brings them"))
    cifar = Skipped(
        "accuracies on CIFAR-10, CIFAR-100, ImageNet, CIFAR10-DVS and DVS128 Gesture",
        "those data and hundreds of hours on a GPU; here the same operators tell textures apart",
    )

    def draw() -> Figure:
        from neurosim.circuits.frequency_bias.figure import figure

        return figure({mixer: networks[0] for mixer, networks in found.items()})

    return Reproduction(NAME, tuple(rows), (*skipped, cifar), draw, tuple(measured))


def _of_time(backend: str, options: Mapping[str, Any]) -> tuple[list[Row], list[Measured]]:
    spikes, behind = three_sines(backend, options)
    gains = [abs(complex(leaky_fire_response(f, mu=0.8, sigma=0.4, tau=20 * ms))) for f in (1.0, 100.0)]
    alone = [abs(complex(leaky_response(f, 20 * ms))) for f in (1.0, 100.0)]
    rows = [
        Row("temporal: sines of 100, 200, 300 Hz into a neuron: its raw spikes are", "all-pass",
            "all-pass" if np.all(np.abs(spikes - 1) < 0.1) else "not all-pass"),
        Row("temporal: and what the next membrane makes of them is", "low-pass",
            "low-pass" if 0.8 > behind[1] > behind[2] else "not low-pass"),
    ]  # fmt: skip
    measured = [
        Measured("temporal: the three sines in the next membrane", ", ".join(f"{value:.3f}" for value in behind)),
        Measured(
            "temporal: gain at 100 Hz by that at 1 Hz, time constant 20 ms",
            f"{gains[1] / gains[0]:.2f} of a population that fires in white noise, "
            f"{alone[1] / alone[0]:.2f} of the membrane alone, from which the paper argues (closed forms)",
        ),
    ]
    return rows, measured


def _of_space(found: Mapping[str, Sequence[Outcome]]) -> list[Row]:
    accuracy = {mixer: mean_accuracy(networks) for mixer, networks in found.items()}
    ratio = {mixer: mean_ratio(networks, "mixed_1") for mixer, networks in found.items()}
    kept = {part: mean_part(found["average"], part) for part in found["average"][0].parts}

    def order(values: Mapping[str, float], names: Sequence[str]) -> str:
        return " > ".join(sorted(names, key=lambda name: -values[name]))

    def published(values: Mapping[str, float]) -> str:
        return f"(CIFAR-100: {', '.join(f'{mixer} {value} %' for mixer, value in values.items())})"

    pooled = ("maximum", "average")
    return [
        Row(f"spatial: accuracy by mixer {published(PUBLISHED_ORIGINAL)}", order(PUBLISHED_ORIGINAL, pooled),
            order(accuracy, pooled)),
        Row(f"spatial: better without a mixer than with the average {published(PUBLISHED)}",
            order(PUBLISHED, ("none", "average")), order(accuracy, ("none", "average"))),
        Row("spatial: high frequencies left in the maps by", order({"maximum": 1.0, "average": 0.0}, pooled),
            order(ratio, pooled)),
        Row("spatial: textures that the average makes a network fail at, are of", "high frequency",
            min(kept, key=lambda part: kept[part])),
    ]  # fmt: skip


def _of_backends(network: Outcome, study: Study) -> Row:
    images = study.images(0)[1][0][:BOTH]
    same = answers(network.circuit, images, backend="brian2") == answers(network.circuit, images, backend="snntorch")
    return Row(f"trained network: answers of {BOTH} that torch and Brian2 share", BOTH, int(same.sum()))


def _said(what: str, networks: Sequence[Outcome]) -> Measured:
    each = [100 * one.accuracy for one in networks]
    seeds = "" if len(each) == 1 else f" ({', '.join(f'{value:.1f}' for value in each)})"
    parts = "".join(f", of {part} {100 * mean_part(networks, part):.1f} %" for part in networks[0].parts)
    ratios = ", ".join(f"{name} {mean_ratio(networks, name):.2f}" for name in networks[0].spectra)
    return Measured(
        f"spatial: {what}", f"{np.mean(each):.1f} % right{seeds}{parts}; high-frequency ratio of its maps: {ratios}"
    )
