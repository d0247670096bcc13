"""Lane programs: numpy's own functions by address, values kept from loop to loop, constants outside of the text."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from neurosim.backends.snntorch.simulation.lanes import Lanes, Leaf, numpy_functions
from neurosim.backends.snntorch.simulation.neuron_source import Program, program_of
from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.backends.snntorch.simulation.pointers import loop_of, run_program
from neurosim.backends.snntorch.simulation.programs import compiled_program, function_table
from neurosim.program.straight_line import Uncovered

WIDTH = 8
X = np.array([-1.5, -0.0, 0.0, 1e-17, 0.3, 2.5, np.inf, np.nan])
Y = np.array([2.0, 3.0, -0.5, 0.25, 1.5, -2.0, 0.5, 1.0])


def _run(program: int, values: int, constants: int, scratch: int, functions: int) -> int:
    result: int = run_program(program, values, constants, scratch, functions, 0, 0, 0, 0.0)
    return result


run_once = compiled_function(_run)


def written(*lines: str) -> Program:
    """Return the program of some assignments of ``x`` and ``y`` to names; the last is stored over ``x``."""
    lanes = Lanes(WIDTH, str(WIDTH), {"x": Leaf("F[j]"), "y": Leaf(f"F[{WIDTH} + j]")})
    target = ""
    for line in lines:
        target, text = line.split(" = ")
        lanes.let(target, ast.parse(text, mode="eval").body)
    lanes.store("F[j]", ast.parse(target, mode="eval").body)
    head, body = lanes.text_parts()
    return program_of(lanes, [*head, *body, "return 0"])


def executed(program: Program) -> Any:
    values = np.concatenate([X, Y])
    constants = np.array([*program.constants, 0.0], dtype=np.float64)
    scratch, table = np.zeros(program.scratch + 1), function_table(program.functions)
    arrays = [array.ctypes.data for array in (values, constants, scratch, table)]
    run_once(compiled_program(program.text).address, *arrays)
    return values[:WIDTH]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a = exp(x)", "b = 2.0*a + exp(-y*a)"], lambda: 2.0 * np.exp(X) + np.exp(-Y * np.exp(X))),
        (["a = x < y", "b = exp(x)", "c = int(a)*b + int(not a)*tanh(y)"],
         lambda: (X < Y) * np.exp(X) + ~(X < Y) * np.tanh(Y)),
        (["a = abs(x)**y + x % y"], lambda: np.power(np.abs(X), Y) + np.remainder(X, Y)),
        (["a = clip(x, -1.0, 1.0) - x // y"], lambda: np.clip(X, -1.0, 1.0) - np.floor_divide(X, Y)),
        (["a = clip(x, y, 1.0)", "b = a + clip(x, 2.0, -1.0)"],
         lambda: np.clip(X, Y, 1.0) + np.clip(X, 2.0, -1.0)),
        (["a = clip(x, -0.0, 0.0)"], lambda: np.clip(X, -0.0, 0.0)),
        (["a = floor(x) + ceil(y)*sqrt(abs(x)) - int(x*y)"],
         lambda: np.floor(X) + np.ceil(Y) * np.sqrt(np.abs(X)) - np.trunc(X * Y)),
        (["a = timestep(y, 0.1)"], lambda: np.floor((Y + 1e-3 * 0.1) / 0.1)),
        (["a = x < y or x > 2.0 and not y == 1.0", "b = int(a)"],
         lambda: ((X < Y) | ((X > 2) & (Y != 1))).astype(float)),
        (["a = exprel(x)"],
         lambda: np.where(np.abs(X) < 1e-16, 1.0, np.expm1(X) / np.where(np.abs(X) < 1e-16, 1.0, X))),
    ],
)  # fmt: skip
def test_bits_are_numpys(lines: list[str], expected: Any) -> None:
    with np.errstate(all="ignore"):
        wanted = expected()
    found = executed(written(*lines))
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    known = ~np.isnan(wanted)
    assert np.array_equal(found[known].view(np.int64), wanted[known].view(np.int64))


def test_models_that_differ_in_numbers_share_their_program() -> None:
    first, second = written("a = 2.0*x + 0.5"), written("a = 3.0*x + 3.0")
    assert first.text == second.text
    assert first.constants != second.constants


def test_what_no_loop_knows_is_not_covered() -> None:
    with pytest.raises(Uncovered, match="frobnicate"):
        written("a = frobnicate(x)")
    with pytest.raises(Uncovered, match="unknown"):
        written("a = x + unknown")


def test_every_function_of_the_language_is_found() -> None:
    assert all(loop_of(function) is not None for function in numpy_functions().values())
    assert {"exp", "log", "tanh", "clip", "power", "sign"} <= numpy_functions().keys()


def test_a_ufunc_without_a_loop_over_floats_is_not_found() -> None:
    assert loop_of(np.bitwise_and) is None
