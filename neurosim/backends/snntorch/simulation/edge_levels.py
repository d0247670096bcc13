"""Which variables of edges are the same for many edges, and which edges need not be looked at in a step.

A trace that only presynaptic spikes change, always in the same way, is one number for all edges of a neuron, but that
an edge sees it as many steps later as its delay is long. One that only postsynaptic spikes change is one number for all
edges onto a neuron. Such variables are kept, and advance, once for a neuron. What remains with the edges is often left
as it is in all steps but few, for instance weights that change once a second: where a step changes an edge depending on
nothing but the edge itself and some numbers that all edges share, and did not change it, the next step with the same
numbers will not either.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from neurosim.circuit.language import names_in
from neurosim.program.statements import Statement, name
from neurosim.program.straight_line import Names
from neurosim.program.synapse_dynamics import SynapseDynamics

#: What the values of names depend on.
Reads = dict[str, frozenset[str]]
#: Every line assigns a name of its own.
Line = tuple[str, ast.expr]


@dataclass(frozen=True)
class Levels:
    """Where the variables of a projection's edges are kept.

    Parameters
    ----------
    edge
        With each edge.
    source
        Once for a presynaptic neuron, as an edge without delay sees them; edges see their past.
    target
        Once for a postsynaptic neuron.
    """

    edge: tuple[str, ...]
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()


def find_levels(
    dynamics: SynapseDynamics, shared: Collection[str], *, apart: Collection[str], source: bool, target: bool
) -> Levels:
    """Return where variables are kept, judged by what changes them.

    Parameters
    ----------
    dynamics
        Of the edges.
    shared
        What all edges read alike and nothing changes.
    apart
        Variables that edges do not begin alike with.
    source, target
        Whether it pays to keep anything for the neurons at that end.
    """
    within, on_pre, on_post = (
        _read_for(statements)
        for statements in (dynamics.integrate, dynamics.on_pre.statements, dynamics.on_post.statements)
    )

    def closed(found: set[str], other: Collection[str], event: Reads, allowed: set[str]) -> set[str]:
        """Remove what is changed from the other side, or by anything that neurons do not know."""
        found -= {*apart, *other}
        read = {key: within.get(key, frozenset()) | event.get(key, frozenset()) for key in found}
        while wrong := {key for key in found if not read[key] <= found | allowed}:
            found -= wrong
        return found if found & within.keys() else set()

    state, always = set(dynamics.state), {*shared, "dt"}
    sources = closed(set(state), on_post, on_pre, always) if source else set()
    behind = {key for key in dynamics.reads if key.endswith("_post")}
    targets = closed(state - sources, on_pre, on_post, always | behind | {"t"}) if target else set()
    return Levels(
        tuple(key for key in dynamics.state if key not in sources | targets),
        tuple(key for key in dynamics.state if key in sources),
        tuple(key for key in dynamics.state if key in targets),
    )


def _read_for(statements: Iterable[Statement]) -> Reads:
    """Return what the values of names depend on, as it was before some statements."""
    found: Reads = {}
    for statement in statements:
        found[statement.target] = frozenset().union(*(found.get(used, frozenset({used})) for used in statement.reads))
    return found


def straight(statements: Iterable[Statement], names: Names) -> list[Line]:
    """Return statements as lines, each with a name of its own (see :class:`Names`)."""
    lines = []
    for statement in statements:
        tree = names.read(statement.expression)
        lines.append((names.fresh(statement.target), tree))
    return lines


def needed(lines: Sequence[Line], wanted: Iterable[str]) -> list[Line]:
    """Return the lines that some names need, in order."""
    asked, kept = set(wanted), list[Line]()
    for target, tree in reversed(lines):
        if target in asked:
            asked |= names_in(tree)
            kept.append((target, tree))
    return kept[::-1]


@dataclass
class Common:
    """What all edges compute alike, apart from what each computes.

    Parameters
    ----------
    own
        The lines of each edge; in place of what depends on the time alone they read ``common0``, ``common1``, ...
    numbers
        These, by name.
    shared
        The lines that they need.
    """

    own: list[Line]
    numbers: dict[str, ast.expr] = field(default_factory=dict)
    shared: list[Line] = field(default_factory=list)


def set_apart(lines: Sequence[Line], shared: Collection[str], condition: Callable[[ast.expr], bool]) -> Common:
    """Set apart what lines compute from the time alone.

    Parameters
    ----------
    lines
        Of each edge.
    shared
        Names that are the same for all edges; ``x_t`` is the time.
    condition
        Tells whether a tree is a condition, not a number.
    """
    alike, late = {*shared, "x_t"}, {"x_t"}
    found = Common([])
    texts: dict[str, str] = {}

    def common(tree: ast.expr) -> bool:
        used = names_in(tree)
        return used <= alike and bool(used & late) and not condition(tree)

    def rebuilt(tree: ast.expr) -> ast.expr:
        if common(tree):
            text = ast.dump(tree)
            if text not in texts:
                texts[text] = f"common{len(texts)}"
                found.numbers[texts[text]] = tree
            return name(texts[text])
        if isinstance(tree, ast.BinOp):
            return ast.BinOp(rebuilt(tree.left), tree.op, rebuilt(tree.right))
        if isinstance(tree, ast.UnaryOp):
            return ast.UnaryOp(tree.op, rebuilt(tree.operand))
        if isinstance(tree, ast.BoolOp):
            return ast.BoolOp(tree.op, [rebuilt(value) for value in tree.values])
        if isinstance(tree, ast.Compare):
            return ast.Compare(rebuilt(tree.left), tree.ops, [rebuilt(value) for value in tree.comparators])
        if isinstance(tree, ast.Call):
            return ast.Call(tree.func, [rebuilt(value) for value in tree.args], [])
        return tree

    for target, tree in lines:
        used = names_in(tree)
        if used <= alike and not condition(tree):
            alike.add(target)
            late |= {target} if used & late else set()
            found.shared.append((target, tree))
        else:
            found.own.append((target, rebuilt(tree)))
    steady = [line for line in found.shared if line[0] not in late]
    found.own = needed([*steady, *found.own], [target for target, _ in found.own])
    return found
