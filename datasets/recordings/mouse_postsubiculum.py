"""Three units of a waking mouse (Viejo et al. 2023), in a file of Neurodata Without Borders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from neurosim.datasets.recordings.drawing import renewal_spikes
from neurosim.recording.exchange.extras import extra
from neurosim.recording.recording import Recording

_FILE = "A8604-211122.nwb"


def read(folder: Path) -> Recording:
    """Read the file.

    Returns
    -------
    Recording
        One population, named as the group of electrodes; ``intervals["epochs"]`` is its support.
    """
    return Recording.from_nwb(folder / _FILE, populations="electrode_group")


def draw(folder: Path) -> None:
    """Write three units of 8, 4 and 2 Hz, 60 s of one epoch, in the layout of the file."""
    pynwb = extra("pynwb", "A recording in the form of NWB")
    rng = np.random.default_rng(3)
    file = pynwb.NWBFile("drawn by neurosim", "drawn", datetime(2020, 1, 1, tzinfo=UTC))
    probe = file.create_device("drawn")
    group = file.create_electrode_group("group0_psb", description="drawn", location="psb", device=probe)
    file.add_unit_column("group", "number of the group of electrodes")
    for rate in (8.0, 4.0, 2.0):
        file.add_unit(spike_times=renewal_spikes(rng, rate, 60.0, 2e-3), electrode_group=group, group=0.0)
    file.add_epoch(0.0, 60.0, tags=["wake"])
    with pynwb.NWBHDF5IO(str(folder / _FILE), "w") as stream:
        stream.write(file)
