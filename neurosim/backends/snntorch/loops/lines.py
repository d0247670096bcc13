"""One step of a population in two parts, before and after arrivals, and which lines of a text are needed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from neurosim.backends.snntorch.population import Dynamics
from neurosim.backends.snntorch.step_lines import leaves, step_lines
from neurosim.circuit.language import names_in
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Choose, Let, Line, Test, Uncovered


@dataclass(frozen=True)
class TwoParts:
    """One step of a population.

    Parameters
    ----------
    fire, settle
        The lines up to the spikes, and those after the arrivals: the reset.
    arrived
        What each variable is called between the two, where arrivals are added to it.
    final
        The last name of each variable.
    """

    fire: list[Line]
    settle: list[Line]
    arrived: dict[str, str]
    final: dict[str, str]


def two_parts(item: PopulationProgram, dynamics: Dynamics) -> TwoParts:
    """Return one step of a population, cut where spikes arrive.

    Raises
    ------
    Uncovered
        If the population does something that the loops do not know.
    """
    whole = step_lines(item, dynamics, [])
    end = len(whole.program) - len(dynamics.steps["fixed_reset_"])
    fire, settle = whole.program[:end], whole.program[end:]
    arrived = {key: f"x_{key}" for key in item.state}
    for line in fire:
        found = re.fullmatch(r"x\d+_(.*)", line.target)
        if found and found[1] in arrived:
            arrived[found[1]] = line.target
    read = leaves(settle) - set(item.state)
    changing = [*item.inputs, *(site.symbol for site in item.noise), "t"]
    if read & set(changing) or any("active_after" in _read(line) for line in settle):
        raise Uncovered("a reset that reads more than variables and parameters")
    return TwoParts(fire, settle, arrived, whole.final)


def _read(line: Line) -> frozenset[str]:
    if isinstance(line, (Let, Test)):
        return names_in(line.tree)
    return names_in(line.then) | names_in(line.otherwise) if isinstance(line, Choose) else frozenset()


def needed(lines: Sequence[str], wanted: Iterable[str] = ()) -> list[str]:
    """Return the lines of a text that something depends on.

    Parameters
    ----------
    lines
        Assignments. One to an element of an array is always needed, one to a name where a later line reads it.
    wanted
        Names that are read afterwards.
    """
    read, kept = set(wanted), list[str]()
    for line in reversed(lines):
        (statement,) = ast.parse(line).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if statement.targets[0].id not in read:
                continue
            read.discard(statement.targets[0].id)
        read |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        kept.append(line)
    return kept[::-1]


def read_by(lines: Iterable[str]) -> set[str]:
    """Return every name that occurs in lines of text."""
    return {node.id for line in lines for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}


def once(lines: Sequence[str], known: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return a text in which a function of the same names is called once, and what is known not at all.

    Compilers know that of ``exp``, but not of ``tanh``.

    Parameters
    ----------
    lines
        Assignments, each name assigned once.
    known
        Names of what is known already, by its text.
    """
    trees = [ast.parse(line).body[0] for line in lines]
    counts = Counter(text for tree in trees for text in _calls(tree))
    names = {ast.unparse(ast.parse(text)): found for text, found in known.items()}
    result: list[str] = []

    class Named(ast.NodeTransformer):
        def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
            """Leave what may not be called."""
            return node

        def visit_Call(self, node: ast.Call) -> ast.AST:
            """Put a name in the place of a call."""
            text = ast.unparse(node)
            if text not in names and counts[text] > 1:
                self.generic_visit(node)
                names[text] = f"m_{len(names)}"
                result.append(f"{names[text]} = {ast.unparse(node)}")
            if text in names:
                return ast.Name(names[text], ast.Load())
            return self.generic_visit(node)

    for line, tree in zip(lines, trees, strict=True):
        if isinstance(tree, (ast.Assign, ast.AugAssign)) and any(
            text in names or counts[text] > 1 for text in _calls(tree)
        ):
            tree.value = Named().visit(tree.value)
            result.append(ast.unparse(tree))
        else:
            result.append(line)
    return result


def _calls(tree: ast.AST) -> list[str]:
    """Return the calls of ``math`` in a statement, apart from those that are made on one condition only."""
    if isinstance(tree, ast.IfExp):
        return []
    found = [text for child in ast.iter_child_nodes(tree) for text in _calls(child)]
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute):
        found.append(ast.unparse(tree))
    return found
