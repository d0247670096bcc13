"""The programs of edges: what graded edges add, how edges with a state change, and what spikes do to them.

Every program goes over edges in batches of lanes. Nothing that an edge reads is written by another in the same event,
so batches change nothing; what edges add to neurons is added one edge after another, in order.

The values of a projection are one array ``G`` with a head (see :class:`Layout`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from neurosim.backends.snntorch.simulation.edge_form import EdgeForm, End
from neurosim.backends.snntorch.simulation.edge_layout import BEFORE, INTEGRATED, LATEST, Layout
from neurosim.backends.snntorch.simulation.edge_levels import Levels, Line, find_levels, needed, set_apart, straight
from neurosim.backends.snntorch.simulation.lanes import Lanes, Leaf
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, Program
from neurosim.circuit.language import names_in
from neurosim.program.statements import Statement, name
from neurosim.program.step_program import ProjectionProgram
from neurosim.program.straight_line import Names, Uncovered
from neurosim.program.synapse_dynamics import EventProgram, SynapseDynamics

#: Edges of a batch.
WIDTH = 256
#: Numbers of the past that may be kept for a neuron, by edge: looking there is slower than looking at the edge.
LARGEST_PAST = 8
_HEAD = (
    "import numpy as np",
    "",
    "from neurosim.backends.snntorch.simulation.pointers import apply_1, apply_2, apply_3, beyond, float_bits",
    "",
    "",
    "def program(F, G, C, T, L, U, V, I, n, number, time):",
)


class EdgeForms:
    """The programs of a graded projection, or of one whose edges have a state.

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
    """

    def __init__(
        self, item: ProjectionProgram, shared: Mapping[str, bool], pre: End, post: End, terms: Mapping[str, str]
    ) -> None:
        self.item, self.shared, self.pre, self.post, self.terms = item, shared, pre, post, terms
        self._forms: dict[frozenset[str], EdgeForm] = {}
        #: What is found once for all runs (see :func:`edge_values.find_ends`).
        self.ends: dict[Levels, Any] = {}

    @property
    def functions(self) -> frozenset[str]:
        """What the programs call by address."""
        form = self.form()
        programs = [*(program for _, program in form.graded), *(form.programs or {}).values()]
        return frozenset(used for program in programs for used in program.functions)

    def form(self, apart: Collection[str] = ()) -> EdgeForm:
        """Return the programs, where edges do not begin alike with some variables.

        Raises
        ------
        Uncovered
            If the projection does something that compiled programs do not know.
        """
        key = frozenset(apart)
        if key not in self._forms:
            item = self.item
            dynamics = item.dynamics
            if dynamics is None:
                self._forms[key] = _Writer(self, Levels(())).graded()
            else:
                past = (item.max_delay + 1) * self.pre.item.n
                levels = find_levels(
                    dynamics, [name for name, one in self.shared.items() if one], apart=key,
                    source=0 < past <= LARGEST_PAST * item.n, target=self.post.item.n <= item.n,
                )  # fmt: skip
                self._forms[key] = _Writer(self, levels).plastic(dynamics)
        return self._forms[key]


class _Writer:
    def __init__(self, forms: EdgeForms, levels: Levels) -> None:
        self.item, self.shared, self.pre, self.post = forms.item, forms.shared, forms.pre, forms.post
        self.terms, self.levels = forms.terms, levels
        state = (*levels.edge, *levels.source, *levels.target)
        own = [key for key, one in self.shared.items() if not one and key not in state]
        self.alike = {f"x_{key}" for key, one in self.shared.items() if one and key not in state} | {"x_dt"}
        self.layout = Layout((*levels.edge, *own, *levels.source, *levels.target), levels)

    def graded(self) -> EdgeForm:
        """Write what every edge adds to the inputs."""
        found = []
        for addition in self.item.additions:
            target, lines = self.terms[addition.target], straight([Statement("amount", addition.expression)], Names())
            lanes = self._lanes(lines)
            _append(lanes, lines)
            amount = lines[-1][0]
            found.append(
                (target, self._program(lanes, self._adding(lanes, amount, target, chosen=False, masked=False)))
            )
        return EdgeForm(self.layout, graded=tuple(found))

    def plastic(self, dynamics: SynapseDynamics) -> EdgeForm:
        """Write how edges with a state change, and what spikes do to them."""
        if dynamics.noise:
            raise Uncovered("random numbers")
        targets = [addition.target for addition in dynamics.on_pre.additions]
        if len(set(targets)) < len(targets):
            raise Uncovered("two additions to one variable")
        if len(set(dynamics.post_delay.tolist())) > 1:
            raise Uncovered("several delays of postsynaptic spikes")
        events = (dynamics.on_pre, dynamics.on_post)
        read = {used for event in events for line in (*event.statements, *event.additions) for used in line.reads}
        changed = {line.target for line in dynamics.on_pre.statements}
        self.marked = frozenset(read & changed & {*self.levels.source})
        names = Names()
        lines = straight(dynamics.integrate, names)
        new = {key: names.latest[key] for key in dynamics.state if key in names.latest}
        programs: dict[str, Program] = {}
        settles = self._write_edge(programs, needed(lines, [new[key] for key in self.levels.edge if key in new]), new)
        for level, event, when in (("source", dynamics.on_pre, INTEGRATED), ("target", dynamics.on_post, BEFORE)):
            kept = getattr(self.levels, level)
            if any(key in new for key in kept):
                programs[level] = self._of_neurons(level, lines, new, BEFORE)
            names = Names()
            done = straight(event.statements, names)
            if any(key in names.latest for key in kept):
                programs[f"{level}_event"] = self._of_neurons(level, done, names.latest, when, chosen=True)
        after = INTEGRATED if dynamics.post_first else LATEST
        for side, event, when in (("pre", dynamics.on_pre, INTEGRATED), ("post", dynamics.on_post, after)):
            program = self._event(event, when, "(first + j)" if side == "post" else "e")
            if program is not None:
                programs[side] = program
        looks_back = "post" in programs and "U[" in programs["post"].text
        return EdgeForm(self.layout, programs=programs, settles=settles, looks_back=looks_back, marked=self.marked)

    # -- programs ------------------------------------------------------------------------------------------------

    def _write_edge(self, programs: dict[str, Program], lines: list[Line], new: Mapping[str, str]) -> bool:
        """Write how edges advance; return whether a step can leave them as they are."""
        self._again: tuple[list[Line], dict[str, str]] = ([], {})
        changed = {key: new[key] for key in self.levels.edge if key in new}
        if not changed:
            self.layout = Layout(self.layout.variables, self.levels, together=True)
            return True
        read = {used for _, tree in lines for used in names_in(tree)} - {target for target, _ in lines}
        alone = {f"x_{key}" for key in self.layout.variables if self.layout.level(key) == "edge"}
        settles = read <= alone | self.alike | {"x_t"}
        if settles:
            common = set_apart(lines, self.alike, _is_condition)
            lines = needed(common.own, changed.values())
            self.layout = Layout(self.layout.variables, self.levels, len(common.numbers), together=True)
            self._again = (lines, changed)
            if common.numbers:
                programs["common"] = self._common(common.shared, common.numbers)
        lanes = self._lanes(lines)
        _append(lanes, lines)
        sums = self._count_changed(lanes, [(f"x_{key}", now) for key, now in changed.items()]) if settles else {}
        self._store(lanes, changed)
        programs["edge"] = self._program(lanes, sums=sums)
        return settles

    def _common(self, shared: list[Line], numbers: Mapping[str, ast.expr]) -> Program:
        """Write what all edges compute alike."""
        lines = [*shared, *numbers.items()]
        lines = needed(lines, numbers)
        lanes = self._lanes(lines)
        _append(lanes, lines)
        for place, local in enumerate(numbers):
            lanes.store(f"G[{self.layout.numbers + place}]", name(local))
        return self._program(lanes)

    def _of_neurons(
        self, level: str, lines: list[Line], new: Mapping[str, str], when: int, *, chosen: bool = False
    ) -> Program:
        """Write how what is kept for neurons advances, or what their spikes do to it."""
        kept = {key: new[key] for key in getattr(self.levels, level) if key in new}
        if level == "source" and not chosen:  # what does not advance is copied from step to step
            kept = {key: new.get(key, f"x_{key}") for key in self.levels.source}
        lines = needed(lines, kept.values())
        read = {used for _, tree in lines for used in names_in(tree)} | set(kept.values())
        lanes = self._lanes(lines, chosen=chosen, level=level, when=when, also=read)
        _append(lanes, lines)
        for key, local in kept.items():
            for after in (INTEGRATED, LATEST) if key in self.marked and not chosen else (LATEST,):
                lanes.store(self._place(key, after, level), name(local))
        return self._program(lanes)

    def _event(self, event: EventProgram, when: int, before: str) -> Program | None:
        """Write what a spike does to an edge, and through it; ``None`` if nothing."""
        added = [Statement(f"added_{place}", item.expression) for place, item in enumerate(event.additions)]
        names = Names()
        lines = straight((*event.fresh, *added, *event.copies), names)
        changed = {key: names.latest[key] for key in self.levels.edge if key in names.latest}
        amounts = [names.latest[statement.target] for statement in added]
        if not (changed or amounts):
            return None
        lines = needed(lines, [*changed.values(), *amounts])
        again: list[tuple[str, str]] = []
        if changed:  # what the next step would do
            more, values = self._again
            now = Names()
            now.latest = dict(changed)
            renamed = {f"x_{key}": local for key, local in changed.items()}
            fresh = {target: f"y_{target}" for target, _ in more}
            lines += [(fresh[target], _renamed(tree, {**renamed, **fresh})) for target, tree in more]
            again = [(renamed.get(f"x_{key}", f"x_{key}"), fresh[local]) for key, local in values.items()]
        also = {old for old, _ in again} | set(changed.values())
        lanes = self._lanes(lines, chosen=True, when=when, also=also, before=before)
        read = {used for _, tree in lines for used in names_in(tree)} | also
        lanes.fetch(local for local in sorted(read & lanes.leaves.keys()) if not lanes.leaves[local].uniform)
        _append(lanes, lines)
        sums = self._count_changed(lanes, again)
        lanes.cut()
        self._store(lanes, changed)
        adding: list[str] = []
        for amount, item in zip(amounts, event.additions, strict=True):
            masked = item.target in self.post.item.masked and ACTIVE in self.post.form.variables
            adding += self._adding(lanes, amount, item.target, chosen=True, masked=masked)
        return self._program(lanes, adding, sums)

    # -- pieces --------------------------------------------------------------------------------------------------

    def _count_changed(self, lanes: Lanes, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """Count the lanes in which any two numbers differ; return what is summed."""
        flags = list[str]()
        for old, new in pairs:
            if old != new:
                flags.append(f"differs{len(flags)}")
                lanes.differ(flags[-1], old, new)
        if not flags:
            return {}
        trees: list[ast.expr] = [name(flag) for flag in flags]
        lanes.let("changed", trees[0] if len(trees) == 1 else ast.BoolOp(ast.Or(), trees))
        return {"hits": "changed"}

    def _store(self, lanes: Lanes, changed: Mapping[str, str]) -> None:
        for key, local in changed.items():
            if local != f"x_{key}":
                lanes.store(self._place(key, BEFORE, "edge"), name(local))

    def _place(self, variable: str, when: int, level: str, before: str = "e") -> str:
        """Return where a variable stands, seen from an edge, or from a neuron that it is kept for.

        `before` says where the places of presynaptic neurons are read.
        """
        kept, begin = self.layout.level(variable), f"b{self.layout.begin(variable, when)}"
        if kept == level:
            edge = "e" if self.layout.apart == 1 or kept != "edge" else f"{self.layout.apart}*e"
            return f"G[{begin} + ahead + e]" if kept == "source" else f"G[{begin} + {edge}]"
        return f"G[{begin} + np.int64({f'U[2*{before}' if kept == 'source' else 'V[2*e'} + 1])]"

    def _neuron(self, side: str, edge: str, level: str) -> str:
        """Return the place of the neuron at one end of an edge, or of one that something is kept for."""
        places, kept = ("U", self.levels.source) if side == "pre" else ("V", self.levels.target)
        return f"np.int64({places}[{f'2*{edge}' if kept and level == 'edge' else edge}])"

    def _lanes(
        self, lines: Sequence[Line], *, chosen: bool = False, level: str = "edge", when: int = LATEST,
        also: Iterable[str] = (), before: str = "e",
    ) -> Lanes:  # fmt: skip
        leaves = {
            f"x_{key}": Leaf(self._place(key, when, level, before))
            for key in self.layout.variables if level in (self.layout.level(key), "edge")
        }  # fmt: skip
        leaves["x_t"] = Leaf("time", uniform=True)
        for place in range(self.layout.common):
            leaves[f"common{place}"] = Leaf(f"G[{self.layout.numbers + place}]", uniform=True)
        defined = {target for target, _ in lines}
        reads = {used for _, tree in lines for used in names_in(tree)} | set(also)
        parameters = []
        for local in sorted(reads - defined - leaves.keys()):
            key = local.removeprefix("x_")
            if key in self.shared or key == "dt":
                parameters.append((local, f"edge:{key}"))
                continue
            for side, end in (("pre", self.pre), ("post", self.post)):
                variable = key.removesuffix(f"_{side}")
                if variable == key:
                    continue
                if variable in end.shared:
                    parameters.append((local, f"{side}:{variable}"))
                elif variable in end.form.variables:
                    alone = end.item.n == 1 and level == "edge"  # one neuron at the end of all edges
                    neuron = self._neuron(side, "0" if alone else before if side == "pre" else "e", level)
                    leaves[local] = Leaf(f"F[{neuron} + {end.form.offset(variable)}]", uniform=alone)
        lanes = Lanes(WIDTH, "count", leaves, ["e = np.int64(I[first + j])" if chosen else "e = first + j"])
        for local, value in parameters:
            lanes.parameter(local, value)
        return lanes

    def _program(self, lanes: Lanes, after: Sequence[str] = (), sums: Mapping[str, str] | None = None) -> Program:
        head, body = lanes.text_parts(sums)
        places = [f"b{place} = np.int64(G[{place}])" for place in range(3 * len(self.layout.variables))]
        used = "\n".join((*body, *after))
        places = [line for line in places if f"[{line.split()[0]} " in used]
        if "ahead" in used:
            places.append(f"ahead = np.int64(G[{self.layout.ahead}])")
        lines = [
            *places,
            *head,
            f"for first in range(0, number, {WIDTH}):",
            f"    count = min({WIDTH}, number - first)",
            *(f"    {line}" for line in (*body, *after)),
            "return hits" if sums else "return 0",
        ]
        text = "\n".join([*_HEAD, *(f"    {line}" for line in lines), ""])
        return Program(text, tuple(lanes.constants), tuple(lanes.functions), lanes.scratch)

    def _adding(self, lanes: Lanes, local: str, target: str, *, chosen: bool, masked: bool) -> list[str]:
        """Return the loop that adds a value of each lane to the neurons behind the edges, one after another.

        Where all edges are gone over and a batch leads to neighbours, the loop is one that compilers vectorise.
        """
        edge = "np.int64(I[first + j])" if chosen else "(first + j)"
        neuron, offset = self._neuron("post", edge, "edge"), self.post.form.offset(target)
        amount = f"T[{lanes.kept(local)} + j]"
        lines = ["for j in range(count):", f"    s = {neuron}"]
        if masked:
            lines += [f"    if F[s + {self.post.form.offset(ACTIVE)}] != 0.0:", f"        F[s + {offset}] += {amount}"]
            return lines
        lines.append(f"    F[s + {offset}] += {amount}")
        if chosen:
            return lines
        return [
            f"begin = {self._neuron('post', 'first', 'edge')}",
            "neighbours = 0",
            "for j in range(count):",
            f"    neighbours += {neuron} == begin + j",
            "if neighbours == count:",
            "    for j in range(count):",
            f"        F[begin + j + {offset}] += {amount}",
            "else:",
            *(f"    {line}" for line in lines),
        ]


def _append(lanes: Lanes, lines: Iterable[Line]) -> None:
    for target, tree in lines:
        lanes.let(target, tree)


def _renamed(tree: ast.expr, names: Mapping[str, str]) -> ast.expr:
    now = Names()
    now.latest = {used: names.get(used, used) for used in names_in(tree)}
    return now.read(tree)


def _is_condition(tree: ast.expr) -> bool:
    negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return negated or isinstance(tree, (ast.Compare, ast.BoolOp))
