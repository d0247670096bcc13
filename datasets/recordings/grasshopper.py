"""An auditory receptor of a grasshopper (Rokem et al. 2006): spike times, and the envelope of the sound, as text.

Times are whole microseconds. The envelope is sampled every 50 µs.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.recordings.drawing import smooth_noise
from neurosim.errors import CircuitError, FileFormatError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.traces import trace_array

_MICRO = 1e-6
_STEP = 50  # µs


def read(folder: Path, recording: Literal[1, 2] = 1) -> Recording:
    """Read one of the two recordings.

    Parameters
    ----------
    folder
        Where the text files are; those of the stimulus may be compressed (``.txt.gz``).
    recording
        1: envelope up to 200 Hz; 2: up to 800 Hz.

    Returns
    -------
    Recording
        Spikes of ``receptor``, one neuron, and the trace ``sound.amplitude``, which has no unit.
    """
    if recording not in (1, 2):
        raise CircuitError(f"grasshopper-receptor: recording={recording!r}; there are 1 and 2.")
    spikes, header = _table(folder / f"grasshopper_spike_times{recording}.txt")
    sound, _ = _table(folder / f"grasshopper_stimulus{recording}.txt")
    if sound.shape[1] != 2 or not np.array_equal(sound[:, 0], np.arange(len(sound)) * _STEP):
        raise FileFormatError(f"{folder}: stimulus {recording} needs rows of time and amplitude, every {_STEP} µs.")
    duration = len(sound) * _STEP * _MICRO
    amplitude = trace_array(
        sound[np.newaxis, :, 1:], variable="amplitude", unit="1", time=np.arange(len(sound)) * (_STEP * _MICRO)
    )
    return Recording(
        {"receptor": SpikeTrains(spikes[:, 0] * _MICRO, np.zeros(len(spikes), np.int64), 1, duration=duration)},
        {"sound": {"amplitude": amplitude}},
        None,
        {"subject": {"species": "Locusta migratoria"}, "recording": recording, "stimulus": header},
    )


def draw(folder: Path) -> None:
    """Write a neuron that fires on the rising envelope of smooth noise, 1 s of each recording."""
    for recording, width in ((1, 50.0), (2, 12.5)):
        rng = np.random.default_rng(recording)
        sound = smooth_noise(rng, 20_000, 1, width)[:, 0]
        times, last = [], -np.inf
        for step in np.flatnonzero(rng.random(sound.size) < 0.012 * np.exp(sound)):
            if step - last >= 60:  # 3 ms
                last = step
                times.append(step * _STEP + 5000)
        rows = "".join(
            f"{time}  {value:.6f}\n" for time, value in zip(range(0, 50 * 20_000, _STEP), sound, strict=True)
        )
        header = "# drawn by neurosim\n# standard deviation (dB): 6\n"
        (folder / f"grasshopper_stimulus{recording}.txt").write_text(header + rows, encoding="utf-8")
        kept = "".join(f"{time}\n" for time in times if time < 1_000_000)
        (folder / f"grasshopper_spike_times{recording}.txt").write_text(header + kept, encoding="utf-8")


def _table(path: Path) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the numbers of a text file, and what its header says."""
    packed = path.with_name(f"{path.name}.gz")
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else gzip.decompress(packed.read_bytes()).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from None
    header: dict[str, Any] = {}
    rows = []
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition(":")
            header[key.strip()] = value.strip()
        elif line.strip():
            rows.append(line.split())
    try:
        return np.array(rows, dtype=np.float64), header
    except ValueError:
        raise FileFormatError(f"{path}: rows differ in length, or hold what is no number.") from None
