"""From a user's `record=` and what a circuit offers to a `RecordPlan`, with every name and number checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError, nearest
from neurosim.recording.memory import available_bytes, byte_text
from neurosim.recording.plan import RatePlan, Recordable, RecordPlan, TracePlan
from neurosim.recording.request import RATE, SPIKES, Record, RecordSpec, Selection, read_request
from neurosim.recording.times import TOLERANCE_STEPS, positive_step
from neurosim.recording.values import Named, read_only

SHARE_OF_MEMORY = 0.8


def plan_recording(
    spec: RecordSpec,
    catalogue: Mapping[str, Recordable],
    *,
    dt: float,
    start_step: int,
    n_steps: int,
    trials: int,
    itemsize: int = 8,
    limit_bytes: int | None = None,
) -> RecordPlan:
    """Settle what a run records, and refuse what does not exist or does not fit.

    Parameters
    ----------
    spec
        The `record=` argument; None for the spikes of every spiking population.
    catalogue
        What each object of the circuit offers.
    dt : float
        The step in seconds.
    start_step, n_steps : int
        The global steps of the run.
    trials : int
        Number of trials.
    itemsize : {8, 4}
        Bytes of a recorded value.
    limit_bytes : int, optional
        Most bytes that traces may take; by default 80 % of the memory that is available now.

    Raises
    ------
    RecordError
        For an unknown name (with the nearest one), neurons out of range, an interval that is no multiple of dt,
        conflicting requests for one variable, or a plan beyond the limit (with the figures).
    """
    _check_run(dt, start_step, n_steps, trials, itemsize)
    if spec is None:
        chosen = {
            name: [Record(SPIKES)] for name, item in catalogue.items() if item.kind == "population" and item.spiking
        }
    else:
        chosen = read_request(spec)
    spikes: dict[str, int] = {}
    traces: dict[str, TracePlan | RatePlan] = {}
    kept = set()
    for name, records in chosen.items():
        if name not in catalogue:
            raise RecordError(f"record=: the circuit has no {name!r}.{nearest(str(name), catalogue)}")
        item = catalogue[name]
        for record in records:
            if record.variable == SPIKES:
                _check_spiking(name, item)
                spikes[name] = item.size
                kept.add(name)
                continue
            trace: TracePlan | RatePlan
            if record.bin is not None:
                trace = _rate(name, item, record, dt)
                spikes[name] = item.size
            else:
                trace = _trace(name, item, record, dt)
            known = traces.setdefault(trace.address, trace)
            if known != trace:
                raise RecordError(
                    f"record=: {trace.address} is asked for twice, in two ways. A recording holds one trace of a "
                    "variable: keep one of them (a reduction can be computed from the full trace afterwards)."
                )
    plan = RecordPlan(
        dt,
        start_step,
        n_steps,
        trials,
        itemsize,
        Named(spikes, "spikes of"),
        tuple(trace for trace in traces.values() if isinstance(trace, TracePlan)),
        tuple(trace for trace in traces.values() if isinstance(trace, RatePlan)),
        frozenset(spikes.keys() - kept),
    )
    check_memory(plan, limit_bytes)
    return plan


def _trace(name: str, item: Recordable, record: Record, dt: float) -> TracePlan:
    if record.variable not in item.variables:
        if record.variable == RATE and item.spiking:
            raise RecordError(f"record=: {name}.{RATE} needs the width of its bins: Record({RATE!r}, bin=10 * ms).")
        names = [*item.variables, *([SPIKES] if item.spiking else [])]
        raise RecordError(
            f"record=: {item.kind} {name!r} has no variable {record.variable!r}.{nearest(record.variable, names)}"
        )
    where = f"record=: {name}.{record.variable}"
    return TracePlan(
        name=name,
        variable=record.variable,
        unit=item.variables[record.variable],
        kind=item.kind,
        size=item.size,
        neurons=choose(record.neurons, item.size, where),
        every_steps=1 if record.every is None else _period(record.every, dt, f"{where}: every"),
        reduce=record.reduce,
    )


def _rate(name: str, item: Recordable, record: Record, dt: float) -> RatePlan:
    where = f"record=: {name}.{RATE}"
    _check_spiking(name, item)
    if RATE in item.variables:
        raise RecordError(f"{where}: {item.kind} {name!r} has a variable of that name; record its spikes instead.")
    neurons = choose(record.neurons, item.size, where)
    return RatePlan(name, item.size, neurons, _period(record.bin or 0.0, dt, f"{where}: bin"))


def choose(selection: Selection, size: int, where: str) -> NDArray[np.int64] | None:
    """Return the chosen indices among ``0 .. size - 1``, or None for all in their order.

    Raises
    ------
    RecordError
        If an index is negative, too large or repeated, if a mask has another length, or if nothing is chosen.
    """
    if selection is None:
        return None
    if isinstance(selection, slice):
        for bound in (selection.start, selection.stop):
            if bound is not None and abs(bound) > size:
                raise RecordError(f"{where}: neurons={selection} reaches beyond the {size} that there are.")
        indices = np.arange(size)[selection]
    elif selection.dtype == np.bool_:
        if selection.size != size:
            raise RecordError(f"{where}: the mask in neurons= has {selection.size} values, but there are {size}.")
        indices = np.flatnonzero(selection)
    else:
        indices = selection.astype(np.int64)
        outside = indices[(indices < 0) | (indices >= size)]
        if outside.size:
            raise RecordError(f"{where}: neurons= holds {outside[0]}, but there are {size}, numbered from 0.")
        if np.unique(indices).size != indices.size:
            raise RecordError(f"{where}: neurons= holds an index more than once. Give each one once.")
    if not indices.size:
        raise RecordError(f"{where}: neurons= chooses none of the {size}. Leave the item out to record nothing.")
    if np.array_equal(indices, np.arange(size)):
        return None
    chosen: NDArray[np.int64] = read_only(indices)
    return chosen


def _period(every: float, dt: float, where: str) -> int:
    steps = round(every / dt)
    if steps < 1 or abs(every / dt - steps) > TOLERANCE_STEPS * max(1, steps):
        raise RecordError(
            f"{where} = {every:g} s is no multiple of dt = {dt:g} s. Use {max(1, steps) * dt:g} s, for instance."
        )
    return steps


def _check_spiking(name: str, item: Recordable) -> None:
    if not item.spiking:
        raise RecordError(f"record=: {item.kind} {name!r} has no spikes to record.{nearest(SPIKES, item.variables)}")


def _check_run(dt: float, start_step: int, n_steps: int, trials: int, itemsize: int) -> None:
    positive_step(dt)
    if start_step < 0 or n_steps < 0 or trials < 1:
        raise RecordError(
            f"A run needs start_step >= 0, n_steps >= 0 and trials >= 1; got {start_step}, {n_steps} and {trials}."
        )
    if itemsize not in (4, 8):
        raise RecordError(f"itemsize must be 8 (float64) or 4 (float32), got {itemsize}.")


def check_memory(plan: RecordPlan, limit_bytes: int | None) -> None:
    """Refuse a plan beyond a limit, by default 80 % of the memory that is available now.

    Raises
    ------
    RecordError
        With the figures.
    """
    if not plan.bytes:
        return  # asking the system takes as long as the rest of a plan
    source = "the limit given"
    if limit_bytes is None:
        available = available_bytes()
        if available is None:
            return
        limit_bytes = int(SHARE_OF_MEMORY * available)
        source = f"{SHARE_OF_MEMORY:.0%} of the memory that is available now"
    if plan.bytes > limit_bytes:
        raise RecordError(
            f"The recording would take {byte_text(plan.bytes)}, more than {byte_text(limit_bytes)} ({source}). Record "
            "fewer neurons (neurons=slice(10)), less often (every=), reduced (reduce='mean'), or stream it to "
            f"disk (store='run.zarr').\n{plan.describe()}"
        )
