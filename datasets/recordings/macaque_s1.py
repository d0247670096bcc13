"""Somatosensory cortex of a reaching monkey (Benjamin et al. 2018): counts (bin, unit) and the hand, in a MATLAB file.

The axes are those of the motor file turned round, and neither times nor units are in it: the step of position against
velocity says that a bin is 50 ms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.datasets.recordings.binned_counts import counted, matlab_arrays
from neurosim.datasets.recordings.drawing import smooth_noise, tuned_counts
from neurosim.errors import FileFormatError
from neurosim.recording.recording import Recording

_FILE = "s1_data.mat"
_BIN = 0.05


def read(folder: Path) -> Recording:
    """Read the file.

    Returns
    -------
    Recording
        Population ``s1`` with the trace ``count``, and ``hand`` with ``position`` and ``velocity`` as in the file,
        which does not say their units. Spikes are spread over their bins of 50 ms, the first at 0 s.
    """
    path = folder / _FILE
    counts, position, velocity = matlab_arrays(path, "spikes", "pos", "vel")
    if not len(counts) == len(position) == len(velocity):
        raise FileFormatError(f"{path}: spikes, pos and vel differ in their number of bins.")
    return counted(
        "s1",
        counts,
        _BIN,
        beside={"position": (position, "1"), "velocity": (velocity, "1")},
        metadata={"subject": {"description": "a monkey that reaches"}},
    )


def draw(folder: Path) -> None:
    """Write 8 units with preferred directions, 60 s, in the layout of the file."""
    from scipy.io import savemat

    rng = np.random.default_rng(2)
    velocity = smooth_noise(rng, 1200, 2, 6.0)
    savemat(
        folder / _FILE,
        {
            "spikes": tuned_counts(rng, velocity, 8, _BIN),
            "vel": velocity,
            "pos": np.cumsum(velocity, axis=0) * _BIN,
        },
    )
