"""A step program as Brian2 objects: plain groups and synapses with stable names, an explicit order and namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.backends.brian2 import texts
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.language import parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import UnsupportedError
from neurosim.program.discretise import NOT_REFRACTORY, brian2_name
from neurosim.program.normalise import constant_value
from neurosim.program.step_program import (
    PoissonProgram,
    PopulationProgram,
    PostPathway,
    ProjectionProgram,
    Refractory,
    StepProgram,
)
from neurosim.units import quantity

#: When the clock-driven variables of edges are integrated, relative to the neurons' (0).
CLOCK_DRIVEN = -1


@dataclass
class Objects:
    """The Brian2 objects of one circuit."""

    clock: Any
    groups: dict[str, Any] = field(default_factory=dict)
    synapses: dict[str, Any] = field(default_factory=dict)

    @property
    def all(self) -> list[Any]:
        """Every object of the network."""
        return [*self.groups.values(), *self.synapses.values()]


def build(circuit: Circuit, program: StepProgram) -> Objects:
    """Make the Brian2 objects of a circuit.

    Notes
    -----
    The integrator of a group is a function that returns the program's statements, so that Brian2 executes the very
    text that the torch module is printed from. Those statements hold SI numbers; their units were checked when the
    model was made, so Brian2's own check of the same statements is left out.
    """
    from brian2 import Clock

    objects = Objects(Clock(dt=quantity(program.dt, "second"), name=f"{_identifier(circuit.name)}_clock"))
    for name, item in program.populations.items():
        objects.groups[name] = _group(circuit, program, item, objects)
    # In the slot of the neurons' own integration (order 0): graded input, then the edges' clock-driven variables.
    lowest = CLOCK_DRIVEN - 1 - max((item.rank for item in program.graded), default=0)
    for graded in program.graded:
        objects.synapses[graded.name] = _graded(circuit, program, graded, objects, lowest + graded.rank)
    for pulse in program.pulses:
        objects.synapses[pulse.name] = _pulse(program, pulse, objects)
    for position, delivery in enumerate(program.deliveries):
        order = position - len(program.deliveries)
        if isinstance(delivery, PoissonProgram):
            _poisson(delivery, objects, order)
        elif isinstance(delivery, PostPathway):
            objects.synapses[delivery.projection.name].post.order = order
        elif delivery.acts_on_pre:
            objects.synapses[delivery.name].pre.order = order
    _check_names(objects)
    return objects


def _check_names(objects: Objects) -> None:
    """Refuse parts whose names meet in Brian2, which joins them with ``_``.

    Raises
    ------
    UnsupportedError
        If a part is called like an object of another, or a variable of one part would be read for another's.
    """
    # By identity: Brian2 lists synapses that draw from their neurons among the neurons' own objects as well.
    single = {id(item): item.name for part in objects.all for item in (part, *part.contained_objects)}
    names = Counter(single.values())
    arrays = Counter(
        f"{part.name}_{name}"
        for part in objects.all
        for name, variable in getattr(part, "variables", {}).items()
        if getattr(getattr(variable, "owner", None), "name", None) == part.name
    )
    twice = sorted(name for name, count in (names + arrays).items() if max(names[name], arrays[name]) > 1)
    if twice:
        raise UnsupportedError(
            f"two parts of the circuit would share a name in Brian2: {', '.join(twice)}. Rename a part (or a variable)."
        )


def _identifier(text: str) -> str:
    cleaned = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    return cleaned if cleaned[:1].isalpha() else f"circuit_{cleaned}"


def _group(circuit: Circuit, program: StepProgram, item: PopulationProgram, objects: Objects) -> Any:
    from brian2 import NeuronGroup

    model, called = circuit.populations[item.name].model, texts.object_name(item.name)
    if not isinstance(model, NeuronModel):
        # Rows of the input are written into the variable before each step.
        if item.kind == "spikes":
            return NeuronGroup(item.n, "fed : 1", threshold="fed > 0.5", reset="", clock=objects.clock, name=called)
        return NeuronGroup(item.n, f"signal : {item.units['signal']}", clock=objects.clock, name=called)
    poisson = [drive for drive in program.poisson if drive.post == item.name]
    names = texts.renaming(item.units)
    step = texts.code(item.integrate, names)
    options: dict[str, Any] = {}
    if item.threshold is not None:
        options = {"threshold": texts.expression(item.threshold, names), "reset": texts.code(item.reset, names)}
    if item.refractory is not None:
        options["refractory"] = _refractory(item.refractory, names)

    def program_step(equations: Any, variables: Any, method_options: Any = None) -> str:
        return step

    group = NeuronGroup(
        item.n, texts.equations(model, item, poisson), method=program_step,
        namespace={**texts.functions(), **texts.namespace(item)},
        clock=objects.clock, name=called, **options,
    )  # fmt: skip
    for name in item.masked:  # Brian2 itself takes the flag for differential equations only
        group.variables[brian2_name(name)].set_conditional_write(group.variables[NOT_REFRACTORY])
    for runner in (*group.thresholder.values(), *group.resetter.values()):
        runner.check_units = False
    if item.update:
        update = group.run_regularly(
            texts.code(item.update, names), when="groups", order=1, clock=objects.clock, name=f"{called}__update"
        )
        update.check_units = False
    for name, value in item.parameters.items():
        if isinstance(value, np.ndarray):
            group.variables[brian2_name(name)].set_value(value)
        elif name in {line.name for line in model.lines}:
            group.variables[brian2_name(name)].set_value(np.full(item.n, value))
    return group


def _refractory(given: Refractory, names: dict[str, str]) -> Any:
    value = constant_value(given.expression)
    if value is not None:
        return quantity(value, "second")
    # As written: Brian2 tells a time from a condition by its units.
    return texts.expression(parse_expression(given.text, "refractory"), names)


def _graded(circuit: Circuit, program: StepProgram, item: ProjectionProgram, objects: Objects, order: int) -> Any:
    from brian2 import Synapses

    pre, post = program.populations[item.pre], program.populations[item.post]
    part = circuit.projections[item.name]
    synapses = Synapses(
        objects.groups[item.pre], objects.groups[item.post], texts.summed_equations(part, item, pre, post),
        namespace={
            **texts.functions(),
            **texts.namespace(pre, "_pre"), **texts.namespace(post, "_post"),
            **texts.edge_namespace(item, item.constants),
        },
        clock=objects.clock, name=texts.object_name(item.name),
    )  # fmt: skip
    arrays = {name: value for name, value in item.values.items() if isinstance(value, np.ndarray)}
    _connect(synapses, item, arrays, texts.renaming_of_edges(item, pre, post))
    for updater in synapses.summed_updaters.values():
        updater.order = order
    return synapses


def _pulse(program: StepProgram, item: ProjectionProgram, objects: Objects) -> Any:
    from brian2 import Synapses

    pre, post = program.populations[item.pre], program.populations[item.post]
    code, names = texts.pathway_code(item, pre, post), texts.renaming_of_edges(item, pre, post)
    delays = {"pre": item.delay} if item.dynamics is None else {"pre": item.delay, "post": item.dynamics.post_delay}
    delays = {side: delays[side] for side in code}
    shared = {side: steps for side, steps in delays.items() if item.n == 0 or steps.min() == steps.max()}
    synapses = Synapses(
        objects.groups[item.pre], objects.groups[item.post], texts.edge_model(item, names),
        **{f"on_{side}": text for side, text in code.items()},
        delay={side: quantity(int(steps.max(initial=0)) * program.dt, "second") for side, steps in shared.items()},
        namespace={
            **texts.functions(),
            **texts.namespace(pre, "_pre"), **texts.namespace(post, "_post"),
            **texts.edge_namespace(item, item.constants),
        },
        clock=objects.clock, name=texts.object_name(item.name),
    )  # fmt: skip
    for side in code:
        getattr(synapses, side).check_units = False
    _connect(synapses, item, texts.edge_arrays(item), names)
    for side in delays.keys() - shared.keys():
        getattr(synapses, side).delay = quantity(delays[side] * program.dt, "second")
    if item.n and item.dynamics is not None and item.dynamics.integrate:
        update = synapses.run_regularly(
            texts.code(item.dynamics.integrate, names), when="groups", order=CLOCK_DRIVEN, clock=objects.clock,
            name=f"{texts.object_name(item.name)}__integrate",
        )  # fmt: skip
        update.check_units = False
    return synapses


def _poisson(item: PoissonProgram, objects: Objects, order: int) -> None:
    """Add background pulses where spikes are delivered, in their place among the projections."""
    group = objects.groups[item.post]
    if isinstance(item.weight, np.ndarray):
        weights = np.zeros(len(group))
        weights[item.index] = item.weight
        group.variables[texts.weight_name(item)].set_value(weights)
    update = group.run_regularly(
        texts.poisson_code(item), when="synapses", order=order, clock=objects.clock, name=texts.object_name(item.name)
    )
    update.check_units = False


def _connect(synapses: Any, item: ProjectionProgram, arrays: Mapping[str, np.ndarray], names: dict[str, str]) -> None:
    if item.n == 0:
        synapses.active = False
        return
    synapses.connect(i=item.pre_index, j=item.post_index)
    for name, value in arrays.items():
        synapses.variables[names.get(name, name)].set_value(value)
