"""The statements of a population's step, and apart from them what a run computes once."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from neurosim.program.frozen import Frozen
from neurosim.program.prologue import split_prologue
from neurosim.program.statements import Statement
from neurosim.program.step_program import PopulationProgram


class StepParts(Frozen):
    """A population's program, parted.

    Parameters
    ----------
    item
        The population.
    """

    def __init__(self, item: PopulationProgram) -> None:
        fixed = frozenset(item.parameters)
        prologue: list[Statement] = []
        #: What is computed in each step, by the prefix of what is computed once.
        self.steps: dict[str, tuple[Statement, ...]] = {}

        def part(key: str, statements: Iterable[Statement], known: frozenset[str], prefix: str) -> None:
            once, self.steps[key] = split_prologue(statements, known, prefix)
            prologue.extend(once)

        for prefix, statements in (
            ("fixed_integrate_", item.integrate), ("fixed_update_", item.update), ("fixed_reset_", item.reset)
        ):  # fmt: skip
            part(prefix, statements, fixed, prefix)
        if item.threshold is not None:
            part("threshold", [Statement("value", item.threshold)], fixed, "fixed_threshold_")
        if item.refractory is not None:
            tree = item.refractory.expression
            if item.refractory.kind == "time":
                tree = ast.Call(ast.Name("timestep", ast.Load()), [tree, ast.Name("dt", ast.Load())], [])
            part("refractory", [Statement("value", tree)], fixed | {"dt"}, "fixed_refractory_")
        #: What a run computes once, in order.
        self.prologue: tuple[Statement, ...] = tuple(prologue)
