"""Which parts of a circuit must advance together, and which may be computed one after another for all steps.

The graph of populations and projections is cut into strongly connected components. Inside a component time advances
step by step. A projection that leads from one component to another only adds pulses whose size does not depend on the
neurons at its ends, so that what it brings in every step is known as soon as the spikes of the first component are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from neurosim.program.step_program import ProjectionProgram, StepProgram


@dataclass(frozen=True)
class Component:
    """Populations that advance together.

    Parameters
    ----------
    populations
        By name, in the order of the circuit.
    within
        Names of the projections that are executed in every step.
    ahead
        Names of the projections from earlier components, whose pulses are known before the first step.
    """

    populations: tuple[str, ...]
    within: frozenset[str]
    ahead: tuple[str, ...]


def adds_constants(item: ProjectionProgram) -> bool:
    """Tell whether the pulses of a projection are known from its spikes alone.

    That is: its edges have no state, and what they add reads neither the time nor the neurons at their ends.
    """
    if item.graded or item.dynamics is not None or item.reads_time:
        return False
    return not any(name.endswith(("_pre", "_post")) for name in item.reads)


def one_component(program: StepProgram) -> Component:
    """Return everything as one component: each step of each part in turn."""
    return Component(tuple(program.populations), frozenset(program.projections), ())


def components(program: StepProgram, ahead: Callable[[ProjectionProgram], bool]) -> tuple[Component, ...]:
    """Return the components of a program, each after those that it hears from.

    Parameters
    ----------
    program
        The program.
    ahead
        Tells which projections may be computed for all steps at once; the ends of every other advance together.
    """
    names = list(program.populations)
    place = {name: index for index, name in enumerate(names)}
    projections = program.projections
    links = [(place[item.pre], place[item.post]) for item in projections.values()]
    links += [(place[item.post], place[item.pre]) for item in projections.values() if not ahead(item)]
    rows, columns = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=(len(names), len(names)))
    _, labels = connected_components(graph, connection="strong")
    members: dict[int, list[str]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        members.setdefault(label, []).append(name)
    label_of = {name: label for label, found in members.items() for name in found}
    order: TopologicalSorter[int] = TopologicalSorter({label: () for label in members})
    for item in projections.values():
        if label_of[item.pre] != label_of[item.post]:
            order.add(label_of[item.post], label_of[item.pre])
    found = []
    for label in order.static_order():
        entering = [item for item in projections.values() if label_of[item.post] == label]
        found.append(
            Component(
                populations=tuple(members[label]),
                within=frozenset(item.name for item in entering if label_of[item.pre] == label),
                ahead=tuple(item.name for item in entering if label_of[item.pre] != label),
            )
        )
    return tuple(found)
