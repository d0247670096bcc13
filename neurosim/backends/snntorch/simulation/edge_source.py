"""The programs of edges: what graded edges add, how edges with a state change, and what spikes do to them.

Every program goes over edges in batches of lanes. Nothing that an edge reads is written by another in the same event,
so batches change nothing; what edges add to neurons is added one edge after another, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.simulation.lanes import Lanes, Leaf
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, NeuronForm, Program
from neurosim.program.statements import Statement
from neurosim.program.step_program import PopulationProgram, ProjectionProgram
from neurosim.program.straight_line import Names, Uncovered
from neurosim.program.synapse_dynamics import EventProgram

#: Edges of a batch.
WIDTH = 256
_HEAD = (
    "import numpy as np",
    "",
    "from neurosim.backends.snntorch.simulation.pointers import apply_1, apply_2, apply_3, beyond",
    "",
    "",
    "def program(F, G, C, T, L, U, V, I, n, number, time):",
)


@dataclass(frozen=True)
class End:
    """The neurons at one end of a projection: their program, their place in memory, what they share."""

    item: PopulationProgram
    form: NeuronForm
    shared: frozenset[str]


@dataclass(frozen=True)
class EdgeForm:
    """The programs of a projection.

    Parameters
    ----------
    variables
        What is kept for each edge, in order.
    graded
        By target: what every edge adds to it, in order.
    integrate, pre, post
        Of edges with a state; ``None`` where nothing happens.
    """

    variables: tuple[str, ...]
    graded: tuple[tuple[str, Program], ...] = ()
    integrate: Program | None = None
    pre: Program | None = None
    post: Program | None = None


def edge_form(
    item: ProjectionProgram, shared: Mapping[str, bool], pre: End, post: End, terms: Mapping[str, str]
) -> EdgeForm:
    """Return the programs of a graded projection, or of one whose edges have a state.

    Parameters
    ----------
    item
        The projection.
    shared
        What its edges read and does not change: whether there is one value for all.
    pre, post
        The populations at its ends.
    terms
        For a graded projection: where what it adds to each target goes.

    Raises
    ------
    Uncovered
        If it does something that compiled programs do not know.
    """
    writer = _Writer(item, shared, pre, post)
    if item.dynamics is None:
        graded = tuple(
            (terms[addition.target], writer.graded(addition, terms[addition.target])) for addition in item.additions
        )
        return EdgeForm(tuple(writer.variables), graded=graded)
    dynamics = item.dynamics
    if dynamics.noise:
        raise Uncovered("random numbers")
    targets = [addition.target for addition in dynamics.on_pre.additions]
    if len(set(targets)) < len(targets):
        raise Uncovered("two additions to one variable")
    if len(set(dynamics.post_delay.tolist())) > 1:
        raise Uncovered("several delays of postsynaptic spikes")
    return EdgeForm(
        tuple(writer.variables),
        integrate=writer.integrate(dynamics.integrate),
        pre=None if dynamics.on_pre.empty else writer.event(dynamics.on_pre),
        post=None if dynamics.on_post.empty else writer.event(dynamics.on_post),
    )


class _Writer:
    def __init__(self, item: ProjectionProgram, shared: Mapping[str, bool], pre: End, post: End) -> None:
        self.item, self.shared, self.pre, self.post = item, shared, pre, post
        self.state = () if item.dynamics is None else item.dynamics.state
        own = [key for key, one in shared.items() if not one and key not in self.state]
        self.variables = [*self.state, *own]

    def _lanes(self, reads: frozenset[str], *, chosen: bool) -> Lanes:
        leaves = {f"x_{key}": Leaf(f"G[{place} * n + e]") for place, key in enumerate(self.variables)}
        leaves["x_t"] = Leaf("time", uniform=True)
        parameters = []
        for key in sorted(reads - set(self.variables) - {"t"}):
            if key in self.shared or key == "dt":
                parameters.append((f"x_{key}", f"edge:{key}"))
                continue
            for side, end, places in (("pre", self.pre, "U"), ("post", self.post, "V")):
                variable = key.removesuffix(f"_{side}")
                if variable == key:
                    continue
                if variable in end.shared:
                    parameters.append((f"x_{key}", f"{side}:{variable}"))
                elif variable in end.form.variables:
                    leaves[f"x_{key}"] = Leaf(f"F[np.int64({places}[e]) + {end.form.offset(variable)}]")
        lanes = Lanes(WIDTH, "count", leaves, ["e = np.int64(I[first + j])" if chosen else "e = first + j"])
        for local, value in parameters:
            lanes.parameter(local, value)
        return lanes

    def _program(self, lanes: Lanes, after: Sequence[str] = ()) -> Program:
        head, body = lanes.text_parts()
        lines = [
            *head,
            f"for first in range(0, number, {WIDTH}):",
            f"    count = min({WIDTH}, number - first)",
            *(f"    {line}" for line in (*body, *after)),
            "return 0",
        ]
        text = "\n".join([*_HEAD, *(f"    {line}" for line in lines), ""])
        return Program(text, tuple(lanes.constants), tuple(lanes.functions), lanes.scratch)

    def _adding(self, lanes: Lanes, local: str, target: str, *, chosen: bool, masked: bool) -> list[str]:
        """Return the loop that adds a value of each lane to the neurons behind the edges, one after another."""
        edge = "np.int64(I[first + j])" if chosen else "first + j"
        lines = ["for j in range(count):", f"    s = np.int64(V[{edge}])"]
        amount = f"T[{lanes.kept(local)} + j]"
        offset = self.post.form.offset(target)
        if masked:
            lines.append(f"    if F[s + {self.post.form.offset(ACTIVE)}] != 0.0:")
            return [*lines, f"        F[s + {offset}] += {amount}"]
        return [*lines, f"    F[s + {offset}] += {amount}"]

    def graded(self, addition: Statement, target: str) -> Program:
        """Write what every edge adds to an input."""
        lanes, names = self._lanes(addition.reads, chosen=False), Names()
        lanes.let("amount", names.read(addition.expression))
        return self._program(lanes, self._adding(lanes, "amount", target, chosen=False, masked=False))

    def integrate(self, statements: tuple[Statement, ...]) -> Program | None:
        """Write how the variables of every edge advance."""
        if not any(statement.target in self.state for statement in statements):
            return None
        reads = _leaves(statements)
        lanes, names = self._lanes(reads, chosen=False), Names()
        self._execute(lanes, names, statements)
        return self._program(lanes)

    def event(self, program: EventProgram) -> Program:
        """Write what a spike does to an edge, and through it."""
        added = [Statement(f"added_{place}", item.expression) for place, item in enumerate(program.additions)]
        statements = (*program.fresh, *added, *program.copies)
        lanes, names = self._lanes(_leaves(statements), chosen=True), Names()
        self._execute(lanes, names, statements)
        lines: list[str] = []
        for place, item in enumerate(program.additions):
            masked = item.target in self.post.item.masked and ACTIVE in self.post.form.variables
            local = names.latest[f"added_{place}"]
            lines += self._adding(lanes, local, item.target, chosen=True, masked=masked)
        return self._program(lanes, lines)

    def _execute(self, lanes: Lanes, names: Names, statements: Sequence[Statement]) -> None:
        for statement in statements:
            lanes.let(names.fresh(statement.target), names.read(statement.expression))
        for place, variable in enumerate(self.state):
            if variable in names.latest:
                lanes.store(f"G[{place} * n + e]", names.now(variable))


def _leaves(statements: Sequence[Statement]) -> frozenset[str]:
    """Return what statements read and do not assign before."""
    assigned: set[str] = set()
    read: set[str] = set()
    for statement in statements:
        read |= statement.reads - assigned
        assigned.add(statement.target)
    return frozenset(read)
