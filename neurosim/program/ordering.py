"""The order of graded input within a step: algebraic populations after what they are computed from."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.language import names_in
from neurosim.errors import CircuitError
from neurosim.program.step_program import PopulationProgram
from neurosim.program.synapse_dynamics import summed_terms


def graded_ranks(circuit: Circuit, populations: Mapping[str, PopulationProgram]) -> dict[str, int]:
    """Return for each graded projection the rank at which it is computed.

    A projection that reads states, as they stood at the end of the last step, has rank 0. One that reads an algebraic
    value of a population (an input of this step, or a sub-expression of one) comes after every projection into that
    population.

    Raises
    ------
    CircuitError
        If populations feed each other's algebraic values in a circle; the circle is named.
    """
    graded = {name: part for name, part in circuit.projections.items() if part.graded}
    needs: dict[str, set[str]] = {}
    for name, part in graded.items():
        read = set().union(*(names_in(tree) for _, tree in summed_terms(part, f"projection {name!r}")))
        needs[name] = {
            end
            for end, suffix in ((part.pre, "_pre"), (part.post, "_post"))
            if _reads_input(populations[end], read, suffix)
        }
    into: dict[str, list[str]] = {}
    for name, part in graded.items():
        into.setdefault(part.post, []).append(name)
    ranks: dict[str, int] = {}

    def rank(name: str, path: tuple[str, ...]) -> int:
        if name in path:
            circle = [graded[step].pre for step in path[path.index(name) :]]
            names = " -> ".join(reversed([*circle, circle[0]]))
            raise CircuitError(
                f"circuit {circuit.name!r}: an algebraic cycle, each value needs the others of the same step: {names}. "
                "Give one of them a differential equation (or a discrete update), which makes it act one step later."
            )
        if name not in ranks:
            before = [inner for population in needs[name] for inner in into.get(population, [])]
            ranks[name] = 1 + max((rank(inner, (*path, name)) for inner in before), default=-1)
        return ranks[name]

    for name in graded:
        rank(name, ())
    return ranks


def _reads_input(population: PopulationProgram, read: set[str], suffix: str) -> bool:
    names = {item.removesuffix(suffix) for item in read if item.endswith(suffix)}
    for name in names & population.subexpressions.keys():
        names = names | names_in(population.subexpressions[name])
    return bool(names & population.inputs.keys())
