"""A two-photon movie as suite2p leaves it (Viejo et al. 2023): fluorescence and deconvolved activity of regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.recording.recording import Recording

_FRAMES = "the frame rate is not in these files: a second is a frame; frame_rate= makes seconds of it"


def read(folder: Path, frame_rate: Any = None) -> Recording:
    """Read the arrays.

    Parameters
    ----------
    folder
        Where ``F.npy``, ``spks.npy`` and ``iscell.npy`` are.
    frame_rate
        In hertz; it is not in the published files. Without it times count frames, and the metadata say so.

    Returns
    -------
    Recording
        Traces ``fluorescence`` and ``deconvolved`` of ``roi``; the column ``accepted`` of its units says which regions
        were taken for cells.
    """
    read = Recording.from_suite2p(folder, frame_rate=1.0 if frame_rate is None else frame_rate)
    if frame_rate is not None:
        return read
    metadata = {**read.metadata, "frame_rate": None, "note": _FRAMES}
    return Recording({}, read.traces, None, metadata, support=read.support, units=read.units)


def draw(folder: Path) -> None:
    """Write 20 regions and 600 frames: exponential transients at random moments, on a noisy baseline."""
    rng = np.random.default_rng(4)
    amounts = rng.exponential(1.0, (20, 600)) * (rng.random((20, 600)) < 0.03)
    kernel = np.exp(-np.arange(60) / 15)
    transients = np.stack([np.convolve(row, kernel)[:600] for row in amounts])
    fluorescence = 100 + 40 * transients + rng.normal(0, 5, (20, 600))
    cells = np.stack([np.arange(20) < 15, np.linspace(0.95, 0.2, 20)], axis=1)
    for name, values in (("F", fluorescence), ("spks", 40 * amounts), ("iscell", cells)):
        np.save(folder / f"{name}.npy", values.astype(np.float32), allow_pickle=False)
