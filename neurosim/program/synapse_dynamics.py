"""What an edge with a state of its own does: integrate its clock-driven variables, act on spikes from both sides.

Both programs are in the one form of :mod:`neurosim.program.statements`: fresh temporaries first (the event-driven
variables brought up to date among them), then what is added to the postsynaptic neuron, then one copy per variable.
Nothing is read after it was written, so that a simulator may execute a program for all edges at once, or edge by edge.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.language import Assignment, names_in, parse_expression
from neurosim.circuit.parts import Projection
from neurosim.circuit.synapse_model import LAST_UPDATE
from neurosim.circuit.values import Trainable
from neurosim.errors import UnsupportedError
from neurosim.program.discretise import Continuous, discretise, solve_between_events, units_as_numbers
from neurosim.program.normalise import normalised
from neurosim.program.statements import NoiseSite, NoiseSites, Statement, name, substitute, with_fresh_names

#: The time since an edge was last brought up to date, s.
ELAPSED = "_elapsed"


@dataclass(frozen=True)
class EventProgram:
    """What an edge does when a spike reaches it."""

    statements: tuple[Statement, ...] = ()
    additions: tuple[Statement, ...] = ()  # target: postsynaptic variable (without _post)

    @property
    def empty(self) -> bool:
        """Whether nothing happens."""
        return not self.statements and not self.additions

    @property
    def fresh(self) -> tuple[Statement, ...]:
        """The statements that compute, into temporaries."""
        return tuple(item for item in self.statements if item.target.startswith("_"))

    @property
    def copies(self) -> tuple[Statement, ...]:
        """The statements that copy the results to the variables of the edge."""
        return tuple(item for item in self.statements if not item.target.startswith("_"))

    @property
    def reads(self) -> frozenset[str]:
        """Every name that is read."""
        return frozenset().union(*(item.reads for item in (*self.statements, *self.additions)))


@dataclass(frozen=True, eq=False)
class SynapseDynamics:
    """The state of the edges of one projection, and what changes it."""

    state: tuple[str, ...]  # per edge; `lastupdate` among them where variables are event-driven
    integrate: tuple[Statement, ...]  # clock-driven variables, and then the statements of `update`
    on_pre: EventProgram
    on_post: EventProgram
    post_delay: np.ndarray = field(repr=False)  # steps, (edge,)
    post_first: bool
    noise: tuple[NoiseSite, ...]
    method: str | None

    @property
    def reads(self) -> frozenset[str]:
        """Every name that is read."""
        integrated = frozenset().union(*(item.reads for item in self.integrate))
        return integrated | self.on_pre.reads | self.on_post.reads


def lower_dynamics(
    circuit: Circuit,
    part: Projection,
    values: Mapping[str, float | np.ndarray],
    own: Mapping[str, float],
    units: Mapping[str, str],
    ends: Mapping[str, ast.expr],
    end_constants: Mapping[str, float],
) -> SynapseDynamics | None:
    """Return what the edges of a pulse projection do with a state of their own, or ``None`` for static pulses.

    Parameters
    ----------
    circuit, part
        The circuit and its projection.
    values, own
        SI values of the weight and parameters: those that keep a name, and those that are folded.
    units
        Unit of every name that the synapse may read.
    ends
        Sub-expressions of the neurons at both ends, by their names with ``_pre`` and ``_post``.
    end_constants
        Constants of the neurons at both ends.

    Raises
    ------
    UnsupportedError
        If the result would depend on the order of arrivals, the synapse reads its delay, or an integrator cannot treat
        its equations.
    """
    synapse = part.synapse
    if not synapse.plastic and not synapse.draws:
        return None
    where = f"projection {part.name!r}"
    noise = NoiseSites("edge_")  # a synapse may not have a variable of its neurons' names
    dt = circuit.dt
    constants = {**end_constants, **own, "dt": dt}
    expand = own_subexpressions(part, where) | dict(ends)
    numbers = {key: units_as_numbers(substitute(tree, expand), units) for key, tree in expand.items()}
    parameters = {key: value for key, value in values.items() if key not in synapse.state}
    own_units = {key: unit for key, unit in units.items() if key not in ("t", "dt")}
    clocked = Continuous(synapse.clock_driven, numbers, own_units, constants, parameters, frozenset())
    integrate, method = discretise(clocked, synapse.method, dt, noise, where)
    between = Continuous(synapse.event_driven, {}, own_units, constants, parameters, frozenset())
    decay = solve_between_events(between, dt, name(ELAPSED), where)
    if decay:
        elapsed = Assignment(ELAPSED, "=", f"t - {LAST_UPDATE}")
        decay = (elapsed, *decay)
    state = frozenset(synapse.state) | ({LAST_UPDATE} if decay else frozenset())
    update = with_fresh_names(synapse.update_statements, state, noise, "_update_", numbers)
    plain = (Statement(item.target, units_as_numbers(item.expression, units)) for item in update)
    integrate = (*integrate, *normalised(plain, constants, "_update_"))
    programs = []
    for what, statements in (("pre", synapse.on_pre_statements), ("post", synapse.on_post_statements)):
        programs.append(_event(what, statements, decay, state, noise, numbers, units, constants))
    on_pre, on_post = programs
    _refuse_unsupported(part, on_pre, on_post, where)
    steps = circuit.post_delay_steps(part.name)
    ordered = (*synapse.state, *((LAST_UPDATE,) if decay else ()))
    return SynapseDynamics(
        ordered, integrate, on_pre, on_post, steps, synapse.post_first, tuple(noise.sites), method
    )  # fmt: skip


def own_subexpressions(part: Projection, where: str) -> dict[str, ast.expr]:
    """Return the synapse's own sub-expressions, each in terms of names that are none."""
    trees = {
        line.name: parse_expression(line.expression or "", where)
        for line in part.synapse.lines
        if line.kind == "subexpression"
    }
    for _ in trees:
        trees = {key: substitute(tree, trees) for key, tree in trees.items()}
    circular = sorted(key for key, tree in trees.items() if names_in(tree) & trees.keys())
    if circular:
        raise UnsupportedError(f"{where}: sub-expressions define each other in a circle: {', '.join(circular)}.")
    return trees


def summed_terms(part: Projection, where: str) -> list[tuple[str, ast.expr]]:
    """Return what a graded projection sums into each variable, with its own sub-expressions written out."""
    own = own_subexpressions(part, where)
    return [
        (line.name, substitute(parse_expression(line.expression or "", where), own)) for line in part.synapse.summed
    ]


def _event(
    what: str,
    given: tuple[Assignment, ...],
    decay: tuple[Assignment, ...],
    state: frozenset[str],
    noise: NoiseSites,
    expand: Mapping[str, ast.expr],
    units: Mapping[str, str],
    constants: Mapping[str, float],
) -> EventProgram:
    """Return the program of the spikes from one side."""
    if not given:
        return EventProgram()
    added: dict[str, str] = {}  # temporary that holds an addition -> its target
    assignments = list(decay)
    for item in given:
        if item.target.endswith("_post") and item.target in units:
            holder = f"_add_{len(added)}"
            added[holder] = item.target.removesuffix("_post")
            sign = "-" if item.operator == "-=" else ""
            assignments.append(Assignment(holder, "=", f"{sign}({item.expression})"))
        else:
            assignments.append(item)
    if decay:
        assignments.append(Assignment(LAST_UPDATE, "=", "t"))
    kept = state | added.keys()
    statements = with_fresh_names(assignments, kept, noise, f"_{what}_", dict(expand))
    plain = (Statement(item.target, units_as_numbers(item.expression, units)) for item in statements)
    done = normalised(plain, constants, f"_{what}_")
    return EventProgram(
        tuple(item for item in done if item.target not in added),
        tuple(Statement(added[item.target], item.expression) for item in done if item.target in added),
    )


def _refuse_unsupported(part: Projection, on_pre: EventProgram, on_post: EventProgram, where: str) -> None:
    """Raise once, with everything in a synapse that the two backends would not compute alike."""
    problems = []
    if "delay" in on_pre.reads | on_post.reads:
        problems.append("it reads its delay")
    written = {f"{item.target}_post" for item in on_pre.additions}
    if part.pre == part.post:
        written |= {f"{item.target}_pre" for item in on_pre.additions}
    again = sorted(on_pre.reads & written)
    if again:
        problems.append(
            f"on_pre reads {', '.join(again)}, to which it adds: with two arrivals in one step the result would depend "
            "on their order"
        )
    marked = sorted(
        key for key, value in (("weight", part.weight), ("delay", part.delay)) if isinstance(value, Trainable)
    )
    if "weight" in marked and "w" in part.synapse.state:
        problems.append("its weight is changed by the synapse itself and cannot be Trainable as well")
    if problems:
        raise UnsupportedError(f"{where}: this synapse is not supported: {'; '.join(dict.fromkeys(problems))}.")
