"""The side of a measurement that answers: a course over time, taken from a recording or given as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.frequency.transfer import Stage
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Response:
    """One course over time for each trial, and what it is of.

    Parameters
    ----------
    values
        Shape (trial, time).
    dt
        Time between samples in seconds.
    name, unit
        What it is called, and its unit.
    stage
        What it is: see :data:`neurosim.analysis.frequency.transfer.Stage`.
    n_cells, rate
        How many cells it is the mean of, and their spikes per second; None where that is not known.
    """

    values: Floats
    dt: float
    name: str
    unit: str
    stage: Stage
    n_cells: int | None = None
    rate: float | None = None

    def filtered(self, tau: Any) -> Response:
        """Return what a leaky stage behind it makes of it: the mean membrane of the next neurons.

        Step n holds ``b*y[n-1] + (1 - b)*x[n]`` with ``b = exp(-dt/tau)``, from ``y = 0``.

        Parameters
        ----------
        tau
            Time constant of the stage, in seconds or a quantity.
        """
        from scipy.signal import lfilter

        constant = one_time(tau, "tau")
        if constant <= 0:
            raise AnalysisError(f"filtered: tau must be positive, got {constant} s.")
        decay = float(np.exp(-self.dt / constant))
        values = lfilter([1 - decay], [1.0, -decay], self.values, axis=-1)
        return replace(self, values=values, stage="filtered", name=f"{self.name}, filtered with {constant:g} s")


def response_of(recording: Recording, address: str, *, neurons: Any = None, bin: Any = None) -> Response:
    """Return the mean course of a population: its rate in hertz, or the mean of a variable.

    Parameters
    ----------
    recording
        Simulated or measured.
    address
        ``"exc.spikes"`` or ``"exc.v"``.
    neurons
        Which neurons (or, of a trace, which recorded columns): a slice, whole numbers or truth values; by default all.
    bin
        Width in which spikes are counted; by default the step of the simulation, which measured spikes do not have.

    Raises
    ------
    AnalysisError
        If there is no such record, or its samples are not at every step.
    """
    population, _, variable = address.rpartition(".")
    if not population or population not in recording:
        raise AnalysisError(
            f"response {address!r} must be 'population.spikes' or 'population.variable'."
            f"{nearest(population or address, recording.objects)}"
        )
    if variable not in recording[population]:
        raise AnalysisError(
            f"{variable!r} of {population!r} was not recorded.{nearest(variable, recording[population])}"
        )
    if variable == "spikes":
        return _rate(recording, population, neurons, bin)
    trace = recording.traces[population][variable]
    times = trace["time"].values
    values = np.asarray(trace.values, dtype=np.float64)
    if times.size < 2:
        raise AnalysisError(f"{address!r} has {times.size} samples; a spectrum takes more.")
    dt = float(times[-1] - times[0]) / (times.size - 1)
    if np.any(np.abs(np.diff(times) - dt) > 1e-6 * dt):
        raise AnalysisError(f"the samples of {address!r} are not evenly spaced.")
    n_cells = None
    if values.ndim == 3:
        values = values if neurons is None else values[:, :, neurons]
        n_cells = values.shape[2]
        if not n_cells:
            raise AnalysisError(f"{address!r}: no neurons were chosen.")
        values = values.mean(axis=2)
    return Response(values, dt, address, str(trace.attrs["units"]), "membrane", n_cells)


def _rate(recording: Recording, population: str, neurons: Any, bin: Any) -> Response:
    trains = recording.spikes[population]
    if neurons is not None:
        trains = trains.select(neurons=np.atleast_1d(np.arange(trains.n)[neurons]))
    if not trains.n:
        raise AnalysisError(f"{population!r}: no neurons were chosen.")
    name, facts = f"{population}.spikes", recording.metadata
    if bin is not None:
        rate = trains.population_rate(bin)
        values = np.asarray(rate.values, dtype=np.float64)
        return Response(values, float(rate.attrs["bin"]), name, "hertz", "spikes", trains.n, float(values.mean()))
    if not {"dt", "n_steps", "start_step"} <= set(facts):
        raise AnalysisError(f"{name!r} are not of a simulation and have no steps; give the width of bins.")
    # Whole numbers of steps: a bin of the width of a step could lose a spike to rounding.
    dt, count = float(facts["dt"]), int(facts["n_steps"])
    steps = trains.to_steps(dt) - int(facts["start_step"])
    counts = np.bincount(trains.trials * count + steps, minlength=trains.n_trials * count)
    values = counts.reshape(trains.n_trials, count) / (trains.n * dt)
    return Response(values, dt, name, "hertz", "spikes", trains.n, float(values.mean()))


def as_response(given: Any, dt: Any, of: str | None, where: str) -> Response:
    """Return a response from what a user gives: a :class:`Response`, a recording with `of`, or numbers with `dt`.

    Of measured spikes `dt` is the width of the bins.

    Raises
    ------
    AnalysisError
        If something is missing or the numbers are no finite course.
    """
    if isinstance(given, Recording):
        if of is None:
            raise AnalysisError(f"{where}: say what of the recording: of='population.spikes' or of='population.v'.")
        found = response_of(given, of, bin=dt if of.endswith(".spikes") else None)
    elif isinstance(given, Response):
        found = given
    else:
        if dt is None:
            raise AnalysisError(f"{where}: numbers need dt=, the time between samples.")
        values = np.asarray(given, dtype=np.float64)
        if values.ndim not in (1, 2):
            raise AnalysisError(
                f"{where}: numbers must be (time,) or (trial, time), got shape {values.shape}; average over neurons."
            )
        found = Response(np.atleast_2d(values), one_time(dt, "dt"), of or "values", "1", "values")
    if not found.dt > 0:
        raise AnalysisError(f"{where}: dt must be positive, got {found.dt} s.")
    if not found.values.size or not np.all(np.isfinite(found.values)):
        raise AnalysisError(f"{where}: {found.name!r} is empty or holds NaN or infinite values.")
    return found
