"""What the published model of a fly's brain answers to sugar (Shiu et al. 2024): spikes of a simulation, as parquet.

A row is a spike: when, in which trial, and which neuron of FlyWire, version 630. Neurons that never spike have no row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas

from neurosim.datasets.parquet_files import read_columns, write_columns
from neurosim.errors import CircuitError, FileFormatError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains

_FILES = {200: "sugarR.parquet", 100: "sugarR_100Hz.parquet"}
_DURATION = 1.0
_COLUMNS = ("t", "trial", "flywire_id")


def read(folder: Path, rate: Literal[200, 100] = 200) -> Recording:
    """Read the response to one drive.

    Parameters
    ----------
    folder
        Where ``sugarR.parquet`` and ``sugarR_100Hz.parquet`` are.
    rate
        Of the Poisson input to 21 sensory neurons of the right side that answer to sugar, in hertz: 200 or 100. (The
        model's code has 150 Hz by default, but these neurons fire at 197 Hz and 99 Hz in the files.)

    Returns
    -------
    Recording
        Population ``active``: the neurons that spike in any trial, ordered by the number that FlyWire gives them, which
        is their ``id``. Trials of 1 s.
    """
    if rate not in _FILES:
        raise CircuitError(f"fly-sugar-response: rate={rate!r}; there are 200 and 100.")
    path = folder / _FILES[rate]
    columns = read_columns(path, _COLUMNS)
    times, trials, cells = (columns[name] for name in _COLUMNS)
    if not times.size or times.min() < 0 or times.max() >= _DURATION + 1e-9:
        raise FileFormatError(f"{path}: times must lie in the {_DURATION:g} s of a trial.")
    identities, neurons = np.unique(cells, return_inverse=True)
    return Recording(
        {"active": SpikeTrains(times, neurons, identities.size, trials, int(trials.max()) + 1, duration=_DURATION)},
        {},
        None,
        {"drive": float(rate), "flywire": "630", "model_output": True},
        units=pandas.DataFrame(
            {
                "population": "active",
                "neuron": np.arange(identities.size),
                "id": [str(cell) for cell in identities],
                "identified": True,
            }
        ),
    )


def draw(folder: Path) -> None:
    """Write 3 trials of 20 neurons in the layout of the files."""
    for rate, name in _FILES.items():
        rng = np.random.default_rng(rate)
        rates = rng.exponential(rate / 4, (3, 20))
        counts = rng.poisson(rates * _DURATION)
        trials, cells = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
        steps = rng.integers(0, 10_000, trials.size)
        write_columns(
            folder / name,
            {
                "t": (steps * 1e-4, "double"),
                "trial": (trials, "int64"),
                "flywire_id": (720575940600000000 + 1000 * cells, "int64"),
                "exp_name": (["drawn"] * trials.size, "string"),
            },
            compression="brotli",
        )
