"""The programs of a population: what its neurons do in a step, and what those that spiked do at its end.

A program goes through blocks of neurons, whose variables and scratch memory stay in the first cache from loop to loop.
It returns a bit for each block, whether any neuron fired, and a byte for each neuron of those blocks: few blocks have
to be searched, and the bytes of all others are written over in the first cache.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.simulation.lanes import Lanes, Leaf
from neurosim.backends.snntorch.step_parts import StepParts
from neurosim.program.normalise import constant
from neurosim.program.statements import Statement, name
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Names

#: Variables of a block beside those of the model: step of the last spike, whether a neuron is not refractory (1 or 0),
#: and how many steps it stays so.
LAST, ACTIVE, LIMIT = "_last", "_active", "_limit"
_PROGRAMS = ("fixed_integrate_", "fixed_update_", "threshold", "refractory", "fixed_reset_")
#: Blocks that a program is given at most: it returns a bit for each.
TOGETHER = 64
#: Lanes of a block are a multiple of this, so that no vector is cut.
GRAIN = 32
_HEAD = (
    "import numpy as np",
    "",
    "from neurosim.backends.snntorch.simulation.operating import carray",
    "from neurosim.backends.snntorch.simulation.pointers import address_at, at_address",
    "from neurosim.backends.snntorch.simulation.pointers import apply_1, apply_2, apply_3, beyond",
    "",
    "",
    "def program(F, C, T, L, I, number, step, time):",
)


@dataclass(frozen=True)
class Program:
    """A program as text, and what it expects.

    Parameters
    ----------
    text
        The module that holds it.
    constants
        Numbers, or names of values that are the same for all neurons.
    functions
        Called by address.
    scratch
        Numbers of scratch memory.
    """

    text: str
    constants: tuple[float | str, ...]
    functions: tuple[str, ...]
    scratch: int


@dataclass(frozen=True)
class NeuronForm:
    """The programs of a population, and what a block of it holds.

    Parameters
    ----------
    integrate, reset
        None of a signal; no reset where nothing is reset.
    variables
        In order; each takes `width` numbers.
    width
        Neurons of a block, a power of two.
    """

    integrate: Program | None
    reset: Program | None
    variables: tuple[str, ...]
    width: int

    def offset(self, variable: str) -> int:
        """Return where a variable begins in a block."""
        return self.variables.index(variable) * self.width

    @property
    def stride(self) -> int:
        """Numbers of a block."""
        return len(self.variables) * self.width


def program_of(lanes: Lanes, lines: Sequence[str]) -> Program:
    """Return a program from its body."""
    text = "\n".join([*_HEAD, *(f"    {line}" for line in lines), ""])
    return Program(text, tuple(lanes.constants), tuple(lanes.functions), lanes.scratch)


def neuron_form(
    item: PopulationProgram, parts: StepParts, fixed: Mapping[str, bool], *, width: int, asked: bool,
    also: Collection[str] = (), terms: Sequence[str] = (),
) -> NeuronForm:  # fmt: skip
    """Return the programs of a population.

    Parameters
    ----------
    item, parts
        The population, and its program parted.
    fixed
        What does not change within a run, by name: whether there is one value for all neurons.
    width
        Neurons of a block.
    asked
        Whether something outside asks in every step which neurons are refractory.
    also
        Names that edges read.
    terms
        What stands beside the inputs: their terms, before they are added.

    Raises
    ------
    Uncovered
        If the population does something that compiled programs do not know.
    """
    writer = _Writer(item, parts, fixed, width, asked, also, terms)
    return NeuronForm(writer.integrate(), writer.reset(), tuple(writer.variables), width)


class _Writer:
    def __init__(
        self, item: PopulationProgram, parts: StepParts, fixed: Mapping[str, bool], width: int, asked: bool,
        also: Collection[str], terms: Sequence[str],
    ) -> None:  # fmt: skip
        self.item, self.steps, self.fixed, self.width = item, parts.steps, fixed, width
        read = {used for key in _PROGRAMS for line in self.steps.get(key, ()) for used in line.reads}
        changing = [*item.state, *item.inputs, *(site.symbol for site in item.noise)]
        read |= {*also, *(["dt"] if item.reads_last_spike else [])}
        self.uniform = [key for key, one in fixed.items() if one and key in read | {LIMIT}]
        own = [key for key, one in fixed.items() if not one and key in read | {LIMIT}]
        self.rests = item.refractory is not None
        self.variables = [*dict.fromkeys([*changing, *own, *terms])]
        if self.rests:
            self.variables.append(LAST)
        self.keeps_active = self.rests and (asked or self._changes())
        if self.keeps_active:
            self.variables.append(ACTIVE)

    def _changes(self) -> bool:
        """Tell whether activity does not follow from the last spike and a fixed limit."""
        kind = "" if self.item.refractory is None else self.item.refractory.kind
        return kind != "time" or LIMIT not in self.fixed

    def _place(self, variable: str, index: str) -> str:
        """Return where a variable stands: in the block ``B`` at a lane ``j``, or anywhere at ``s``."""
        return f"{'B' if index == 'j' else 'F'}[{self.variables.index(variable) * self.width} + {index}]"

    def _leaves(self, index: str) -> dict[str, Leaf]:
        leaves = {f"x_{key}": Leaf(self._place(key, index)) for key in self.variables}
        leaves["x_t"] = Leaf("time", uniform=True)
        if self.rests:
            leaves["now"] = Leaf("float(step)", uniform=True)
            leaves["x_not_refractory"] = Leaf("False", condition=True)  # those that fired are refractory
        return leaves

    def _lanes(self, count: str, index: str, preamble: Sequence[str] = ()) -> Lanes:
        lanes = Lanes(self.width, count, self._leaves(index), preamble)
        for key in self.uniform:
            lanes.parameter(f"x_{key}", key)
        return lanes

    def _last_spike(self, lanes: Lanes) -> None:
        """Give the time of the last spike a name, where it is read."""
        if self.rests and self.item.reads_last_spike:
            never = ast.Compare(name(f"x_{LAST}"), [ast.Lt()], [constant(-1e18)])
            lanes.choose("x_lastspike", never, constant(-1e4), ast.BinOp(name(f"x_{LAST}"), ast.Mult(), name("x_dt")))

    def integrate(self) -> Program:
        """Write what a block does: refractoriness, equations, statements of a map, threshold."""
        lanes, names = self._lanes("count", "j"), Names()
        self._last_spike(lanes)
        if self.rests:
            self._activity(lanes, names)
        for key in ("fixed_integrate_", "fixed_update_"):
            self._execute(lanes, names, self.steps[key])
        found = {}
        if self.item.threshold is not None:
            (condition,) = self.steps["threshold"]
            tree = names.read(condition.expression)
            lanes.let("fired", ast.BoolOp(ast.And(), [tree, name("active")]) if self.rests else tree)
            if not lanes.is_condition(name("fired")):
                lanes.let("fires", ast.Compare(name("fired"), [ast.NotEq()], [constant(0.0)]))
            fired = name("fired" if lanes.is_condition(name("fired")) else "fires")
            lanes.store("flags[j]", fired)  # as it is: a choice between numbers would become stores of some lanes
            found = {"hit": fired.id}
            if self.keeps_active:
                still = ast.BoolOp(ast.And(), [name("active"), ast.UnaryOp(ast.Not(), fired)])
                lanes.store(self._place(ACTIVE, "j"), _number(still))
        elif self.keeps_active:
            lanes.store(self._place(ACTIVE, "j"), _number(name("active")))
        for variable in self.item.state:
            if variable in names.latest:
                lanes.store(self._place(variable, "j"), names.now(variable))
        head, body = lanes.text_parts(found=found)
        noting = ["    hits |= np.int64(hit) << block", f"    place += {self.width} if hit else 0"] if found else []
        lines = [
            *head,
            "hits, place = np.int64(0), np.int64(0)",
            f"for first in range(0, number, {self.width}):",
            f"    block, count = first // {self.width}, min({self.width}, number - first)",
            f"    B, flags = beyond(F, block * {len(self.variables) * self.width}), beyond(I, place)",
            *(f"    {line}" for line in body),
            *noting,
            "return hits",
        ]
        return program_of(lanes, lines)

    def _activity(self, lanes: Lanes, names: Names) -> None:
        """Decide which neurons are not refractory, as ``active``."""
        refractory = self.item.refractory
        if refractory is None:
            return
        before = ast.Compare(name(f"x_{ACTIVE}"), [ast.NotEq()], [constant(0.0)])
        limit: ast.expr = name(f"x_{LIMIT}")
        if LIMIT not in self.fixed:
            (statement,) = self.steps["refractory"]
            if "not_refractory" in statement.reads:
                lanes.let("x_active_before", before)
                names.latest["not_refractory"] = "x_active_before"
            limit = names.read(statement.expression)
        if refractory.kind == "time" and LIMIT in self.uniform:  # whole numbers of steps: one comparison for a lane
            limit = ast.Call(name("ceil"), [limit], [])
            latest = ast.BinOp(name("now"), ast.Sub(), limit)
            lanes.let("active", ast.Compare(name(f"x_{LAST}"), [ast.LtE()], [latest]))
        elif refractory.kind == "time":
            since = ast.BinOp(name("now"), ast.Sub(), name(f"x_{LAST}"))
            lanes.let("active", ast.Compare(since, [ast.GtE()], [limit]))
        else:
            lanes.let("active", ast.BoolOp(ast.Or(), [before, ast.UnaryOp(ast.Not(), limit)]))
        names.latest["not_refractory"] = "active"

    def _execute(self, lanes: Lanes, names: Names, statements: Sequence[Statement]) -> None:
        """Append a program: copies to variables that are masked keep the old value while refractory."""
        old = dict(names.latest)
        for statement in statements:
            tree, target = names.read(statement.expression), statement.target
            if target in self.item.masked and self.rests and target in self.item.state:
                before = name(old.get(target, f"x_{target}"))
                lanes.choose(names.fresh(target), name("active"), tree, before)
            else:
                lanes.let(names.fresh(target), tree)

    def reset(self) -> Program | None:
        """Write what the neurons that spiked do, given by index."""
        if not any(line.target in self.item.state for line in self.steps["fixed_reset_"]):
            return None
        bits = self.width.bit_length() - 1
        stride = len(self.variables) * self.width
        where = [
            "i = np.int64(chosen[first + j])",
            f"s = (i >> {bits}) * {stride} + (i & {self.width - 1})",
        ]
        lanes, names = self._lanes("count", "s", where), Names()
        self._last_spike(lanes)
        for statement in self.steps["fixed_reset_"]:
            lanes.let(names.fresh(statement.target), names.read(statement.expression))
        for variable in self.item.state:
            if variable in names.latest:
                lanes.store(self._place(variable, "s"), names.now(variable))
        head, body = lanes.text_parts()
        lines = [
            *head,
            "chosen = carray(at_address(address_at(I)), number, np.int32)",
            f"for first in range(0, number, {self.width}):",
            f"    count = min({self.width}, number - first)",
            *(f"    {line}" for line in body),
            "return 0",
        ]
        return program_of(lanes, lines)


def _number(condition: ast.expr) -> ast.expr:
    return ast.Call(name("int"), [condition], [])
