"""Run a circuit on several simulators and hold each against the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from neurosim.backends.simulator import Run, catalogue, steps_of
from neurosim.circuit.circuit import Circuit
from neurosim.errors import CircuitError, RecordError
from neurosim.program.step_program import StepProgram
from neurosim.recording import Recording, RecordPlan, State
from neurosim.recording.memory import available_bytes, byte_text
from neurosim.recording.planning import SHARE_OF_MEMORY
from neurosim.verification.case import Case, Runnable, final_state
from neurosim.verification.comparison import SPIKES, Comparison, Divergence
from neurosim.verification.differences import (
    Place,
    first_spike_difference,
    first_state_difference,
    first_trace_difference,
    population_spikes,
    state_differences,
    trace_differences,
)
from neurosim.verification.localise import first_difference_of_states
from neurosim.verification.report import VerifyReport
from neurosim.verification.sides import TOLERANCE, Side, checked_names, make_sides

#: The reference first, then both paths of the torch module: the one of `simulate`, and the differentiable one.
DEFAULT_BACKENDS = ("brian2", "snntorch", "snntorch:eager")

#: Called with (side, steps done, steps in all) now and then.
SideProgress = Callable[[str, int, int], None]


def verify(
    circuit: Circuit,
    duration: Any,
    *,
    backends: Iterable[str] = DEFAULT_BACKENDS,
    inputs: Mapping[str, Any] | None = None,
    state: State | None = None,
    seed: int = 0,
    trials: int = 1,
    dt: Any = None,
    target: str = "numpy",
    dtype: str = "float64",
    device: str = "cpu",
    propagation: str = "ordered",
    tolerance: float | None = None,
    progress: SideProgress | None = None,
) -> VerifyReport:
    """Run a circuit on several backends and report whether they agree.

    Parameters
    ----------
    circuit
        What to run.
    duration
        A time, a multiple of dt.
    backends
        The reference, then what is held against it: ``"brian2"`` (or with a target, ``"brian2:numpy"``,
        ``"brian2:cython"``, ``"brian2:cpp_standalone"``), ``"snntorch"`` (the path of `simulate`), ``"snntorch:eager"``
        (the differentiable one).
    inputs, state, seed, trials
        As of `neurosim.simulate`.
    dt
        Another time step than the circuit's.
    target
        Brian2's target where the name gives none.
    dtype, device
        Of the torch module.
    propagation
        How the differentiable path adds what arrives in a step: ``"ordered"`` one by one, as Brian2 does, or
        ``"auto"``, as in training, where a matrix product may take its place: its sums differ in the last bit, which a
        chaotic network amplifies until spikes part.
    tolerance
        Largest difference of a trace or final state, relative to that variable's largest magnitude, that counts as
        equal; by default 0 where both sides do the same operations in the same order (Brian2's numpy target, the
        torch path of `simulate` in float64 on the CPU), else 1e-9.
    progress
        Called with (backend, steps done, steps in all) now and then.

    Returns
    -------
    VerifyReport
        ``report.identical``, ``report.first_divergence``, ``report.text()``.

    Raises
    ------
    BackendError, CircuitError, RecordError, UnitError
        Before anything is run, if something does not fit, or traces would not fit into memory.
    """
    names = checked_names(backends)
    _check_tolerance(tolerance)
    sides = make_sides(circuit, names, dt=dt, target=target, dtype=dtype, device=device, propagation=propagation)
    return _verify(sides, duration, inputs, state, seed, trials, tolerance, progress, dtype)


def verify_pair(
    reference: Runnable,
    other: Runnable,
    duration: Any,
    *,
    names: tuple[str, str] = ("reference", "other"),
    inputs: Mapping[str, Any] | None = None,
    state: State | None = None,
    seed: int = 0,
    trials: int = 1,
    tolerance: float = 0.0,
    progress: SideProgress | None = None,
) -> VerifyReport:
    """Hold one simulator against another, whatever they are; see :func:`verify`.

    Parameters
    ----------
    reference, other
        Simulators of circuits with the same populations and time step.
    duration
        A time, a multiple of dt.
    names
        What the report calls the two.
    inputs, state, seed, trials, tolerance, progress
        As of :func:`verify`.

    Raises
    ------
    CircuitError
        If the two cannot be compared, or an argument does not fit.
    """
    _check_tolerance(tolerance)
    if len(set(names)) != 2:
        raise CircuitError(f"verify_pair: names= must be two different names, got {names!r}.")
    if reference.circuit.dt != other.circuit.dt:
        raise CircuitError(
            f"the two sides differ in dt: {reference.circuit.dt:g} s and {other.circuit.dt:g} s. Compile one of them "
            "with dt=."
        )
    sizes = [{name: item.n for name, item in side.program.populations.items()} for side in (reference, other)]
    if sizes[0] != sizes[1]:
        raise CircuitError(f"the two sides do not run the same populations: {sizes[0]} and {sizes[1]}.")
    sides = [Side(name, side, True) for name, side in zip(names, (reference, other), strict=True)]
    return _verify(sides, duration, inputs, state, seed, trials, tolerance, progress, None)


def _check_tolerance(tolerance: float | None) -> None:
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
        raise CircuitError(f"verify: tolerance must be a number of at least 0, got {tolerance!r}.")


def _verify(
    sides: list[Side],
    duration: Any,
    inputs: Mapping[str, Any] | None,
    state: State | None,
    seed: int,
    trials: int,
    tolerance: float | None,
    progress: SideProgress | None,
    dtype: str | None,
) -> VerifyReport:
    circuit = sides[0].simulator.circuit
    case = Case(circuit, steps_of(duration, circuit.dt), dict(inputs or {}), state, seed, trials)
    record = _record(sides[0].simulator)
    run = Run(circuit, sides[0].simulator.program, duration, inputs, record, state, seed, trials)  # checks them all
    _check_memory(run.plan, len(sides))
    recordings = {side.name: case.run(side.simulator, record, _progress_of(side, progress)) for side in sides}
    comparisons = tuple(
        _compare(case, sides[0], side, recordings, _tolerance(sides[0], side, tolerance)) for side in sides[1:]
    )
    metadata = [recordings[side.name].metadata for side in sides]
    dtypes = dict.fromkeys(str(item.get("dtype", "float64")) for item in metadata)
    return VerifyReport(
        circuit=circuit.name,
        circuit_digest=sides[0].simulator.program.digest,
        dt=circuit.dt,
        n_steps=case.n_steps,
        start_step=case.start,
        seed=seed,
        trials=trials,
        dtype=dtype or "/".join(dtypes),
        semantics=str(metadata[0].get("semantics", "")),
        versions={str(key): str(value) for item in metadata for key, value in item.get("versions", {}).items()},
        spikes={name: sum(map(len, recording.spikes.values())) for name, recording in recordings.items()},
        comparisons=comparisons,
        recordings=recordings,
    )


def _progress_of(side: Side, progress: SideProgress | None) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    report, name = progress, side.name
    return lambda done, total: report(name, done, total)


def _tolerance(reference: Side, other: Side, given: float | None) -> float:
    if given is not None:
        return given
    return 0.0 if reference.exact and other.exact else TOLERANCE


def _record(simulator: Runnable) -> dict[str, list[str]]:
    """Return what is recorded: spikes, and every variable of what does not spike, what a step computes first first."""
    record: dict[str, list[str]] = {}
    for name, item in catalogue(simulator.circuit, simulator.program).items():
        if item.kind == "population":
            variables = dict.fromkeys((*simulator.program.populations[name].inputs, *item.variables))
            record[name] = [SPIKES] if item.spiking else list(variables)
    return record


def _check_memory(plan: RecordPlan, n_sides: int) -> None:
    available = available_bytes()
    needed = plan.bytes * (n_sides + 1)  # one more to compare in
    if available is not None and needed > SHARE_OF_MEMORY * available:
        raise RecordError(
            f"verify compares every trace of what does not spike, which would take {byte_text(needed)}, more than "
            f"{byte_text(SHARE_OF_MEMORY * available)} ({SHARE_OF_MEMORY:.0%} of the memory that is available now). "
            "Run a shorter time, or several parts that go on from state=, or compare fewer backends at once."
        )


def _compare(
    case: Case, reference: Side, other: Side, recordings: Mapping[str, Recording], tolerance: float
) -> Comparison:
    ours, theirs = recordings[reference.name], recordings[other.name]
    final = (final_state(ours), final_state(theirs))
    dt = case.circuit.dt
    traces = trace_differences(ours, theirs)
    state = state_differences(*final)
    relative = {item.address: item.relative for item in traces}
    found = [
        first_spike_difference(ours, theirs, dt),
        first_trace_difference(ours, theirs, case.start, relative, tolerance),
    ]
    first = min((place for place in found if place is not None), key=lambda place: place.step, default=None)
    cause = None
    if first is not None:
        stop = first.step - case.start + 1
        cause = first_difference_of_states(case, reference.simulator, other.simulator, tolerance, stop)
    elif any(item.relative > tolerance for item in state):
        first = first_difference_of_states(case, reference.simulator, other.simulator, tolerance, case.n_steps)
        first = first or first_state_difference(*final, tolerance=tolerance)
    program = reference.simulator.program
    return Comparison(
        reference=reference.name,
        other=other.name,
        tolerance=tolerance,
        first_divergence=_divergence(first, program),
        state_divergence=_divergence(cause, program),
        spikes=population_spikes(ours, theirs, dt, None if first is None else first.step, case.start + case.n_steps),
        traces=traces,
        state=state,
    )


def _divergence(place: Place | None, program: StepProgram) -> Divergence | None:
    if place is None:
        return None
    name = place.population
    units = (program.populations if name in program.populations else program.projections)[name].units
    unit = "second" if place.variable == "last_spike" else units.get(place.variable, "1")
    return Divergence(
        step=place.step, time=place.step * program.dt, trial=place.trial, population=place.population,
        neuron=place.neuron, variable=place.variable, values=place.values, unit=unit,
    )  # fmt: skip
