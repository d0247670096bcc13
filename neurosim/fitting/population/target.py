"""What a circuit is to predict: which of its neurons stand for which recorded ones, and the loss of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.circuit import Circuit
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording, SpikeTrains
from neurosim.training.losses.poisson import Poisson, poisson
from neurosim.training.terms import split_address

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """One pair.

    Parameters
    ----------
    address
        Of the rate in the circuit.
    loss
        Of that rate.
    trains
        The recorded spikes.
    units : numpy.ndarray of str, shape (unit,)
        Names of the recorded units.
    size
        Number of neurons in the population of the circuit.
    chosen : numpy.ndarray of int, shape (unit,)
        Which of them stand for the recorded units.
    """

    address: str
    loss: Poisson
    trains: SpikeTrains
    units: NDArray[np.str_]
    size: int
    chosen: NDArray[np.int64]

    def spread(self, counts: Floats) -> Floats:
        """Return counts (trial, bin, unit) of all neurons of the population, NaN of those that are free."""
        whole = np.full((*counts.shape[:2], self.size), np.nan)
        whole[..., self.chosen] = counts
        return whole

    def of_recorded(self, values: Floats) -> Floats:
        """Return values (trial, bin, neuron) of those that stand for recorded units."""
        return np.asarray(values[..., self.chosen])


def targets_of(
    circuit: Circuit,
    recording: Recording,
    pairs: Mapping[str, str],
    neurons: Mapping[str, ArrayLike],
    every: int,
    log: bool,
) -> tuple[Target, ...]:
    """Return what `pairs` names (see :func:`neurosim.fitting.fit_population`).

    Raises
    ------
    AnalysisError
        If something does not exist, or sizes do not fit.
    """
    if not pairs:
        raise AnalysisError("fit: pairs= names nothing to predict; give {'out.rate': 'population'}.")
    found = []
    for address, name in pairs.items():
        part, variable = split_address(address)
        if part not in circuit.populations:
            raise AnalysisError(f"pairs: the circuit has no population {part!r}.{nearest(part, circuit.populations)}")
        variables = circuit.populations[part].variables
        if variable not in variables:
            raise AnalysisError(f"pairs: {part!r} has no variable {variable!r}.{nearest(variable, variables)}")
        unit = variables[variable]
        if unit not in ("1", "hertz") or (log and unit != "1"):
            wanted = "without a unit, as the logarithm of a rate is" if log else "in hertz, or without a unit"
            raise AnalysisError(f"pairs: {address!r} is in {unit}; a rate is needed {wanted}.")
        if name not in recording.spikes:
            raise AnalysisError(f"pairs: there are no spikes of {name!r}.{nearest(str(name), list(recording.spikes))}")
        trains, size = recording.spikes[name], circuit.populations[part].n
        loss = poisson(address, log=log, every=every, dt=circuit.dt if unit == "hertz" else None, target=address)
        units = np.array([f"{name}[{number}]" for number in range(trains.n)], dtype=np.str_)
        found.append(Target(address, loss, trains, units, size, _chosen(neurons.get(part), trains.n, size, part)))
    unknown = [part for part in neurons if part not in {split_address(address)[0] for address in pairs}]
    if unknown:
        raise AnalysisError(f"neurons: {unknown[0]!r} is in no pair.")
    return tuple(found)


def _chosen(given: ArrayLike | None, units: int, size: int, part: str) -> NDArray[np.int64]:
    if given is None:
        if units != size:
            raise AnalysisError(
                f"pairs: {part!r} has {size} neurons and {units} units were recorded; say with "
                f"neurons={{{part!r}: [...]}} which stand for those, or select units of the recording."
            )
        return np.arange(units)
    numbers = np.asarray(given)
    if numbers.shape != (units,) or numbers.dtype.kind not in "iu" or np.unique(numbers).size != units:
        raise AnalysisError(f"neurons: give {units} different numbers for {part!r}, one for each recorded unit.")
    if numbers.min() < 0 or numbers.max() >= size:
        raise AnalysisError(f"neurons: {part!r} has neurons 0 to {size - 1}; got {numbers.min()} to {numbers.max()}.")
    return numbers.astype(np.int64)
