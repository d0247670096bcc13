"""What is fed into the circuit in each trial of a recording, as arrays on the circuit's steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.inputs import Inputs
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Injection, Population
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import SignalSource, SpikeSource
from neurosim.errors import CircuitError, RecordError, nearest
from neurosim.recording.recording import Recording
from neurosim.training.terms import split_address
from neurosim.units import quantity, same_unit

Floats = NDArray[np.float64]


def given_inputs(
    circuit: Circuit, recording: Recording, inputs: Mapping[str, Any] | None, n_steps: int
) -> dict[str, Floats]:
    """Return what is fed, by name of the source or injection, (time, trial, neuron) in SI.

    Parameters
    ----------
    circuit, recording
        What is fitted to what.
    inputs
        By name of a source or injection: what a run takes; the address of a trace of the recording, such as
        ``"cell.i_ext"``, whose samples are held; or a list with one of these (but no address) for each trial.
    n_steps
        How many steps of the circuit.

    Raises
    ------
    CircuitError, RecordError, UnitError
        If a name is not known, or what is given does not fit.
    """
    fed: dict[str, Population | Injection] = {
        name: part for name, part in circuit.populations.items() if isinstance(part.model, SpikeSource | SignalSource)
    }
    fed |= circuit.injections
    found = {}
    for name, value in (inputs or {}).items():
        if name not in fed:
            raise CircuitError(
                f"fit: inputs: {name!r} is no source or injection of the circuit that can be fed.{nearest(name, fed)}"
            )
        if isinstance(value, str):
            found[name] = _of_trace(circuit, recording, name, fed[name], value, n_steps)
        elif isinstance(value, list | tuple) and value and all(isinstance(one, AnalogueSignal) for one in value):
            if len(value) != recording.n_trials:
                raise CircuitError(
                    f"fit: inputs: {len(value)} signals for {name!r}, but {recording.n_trials} trials were recorded."
                )
            found[name] = np.concatenate([_rows(circuit, name, one, n_steps, 1) for one in value], axis=1)
        else:
            found[name] = _rows(circuit, name, value, n_steps, recording.n_trials)
    return found


def unit_of_input(circuit: Circuit, name: str) -> str:
    """Return the unit of a source or injection; that of spikes is ``"1"``."""
    if name in circuit.injections:
        return circuit.injections[name].unit
    model = circuit.populations[name].model
    return model.unit if isinstance(model, SignalSource) else "1"


def _rows(circuit: Circuit, name: str, value: Any, n_steps: int, trials: int) -> Floats:
    held = Inputs(circuit, {name: value}, start=0, n_steps=n_steps, trials=trials)
    return np.asarray(held.rows(name, 0, n_steps), dtype=np.float64)


def _of_trace(
    circuit: Circuit, recording: Recording, name: str, part: Population | Injection, address: str, n_steps: int
) -> Floats:
    owner, variable = split_address(address)
    trace = recording.traces[owner][variable]
    unit = unit_of_input(circuit, name)
    if not same_unit(trace.attrs["units"], unit):
        raise RecordError(f"fit: inputs: {name!r} is in {unit}, the trace {address!r} in {trace.attrs['units']}.")
    times = np.asarray(trace["time"].values)
    values = np.asarray(trace.values, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] not in (1, part.n):
        raise RecordError(
            f"fit: inputs: {address!r} has shape {values.shape}; {name!r} takes (trial, time, {part.n}), or one column."
        )
    moments = np.arange(n_steps) * circuit.dt
    place = np.searchsorted(times, moments + 1e-9, side="right") - 1
    step = float(np.median(np.diff(times))) if times.size > 1 else np.inf
    if place[0] < 0 or moments[-1] >= times[-1] + step + 1e-9:
        raise RecordError(
            f"fit: inputs: {address!r} is sampled from {times[0]:g} s to {times[-1]:g} s, but the circuit runs from "
            f"0 s to {n_steps * circuit.dt:g} s."
        )
    held = values[:, place]
    if not np.isfinite(held).all():
        raise RecordError(f"fit: inputs: {address!r} holds NaN within the time that is simulated; give an array.")
    return np.broadcast_to(held.transpose(1, 0, 2), (n_steps, held.shape[0], part.n))


def with_unit(circuit: Circuit, name: str, values: Floats) -> Any:
    """Return what is fed as a run takes it."""
    unit = unit_of_input(circuit, name)
    return values if unit == "1" else quantity(values, unit)
