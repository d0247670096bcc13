"""What a circuit sees while it is fitted: recorded neurons, counted step by step, or values that are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit import Circuit, SignalSource, SpikeSource
from neurosim.errors import AnalysisError, nearest
from neurosim.fitting.population.binned import Grid
from neurosim.recording import Recording, SpikeTrains
from neurosim.units import to_si

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """How counts became the values of a signal: their square root, less its mean, over its standard deviation.

    Parameters
    ----------
    mean, spread : numpy.ndarray, shape (channel,)
        Of the square roots in the time that was fitted.
    """

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, counts: Floats, fitted: NDArray[np.bool_]) -> Scaling:
        """Return the scaling of counts (trial, step, channel) in the steps that may be fitted, (trial, step)."""
        roots = np.sqrt(counts[fitted])
        mean, spread = np.nanmean(roots, axis=0), np.nanstd(roots, axis=0)
        return cls(mean, np.where(spread > 0, spread, 1.0))

    def __call__(self, counts: Floats) -> Floats:
        """Return the values of the signal; what was not observed is its mean, 0."""
        return np.nan_to_num((np.sqrt(counts) - self.mean) / self.spread)


@dataclass(frozen=True, eq=False)
class Seen:
    """The inputs of a circuit on the grid of its steps.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray
        By source or injection, (trial, step, channel), in SI units.
    scalings : mapping of str to Scaling
        Of those that are signals made of counts.
    """

    values: Mapping[str, Floats]
    scalings: Mapping[str, Scaling]

    def bins(self, every: int) -> Floats:
        """Return the mean input in bins of some steps, all channels side by side, (trial, bin, channel)."""
        whole = np.concatenate(list(self.values.values()), axis=2)
        return np.asarray(whole.reshape(whole.shape[0], -1, every, whole.shape[2]).mean(2))


def seen(
    circuit: Circuit,
    given: Mapping[str, Any],
    steps: Grid,
    fitted: NDArray[np.bool_],
    scalings: Mapping[str, Scaling] | None = None,
) -> Seen:
    """Return the inputs of a circuit.

    Parameters
    ----------
    circuit
        What is fitted.
    given
        By source or injection: a recording of one population or its spikes, at the times of the recording that is
        fitted; or an array (step, channel) or (step, trial, channel).
    steps
        The grid of the circuit's steps.
    fitted
        Which steps may be fitted, (trial, step): signals are scaled by them.
    scalings
        Take these instead.

    Raises
    ------
    AnalysisError
        If a name is unknown, or shapes do not fit.
    """
    if not given:
        raise AnalysisError("fit: the circuit sees nothing; give inputs={source: a recording, or an array}.")
    values, used = {}, dict(scalings or {})
    for name, value in given.items():
        channels, counts_spikes, unit = _target(circuit, name)
        if isinstance(value, Recording | SpikeTrains):
            found = steps.counts(_trains(value, name))
            if counts_spikes:
                found = np.nan_to_num(found)
            else:
                if unit != "1":
                    raise AnalysisError(
                        f"inputs: {name!r} takes values in {unit}, which counts of spikes are not; give an array, or "
                        "make it a SpikeSource or a SignalSource without a unit."
                    )
                if name not in used:
                    used[name] = Scaling.of(found, fitted)
                found = used[name](found)
        else:
            found = _array(value, unit, steps, name)
        if found.shape[2] != channels:
            raise AnalysisError(f"inputs: {name!r} has {channels} channels, what is given {found.shape[2]}.")
        values[name] = found
    return Seen(values, used)


def _target(circuit: Circuit, name: str) -> tuple[int, bool, str]:
    """Return the number of channels, whether they take spikes, and their unit."""
    sources = {
        key: part for key, part in circuit.populations.items() if isinstance(part.model, SpikeSource | SignalSource)
    }
    if name in sources:
        model = sources[name].model
        return sources[name].n, isinstance(model, SpikeSource), getattr(model, "unit", "1")
    if name in circuit.injections:
        part = circuit.injections[name]
        return part.n, False, part.unit
    known = [*sources, *circuit.injections]
    raise AnalysisError(f"inputs: {name!r} is no source or injection that can be fed.{nearest(name, known)}")


def _trains(value: Recording | SpikeTrains, name: str) -> SpikeTrains:
    if isinstance(value, SpikeTrains):
        return value
    if len(value.spikes) != 1:
        raise AnalysisError(
            f"inputs: the recording for {name!r} has spikes of {', '.join(value.spikes) or 'nothing'}; select one "
            "population: recording.select('name', neurons=...)."
        )
    return next(iter(value.spikes.values()))


def _array(value: Any, unit: str, steps: Grid, name: str) -> Floats:
    array = np.asarray(to_si(value, unit, f"inputs[{name!r}]"), dtype=np.float64)
    if array.ndim == 2:
        array = np.repeat(array[:, np.newaxis], steps.trials, axis=1)
    if array.ndim != 3 or array.shape[:2] != (steps.bins, steps.trials) or not np.isfinite(array).all():
        raise AnalysisError(
            f"inputs: {name!r} needs finite values for {steps.bins} steps: (step, channel), or (step, trial, channel) "
            f"for {steps.trials} trials; got shape {array.shape}."
        )
    return array.swapaxes(0, 1)
