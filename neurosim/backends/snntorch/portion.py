"""What of a program concerns a component; it is chosen once and read in every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.program.components import Component
from neurosim.program.frozen import Frozen
from neurosim.program.step_program import PoissonProgram, PopulationProgram, PostPathway, ProjectionProgram, StepProgram


@dataclass(frozen=True)
class Portion(Frozen):
    """What a stepper carries and carries out.

    Parameters
    ----------
    populations, projections
        By name, in the order of the circuit.
    places
        The populations by their places in compiled loops: those with variables first.
    plastic
        Projections whose edges have a state.
    poisson
        Poisson inputs.
    graded_schedule, deliveries
        Actions of a step, in their order.
    """

    populations: Mapping[str, PopulationProgram]
    projections: Mapping[str, ProjectionProgram]
    places: tuple[str, ...]
    plastic: tuple[str, ...]
    poisson: tuple[PoissonProgram, ...]
    graded_schedule: tuple[Any, ...]
    deliveries: tuple[Any, ...]


def portion_of(program: StepProgram, component: Component) -> Portion:
    """Return what of a program concerns a component."""
    names = set(component.populations)
    populations = {name: item for name, item in program.populations.items() if name in names}
    entering = component.within.union(component.ahead)
    return Portion(
        populations=populations,
        projections={name: item for name, item in program.projections.items() if name in entering},
        places=tuple(in_places(populations)),
        plastic=tuple(name for name in program.plastic if name in component.within),
        poisson=tuple(item for item in program.poisson if item.post in names),
        graded_schedule=tuple(
            action
            for action in program.graded_schedule
            if (action.name in component.within if isinstance(action, ProjectionProgram) else action[0] in names)
        ),
        deliveries=tuple(
            item
            for item in program.deliveries
            if (item.projection.post if isinstance(item, PostPathway) else item.post) in names
        ),
    )


def in_places(items: Mapping[str, PopulationProgram]) -> list[str]:
    """Return the populations of a component by their places in the loops: those with variables first."""
    return sorted(items, key=lambda name: not has_variables(items[name]))


def has_variables(item: PopulationProgram) -> bool:
    """Tell whether a population has anything to carry from step to step."""
    return item.kind == "neurons" and bool(item.state)
