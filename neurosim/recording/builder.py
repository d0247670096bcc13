"""The one way for a backend to fill a recording: it announces what happened, selection and labels are done here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.counting import RateCounter
from neurosim.recording.plan import RecordPlan, TracePlan
from neurosim.recording.recording import Recording
from neurosim.recording.request import RATE
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import State
from neurosim.recording.traces import trace_array
from neurosim.recording.values import Named, to_numpy


class RecordingBuilder:
    """Collect what a plan asks for.

    Parameters
    ----------
    plan
        What to record. Memory for every trace is taken at once.

    Notes
    -----
    A backend calls, in any order, `add_spikes` with any number of spikes or `add_rows` with those of successive steps,
    and for each trace either `sample` at every step that is due or `set_trace` with a block of samples; then `finish`,
    once.
    """

    def __init__(self, plan: RecordPlan) -> None:
        self.plan = plan
        self._spikes: dict[str, list[tuple[NDArray[np.int64], ...]]] = {name: [] for name in plan.kept}
        self._rows: dict[str, list[tuple[int, int, NDArray[Any], NDArray[Any]]]] = {name: [] for name in plan.kept}
        self._counters: dict[str, list[RateCounter]] = {name: [] for name in plan.spikes}
        for rate in plan.rates:
            self._counters[rate.name].append(RateCounter(rate, plan))
        self._buffers = Named(
            {trace.address: _Buffer(trace, plan) for trace in plan.traces}, "trace", "in the plan of this recording"
        )
        self._by_period = [
            (period, tuple(trace for trace in plan.traces if trace.every_steps == period))
            for period in sorted({trace.every_steps for trace in plan.traces})
        ]

    def due(self, step: int) -> tuple[TracePlan, ...]:
        """Return the traces that want a sample at the end of this global step."""
        due: tuple[TracePlan, ...] = ()
        for period, traces in self._by_period:
            if step % period == 0:
                due += traces
        return due

    def add_spikes(self, population: str, steps: Any, trials: Any, neurons: Any) -> None:
        """Add spikes, in any order.

        Parameters
        ----------
        population : str
            An object whose spikes the plan records.
        steps, trials, neurons : array_like of int, shape (spike,)
            Global step, trial and neuron of each spike; a single number stands for all.
        """
        if population not in self._counters:
            raise RecordError(f"The plan does not record the spikes of {population!r}; ask plan.spikes first.")
        given = [to_numpy(values) for values in (steps, trials, neurons)]
        if any(values.size and values.dtype.kind not in "iu" for values in given):
            raise RecordError(f"Spikes of {population!r}: steps, trials and neurons must be integers.")
        lengths = {values.size for values in given if values.ndim} or {1}
        if len(lengths) > 1 or any(values.ndim > 1 for values in given):
            shapes = ", ".join(str(values.shape) for values in given)
            raise RecordError(f"Spikes of {population!r}: steps, trials and neurons must be as long; got {shapes}.")
        (length,) = lengths
        if length:
            chunk = tuple(
                values.astype(np.int64) if values.ndim else np.full(length, values, np.int64) for values in given
            )
            for counter in self._counters[population]:
                counter.add(*chunk)
            if population in self._spikes:
                self._spikes[population].append(chunk)

    def add_rows(
        self, population: str, first_step: int, trial: int, neurons: NDArray[np.integer[Any]], bounds: NDArray[np.int64]
    ) -> None:
        """Add the spikes of successive steps of a trial, as a compiled loop notes them.

        A population whose spikes all come this way has its `SpikeTrains` made when they are first asked for.

        Parameters
        ----------
        population : str
            An object whose spikes the plan records.
        first_step, trial : int
            The global step of the first row, and the trial.
        neurons : numpy.ndarray of int, shape (spike,)
            Who fired, step after step. It is kept: nothing else may write to it.
        bounds : numpy.ndarray of int, shape (step + 1,)
            Where the spikes of each step begin, and the end of the last, counted from any number.
        """
        row = (first_step, trial, neurons, bounds)
        if self._counters.get(population) or population not in self._rows:
            self.add_spikes(population, *_columns(row))
        elif neurons.size:
            self._rows[population].append(row)

    def sample(self, name: str, variable: str, step: int, values: Any, *, selected: bool = False) -> None:
        """Store the values at the end of one global step, which must be due.

        Parameters
        ----------
        name, variable : str
            The object, and its variable that was sampled.
        step : int
            The global step.
        values : array, shape (trial, neuron)
            Values of all neurons (or edges), or with `selected` those of the plan's own choice, in its order.
        selected : bool
            Whether the plan's choice of neurons has been applied. Reductions are done here in either case.
        """
        self.set_trace(name, variable, to_numpy(values)[:, np.newaxis], first_step=step, selected=selected)

    def set_trace(
        self, name: str, variable: str, values: Any, *, first_step: int | None = None, selected: bool = False
    ) -> None:
        """Store a block of successive samples: all of them, or some from `first_step` on.

        Parameters
        ----------
        name, variable : str
            The object, and its variable that was sampled.
        values : array, shape (trial, sample, neuron)
            One row for each step that is due, of all neurons (or edges), or with `selected` of the plan's own choice.
        first_step : int, optional
            Global step of the first row, which must be due; by default the first one of the run.
        selected : bool
            Whether the plan's choice of neurons has been applied. Reductions are done here in either case.
        """
        self._buffers[f"{name}.{variable}"].write(to_numpy(values), first_step, selected)

    def finish(self, state: State | None, metadata: Mapping[str, Any], *, n_steps: int | None = None) -> Recording:
        """Return the recording.

        Parameters
        ----------
        state
            The state after the last step.
        metadata
            JSON values: backend, seed, versions, circuit_digest, semantics. The extent (dt, start_step, n_steps, start,
            duration, trials) is added here. Keep out what differs from call to call, such as the time of day.
        n_steps : int, optional
            How many steps were done, where the run was stopped before its end.

        Raises
        ------
        RecordError
            If a sample is missing, a spike lies outside the run, or a neuron fired twice in one step.
        """
        plan = self.plan if n_steps is None else replace(self.plan, n_steps=n_steps)
        traces: dict[str, dict[str, Any]] = {}
        for buffer in self._buffers.values():
            traces.setdefault(buffer.trace.name, {})[buffer.trace.variable] = buffer.finish(plan.samples(buffer.trace))
        extent = {
            "dt": plan.dt,
            "start_step": plan.start_step,
            "n_steps": plan.n_steps,
            "start": plan.start_step * plan.dt,
            "duration": plan.n_steps * plan.dt,
            "trials": plan.trials,
        }
        for counter in (counter for counters in self._counters.values() for counter in counters):
            traces.setdefault(counter.rate.name, {})[RATE] = counter.finish(plan)
        # What was given one by one is checked here; rows of steps are in order, and can wait until someone looks.
        made = {name: self._trains(name, size, plan) for name, size in plan.kept.items() if self._spikes[name]}
        later = {name: partial(self._trains, name, size, plan) for name, size in plan.kept.items() if name not in made}
        if not later:
            return Recording(made, traces, state, {**metadata, **extent})
        spikes = {name: later.get(name) or partial(made.__getitem__, name) for name in plan.kept}
        held = {name: Named(group, "trace", f"of {name!r}") for name, group in traces.items()}
        return Recording.deferred(spikes, held, state, {**metadata, **extent})

    def _trains(self, name: str, size: int, plan: RecordPlan) -> SpikeTrains:
        chunks = [*self._spikes[name], *map(_columns, self._rows[name])]
        steps, trials, neurons = (
            np.concatenate([chunk[column] for chunk in chunks]) if chunks else np.empty(0, np.int64)
            for column in range(3)
        )
        end = plan.start_step + plan.n_steps
        if steps.size and not (steps.min() >= plan.start_step and steps.max() < end):
            raise RecordError(
                f"Spikes of {name!r} lie at steps {steps.min()} to {steps.max()}, outside this run's {plan.start_step} "
                f"to {end - 1}."
            )
        trains = SpikeTrains.from_steps(
            steps,
            neurons,
            size,
            plan.dt,
            trials=trials,
            n_trials=plan.trials,
            start_step=plan.start_step,
            n_steps=plan.n_steps,
        )
        columns = (trains.times, trains.trials, trains.neurons)
        if len(trains) > 1 and np.any(np.logical_and.reduce([column[1:] == column[:-1] for column in columns])):
            raise RecordError(f"A neuron of {name!r} was reported to fire twice in one step.")
        return trains


def _columns(row: tuple[int, int, NDArray[Any], NDArray[Any]]) -> tuple[NDArray[np.int64], ...]:
    """Return the step, the trial and the neuron of each spike of successive steps."""
    first, trial, neurons, bounds = row
    steps = np.repeat(np.arange(first, first + bounds.size - 1), np.diff(bounds))
    return steps, np.full(steps.size, trial, np.int64), neurons.astype(np.int64)


class _Buffer:
    """The samples of one trace, shape (trial, sample, column)."""

    def __init__(self, trace: TracePlan, plan: RecordPlan) -> None:
        self.trace = trace
        self._steps = trace.sample_steps(plan.start_step, plan.n_steps)
        self._dt = plan.dt
        dtype = np.float64 if plan.itemsize == 8 else np.float32
        self._values: NDArray[np.floating[Any]] = np.empty((plan.trials, len(self._steps), trace.columns), dtype)
        self._filled = np.zeros(len(self._steps), np.bool_)

    def write(self, values: np.ndarray, first_step: int | None, selected: bool) -> None:
        trace = self.trace
        trials, samples, _ = self._values.shape
        row = 0 if first_step is None else self._row(first_step)
        expected = (trials, trace.selected if selected else trace.size)
        if values.ndim != 3 or (values.shape[0], values.shape[2]) != expected or row + values.shape[1] > samples:
            raise RecordError(
                f"{trace.address}: expected ({expected[0]} trials, at most {samples - row} samples, {expected[1]} "
                f"{trace.dimension}s), got shape {values.shape}."
            )
        block = slice(row, row + values.shape[1])
        if self._filled[block].any():
            raise RecordError(f"{trace.address}: samples from step {self._steps[row]} on were given twice.")
        if not selected and trace.neurons is not None:
            values = values[..., trace.neurons]
        self._values[:, block] = values if trace.reduce is None else reduced(values, trace.reduce)
        self._filled[block] = True

    def finish(self, samples: int) -> Any:
        trace, steps = self.trace, self._steps[:samples]
        filled, values = self._filled[:samples], self._values[:, :samples]
        if not filled.all():
            missing = int(np.flatnonzero(~filled)[0])
            raise RecordError(
                f"{trace.address}: {np.count_nonzero(~filled)} of {filled.size} samples were not given, "
                f"the first at step {self._steps[missing]}."
            )
        return trace_array(
            values if trace.reduce is None else values[:, :, 0],
            variable=trace.variable,
            unit=trace.unit,
            time=np.arange(steps.start, steps.stop, steps.step) * self._dt,
            dimension=trace.dimension,
            columns=trace.neurons,
            reduce=trace.reduce,
        )

    def _row(self, step: int) -> int:
        if step not in self._steps:
            raise RecordError(
                f"{self.trace.address}: step {step} is not due; samples are taken every {self.trace.every_steps} "
                f"steps, from {self._steps.start} up to {self._steps.stop - 1}."
            )
        return self._steps.index(step)


def reduced(values: np.ndarray, reduce: str) -> np.ndarray:
    """Return the mean or the sum over the last axis, which is kept with length 1.

    The sum is taken in float64 over a contiguous copy, so that its last bit depends neither on the layout of the
    array nor on how many samples are given at once.
    """
    whole = np.ascontiguousarray(values, dtype=np.float64)
    total: np.ndarray = whole.sum(axis=-1, keepdims=True)
    return total / whole.shape[-1] if reduce == "mean" else total
