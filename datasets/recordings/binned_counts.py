"""Spikes that were only counted, in bins of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.traces import trace_array

#: What a recording of counts says of its spike times.
SPREAD = "spread evenly over their bin: only what is counted in whole bins was measured"


def spread(counts: NDArray[np.integer[Any]], width: float, start: float) -> SpikeTrains:
    """Return spikes that give the counts: the k of a bin of width w lie at (i + 1/2) w/k in it.

    Parameters
    ----------
    counts
        Shape (bin, unit).
    width, start
        Width of a bin, and when the first begins, in seconds.
    """
    n_bins, n_units = counts.shape
    bins, units = np.nonzero(counts)
    number = counts[bins, units].astype(np.int64)
    row = np.repeat(np.arange(number.size), number)
    place = np.arange(row.size) - np.repeat(np.cumsum(number) - number, number)
    times = start + (bins[row] + (place + 0.5) / number[row]) * width
    return SpikeTrains(times, units[row], n_units, duration=n_bins * width, start=start)


def counted(
    name: str,
    counts: NDArray[np.integer[Any]],
    width: float,
    *,
    start: float = 0.0,
    beside: dict[str, tuple[NDArray[np.float64], str]],
    metadata: dict[str, Any],
) -> Recording:
    """Return a recording of counts, with what was measured beside them in the same bins.

    Parameters
    ----------
    name
        Of the population; it gets the trace ``count`` and spikes that lie in the same bins.
    counts
        Shape (bin, unit).
    width, start
        Width of a bin, and when the first begins, in seconds.
    beside
        Traces of ``hand``: values (bin, column) and their unit.
    metadata
        What is known beside.
    """
    times = start + np.arange(len(counts)) * width
    hand = {
        variable: trace_array(values[np.newaxis], variable=variable, unit=unit, time=times)
        for variable, (values, unit) in beside.items()
    }
    count = trace_array(counts.astype(np.int64)[np.newaxis], variable="count", unit="1", time=times)
    count.attrs |= {"bin": width, "modality": "spike counts"}
    return Recording(
        {name: spread(counts, width, start)},
        {name: {"count": count}, "hand": hand},
        None,
        {**metadata, "bin": width, "spike_times": SPREAD},
    )


def matlab_arrays(path: Any, *names: str) -> list[NDArray[Any]]:
    """Return arrays of a MATLAB 5 file.

    Raises
    ------
    FileFormatError
        If it cannot be read, or lacks one.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held = loadmat(path, variable_names=names)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise FileFormatError(f"{path}: cannot be read as a MATLAB 5 file ({error}).") from None
    missing = [name for name in names if name not in held]
    if missing:
        raise FileFormatError(f"{path}: holds no {', '.join(missing)}.")
    return [held[name] for name in names]
