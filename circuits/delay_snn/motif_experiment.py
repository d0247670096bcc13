"""The experiment of the motif detector: what is found, with how many delays, and whether it can be learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuits.delay_snn.motif_circuit import LATENCY, NAME, RASTER, build
from neurosim.circuits.delay_snn.motif_learning import learn_kernels
from neurosim.circuits.delay_snn.motifs import Floats, baseline_kernels, hit_rate, scores, threshold_for
from neurosim.datasets.motifs import MotifRasters, motif_kernels, motif_rasters
from neurosim.experiments import Reproduction, Row, Skipped
from neurosim.units import ms

#: Hit rates in percent, by number of delays, of another program of the same definition.
HITS_BY_DELAYS = {7: 48.0, 15: 80.0, 31: 95.0, 63: 99.8}


def hits_by_spikes(
    kernels: Floats,
    rasters: MotifRasters,
    *,
    backend: str = "brian2",
    options: Mapping[str, Any] | None = None,
) -> float:
    """Return the hit rate of the circuit: which part of the onsets is answered by a spike at the right time.

    Parameters
    ----------
    kernels, rasters
        What the detectors use, and what they are shown.
    backend, options
        As for ``neurosim.compile``.
    """
    true = rasters.onsets
    threshold = threshold_for(scores(kernels, rasters.spikes), int(true.sum()))
    circuit = build(kernels=kernels, threshold=threshold)
    fed = np.concatenate([rasters.spikes, np.zeros_like(rasters.spikes[:LATENCY])])  # for the last motif's answer
    recording = compile_circuit(circuit, backend=backend, **(options or {})).run(
        len(fed) * ms,
        inputs={RASTER: fed},
        trials=true.shape[1],
        record={"detectors": "spikes"},
    )
    trains = recording.spikes["detectors"]
    answered = np.zeros((len(fed), *true.shape[1:]), dtype=bool)
    answered[trains.to_steps(1e-3), trains.trials, trains.neurons] = True
    late = kernels.shape[2] - 1 + LATENCY
    return float(answered[late:][true[: len(fed) - late]].mean())


def slope_of_learned(kernels: Floats, learned: Floats) -> float:
    """Return the slope of learned against true weights where a spike speaks clearly for a motif (0.5 and more)."""
    clear = kernels > 0.5
    return float(np.polyfit(kernels[clear], learned[clear], 1)[0])


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any]) -> Reproduction:
    """Run the experiment: known kernels at several sizes, the circuit's spikes, learning.

    It takes a quarter of a minute, so `quick` changes nothing.
    """
    kernels = motif_kernels()
    rasters = motif_rasters(kernels)
    what = "233 motifs, 31 delays"
    rows = [
        Row(f"{what}: hit rate (%)", 95.02, 100 * hit_rate(kernels, rasters.spikes, rasters.onsets), 1.0),
        Row(
            f"{what}: hit rate of a correlation with the mean motif (%)",
            77.75,
            100 * hit_rate(baseline_kernels(kernels), rasters.spikes, rasters.onsets),
            2.0,
        ),
        Row(
            f"{what}: hit rate of unrelated kernels (%)",
            0.23,
            100 * hit_rate(motif_kernels(seed=1), rasters.spikes, rasters.onsets),
            0.77,
        ),
        Row(f"{what}: spikes of an input in a step", 0.020, float(rasters.spikes.mean()), 0.001),
    ]
    for delays, expected in HITS_BY_DELAYS.items():
        fewer = motif_kernels(55, 128, delays)
        drawn = motif_rasters(fewer, trials=20)
        obtained = 100 * hit_rate(fewer, drawn.spikes, drawn.onsets)
        rows.append(Row(f"55 motifs, {delays} delays: hit rate (%), beside another program's", expected, obtained, 2.0))
    shown = motif_kernels(55)
    drawn = motif_rasters(shown, trials=10)
    rows.append(
        Row(
            "55 motifs, 31 delays: hit rate by spikes of the circuit (%), beside that of the scores",
            100 * hit_rate(shown, drawn.spikes, drawn.onsets),
            100 * hits_by_spikes(shown, drawn, backend=backend, options=options),
        )
    )
    small = motif_kernels(4, 16, 11, density=0.1)
    learned = learn_kernels(
        small, iterations=200, learning_rate=0.2, steps=512, trials=32, onset_rate=5e-3, background=1e-2
    )
    rows.append(Row("slope of learned against true weights", 1.0, slope_of_learned(small, learned), 0.1))
    skipped = Skipped(
        "98.8 % at 144 motifs and more than 80 % at 1,364, in the text of the paper",
        "the parameters behind it; with those of its program 95 % are found at 144",
    )
    return Reproduction(NAME, tuple(rows), (skipped,))
