"""Which weights of a circuit e-prop trains and where their learning signals come from; what it cannot do, as a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from neurosim.backends.snntorch.projection import is_weight_times
from neurosim.errors import CircuitError, TrainingError, UnsupportedError, nearest
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import ProjectionProgram, StepProgram
from neurosim.training.local.linear import transition

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


@dataclass(frozen=True)
class Plan:
    """What e-prop does in a circuit.

    Parameters
    ----------
    readout, variable
        What the error is counted on.
    projections
        Whose weights are trained.
    followed
        By population: the variables that trained pulses add to.
    learning
        By trained spiking population: its projection to the readout, empty for none.
    to_readout
        Every projection to the readout.
    through
        How those act: index of the variable that pulses add to, of the variable that is read, and the delay in steps.
    """

    readout: str
    variable: str
    projections: tuple[str, ...]
    followed: Mapping[str, tuple[str, ...]]
    learning: Mapping[str, str]
    to_readout: tuple[str, ...]
    through: tuple[int, int, int]


def plan(module: CircuitModule, readout: str, *, to_all: bool) -> Plan:
    """Return what e-prop does in a circuit.

    Parameters
    ----------
    module
        The compiled circuit.
    readout
        ``"population.variable"``.
    to_all
        Whether populations without a way to the readout get a learning signal.

    Raises
    ------
    CircuitError, TrainingError, UnsupportedError
        See :class:`neurosim.training.local.EProp`.
    """
    program = module.program
    name, variable = _address(program, readout)
    to_readout = [item for item in program.pulses if item.post == name]
    problems = [*_of_circuit(module), *_of_readout(module, name, to_readout)]
    names = _trained(module, problems)
    learning: dict[str, str] = {}
    for item in (program.projections[key] for key in names):
        if item.post == name:
            continue
        if program.populations[item.post].threshold is None:
            problems.append(f"{item.name}.weight: its population {item.post!r} neither spikes nor is the readout")
            continue
        ways = [way.name for way in to_readout if way.pre == item.post]
        if len(ways) != 1 and not to_all:
            reason = "does not project to the readout" if not ways else "projects to the readout more than once"
            problems.append(f'{item.name}.weight: {item.post!r} {reason}; feedback="random" reaches it')
        learning[item.post] = ways[0] if ways else ""
    if problems:
        raise UnsupportedError(f"e-prop cannot train circuit {module.circuit.name!r}:\n- " + "\n- ".join(problems))
    if not names:
        raise TrainingError("nothing to train: mark weights with ns.Trainable.")
    followed: dict[str, tuple[str, ...]] = {}
    for item in (program.projections[key] for key in names):
        followed[item.post] = tuple({*followed.get(item.post, ()), item.additions[0].target})
    state, way = program.populations[name].state, to_readout[0]
    through = (state.index(way.additions[0].target), state.index(variable), way.max_delay)
    return Plan(name, variable, names, followed, learning, tuple(way.name for way in to_readout), through)


def _address(program: StepProgram, readout: str) -> tuple[str, str]:
    name, _, variable = readout.partition(".")
    if name not in program.populations:
        raise CircuitError(f"readout: the circuit has no population {name!r}.{nearest(name, program.populations)}")
    item = program.populations[name]
    if variable not in item.state:
        raise CircuitError(f"readout: {name!r} has no variable {variable!r}.{nearest(variable, item.state)}")
    return name, variable


def _of_circuit(module: CircuitModule) -> list[str]:
    """Return ways from neuron to neuron that eligibility traces do not follow."""
    problems = ["relaxed=True: spikes are to be 0 or 1"] if module.relaxed else []
    problems += [f"modules[{name!r}]: a layer that acts on whole sequences" for name in module.options.modules]
    for item in module.program.projections.values():
        if item.graded and module.program.populations[item.pre].kind == "neurons":
            problems.append(f"{item.name}: graded input from neurons")
        elif item.dynamics is not None:
            problems.append(f"{item.name}: a plastic synapse")
        elif not item.graded and any(read.endswith("_pre") for read in item.reads):
            problems.append(f"{item.name}: what a pulse adds depends on the presynaptic neuron's variables")
    return problems


def _of_readout(module: CircuitModule, name: str, to_readout: list[ProjectionProgram]) -> list[str]:
    """Return why a population is no readout."""
    item = module.program.populations[name]
    if item.threshold is not None:
        return [f"{name}: a readout must not spike"]
    problems = [
        f"{way.name}: pulses into the readout must add their weight to one variable, with one delay"
        for way in to_readout
        if not is_weight_times(way) or way.delay.min() != way.max_delay
    ]
    ways = {(way.additions[0].target, way.max_delay) for way in to_readout if way.additions}
    if len(ways) != 1:
        problems.append(
            f"{name}: all projections into the readout must share receptor and delay, and there must be one"
        )
    try:
        matrix = transition(module, name)
    except UnsupportedError as error:
        return [*problems, str(error)]
    if not torch.equal(matrix, matrix[..., :1].expand_as(matrix)):
        problems.append(f"{name}: the neurons of a readout must have the same constants")
    return problems


def _trained(module: CircuitModule, problems: list[str]) -> tuple[str, ...]:
    """Return the projections whose weights are trained; add other trainable values to the problems."""
    found = []
    for address, _ in module.named_parameters(remove_duplicate=False):
        part, _, value = address.partition(".")
        if part in module.options.modules and value != "weight":
            continue  # of a layer, which is named already
        item = module.program.projections.get(part)
        if item is None or value != "weight":
            problems.append(f"{address}: only weights of projections can be trained")
        elif item.graded or isinstance(item, ConvolutionProgram) or not is_weight_times(item):
            problems.append(f"{address}: only pulses that add their weight to one variable can be trained")
        else:
            found.append(part)
    return tuple(found)
