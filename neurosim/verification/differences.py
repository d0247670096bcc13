"""Differences of spikes, traces and states: how large, and which is the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.recording import Recording, SpikeTrains, State
from neurosim.recording.state import largest_difference
from neurosim.recording.values import to_numpy
from neurosim.verification.comparison import SPIKES, PopulationSpikes, VariableDifference


class Place(NamedTuple):
    """Where two values differ; sorted by step."""

    step: int
    population: str
    variable: str
    trial: int
    neuron: int
    values: tuple[float, float]


def first_spike_difference(reference: Recording, other: Recording, dt: float) -> Place | None:
    """Return the first spike that only one recording has: by step, then in the order of populations."""
    found = []
    for name, trains in reference.spikes.items():
        ours, theirs = _events(trains, dt), _events(other.spikes[name], dt)
        odd = np.setxor1d(ours, theirs, assume_unique=True)
        if len(odd):
            step, trial, neuron = (int(part) for part in np.unravel_index(odd.min(), _shape(trains, odd)))
            fired = bool(np.isin(odd.min(), ours))
            found.append(Place(step, name, SPIKES, trial, neuron, (float(fired), float(not fired))))
    return min(found, key=lambda place: place.step, default=None)


def _shape(trains: SpikeTrains, events: NDArray[np.int64]) -> tuple[int, int, int]:
    each = trains.n_trials * trains.n
    return (int(events.max()) // each + 1, trains.n_trials, trains.n)


def _events(trains: SpikeTrains, dt: float) -> NDArray[np.int64]:
    """Return one number for each spike, ascending in (step, trial, neuron)."""
    return np.sort((trains.to_steps(dt) * trains.n_trials + trains.trials) * trains.n + trains.neurons)


def population_spikes(
    reference: Recording, other: Recording, dt: float, step: int | None, end: int
) -> tuple[PopulationSpikes, ...]:
    """Return the counts and rates of every population.

    Parameters
    ----------
    reference, other
        Recordings of the same populations.
    dt
        The step in seconds.
    step
        Step of the first divergence; None for none.
    end
        The step after the last.
    """
    found = []
    for name, trains in reference.spikes.items():
        sides = (trains, other.spikes[name])
        common = np.intersect1d(_events(sides[0], dt), _events(sides[1], dt), assume_unique=True)
        beyond = (0, 0)
        rates = (0.0, 0.0)
        if step is not None:
            first, second = (int(np.count_nonzero(side.to_steps(dt) >= step)) for side in sides)
            observed = (end - step) * dt * trains.n * trains.n_trials
            beyond, rates = (first, second), (first / observed, second / observed)
        found.append(PopulationSpikes(name, trains.n, (len(sides[0]), len(sides[1])), len(common), beyond, rates))
    return tuple(found)


def trace_differences(reference: Recording, other: Recording) -> tuple[VariableDifference, ...]:
    """Return the largest difference of each trace."""
    return tuple(
        VariableDifference(f"{name}.{variable}", *largest_difference(trace.values, other.traces[name][variable].values))
        for name, group in reference.traces.items()
        for variable, trace in group.items()
    )


def first_trace_difference(
    reference: Recording, other: Recording, start: int, differences: Mapping[str, float], tolerance: float
) -> Place | None:
    """Return the first value of a trace that is out of tolerance.

    Parameters
    ----------
    reference, other
        Recordings with a sample at the end of every step.
    start
        The first step.
    differences
        Relative difference of each trace by address; those within tolerance are not searched.
    tolerance
        Relative to the trace's largest magnitude.
    """
    found = []
    for name, group in reference.traces.items():
        for variable in group:
            if differences[f"{name}.{variable}"] <= tolerance:
                continue
            ours, theirs = (to_numpy(side.traces[name][variable].values) for side in (reference, other))
            outside = _outside(ours, theirs, tolerance)
            row = int(np.argmax(outside.any(axis=(0, 2))))
            trial, neuron = (int(index[0]) for index in np.nonzero(outside[:, row]))
            values = (float(ours[trial, row, neuron]), float(theirs[trial, row, neuron]))
            found.append(Place(start + row, name, variable, trial, neuron, values))
    return min(found, key=lambda place: place.step, default=None)


def state_differences(reference: State, other: State) -> tuple[VariableDifference, ...]:
    """Return the largest difference of each array of two states."""
    return tuple(
        VariableDifference(
            address, *largest_difference(ours, theirs, reference.dt if address.endswith(".last_spike") else None)
        )
        for address, ours, theirs in _pairs(reference, other)
    )


def first_state_difference(reference: State, other: State, tolerance: float) -> Place | None:
    """Return a value of two states of one step that is out of tolerance, the first in the order of the state.

    Its step is the last one done, -1 before the first.
    """
    for address, ours, theirs in _pairs(reference, other):
        scale = reference.dt if address.endswith(".last_spike") else None
        if largest_difference(ours, theirs, scale)[1] <= tolerance:
            continue
        outside = _outside(ours, theirs, tolerance, scale)
        index = tuple(int(axis[0]) for axis in np.nonzero(outside))
        name, _, variable = address.rpartition(".")
        values = (float(ours[index]), float(theirs[index]))
        return Place(reference.step - 1, name, variable, index[-2], index[-1], values)
    return None


def _pairs(reference: State, other: State) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    ours, theirs = dict(reference.arrays()), dict(other.arrays())
    if ours.keys() != theirs.keys():
        odd = ", ".join(sorted(ours.keys() ^ theirs.keys()))
        raise CircuitError(f"the two sides do not run the same circuit: only one of them has {odd}.")
    for address in ours:
        pair = [to_numpy(side[address]) for side in (ours, theirs)]
        if address.endswith(".spikes"):
            # How far back spikes are kept depends on the longest delay, in which the two sides may differ.
            depth = min(len(array) for array in pair)
            pair = [array[:depth] for array in pair]
        if pair[0].shape != pair[1].shape:
            raise CircuitError(
                f"the two sides do not run the same circuit: {address} has shape {pair[0].shape} on one side and "
                f"{pair[1].shape} on the other."
            )
        yield address, pair[0], pair[1]


def _outside(ours: Any, theirs: Any, tolerance: float, scale: float | None = None) -> NDArray[np.bool_]:
    """Return where two arrays differ by more than the tolerance, relative to their largest magnitude or a scale."""
    first, second = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if scale is None:
        finite = [np.abs(array[np.isfinite(array)]).max(initial=0.0) for array in (first, second)]
        scale = float(max(finite))
    with np.errstate(invalid="ignore", divide="ignore"):
        close: NDArray[np.bool_] = (
            (first == second) | (np.abs(first - second) / scale <= tolerance) | (np.isnan(first) & np.isnan(second))
        )
    return np.logical_not(close)
