"""Feature maps out of a recording: what a population of a grid's shape held or fired, as maps over space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording


def maps_of(recording: Recording, address: str, shape: Sequence[int]) -> NDArray[np.float64]:
    """Return what a population held or fired, laid out over space, for :func:`spatial_spectrum`.

    Parameters
    ----------
    recording
        Simulated or measured; all neurons of the population must be in it.
    address
        ``"cells.spikes"`` (how often each neuron fired in a trial) or ``"cells.v"`` (at every sample).
    shape
        Of the population, (channel, height, width) or (height, width): ``circuit.populations["cells"].shape``.

    Returns
    -------
    numpy.ndarray
        Shape (trial, *shape) of spikes, (trial, time, *shape) of a variable.

    Raises
    ------
    AnalysisError
        If there is no such record, or it is not of as many neurons.
    """
    population, _, variable = address.rpartition(".")
    if not population or population not in recording:
        known = nearest(population or address, recording.objects)
        raise AnalysisError(f"maps {address!r} must be 'population.spikes' or 'population.variable'.{known}")
    if variable not in recording[population]:
        known = nearest(variable, recording[population])
        raise AnalysisError(f"{variable!r} of {population!r} was not recorded.{known}")
    record = recording[population][variable]
    values = np.asarray(record.counts().values if variable == "spikes" else record.values, dtype=np.float64)
    grid = tuple(int(length) for length in shape)
    if len(grid) < 2 or values.shape[-1] != int(np.prod(grid)) or (variable != "spikes" and values.ndim != 3):
        raise AnalysisError(
            f"{address!r} was recorded of {values.shape[-1]} neurons, which is no grid of shape {grid}; record all "
            "neurons, not reduced."
        )
    return values.reshape(*values.shape[:-1], *grid)
