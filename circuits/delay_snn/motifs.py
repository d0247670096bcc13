"""Detecting motifs in rasters: a sum of weights over inputs and delays, and how often it finds what is there.

The detector inverts the generative model of :mod:`neurosim.datasets.motifs`: where one motif at a time is under way the
log-odds that it began are, but for a constant, the sum of its kernel over the spikes. It is optimal there, and a good
approximation where motifs overlap.

References
----------
L. U. Perrinet: Accurate detection of spiking motifs in multi-unit raster plots. ICANN (2023),
arXiv:2307.11555.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError, nearest

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Baseline = Literal["probability", "binary"]


def scores(kernels: Floats, spikes: Flags) -> Floats:
    """Return the evidence that a motif begins.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay).
    spikes
        Shape (time, trial, input).

    Returns
    -------
    numpy.ndarray
        Shape (time - delays + 1, trial, motif): of a motif whose first delay falls into that step.
    """
    n_motifs, _, n_delays = kernels.shape
    steps, trials, _ = spikes.shape
    room = steps - n_delays + 1
    if room < 1:
        raise CircuitError(f"scores: {steps} steps are too few for {n_delays} delays.")
    numbers = spikes.astype(float)
    total = np.zeros((room, trials, n_motifs))
    for delay in range(n_delays):
        total += numbers[delay : delay + room] @ kernels[:, :, delay].T
    return total


def threshold_for(evidence: Floats, onsets: int) -> float:
    """Return the score above which there are as many candidates as there are onsets.

    Parameters
    ----------
    evidence
        Scores of any shape.
    onsets
        Number of onsets in truth.
    """
    return float(np.quantile(evidence, 1 - onsets / evidence.size))


def hit_rate(kernels: Floats, spikes: Flags, onsets: Flags) -> float:
    """Return which part of the onsets is found at exactly the right time, with as many claims as there are onsets.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay): what the detector uses.
    spikes, onsets
        Shapes (time, trial, input) and (time, trial, motif).
    """
    evidence = scores(kernels, spikes)
    true = onsets[: len(evidence)]
    return float((evidence[true] > threshold_for(evidence, int(true.sum()))).mean())


def baseline_kernels(kernels: Floats, kind: Baseline = "probability", background: float = 1e-3) -> Floats:
    """Return kernels that know what the motifs look like, but not what a spike is worth.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay), in log-odds.
    kind
        ``"probability"``: that an input fires at a delay, so that the score is a correlation with the mean motif;
        ``"binary"``: 1 where a spike speaks for the motif, else 0.
    background
        Probability of a spike without any motif.

    Raises
    ------
    CircuitError
        If there is no such kind.
    """
    if kind == "probability":
        odds = background / (1 - background) * np.exp(kernels)
        return np.asarray(odds / (1 + odds))
    if kind == "binary":
        return (kernels > 0).astype(float)
    raise CircuitError(f"baseline_kernels: there is no kind {kind!r}.{nearest(str(kind), get_args(Baseline))}")
