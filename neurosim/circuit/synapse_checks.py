"""Every name and unit of a synapse held against the populations at its ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neurosim.circuit.connecting import reads_weight
from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.language import Equation, identifiers
from neurosim.circuit.neuron_model import NeuronModel, Parameter
from neurosim.circuit.parts import Population
from neurosim.circuit.synapse_model import WEIGHT, SynapseModel
from neurosim.errors import CircuitError, EquationError, UnitError, UnsupportedError, nearest
from neurosim.units import DIMENSIONLESS, canonical


def check_synapse(
    pre: Population, post: Population, synapse: SynapseModel, unit: str, parameters: Mapping[str, Parameter], where: str
) -> None:
    """Check every name and unit of a synapse against the populations at its ends.

    Raises
    ------
    CircuitError
        For names that neither the synapse nor its neurons have, and targets that cannot be written.
    UnitError
        If units do not agree.
    UnsupportedError
        For statements whose result would depend on the order of arrivals.
    """
    if not isinstance(post.model, NeuronModel):
        raise CircuitError(f"{where}: {post.name!r} is a source and receives nothing; connect to a population.")
    if not synapse.graded and not pre.spiking:
        raise CircuitError(
            f"{where}: {pre.name!r} does not spike, so on_pre never happens; use a graded synapse "
            "(a '... (summed)' line) or receptor=."
        )
    if synapse.on_post_statements and not post.spiking:
        raise CircuitError(f"{where}: {post.name!r} does not spike, so on_post never happens; leave it out.")
    for line in synapse.lines:
        if line.kind == "parameter" and line.name not in (*synapse.state, *parameters):
            raise CircuitError(
                f"{where}: {line.name!r} has no value: give it in parameters=, or let a statement assign to it."
            )
    units = {WEIGHT: unit, "t": "second", "dt": "second", "delay": "second"}
    units |= synapse.variables
    units |= {name: parameter.unit for name, parameter in parameters.items()}
    units |= {f"{name}_pre": variable_unit for name, variable_unit in pre.variables.items()}
    units |= {f"{name}_post": variable_unit for name, variable_unit in post.variables.items()}
    model = post.model
    with _plain_weight_named(unit, synapse):
        for line in synapse.lines:
            if line.kind == "summed":
                _check_summed(line, post, model, DimensionChecker(units, where), where)
            else:
                _check_own_line(line, synapse, {**units, "xi": "second**-0.5"}, where)
        # A name that is first assigned in one program is not known in the other: a checker each.
        writable = {f"{name}_post" for name in model.names("parameter") + model.names("differential")}
        own = set(synapse.state)
        checker = DimensionChecker(units, where)
        checker.check_assignments(synapse.on_pre_statements, writable | own, "on_pre")
        checker = DimensionChecker(units, where)
        checker.check_assignments(synapse.on_post_statements, own, "on_post")
        checker = DimensionChecker(units, where)
        checker.check_assignments(synapse.update_statements, own, "update")
    for statement in synapse.on_pre_statements:
        if statement.target in writable and statement.operator not in ("+=", "-="):
            raise UnsupportedError(
                f"{where}: on_pre may add to a neuron's variable ('{statement.target} += ...'); "
                f"{statement.operator!r} depends on the order of arrivals."
            )


def _check_summed(line: Equation, post: Population, model: NeuronModel, checker: DimensionChecker, where: str) -> None:
    if line.name not in model.names("parameter"):
        raise CircuitError(
            f"{where}: a graded synapse sums into a variable that {post.name!r} declares ('{line.name} : unit'); "
            f"{line.name!r} is none.{nearest(line.name, model.names('parameter'))}"
        )
    checker.expect(line.expression or "", model.units[line.name], f"{line.name}_post =")


def _check_own_line(line: Equation, synapse: SynapseModel, units: Mapping[str, str], where: str) -> None:
    """Check a variable of a synapse.

    Raises
    ------
    EquationError
        If the equation of an event-driven variable reads what changes between events.
    """
    if line.kind == "differential":
        if "event-driven" in line.flags:
            constant = {line.name for line in synapse.event_driven} | (units.keys() - _changing(synapse, units))
            reads = sorted(identifiers(line.expression or "", where) & units.keys() - constant)
            if reads:
                raise EquationError(
                    f"{where}: the event-driven {line.name!r} is solved from spike to spike, but {', '.join(reads)} "
                    "changes in between; make it (clock-driven)."
                )
        DimensionChecker(units, where).expect(
            line.expression or "", f"({canonical(line.unit)})/second", f"d{line.name}/dt ="
        )
    elif line.kind == "subexpression":
        DimensionChecker(units, where).expect(line.expression or "", line.unit, f"{line.name} =")


def _changing(synapse: SynapseModel, units: Mapping[str, str]) -> set[str]:
    """Return the names whose values may change between two events of an edge."""
    ends = {name for name in units if name.endswith(("_pre", "_post"))}
    clocked = {line.name for line in synapse.clock_driven} | {item.target for item in synapse.update_statements}
    derived = {line.name for line in synapse.lines if line.kind == "subexpression"}
    return ends | clocked | derived | {"t", "dt", "xi"}


@contextmanager
def _plain_weight_named(unit: str, synapse: SynapseModel) -> Iterator[None]:
    """Say in an error about units that the weight had none, if so."""
    try:
        yield
    except UnitError as error:
        if unit != DIMENSIONLESS or not reads_weight(synapse):
            raise
        raise UnitError(f"{error} Here w is a plain number; give weight= a unit if it should have one.") from None
