"""The order of a step: what Brian2 would do one after the other, held against what a circuit does.

A circuit has one order (``docs/architecture.md``). Brian2 sorts objects by ``when``, ``order`` and name, so a network
may have another. It matters only where two actions touch the same variable, one of them writing it; such a pair is
refused where the two orders differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import assigned, identifiers

#: Places of a step: graded input, variables of edges, those of neurons, thresholds, arrivals, resets.
GRADED, EDGES, NEURONS, THRESHOLDS, ARRIVALS, RESETS = range(6)


@dataclass(frozen=True)
class Action:
    """Something that Brian2 does in every step.

    Parameters
    ----------
    runner
        Brian2's object.
    place
        When a circuit does it: actions of one place do not touch each other.
    reads, writes
        Variables, by the identity of Brian2's objects.
    """

    runner: Any
    place: tuple[int, ...]
    reads: frozenset[int]
    writes: frozenset[int]

    def touches(self, other: Action) -> bool:
        """Tell whether it matters which of the two comes first."""
        return bool(self.writes & (other.reads | other.writes) or other.writes & self.reads)


def action(
    runner: Any, place: tuple[int, ...], variables: Mapping[str, Any], code: str, *, also: Iterable[str] = ()
) -> Action:
    """Return what code does, in a group or synapses with some variables.

    Parameters
    ----------
    runner, place
        See :class:`Action`.
    variables
        Of the group that the code belongs to.
    code
        Statements, or an expression.
    also
        Names that are written without the code saying so.
    """
    written = [variables[name] for name in (*assigned(code), *also) if name in variables]
    # A variable that a refractory neuron keeps is written only where `not_refractory` says so.
    masks = {id(mask) for variable in written if (mask := getattr(variable, "conditional_write", None)) is not None}
    reads = read_by(variables, code) | masks
    return Action(runner, place, frozenset(reads), frozenset(id(variable) for variable in written))


def read_by(variables: Mapping[str, Any], text: str) -> set[int]:
    """Return the variables that a text reads, through sub-expressions as well."""
    from brian2.core.variables import Subexpression

    found: set[int] = set()
    for name in identifiers(text):
        if name not in variables:
            continue
        variable = variables[name]
        if isinstance(variable, Subexpression):
            found |= read_by(variable.owner.variables, variable.expr)
        elif not getattr(variable, "read_only", True):
            found.add(id(variable))
    return found


def positions(objects: Iterable[Any], schedule: Sequence[str]) -> dict[int, int]:
    """Return for each object, and all that it contains, the position at which Brian2 runs it in a step."""
    slots = {f"{prefix}{slot}": 3 * place + shift for place, slot in enumerate(schedule)
             for shift, prefix in enumerate(("before_", "", "after_"))}  # fmt: skip
    everything = {id(inner): inner for outer in objects for inner in contained(outer)}
    ordered = sorted(everything.values(), key=lambda item: (slots.get(item.when, -1), item.order, item.name))
    return {id(item): place for place, item in enumerate(ordered)}


def contained(outer: Any) -> list[Any]:
    """Return an object with all that it contains."""
    return [outer, *(inner for direct in outer.contained_objects for inner in contained(direct))]


def check_order(actions: Sequence[Action], position: Mapping[int, int], findings: Findings) -> None:
    """Note every pair of actions that a circuit has in the other order than Brian2, where it matters."""
    for first, second in combinations(sorted(actions, key=lambda item: position[id(item.runner)]), 2):
        if first.place > second.place and first.touches(second):
            findings.refuse(
                f"{_told(first.runner)} runs before {_told(second.runner)}; a circuit has them in the other order"
            )


def _told(runner: Any) -> str:
    return f"{runner.name!r} (when={runner.when!r}, order={runner.order})"
