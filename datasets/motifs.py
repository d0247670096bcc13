"""Rasters of spikes with motifs hidden in them, whose delays are known: the generative model of Perrinet (2023).

A motif is a kernel over inputs and delays. Where it begins, it raises (and after each spike lowers) the log-odds that
an input fires at each delay. All evidence of a motif lies in the times of spikes relative to each other.

References
----------
L. U. Perrinet: Accurate detection of spiking motifs in multi-unit raster plots. ICANN (2023),
arXiv:2307.11555; its program, repository ``laurentperrinet/2023-07-20_HDSNN-ICANN``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Of the envelope of a motif over its length, as parts of it.
RISE, DECAY = 0.05, 0.4
#: What a spike does to the log-odds just before, at and after its time, relative to its strength: it becomes likely,
#: then unlikely, as in a refractory neuron.
SPIKE_SHAPE = (1.0, -0.8, -0.2)


@dataclass(frozen=True, eq=False)
class MotifRasters:
    """Rasters, and where their motifs begin.

    Parameters
    ----------
    spikes
        Shape (time, trial, input), bool: what ``inputs=`` takes.
    onsets
        Shape (time, trial, motif), bool; true in the step of a motif's first delay, where all of it fits.
    """

    spikes: Flags
    onsets: Flags


def motif_kernels(
    n_motifs: int = 233,
    n_inputs: int = 128,
    n_delays: int = 31,
    *,
    strength: float = 4.0,
    density: float = 0.05,
    seed: int = 0,
) -> Floats:
    """Draw the kernels of motifs.

    Parameters
    ----------
    n_motifs, n_inputs, n_delays
        Sizes; the delays are 0 to ``n_delays - 1`` steps.
    strength
        Standard deviation of the normal numbers, in log-odds.
    density
        Which part of them, the largest, is kept.
    seed
        Of the draw.

    Returns
    -------
    numpy.ndarray
        Shape (motif, input, delay): log-odds.

    Raises
    ------
    CircuitError
        If a size is below 1 (delays: 3), or `density` outside 0 to 1.
    """
    from scipy.special import ndtri

    if min(n_motifs, n_inputs) < 1 or n_delays < 3:
        raise CircuitError(
            f"motif_kernels: {n_motifs} motifs, {n_inputs} inputs and {n_delays} delays: there must be a motif, an "
            "input and three delays at least."
        )
    if not 0 < density < 1:
        raise CircuitError(f"motif_kernels: density={density!r} must lie between 0 and 1.")
    shape = (n_motifs, n_inputs, n_delays)
    drawn = Stream(seed, "motifs").child("kernels").normal(n_motifs * n_inputs * n_delays).reshape(shape)
    drawn *= drawn > ndtri(1 - density)
    time = np.linspace(0, 1, n_delays)
    drawn *= strength * np.exp(-time / DECAY) * (1 - np.exp(-time / RISE))
    kernels = SPIKE_SHAPE[1] * drawn
    kernels[..., :-1] += SPIKE_SHAPE[0] * drawn[..., 1:]
    kernels[..., 1:] += SPIKE_SHAPE[2] * drawn[..., :-1]
    return kernels


def motif_rasters(
    kernels: Floats,
    *,
    steps: int = 1024,
    trials: int = 10,
    onset_rate: float = 1e-3,
    background: float = 1e-3,
    seed: int = 0,
) -> MotifRasters:
    """Draw rasters in which motifs begin at random and overlap.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay), in log-odds.
    steps, trials
        Length of a raster and number of rasters.
    onset_rate
        Probability that a motif begins in a step, each on its own.
    background
        Probability that an input fires in a step without any motif.
    seed
        Of the draw.

    Returns
    -------
    MotifRasters
        Each spike drawn with the probability ``sigmoid(logit(background) + sum of the kernels under way)``.

    Raises
    ------
    CircuitError
        If a raster is too short for a motif, or a probability is outside 0 to 1.
    """
    n_motifs, n_inputs, n_delays = kernels.shape
    if steps < n_delays:
        raise CircuitError(f"motif_rasters: a motif of {n_delays} delays does not fit into steps={steps}.")
    for name, value in (("onset_rate", onset_rate), ("background", background)):
        if not 0 < value < 1:
            raise CircuitError(f"motif_rasters: {name}={value!r} must lie between 0 and 1.")
    stream = Stream(seed, "motifs")
    room = steps - n_delays + 1
    onsets = np.zeros((steps, trials, n_motifs), dtype=bool)
    drawn = stream.child("onsets").uniform(trials * steps * n_motifs).reshape(onsets.shape)
    onsets[:room] = drawn[:room] < onset_rate
    evidence = np.full((steps, trials, n_inputs), np.log(background / (1 - background)))
    for step, trial, motif in np.argwhere(onsets):
        evidence[step : step + n_delays, trial] += kernels[motif].T
    chance = stream.child("spikes").uniform(evidence.size).reshape(evidence.shape)
    return MotifRasters(chance < 1 / (1 + np.exp(-evidence)), onsets)
