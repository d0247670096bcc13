"""Graded projections inside a component: what is read of the neurons at both ends, and what each edge makes of it.

What an edge contributes is an expression of its own values and of variables at its ends. The largest parts of it that
read one end alone are *readings*: computed once for each neuron, not for each edge. What remains is often a weight
times a reading, and then the whole projection is a matrix product.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.language import names_in
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.program.frozen import Frozen
from neurosim.program.statements import name, rename, with_parts
from neurosim.program.step_program import Contribution, PopulationProgram, ProjectionProgram
from neurosim.program.straight_line import Uncovered

#: Sums over edges are matrix products from this share of all pairs on, and sums of their gradients over time from this.
DENSE, OUTER = 1 / 8, 1 / 50
#: The largest matrix of gradients that edges are picked from.
LARGEST = 2**22


@dataclass(frozen=True)
class Reading:
    """A value of every neuron of a population, as it stands before a step.

    Parameters
    ----------
    place
        Of the population in its component.
    tree
        What is read, in names of the model that begin with ``x_``.
    """

    place: int
    tree: ast.expr

    @property
    def reads(self) -> list[str]:
        """The names of the model."""
        return sorted(used.removeprefix("x_") for used in names_in(self.tree))


@dataclass(frozen=True)
class Term:
    """What the edges of a projection add to one input variable.

    Parameters
    ----------
    projection
        Its name.
    pre, post
        Places of the populations.
    target
        The input variable.
    tree
        What an edge contributes, in ``e_name`` (its own values), ``a_3`` and ``b_3`` (reading 3 of the neuron before
        and behind) and ``x_t``.
    kind
        ``"edges"``; ``"matrix"`` where that is a weight times reading :attr:`source`, for so many pairs that a matrix
        is best; ``"kernel"`` where it is that and edges share the weights of a kernel; ``"fixed"`` where the sum is the
        same in every step.
    sum
        The number of the first term of the same sum: several are added one after another.
    outer
        Whether the gradients of the weights are picked from a product of matrices.
    """

    projection: str
    pre: int
    post: int
    target: str
    tree: ast.expr
    kind: str
    sum: int
    outer: bool

    @property
    def edge_names(self) -> list[str]:
        """The values of its edges that it reads."""
        return sorted(used.removeprefix("e_") for used in names_in(self.tree) if used.startswith("e_"))

    def readings(self, end: str) -> list[int]:
        """Return the readings at an end: ``"a"`` before, ``"b"`` behind the synapse."""
        return sorted(int(used[2:]) for used in names_in(self.tree) if used.startswith(f"{end}_"))

    @property
    def source(self) -> int:
        """The reading that a matrix is multiplied with."""
        return self.readings("a")[0]


@dataclass(frozen=True)
class Total:
    """The sum of all contributions to an input variable, in order: numbers of sums, or injections that are given."""

    place: int
    variable: str
    parts: tuple[int | tuple[str, ...], ...]

    def given(self) -> dict[str, tuple[str, ...]]:
        """Return the injections that are given, by the name of the array that holds their sum."""
        found = {}
        for place, part in enumerate(self.parts):
            if isinstance(part, tuple):
                found[f"J{self.place}_{place}_{self.variable}"] = part
        return found


@dataclass(frozen=True, eq=False)
class GradedStage(Frozen):
    """The graded stage of a component: what is computed in every step before anything is integrated.

    Parameters
    ----------
    readings, terms
        By number.
    schedule
        In order: ``("reading", number)``, ``("term", number)``, ``("total", total)``.
    items
        The populations, by place.
    """

    readings: tuple[Reading, ...]
    terms: tuple[Term, ...]
    schedule: tuple[tuple[str, int | Total], ...]
    items: tuple[PopulationProgram, ...]

    @property
    def totals(self) -> list[Total]:
        """The inputs that are summed, in order."""
        return [found for _, found in self.schedule if isinstance(found, Total)]

    def read(self, place: int) -> set[str]:
        """Return what is read of a population."""
        return {used for reading in self.readings if reading.place == place for used in reading.reads}

    @property
    def timed(self) -> bool:
        """Whether anything reads the time."""
        trees = [*(reading.tree for reading in self.readings), *(term.tree for term in self.terms)]
        return any("x_t" in names_in(tree) for tree in trees)


class _Splitter:
    """Collects the readings of all terms, each once."""

    def __init__(self, items: Sequence[PopulationProgram]) -> None:
        self.items = items
        self.readings: list[Reading] = []
        self._numbers: dict[tuple[int, str], int] = {}

    def number(self, place: int, tree: ast.expr) -> int:
        """Return the number of a reading."""
        key = (place, ast.unparse(tree))
        if key not in self._numbers:
            reading, item = Reading(place, tree), self.items[place]
            known = {*item.state, *item.inputs, *item.parameters, "t"}
            unknown = [used for used in reading.reads if used not in known]
            if unknown:
                raise Uncovered(f"a synapse that reads {unknown[0]} of {item.name}")
            self._numbers[key] = len(self.readings)
            self.readings.append(reading)
        return self._numbers[key]

    def split(self, tree: ast.expr, ends: Mapping[str, int], own: set[str]) -> ast.expr:
        """Return what is left of an expression when what reads one end alone has become a reading.

        Parameters
        ----------
        tree
            The expression.
        ends
            Places of the populations by ``"_pre"`` and ``"_post"``.
        own
            Names of the edges' own values.
        """
        sides = {_side(used, own) for used in names_in(tree)} - {""}
        if not isinstance(tree, (ast.Compare, ast.BoolOp)) and sides in ({"_pre"}, {"_post"}):
            (side,) = sides
            mine = rename(tree, {used: f"x_{used.removesuffix(side)}" for used in names_in(tree)})
            return name(f"{'a' if side == '_pre' else 'b'}_{self.number(ends[side], mine)}")
        if not sides:
            return rename(tree, {used: "x_t" if used == "t" else f"e_{used}" for used in names_in(tree)})

        def deeper(part: ast.expr) -> ast.expr:
            return self.split(part, ends, own)

        return _rebuilt(tree, deeper)


def _side(used: str, own: set[str]) -> str:
    """Return which end a name belongs to: ``"_pre"``, ``"_post"``, ``"edge"``, or none (the time)."""
    if used == "t":
        return ""
    if used in own:
        return "edge"
    side = next((suffix for suffix in ("_pre", "_post") if used.endswith(suffix)), None)
    if side is None:
        raise Uncovered(f"a synapse that reads {used}")
    return side


def _rebuilt(tree: ast.expr, of_part: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """Return a tree with its parts replaced."""
    if isinstance(tree, ast.Name):
        return name(f"e_{tree.id}")
    rebuilt = with_parts(tree, of_part)
    if rebuilt is None:
        raise Uncovered(ast.unparse(tree))
    return rebuilt


def graded_stage(
    items: Sequence[PopulationProgram],
    schedule: Iterable[ProjectionProgram | tuple[str, str]],
    convolved: Container[str] = (),
) -> GradedStage | None:
    """Return the graded stage of a component, or ``None`` where no projection takes part in it.

    Parameters
    ----------
    items
        The populations of the component, by place.
    schedule
        See :attr:`neurosim.program.step_program.StepProgram.graded_schedule`; of this component.
    convolved
        The projections whose edges are never made: a kernel is multiplied with what they read.

    Raises
    ------
    Uncovered
        If a projection reads what loops do not know.
    """
    actions = list(schedule)
    if not any(isinstance(action, ProjectionProgram) for action in actions):
        return None
    place = {item.name: number for number, item in enumerate(items)}
    splitter, terms = _Splitter(items), list[Term]()
    found: list[tuple[str, int | Total]] = []
    sums: dict[tuple[str, str], int] = {}
    for action in actions:
        if isinstance(action, ProjectionProgram):
            for term in _terms(action, place, items, splitter, len(terms), by_kernel=action.name in convolved):
                read = {*term.readings("a"), *term.readings("b")}
                found += [("reading", number) for number in sorted(read) if ("reading", number) not in found]
                found.append(("term", len(terms)))
                sums.setdefault((term.projection, term.target), term.sum)
                terms.append(term)
            continue
        owner, variable = action
        contributions = items[place[owner]].inputs[variable]
        if any(source.kind == "projection" for source in contributions):
            found.append(("total", Total(place[owner], variable, _parts(contributions, variable, sums))))
    return GradedStage(tuple(splitter.readings), tuple(terms), tuple(found), tuple(items))


def _terms(
    item: ProjectionProgram, place: Mapping[str, int], items: Sequence[PopulationProgram], splitter: _Splitter,
    count: int, *, by_kernel: bool,
) -> list[Term]:  # fmt: skip
    """Return the terms of a projection: every sum's additions one after another."""
    pre, post = place[item.pre], place[item.post]
    ends, found = {"_pre": pre, "_post": post}, list[Term]()
    for target in dict.fromkeys(addition.target for addition in item.additions):
        trees = [addition.expression for addition in item.additions if addition.target == target]
        first = count + len(found)
        left = [splitter.split(tree, ends, set(item.values)) for tree in trees]
        if all(used.startswith("e_") for tree in left for used in names_in(tree)):
            found.append(Term(item.name, pre, post, target, left[0], "fixed", first, outer=False))
            continue
        if by_kernel:
            found.append(Term(item.name, pre, post, target, left[0], "kernel", first, outer=False))
            continue
        dense = len(left) == 1 and _is_product(left[0]) and in_order(item, items[pre].n, items[post].n)
        kind = "matrix" if dense else "edges"
        pairs = items[pre].n * items[post].n
        many = OUTER * pairs <= item.n and pairs <= LARGEST
        found += [
            Term(item.name, pre, post, target, tree, kind, first, outer=many and _is_product(tree)) for tree in left
        ]
    return found


def _parts(
    contributions: Iterable[Contribution], variable: str, sums: Mapping[tuple[str, str], int]
) -> tuple[int | tuple[str, ...], ...]:
    """Return the parts of a total in order; injections that come first are one part."""
    parts: list[int | tuple[str, ...]] = []
    for source in contributions:
        if source.kind == "projection":
            parts.append(sums[source.source, variable])
        elif len(parts) == 1 and isinstance(parts[0], tuple):
            parts[0] = (*parts[0], source.source)
        else:
            parts.append((source.source,))
    return tuple(parts)


def _is_product(tree: ast.expr) -> bool:
    """Tell whether an edge contributes its weight times a reading of the neuron before it."""
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.Mult):
        return False
    sides = [side.id for side in (tree.left, tree.right) if isinstance(side, ast.Name)]
    return len(sides) == 2 and f"e_{WEIGHT}" in sides and any(side.startswith("a_") for side in sides)


def in_order(item: ProjectionProgram, n_pre: int, n_post: int) -> bool:
    """Tell whether a matrix holds the edges: enough of them, each pair once, added in the order of its lines."""
    if item.n == 0 or item.n < DENSE * n_pre * n_post:
        return False
    order = np.argsort(item.post_index, kind="stable")
    pre, post = item.pre_index[order].astype(np.int64), item.post_index[order].astype(np.int64)
    return bool(np.all(np.diff(post * n_pre + pre) > 0))
