"""Motor cortex of a reaching monkey (Stevenson et al. 2011): counts (unit, bin) and the hand, in a MATLAB file.

The hand moves in a plane; the third axis of the file is zero and is read as it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.datasets.recordings.binned_counts import counted, matlab_arrays
from neurosim.datasets.recordings.drawing import smooth_noise, tuned_counts
from neurosim.errors import FileFormatError
from neurosim.recording.recording import Recording

_FILE = "m1_stevenson_2011.mat"
_BIN = 0.05
_ROUNDING = 1e-3  # times are kept in whole milliseconds


def read(folder: Path) -> Recording:
    """Read the file.

    Returns
    -------
    Recording
        Population ``m1`` with the trace ``count``, and ``hand`` with ``position`` (m) and ``velocity`` (m/s), all in
        bins of 50 ms that are labelled as in the file. Spikes are spread over their bins.
    """
    path = folder / _FILE
    counts, times, position, velocity = matlab_arrays(path, "spikes", "time", "handPos", "handVel")
    if not counts.shape[1] == times.size == position.shape[1] == velocity.shape[1]:
        raise FileFormatError(f"{path}: spikes, time, handPos and handVel differ in their number of bins.")
    start = float(times[0, 0])
    if not np.allclose(times[0], start + np.arange(times.size) * _BIN, rtol=0, atol=_ROUNDING):
        raise FileFormatError(f"{path}: its times are not {_BIN:g} s apart.")
    return counted(
        "m1",
        counts.T,
        _BIN,
        start=start,
        beside={"position": (position.T, "metre"), "velocity": (velocity.T, "metre/second")},
        metadata={"subject": {"description": "a macaque that reaches in a plane"}},
    )


def draw(folder: Path) -> None:
    """Write 12 units with preferred directions, 60 s, in the layout of the file."""
    from scipy.io import savemat

    rng = np.random.default_rng(1)
    velocity = smooth_noise(rng, 1200, 2, 6.0)
    counts = tuned_counts(rng, velocity, 12, _BIN)
    flat = np.zeros((1, 1200))
    savemat(
        folder / _FILE,
        {
            "spikes": counts.T,
            "time": np.round(12.591 + np.arange(1200)[np.newaxis] * _BIN, 3),
            "handVel": np.vstack([0.1 * velocity.T, flat]),
            "handPos": np.vstack([0.1 * np.cumsum(velocity, axis=0).T * _BIN, flat]),
        },
    )
