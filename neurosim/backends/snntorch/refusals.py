"""What a circuit marks as trainable and a torch module could not train."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.backends.snntorch.delays import DELAY
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.convolution import Convolution
from neurosim.circuit.values import Trainable
from neurosim.errors import UnsupportedError
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import ProjectionProgram, StepProgram


def refuse_marks(marks: Mapping[str, Trainable], circuit: Circuit, program: StepProgram) -> None:
    """Raise once, with every mark that a module could not train.

    Raises
    ------
    UnsupportedError
        Naming each address and the reason.
    """
    problems = []
    for address, mark in marks.items():
        name, _, value = address.partition(".")
        item = program.populations.get(name)
        if item is None and value == DELAY:
            problems += _of_delay(address, program.projections[name], mark, program.dt)
        elif item is None and value == "weight" and _is_plastic_kernel(circuit, program, name):
            problems.append(f"{address}: a kernel trains where edges have no state of their own")
        elif item is not None and value not in item.parameters:
            problems.append(f"{address}: initial values are not trainable")
        elif item is not None and value not in program.differentiable(name):
            problems.append(f"{address}: nothing but the refractory period reads it, which counts whole steps")
    if problems:
        listed = "; ".join(problems)
        raise UnsupportedError(f"the torch backend cannot train everything that is marked: {listed}.")


def _of_delay(address: str, item: ProjectionProgram, mark: Trainable, dt: float) -> list[str]:
    if isinstance(item, ConvolutionProgram):
        return [f"{address}: the edges of a Convolution share their weights and keep their delays"]
    if item.dynamics is not None:
        return [f"{address}: delays are learned where edges have no state of their own"]
    if (mark.bounds or (None, None))[1] is None:
        longest = f"{item.max_delay * dt * 1e3:g}*ms"
        return [f"{address}: say how long it may become, Trainable(..., bounds=(0*ms, {longest})) for instance"]
    return []


def _is_plastic_kernel(circuit: Circuit, program: StepProgram, name: str) -> bool:
    item = program.projections.get(name)
    return (
        item is not None
        and item.dynamics is not None
        and isinstance(circuit.projections[name].connectivity, Convolution)
    )
