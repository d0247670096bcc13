"""The text of loops over lanes: the same statements for each neuron of a block, in a form that compilers vectorise.

A lane program is a chain of short loops without branches. What is one operation of IEEE arithmetic stands in a loop;
`exp` and its kin are calls of numpy's own loops on scratch memory between two of them, so that their bits are numpy's.
No number stands in the text: constants are read from an array, and models that differ in their values share their
machine code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neurosim.circuit.language import names_in
from neurosim.program.normalise import constant, constant_value
from neurosim.program.statements import name
from neurosim.program.straight_line import Uncovered

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_NAMED = {ast.Pow: "power", ast.FloorDiv: "floor_divided", ast.Mod: "remainder"}
#: Functions that IEEE arithmetic fixes to the last bit.
_INLINE = {"abs": "abs", "sqrt": "np.sqrt", "floor": "np.floor", "ceil": "np.ceil"}


def numpy_functions() -> dict[str, np.ufunc]:
    """Return, by the names of the equation language, the ufuncs that compiled programs call by address."""
    from neurosim.circuit.evaluation import FUNCTIONS

    found = {key: value for key, value in FUNCTIONS.items() if isinstance(value, np.ufunc) and key not in _INLINE}
    found |= {"power": np.power, "floor_divided": np.floor_divide, "remainder": np.remainder}
    clip = getattr(getattr(getattr(np, "_core", None), "umath", None), "clip", None)
    return found | ({"clip": clip} if isinstance(clip, np.ufunc) else {})


@dataclass(frozen=True)
class Leaf:
    """Where a name is read: text that depends on the lane ``j``, or on none (`uniform`)."""

    text: str
    uniform: bool = False
    condition: bool = False


@dataclass
class _Line:
    target: str | None  # None: a store
    text: str
    reads: frozenset[str]
    condition: bool = False


@dataclass
class _Loop:
    lines: list[_Line] = field(default_factory=list)


@dataclass(frozen=True)
class _Call:
    function: int
    arguments: tuple[tuple[bool, str], ...]  # (is the same in all lanes, local name)
    target: str


class Lanes:
    """Collects the lines of a program, and writes them as loops.

    Parameters
    ----------
    width
        Lanes of scratch memory for each value that is kept between loops.
    count
        Text of the number of lanes.
    leaves
        What is read from memory, by name.
    preamble
        Lines at the head of every loop, such as the index that leaves use.
    """

    def __init__(self, width: int, count: str, leaves: Mapping[str, Leaf], preamble: Sequence[str] = ()) -> None:
        self.width, self.count, self.leaves, self.preamble = width, count, dict(leaves), list(preamble)
        #: What the program reads from its array of constants: numbers, or names of values that a run fills in.
        self.constants: list[float | str] = []
        self.functions: list[str] = []
        self._parts: list[_Loop | _Call] = [_Loop()]
        self._defined: dict[str, tuple[int, bool]] = {}  # by name: the part that defines it, whether a condition
        self._slots: dict[str, int] = {}
        self._fetched: dict[str, str] = {}
        self._temporary = 0
        self._head: list[str] = []  # lines before the loops, and what they read
        self._head_reads: frozenset[str] = frozenset()

    # -- collecting ----------------------------------------------------------------------------------------------

    def let(self, target: str, tree: ast.expr) -> None:
        """Append ``target = tree``; a name is assigned once."""
        condition = self.is_condition(tree)
        text = self._text(tree)
        self._append(_Line(target, text, names_in(ast.parse(text, mode="eval").body), condition))

    def choose(self, target: str, condition: ast.expr, then: ast.expr, otherwise: ast.expr) -> None:
        """Append ``target = then if condition else otherwise``."""
        text = f"({self._text(then)} if {self._text(condition)} else {self._text(otherwise)})"
        self._append(_Line(target, text, names_in(ast.parse(text, mode="eval").body)))

    def differ(self, target: str, first: str, second: str) -> None:
        """Append a condition: whether two numbers differ in any bit; the program imports ``float_bits``."""
        first, second = (self._fetched.get(local, local) for local in (first, second))
        text = f"(float_bits({first}) != float_bits({second}))"
        self._append(_Line(target, text, frozenset({first, second}), True))

    def store(self, place: str, tree: ast.expr) -> None:
        """Append ``place = tree``."""
        text = self._text(tree)
        self._append(_Line(None, f"{place} = {text}", names_in(ast.parse(text, mode="eval").body)))

    def fetch(self, leaves: Iterable[str]) -> None:
        """Read leaves in a loop of their own; what follows reads them where they are kept.

        Where lanes read far apart, such a loop has more of them under way from memory at once, and the loop with the
        arithmetic is one that compilers vectorise.
        """
        for local in leaves:
            self.let(f"kept_{local}", name(local))
            self._fetched[local] = f"kept_{local}"
        self.cut()

    def cut(self) -> None:
        """Let what follows stand in a loop of its own."""
        self._parts.append(_Loop())

    def is_condition(self, tree: ast.expr) -> bool:
        """Tell whether a tree is a condition, not a number."""
        if isinstance(tree, ast.Name):
            if tree.id in self._defined:
                return self._defined[tree.id][1]
            return tree.id in self.leaves and self.leaves[tree.id].condition
        if isinstance(tree, ast.Constant):
            return isinstance(tree.value, bool)
        return isinstance(tree, (ast.Compare, ast.BoolOp)) or (
            isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
        )

    def _append(self, line: _Line) -> None:
        loop = self._parts[-1]
        if not isinstance(loop, _Loop):
            loop = _Loop()
            self._parts.append(loop)
        loop.lines.append(line)
        if line.target is not None:
            self._defined[line.target] = (len(self._parts) - 1, line.condition)

    def _text(self, tree: ast.expr) -> str:
        number = constant_value(tree)
        if number is not None:
            return self._constant(float(number))
        if isinstance(tree, ast.Constant):
            return repr(bool(tree.value))
        if isinstance(tree, ast.Name):
            if tree.id not in self._defined and tree.id not in self.leaves:
                raise Uncovered(tree.id)
            return self._fetched.get(tree.id, tree.id)
        if isinstance(tree, ast.BinOp):
            if type(tree.op) in _OPERATORS:
                return f"({self._text(tree.left)} {_OPERATORS[type(tree.op)]} {self._text(tree.right)})"
            return self._called(_NAMED[type(tree.op)], [tree.left, tree.right])
        if isinstance(tree, ast.UnaryOp):
            return f"({'-' if isinstance(tree.op, ast.USub) else 'not '}{self._text(tree.operand)})"
        if isinstance(tree, ast.Compare):
            sign = _COMPARISONS[type(tree.ops[0])]
            return f"({self._text(tree.left)} {sign} {self._text(tree.comparators[0])})"
        if isinstance(tree, ast.BoolOp):
            sign = " & " if isinstance(tree.op, ast.And) else " | "
            return "(" + sign.join(self._text(part) for part in tree.values) + ")"
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            return self._called(tree.func.id, tree.args)
        raise Uncovered(ast.unparse(tree))

    def _called(self, function: str, arguments: list[ast.expr]) -> str:
        if function == "int":
            text = self._text(arguments[0])
            return f"(1.0 if {text} else 0.0)" if self.is_condition(arguments[0]) else f"np.trunc({text})"
        if function == "timestep":
            time, dt = arguments
            late = ast.BinOp(time, ast.Add(), ast.BinOp(constant(1e-3), ast.Mult(), dt))
            return f"np.floor({self._text(ast.BinOp(late, ast.Div(), dt))})"
        if function == "exprel":
            return self._exprel(arguments[0])
        if function in _INLINE:
            return f"{_INLINE[function]}({self._text(arguments[0])})"
        if function == "clip" and all(constant_value(bound) is not None for bound in arguments[1:]):
            return self._clip(*arguments)
        if function not in numpy_functions():
            raise Uncovered(function)
        return self._by_address(function, arguments)

    def _clip(self, argument: ast.expr, low: ast.expr, high: ast.expr) -> str:
        """Write what numpy computes where bounds are numbers: what is equal to one, or no number, stays as it is."""
        x, raised, result = (self._fresh() for _ in range(3))
        self.let(x, argument)
        self.choose(raised, ast.Compare(name(x), [ast.Lt()], [low]), low, name(x))
        self.choose(result, ast.Compare(name(raised), [ast.Gt()], [high]), high, name(raised))
        return result

    def _exprel(self, argument: ast.expr) -> str:
        """Write what the exact path computes: expm1(x)/x, 1 next to 0."""
        x, small, safe, result = (self._fresh() for _ in range(4))
        self.let(x, argument)
        self.let(small, ast.Compare(ast.Call(name("abs"), [name(x)], []), [ast.Lt()], [constant(1e-16)]))
        self.choose(safe, name(small), constant(1.0), name(x))
        grown = self._by_address("expm1", [name(x)])
        self.choose(result, name(small), constant(1.0), ast.BinOp(name(grown), ast.Div(), name(safe)))
        return result

    def _by_address(self, function: str, arguments: list[ast.expr]) -> str:
        if all(self._is_uniform(tree) for tree in arguments):
            return self._once(function, arguments)
        given = []
        for tree in arguments:
            number = constant_value(tree) is not None
            if number or (isinstance(tree, ast.Name) and self._is_constant(tree.id)):
                given.append((True, self._text(tree)))
                continue
            local = self._fresh()
            self.let(local, tree)
            self._slot(local)
            given.append((False, local))
        target = self._fresh()
        self._slot(target)
        self._parts.append(_Call(self._function(function), tuple(given), target))
        self._defined[target] = (len(self._parts) - 1, False)
        return target

    def _is_uniform(self, tree: ast.expr) -> bool:
        return all(used in self.leaves and self.leaves[used].uniform for used in names_in(tree))

    def _is_constant(self, local: str) -> bool:
        return local in self.leaves and self.leaves[local].text.startswith("C[")

    def _once(self, function: str, arguments: list[ast.expr]) -> str:
        """Call a function whose arguments are the same in all lanes, before the loops."""
        where, given = 2 * self._function(function), []
        for tree in arguments:
            text = self._text(tree)
            place = self.kept(self._fresh())
            self._head_reads |= names_in(ast.parse(text, mode="eval").body)
            self._head.append(f"T[{place}] = {text}")
            given += [f"beyond(T, {place})", "8"]
        target = self._fresh()
        place = self.kept(target)
        self._head.append(
            f"apply_{len(arguments)}(L[{where}], L[{where + 1}], 1, {', '.join(given)}, beyond(T, {place}))"
        )
        self._head.append(f"{target} = T[{place}]")
        self.leaves[target] = Leaf("", uniform=True)
        return target

    def _function(self, name: str) -> int:
        if name not in self.functions:
            self.functions.append(name)
        return self.functions.index(name)

    def _fresh(self) -> str:
        self._temporary += 1
        return f"z{self._temporary}"

    def _slot(self, local: str) -> int:
        return self._slots.setdefault(local, len(self._slots))

    def _constant(self, value: float) -> str:
        self.parameter(f"c{len(self.constants)}", value)
        return f"c{len(self.constants) - 1}"

    def parameter(self, local: str, value: float | str) -> None:
        """Let a name stand for a constant: a number, or what a run fills in by name."""
        self.leaves[local] = Leaf(f"C[{len(self.constants)}]", uniform=True)
        self.constants.append(value)

    def kept(self, local: str) -> int:
        """Return where in scratch memory the values of a name are kept for later loops."""
        return self._slot(local) * self.width

    # -- writing -------------------------------------------------------------------------------------------------

    @property
    def scratch(self) -> int:
        """Numbers of scratch memory that the program needs."""
        return len(self._slots) * self.width

    def text_parts(
        self, sums: Mapping[str, str] | None = None, found: Mapping[str, str] | None = None
    ) -> tuple[list[str], list[str]]:  # fmt: skip
        """Return the lines of the program: those that are executed once, and the loops.

        Parameters
        ----------
        sums
            Numbers that are summed over all lanes: by the name of the sum, that of a condition.
        found
            Whether a condition holds in a lane of the loops: by the name of the answer, that of the condition.
        """
        gathered = {f"{total} += {flag}": flag for total, flag in (sums or {}).items()}
        gathered |= {f"{answer} |= {flag}": flag for answer, flag in (found or {}).items()}
        parts = [part for part in self._parts if isinstance(part, _Call) or part.lines]
        place = {id(part): index for index, part in enumerate(self._parts)}
        for part in parts:  # what is read in a later loop is kept in between
            for local in self._reads(part, gathered):
                defined = self._defined.get(local)
                if defined is not None and defined[0] != place[id(part)]:
                    self._slot(local)
        used = {local for part in parts for local in self._reads(part, gathered) if local in self.leaves}
        used |= {local for local in self._head_reads if local in self.leaves}
        leaves = [(local, self.leaves[local]) for local in sorted(used)]
        lines = [f"{local} = {leaf.text}" for local, leaf in leaves if leaf.uniform and leaf.text]
        lines += self._head
        lines += [f"{total} = 0" for total in sums or {}]
        body = [f"{answer} = False" for answer in found or {}]
        for part in parts:
            body += self._call(part) if isinstance(part, _Call) else self._loop(part, gathered)
        return lines, body

    def _reads(self, part: _Loop | _Call, gathered: Mapping[str, str]) -> list[str]:
        if isinstance(part, _Call):
            return [local for _, local in part.arguments]
        found = {local for line in part.lines for local in line.reads}
        targets = {line.target for line in part.lines}
        found |= {flag for flag in gathered.values() if flag in targets}
        return sorted(local for local in found if local in self._defined or local in self.leaves)

    def _loop(self, part: _Loop, gathered: Mapping[str, str]) -> list[str]:
        own = {line.target for line in part.lines}
        lines = [f"for j in range({self.count}):", *(f"    {line}" for line in self.preamble)]
        for local in self._reads(part, gathered):
            if local in own:
                continue
            if local in self._slots and local in self._defined:
                kept = f"T[{self._slots[local] * self.width} + j]"
                condition = self._defined[local][1]
                lines.append(f"    {local} = {kept}{' != 0.0' if condition else ''}")
            elif not self.leaves[local].uniform:
                lines.append(f"    {local} = {self.leaves[local].text}")
        for line in part.lines:
            lines.append(f"    {line.text}" if line.target is None else f"    {line.target} = {line.text}")
            if line.target in self._slots:
                value = f"(1.0 if {line.target} else 0.0)" if line.condition else line.target
                lines.append(f"    T[{self._slots[line.target] * self.width} + j] = {value}")
        lines += [f"    {line}" for line, flag in gathered.items() if flag in own]
        return lines

    def _call(self, part: _Call) -> list[str]:
        given = []
        for uniform, local in part.arguments:
            if uniform:
                given += [f"beyond(C, {self.leaves[local].text[2:-1]})", "0"]
            else:
                given += [f"beyond(T, {self._slots[local] * self.width})", "8"]
        where = 2 * part.function
        results = f"beyond(T, {self._slots[part.target] * self.width})"
        call = f"apply_{len(part.arguments)}(L[{where}], L[{where + 1}], {self.count}, {', '.join(given)}, {results})"
        return [call]
