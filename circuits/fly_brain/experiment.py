"""Published numbers of the fly's brain beside ours; without its wiring, what one neuron and the drive can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends import simulate
from neurosim.circuit import Circuit, OneToOne, SpikeSource
from neurosim.circuits.fly_brain.circuit import MN9, NAME, POPULATION, SUGAR, build, neuron
from neurosim.circuits.fly_brain.drawn import SENSORY
from neurosim.datasets.fly_wiring import FlyWiring, load_fly_wiring
from neurosim.experiments import Measured, Reproduction, Row, Skipped
from neurosim.recording import SpikeTrains
from neurosim.units import Hz, ms, mV, second
from neurosim.verification import verify

#: Weight of a synapse, its delay and the time step, as in :func:`build`.
_SYNAPSE, _DELAY, _STEP = 0.275 * mV, 1.8 * ms, 1e-4
#: When a neuron at rest first fires after a volley of so many synapses (ms; 0: it does not).
VOLLEYS = {161: 0.0, 162: 10.4, 163: 9.9, 200: 6.1, 400: 3.4}
#: Spikes in a second, and the first of them (ms), by synapses and rate of periodic volleys (Hz).
PERIODIC = {(50, 100): (11, 84.8), (60, 100): (25, 35.4), (100, 100): (50, 14.9), (40, 200): (33, 24.7)}
#: Scale of the small drawn graph.
SMALL = 0.02


@dataclass(frozen=True)
class Published:
    """What a second of the published example holds: means over 30 trials, and standard deviations between them.

    Parameters
    ----------
    spikes, neurons, motor
        Of all neurons; how many of them spike; of the motor neuron :data:`MN9`.
    driven
        Rate of the driven neurons, Hz.
    """

    spikes: tuple[float, float]
    neurons: tuple[float, float]
    motor: tuple[float, float]
    driven: float


#: By rate of the kicks, Hz: from the spikes that the authors publish (results/example of their repository).
PUBLISHED = {
    200: Published((17052.2, 215.3), (402.6, 7.48), (93.27, 3.20), 196.8),
    100: Published((9635.8, 413.5), (354.3, 8.03), (67.03, 6.71), 98.98),
}


def answers(
    volleys: Sequence[tuple[float, Sequence[float]]], milliseconds: float, *, backend: str, options: Mapping[str, Any]
) -> list[NDArray[np.float64]]:
    """Return when resting neurons fire if volleys are sent to them.

    Parameters
    ----------
    volleys
        For each neuron: how many synapses a volley has, and when they are sent (ms).
    milliseconds
        To simulate.
    backend, options
        As for ``neurosim.simulate``.

    Returns
    -------
    list of numpy.ndarray, shape (spike,)
        Times for each neuron, ms.
    """
    count = len(volleys)
    weights = np.array([synapses for synapses, _ in volleys], dtype=np.float64)
    circuit = Circuit("fly-neurons", dt=_STEP * second)
    circuit.source("volleys", SpikeSource(count))
    circuit.population("cells", count, neuron())
    circuit.connect("volleys", "cells", OneToOne(), receptor="synapse", weight=weights * _SYNAPSE, delay=_DELAY)
    sent = np.concatenate([np.asarray(times, dtype=np.float64) for _, times in volleys]) * 1e-3
    to = np.repeat(np.arange(count), [len(times) for _, times in volleys])
    trains = SpikeTrains(sent, to, count, duration=milliseconds * 1e-3)
    recording = simulate(circuit, milliseconds * ms, backend=backend, inputs={"volleys": trains}, **options)
    fired = recording.spikes["cells"]
    times = np.round(fired.to_steps(_STEP) * (_STEP * 1e3), 1)
    return [times[fired.neurons == one] for one in range(count)]


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any], data: bool = False) -> Reproduction:
    """Compare one neuron with Brian2 on the published equations, and with `data` the brain with the published spikes.

    Parameters
    ----------
    quick
        Two trials of the brain instead of thirty, half a second of the drawn graph, and none of the whole of it.
    backend, options
        What runs the circuits.
    data
        Run the brain on the wiring of FlyWire 630, whose files must be in the cache
        (:func:`neurosim.datasets.load_fly_wiring` says how to get them).
    """
    rows = [*_one_neuron(backend, options), *_drawn(0.5 if quick else 2.0, backend, options)]
    if data:
        wiring = load_fly_wiring("630")
        for rate in PUBLISHED:
            rows += brain(wiring, rate, 2 if quick else 30, backend=backend, options=options)
        return Reproduction(NAME, tuple(rows))
    missing = Skipped(
        "spikes, active neurons and the motor neuron MN9 in a second of sugar, 200 and 100 Hz",
        "the wiring: --data, with the files of FlyWire 630 in the cache (neurosim.datasets.load_fly_wiring says how)",
    )
    return Reproduction(NAME, tuple(rows), (missing,), measured=() if quick else (_whole(backend, options),))


def brain(wiring: FlyWiring, rate: int, trials: int, *, backend: str, options: Mapping[str, Any]) -> list[Row]:
    """Return published numbers beside those of trials of a second, agreeing within two deviations between trials."""
    circuit, published = build(wiring=wiring, rate=rate * Hz), PUBLISHED[rate]
    record = {POPULATION: "spikes"}
    trains = simulate(circuit, 1 * second, backend=backend, record=record, trials=trials, seed=1, **options).spikes[
        POPULATION
    ]
    driven, motor = wiring.places(SUGAR), int(wiring.places([MN9])[0])
    active = [np.unique(trains.neurons[trains.trials == trial]).size for trial in range(trials)]
    kicked = float(np.isin(trains.neurons, driven).sum() / len(driven) / trials)
    return [
        _within(f"spikes in a second, sugar at {rate} Hz", published.spikes, len(trains) / trials),
        _within(f"neurons that spike in a second, sugar at {rate} Hz", published.neurons, float(np.mean(active))),
        _within(
            f"rate of the motor neuron MN9 (Hz), sugar at {rate} Hz", published.motor,
            float((trains.neurons == motor).sum() / trials),
        ),
        _kicked(rate, kicked, trials * 1.0),
    ]  # fmt: skip


def _within(what: str, published: tuple[float, float], obtained: float) -> Row:
    return Row(what, published[0], round(obtained, 2), 2 * published[1])


def _kicked(rate: int, obtained: float, seconds: float) -> Row:
    """Return the rate of driven neurons, within three standard deviations of counts of independent kicks."""
    published = PUBLISHED[rate].driven
    deviation = float(np.sqrt(published / (SENSORY * seconds)))
    return Row(f"rate of the 21 driven neurons (Hz), kicks at {rate} Hz", published, round(obtained, 2), 3 * deviation)


def _one_neuron(backend: str, options: Mapping[str, Any]) -> list[Row]:
    """Return what Brian2 2.9 gives on the published equations, run by itself, beside what comes out here."""
    rows, late = [], {1.5: 1, 2.3: 2}  # by how long after a spike the second volley arrives, ms
    sent: list[tuple[float, Sequence[float]]] = [(synapses, [0.0]) for synapses in VOLLEYS]
    sent += [(synapses, [place * 1e3 / rate for place in range(rate)]) for synapses, rate in PERIODIC]
    sent += [(400, [0.0, VOLLEYS[400] + after - 1.8]) for after in late]
    found = answers(sent, 1000, backend=backend, options=options)
    firsts = [float(times[0]) if times.size else 0.0 for times in found]
    for (synapses, expected), first in zip(VOLLEYS.items(), firsts, strict=False):
        rows.append(Row(f"one volley of {synapses} synapses: first spike (ms, 0: none)", expected, first))
    for place, ((synapses, rate), (count, expected)) in enumerate(PERIODIC.items(), len(VOLLEYS)):
        what = f"{synapses} synapses {rate} times a second"
        rows.append(Row(f"{what}: spikes in a second", count, len(found[place])))
        rows.append(Row(f"{what}: first spike (ms)", expected, firsts[place]))
    for place, (after, count) in enumerate(late.items(), len(VOLLEYS) + len(PERIODIC)):
        what = f"a volley of 400 that arrives {after} ms after a spike (2.2 ms refractory): spikes"
        rows.append(Row(what, count, len(found[place])))
    return rows


def _drawn(seconds: float, backend: str, options: Mapping[str, Any]) -> list[Row]:
    """Return what a small drawn graph can show: how kicks drive, and that both backends agree."""
    circuit = build(wiring="drawn", scale=SMALL)
    record = {POPULATION: "spikes"}
    trains = simulate(circuit, seconds * second, backend=backend, record=record, seed=1, **options).spikes[POPULATION]
    obtained = float((trains.neurons < SENSORY).sum() / SENSORY / seconds)
    report = verify(circuit, 20 * ms)
    said = "identical" if report.identical else "different"
    return [
        _kicked(200, obtained, seconds),
        Row(f"both backends on a drawn graph of {circuit.populations[POPULATION].n:,} neurons", "identical", said),
    ]


def _whole(backend: str, options: Mapping[str, Any]) -> Measured:
    """Return how many spikes the whole drawn graph has."""
    circuit = build(wiring="drawn")
    record = {POPULATION: "spikes"}
    trains = simulate(circuit, 1 * second, backend=backend, record=record, seed=1, **options).spikes[POPULATION]
    active = np.unique(trains.neurons).size
    return Measured(
        "spikes in a second of a drawn graph of the same size, whose strong edges were chosen for that number",
        f"{len(trains):,} of {active} neurons (the real wiring: {PUBLISHED[200].spikes[0]:,.0f} of "
        f"{PUBLISHED[200].neurons[0]:.0f})",
    )
