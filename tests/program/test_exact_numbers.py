"""Values computed by numpy have the bits of the exact mode of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, reject

from neurosim.errors import EquationError
from neurosim.program.exact_numbers import exact_number, exact_numbers
from neurosim.program.normalise import fold
from neurosim.program.statements import Statement
from neurosim.program.torch_printer import TorchPrinter
from program.expressions import CONSTANTS, VARIABLES, expressions, tree

EXACT = TorchPrinter(torch.float64, exact=True)
RANDOM = np.random.default_rng(7)
WIDE = RANDOM.normal(0, 3, 501)
POSITIVE = RANDOM.uniform(1e-3, 30, 501)


def check(text: str, names: dict[str, Any]) -> None:
    """Hold the value of an expression against what torch computes exactly, bit for bit."""
    expression = fold(tree(text), {}, collect=False)
    tensors = {key: torch.tensor(value, dtype=torch.float64) for key, value in names.items()}
    expected = np.asarray(EXACT.print_expression(expression)(tensors)["value"])
    found = np.asarray(exact_number(expression, {key: np.asarray(value) for key, value in names.items()}))
    np.testing.assert_array_equal(found.astype(np.float64), expected.astype(np.float64))
    assert np.array_equal(np.signbit(found), np.signbit(expected))
    assert (found.dtype == np.bool_) == (expected.dtype == np.bool_)


@given(expressions())
def test_random_expressions(text: str) -> None:
    try:
        fold(tree(text), {}, collect=False)
    except EquationError:  # constants that make 0/0
        reject()
    check(text, {**VARIABLES, **CONSTANTS})
    check(text, {**CONSTANTS, "x": WIDE, "y": POSITIVE, "z": np.array(12.5)})


@pytest.mark.parametrize(
    "text",
    [
        "exp(x)", "log(y)", "x**0.3 + y**0.3", "y**x", "x // 0.7", "x % 0.7", "exprel(x/10)", "clip(x, -1.0, 1.0)",
        "sign(x)", "int(x > 0)*0.1", "int(x)*0.1", "timestep(y, 1e-4)", "not (x > 0)", "x > 0 and y < 3 or x == 1",
        "3.7/x", "0.0*x/x", "-x", "sqrt(x)", "1.0/(x - x)",
    ],
)  # fmt: skip
def test_functions_and_conditions(text: str) -> None:
    check(text, {"x": WIDE, "y": POSITIVE})
    check(text, {"x": np.array(-1.25), "y": np.array(0.7)})


def test_statements_follow_each_other() -> None:
    statements = [Statement("_a", tree("x*2.0")), Statement("_b", tree("_a + y")), Statement("_a", tree("_b*_b"))]
    found = exact_numbers(statements, {"x": WIDE, "y": POSITIVE})
    assert np.array_equal(found["_a"], (WIDE * 2.0 + POSITIVE) ** 2)
    assert found["x"] is WIDE


def test_what_cannot_be_computed() -> None:
    with pytest.raises(TypeError, match="cannot compute"):
        exact_number(tree("[x]"), {"x": 1.0})
