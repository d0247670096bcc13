"""What of a program is computed once, before the time loop: whatever depends on values that a run does not change."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from neurosim.circuit.language import names_in
from neurosim.program.statements import Statement, name, with_parts


def split_prologue(
    statements: Iterable[Statement], fixed: frozenset[str], prefix: str
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Split statements into those computed once and those of every step.

    Parameters
    ----------
    statements
        In normal form.
    fixed
        Names that do not change within a run.
    prefix
        Begins the names of what is computed once.

    Returns
    -------
    tuple
        (prologue, step): the step reads names that the prologue writes; operations and their order are unchanged.
    """
    prologue: list[Statement] = []
    names: dict[str, str] = {}
    constant = set(fixed)

    def lift(tree: ast.expr) -> ast.expr:
        reads = names_in(tree)
        if reads and reads <= constant and not isinstance(tree, ast.Name):
            text = ast.unparse(tree)
            if text not in names:
                names[text] = f"{prefix}{len(names)}"
                prologue.append(Statement(names[text], tree))
            return name(names[text])
        lifted = with_parts(tree, lift)
        return tree if lifted is None else lifted

    step = []
    for statement in statements:
        if statement.target.startswith("_") and statement.reads and statement.reads <= constant:
            prologue.append(statement)
            constant.add(statement.target)
        else:
            step.append(Statement(statement.target, lift(statement.expression)))
    return tuple(prologue), tuple(step)
