"""What a module is made and called with, checked: marks, widths, inputs, states, records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.simulator import catalogue
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.values import Trainable
from neurosim.errors import BackendError, CircuitError, nearest
from neurosim.program.step_program import StepProgram
from neurosim.recording import State
from neurosim.recording.request import read_request


def checked_marks(trainable: Mapping[str, Any]) -> dict[str, Any]:
    """Return marks given from outside, by address.

    Raises
    ------
    CircuitError
        If one is no :class:`Trainable`.
    """
    for address, mark in trainable.items():
        if not isinstance(mark, Trainable):
            raise CircuitError(f"trainable: {address!r} must be marked with a Trainable, got {type(mark).__name__}.")
    return dict(trainable)


def marks_of(marks: Mapping[str, Trainable], part: str, *, weight: str = "weight") -> dict[str, Trainable]:
    """Return a part's trainable values by name; a projection's weight is called `weight` in its expressions."""
    found = {address.partition(".")[2]: mark for address, mark in marks.items() if address.partition(".")[0] == part}
    return {weight if name == "weight" else name: mark for name, mark in found.items()}


def check_widths(widths: Mapping[str, Any], program: StepProgram) -> None:
    """Refuse widths of surrogates for what does not spike.

    Raises
    ------
    BackendError
        Naming the nearest population with a threshold.
    """
    known = [name for name, item in program.populations.items() if item.threshold is not None]
    for name in widths:
        if name not in known:
            hint = nearest(name, known)
            raise BackendError(f"surrogate_width: no population with a threshold is called {name!r}.{hint}")


def checked_input(circuit: Circuit, name: str, value: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    r"""Return the input of a source or injection, (time, batch, neuron).

    Parameters
    ----------
    circuit
        Whose input it is.
    name
        Of a source or injection.
    value
        Anything that torch makes a tensor of, (time, batch, \*shape).
    device, dtype
        Of the module.

    Raises
    ------
    CircuitError
        If the name is unknown, or the shape does not fit.
    """
    sources = {key: part for key, part in circuit.populations.items() if not isinstance(part.model, NeuronModel)}
    targets: dict[str, Any] = {**sources, **circuit.injections}
    if name not in targets:
        raise CircuitError(f"inputs: {name!r} is no source or injection of the circuit.{nearest(name, targets)}")
    if isinstance(value, np.ndarray) and not value.flags.writeable:  # torch wants memory that it may write to
        value = value.copy()
    tensor = torch.as_tensor(value, device=device).to(dtype)
    shape = sources[name].shape if name in sources else (targets[name].n,)
    if tensor.ndim != 2 + len(shape) or tensor.shape[2:] != shape:
        expected = ", ".join(map(str, shape))
        raise CircuitError(f"inputs: {name!r} has shape {tuple(tensor.shape)}; expected (time, batch, {expected}).")
    return tensor.reshape(*tensor.shape[:2], targets[name].n)


def extent(given: Mapping[str, Tensor], steps: int | None, state: State | None) -> tuple[int, int]:
    """Return (steps, batch) that the inputs and the state agree on.

    Raises
    ------
    CircuitError
        If they do not, or nothing tells the number of steps.
    """
    lengths = {name: tensor.shape[0] for name, tensor in given.items()}
    batches = {name: tensor.shape[1] for name, tensor in given.items()}
    if len(set(lengths.values())) > 1 or len(set(batches.values())) > 1:
        shapes = {name: tuple(tensor.shape[:2]) for name, tensor in given.items()}
        raise CircuitError(f"inputs differ in (time, batch): {shapes}.")
    if not given and steps is None:
        raise CircuitError("give inputs= or steps=, which tell how long to run.")
    n_steps = next(iter(lengths.values()), steps)
    if steps is not None and n_steps != steps:
        raise CircuitError(f"steps={steps}, but the inputs have {n_steps} rows.")
    batch = next(iter(batches.values()), 1 if state is None else state.trials)
    if state is not None and state.trials != batch:
        raise CircuitError(f"the state holds a batch of {state.trials}, the inputs one of {batch}.")
    return int(n_steps or 0), batch


def chosen_records(circuit: Circuit, program: StepProgram, record: Any) -> list[tuple[str, str]]:
    """Return what a call gives back, as (part, variable).

    Parameters
    ----------
    circuit, program
        What there is.
    record
        As for a run; ``None`` for spikes and first variable of every population that sends nothing on.

    Raises
    ------
    CircuitError
        If a part or a variable does not exist.
    """
    if record is None:
        sending = {projection.pre for projection in program.projections.values()}
        chosen = []
        for name, item in program.populations.items():
            if name not in sending and item.kind == "neurons":
                chosen += [(name, "spikes")] if item.spiking else []
                variable = circuit.populations[name].first_variable
                chosen += [(name, variable)] if variable is not None else []
        return chosen
    known = catalogue(circuit, program)
    chosen = []
    for name, wanted in read_request(record).items():
        if name not in known:
            raise CircuitError(f"record: the circuit has no {name!r}.{nearest(name, known)}")
        for one in wanted:
            variables = [*known[name].variables, *(["spikes"] if known[name].spiking else [])]
            if one.variable not in variables:
                raise CircuitError(f"record: {name!r} has no {one.variable!r}.{nearest(one.variable, variables)}")
            chosen.append((name, one.variable))
    return chosen
