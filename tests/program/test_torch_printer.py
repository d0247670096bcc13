"""Programs printed as torch code: the bits of numpy in the exact mode, finite gradients in the other."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given

import neurosim as ns
from neurosim.errors import EquationError
from neurosim.program.normalise import fold, normalised
from neurosim.program.prologue import split_prologue
from neurosim.program.statements import Statement
from neurosim.program.torch_printer import Printed, TorchPrinter
from neurosim.units import ms
from program.expressions import CONSTANTS, VARIABLES, execute, expressions, tree
from program.library import LIF, MODELS, population

EXACT = TorchPrinter(torch.float64, exact=True)
DIFFERENTIABLE = TorchPrinter(torch.float64, exact=False)
PRINTERS = {"exact": EXACT, "differentiable": DIFFERENTIABLE}
RANDOM = np.random.default_rng(7)
WIDE = RANDOM.normal(0, 3, 4001)
POSITIVE = RANDOM.uniform(1e-3, 30, 4001)


def value(text: str, printer: TorchPrinter, **names: Any) -> np.ndarray:
    """Return an expression's value as torch computes it."""
    given = {key: torch.as_tensor(item) if isinstance(item, np.ndarray) else item for key, item in names.items()}
    return np.asarray(printer.print_expression(fold(tree(text), {}, collect=False))(given)["value"])


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return np.array_equal(np.asarray(first, np.float64), np.asarray(second, np.float64), equal_nan=True)


# -- the traps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("printer", PRINTERS)
def test_a_number_over_a_tensor_is_one_division(printer: str) -> None:
    assert same_bits(value("3.7/x", PRINTERS[printer], x=WIDE), 3.7 / WIDE)
    assert same_bits(value("1.0/(x*x)", PRINTERS[printer], x=WIDE), 1.0 / (WIDE * WIDE))
    assert same_bits(value("x/3.7", PRINTERS[printer], x=WIDE), WIDE / 3.7)
    assert same_bits(value("x/y", PRINTERS[printer], x=WIDE, y=np.array(3.7)), WIDE / 3.7)
    assert same_bits(value("y/x", PRINTERS[printer], x=WIDE, y=np.array(3.7)), 3.7 / WIDE)
    assert not same_bits((3.7 / torch.as_tensor(WIDE)).numpy(), 3.7 / WIDE), "torch has mended it: drop `divided`"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_condition_as_a_number_has_the_dtype_of_the_module(dtype: torch.dtype) -> None:
    for exact in (True, False):
        printed = TorchPrinter(dtype, exact=exact).print_expression(tree("int(x > 0)*0.1"))
        result = printed({"x": torch.tensor([-1.0, 2.0], dtype=dtype)})["value"]
        assert result.dtype == dtype
        assert result.tolist() == [0.0, torch.tensor(0.1, dtype=dtype).item()]


def test_int_of_a_number_is_its_whole_part() -> None:
    for printer in PRINTERS.values():
        assert value("int(x)", printer, x=np.array([-1.7, -0.2, 0.0, 2.9])).tolist() == [-1.0, 0.0, 0.0, 2.0]


@pytest.mark.parametrize(
    "text",
    [
        "exp(x)", "log(y)", "log10(y)", "log1p(y)", "expm1(x)", "exprel(x)", "sqrt(y)", "tanh(x)", "sinh(x)", "cosh(x)",
        "sin(x)", "cos(x)", "tan(x)", "arcsin(x/20)", "arccos(x/20)", "arctan(x)", "abs(x)", "sign(x)", "floor(x)",
        "ceil(x)", "clip(x, -1, 2)", "clip(x, 0, inf)", "x**5", "y**0.3", "y**x", "2.5**x", "x//y", "x % y", "2.0//y",
        "x//1.5", "x % 0.7", "5.0 % y", "int(x)", "timestep(y, 0.1)",
    ],
)  # fmt: skip
def test_functions_have_numpys_bits_in_the_exact_mode_and_torchs_gradients_in_the_other(text: str) -> None:
    names = {"x": WIDE, "y": POSITIVE}
    expected = execute((Statement("value", tree(text)),), {**names, "inf": np.inf})["value"]
    assert same_bits(value(text, EXACT, **names), expected)
    np.testing.assert_allclose(value(text, DIFFERENTIABLE, **names), expected, rtol=1e-12, atol=1e-15)
    tensors = {key: torch.tensor(item, requires_grad=True) for key, item in names.items()}
    result = DIFFERENTIABLE.print_expression(fold(tree(text), {}))(tensors)["value"]
    if result.requires_grad:
        result.sum().backward()
        assert all(item.grad is None or torch.isfinite(item.grad).all() for item in tensors.values())


def test_the_exact_mode_is_needed() -> None:
    """Where torch gives numpy's bits by itself one day, the twins can go."""
    differing = [text for text in ("x**5", "tanh(x)") if not same_bits(
        value(text, DIFFERENTIABLE, x=WIDE), value(text, EXACT, x=WIDE)
    )]  # fmt: skip
    assert differing == ["x**5", "tanh(x)"]


def test_small_powers_need_no_function() -> None:
    (statement,) = normalised([Statement("value", tree("x**3"))], {}, "_")
    for printer in PRINTERS.values():
        assert same_bits(value(ast.unparse(statement.expression), printer, x=WIDE), WIDE * WIDE * WIDE)


def test_exprel_at_its_removable_singularity() -> None:
    x = torch.tensor([0.0, 1e-9, -1e-9, 1e-4, 2.0], dtype=torch.float64, requires_grad=True)
    result = DIFFERENTIABLE.print_expression(tree("exprel(x)"))({"x": x})["value"]
    expected = [1.0, 1.0 + 5e-10, 1.0 - 5e-10, np.expm1(1e-4) / 1e-4, np.expm1(2.0) / 2.0]
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-14)
    result.sum().backward()
    derivative = [(2.0 - 1.0) * np.exp(2.0) / 4.0 + 0.25]  # (x exp(x) - exp(x) + 1)/x**2 at 2
    np.testing.assert_allclose(x.grad.numpy()[[0, 1, 2, 4]], [0.5, 0.5, 0.5, *derivative], rtol=1e-8)


def test_whole_quotients_are_numpys_where_rounding_would_lift_them() -> None:
    assert 1.0 // 0.1 == 9.0
    for printer in PRINTERS.values():
        assert value("x//0.1", printer, x=np.array([1.0])).tolist() == [9.0]
        assert value("1.0//x", printer, x=np.array([0.1])).tolist() == [9.0]


# -- programs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_programs_of_the_library_have_the_bits_of_their_statements(name: str) -> None:
    item = population(MODELS[name])
    for statements in (item.integrate, item.update, item.reset):
        writes = [s.target for s in statements if s.target in item.state]
        reads = frozenset().union(*(s.reads for s in statements)) - {s.target for s in statements if s.target[0] == "_"}
        names: dict[str, Any] = {key: RANDOM.uniform(0.01, 0.9, 50) for key in sorted(reads - {"inf"})}
        names["not_refractory"] = RANDOM.uniform(size=50) < 0.5
        expected = execute(statements, names)
        found = EXACT.print(statements, writes)({key: torch.as_tensor(item) for key, item in names.items()})
        for key in writes:
            assert same_bits(np.broadcast_to(np.asarray(found[key]), (50,)), np.broadcast_to(expected[key], (50,)))


def printed_lif() -> Printed:
    return DIFFERENTIABLE.print(population(MODELS["lif"]).integrate, ["v", "ampa"])


def test_printed_code_reads_like_its_statements() -> None:
    code = printed_lif().code
    assert "def forward(self, " in code
    assert "_ampa = ampa * 0.9801986733067553" in code
    assert [line.split(" = ")[0].strip() for line in code.splitlines() if line.strip().startswith("_v = ")] == ["_v"]
    assert "return (_v, _ampa)" in code


def test_an_operation_on_the_same_operands_is_computed_once() -> None:
    statements = [Statement("_a", tree("exp(x*2.0) + 0.0*y")), Statement("b", tree("exp(x*2.0) + -0.0*y"))]
    code = EXACT.print(statements, ["b", "_a"]).code
    assert code.count("numpy_exp(") == 1
    assert (code.count("y * 0.0"), code.count("0.0 * y"), code.count("-0.0 * y")) == (0, 2, 1)


@pytest.mark.parametrize("name", ["self", "torch", "forward", "operator", "mul", "exp", "lambda_", "inf_"])
def test_any_name_can_be_printed(name: str) -> None:
    printed = EXACT.print([Statement("y", tree(f"exp(x)*{name} + x*{name}"))], ["y", name])
    found = printed({"x": torch.tensor(0.0), name: torch.tensor(3.0)})
    assert (float(found["y"]), float(found[name])) == (3.0, 3.0)


def test_a_name_that_nothing_assigns_is_passed_through() -> None:
    printed = EXACT.print([Statement("y", tree("x + 1.0"))], ["y", "z"])
    assert (printed.reads, printed.writes) == (("x", "z"), ("y", "z"))
    assert printed({"x": 1.0, "z": 7.0}) == {"y": 2.0, "z": 7.0}


def test_a_printed_step_is_one_graph_for_the_compiler() -> None:
    printed = printed_lif()
    compiled = torch.compile(printed.call, fullgraph=True, backend="aot_eager")
    values = [torch.rand(2, 3, dtype=torch.float64, requires_grad=True) for _ in printed.reads]
    for found, expected in zip(compiled(*values), printed.call(*values), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    sum(result.sum() for result in compiled(*values)).backward()
    assert all(item.grad is not None for item in values)


# -- computed once ------------------------------------------------------------------------------------------------


def test_what_depends_on_parameters_alone_is_computed_once() -> None:
    statements = [Statement("_x", tree("x*exp(-dt/tau) + y*(a - b)")), Statement("x", tree("_x"))]
    once, each = split_prologue(statements, frozenset({"dt", "tau", "a", "b"}), "fixed_")
    assert [statement.text for statement in once] == ["fixed_0 = exp(-dt / tau)", "fixed_1 = a - b"]
    assert [statement.text for statement in each] == ["_x = x * fixed_0 + y * fixed_1", "x = _x"]


def test_a_temporary_of_parameters_moves_whole() -> None:
    statements = [Statement("_k", tree("dt/tau")), Statement("_x", tree("x*_k*_k + exp(_k)"))]
    once, each = split_prologue(statements, frozenset({"dt", "tau"}), "fixed_")
    assert [statement.text for statement in once] == ["_k = dt / tau", "fixed_0 = exp(_k)"]
    assert [statement.text for statement in each] == ["_x = x * _k * _k + fixed_0"]


@given(expressions())
def test_computing_once_changes_no_bit(text: str) -> None:
    fixed = frozenset({"y", "z", "a"})
    constants = {name: number for name, number in CONSTANTS.items() if name not in fixed}
    try:
        statements = normalised([Statement("value", tree(text))], constants, "_")
    except EquationError:
        assume(False)
    names = {name: torch.tensor(number, dtype=torch.float64) for name, number in (VARIABLES | CONSTANTS).items()}
    whole = EXACT.print(statements, ["value"])(names)["value"]
    once, each = split_prologue(statements, fixed, "fixed_")
    names |= EXACT.print(once, [statement.target for statement in once])(names)
    assert same_bits(np.asarray(EXACT.print(each, ["value"])(names)["value"]), np.asarray(whole))


# -- gradients ----------------------------------------------------------------------------------------------------


def test_gradients_are_finite_while_refractory() -> None:
    """The factor int(not_refractory) would make the solution of a refractory neuron 0/0, and NaN its gradient."""
    model = ns.NeuronModel(
        "dv/dt = (1.5 - v)/tau : 1 (unless refractory)\ndw/dt = (v - w)/tau_w : 1",
        threshold="v > 1", reset="v = 0", refractory=2 * ms, method="exponential_euler",
        parameters={"tau": ns.Trainable(10 * ms), "tau_w": 30 * ms},
    )  # fmt: skip
    item = population(model)
    tensors = {
        "v": torch.tensor([0.2, 0.5], dtype=torch.float64, requires_grad=True),
        "w": torch.tensor([0.1, 0.4], dtype=torch.float64, requires_grad=True),
        "tau": torch.tensor(0.01, dtype=torch.float64, requires_grad=True),
    }
    active = torch.tensor([True, False])
    new = DIFFERENTIABLE.print(item.integrate, ["v", "w"])({**tensors, "not_refractory": active})
    (torch.where(active, new["v"], tensors["v"]).sum() + new["w"].sum()).backward()
    for tensor in tensors.values():
        assert torch.isfinite(tensor.grad).all()
    decay_w = np.exp(-1e-4 / 0.03)
    np.testing.assert_allclose(tensors["v"].grad, [np.exp(-1e-4 / 0.01) + 1 - decay_w, 1 + 1 - decay_w], rtol=1e-9)


def test_gradients_of_equal_time_constants_are_finite() -> None:
    model = ns.models.lif(**{**LIF, "v_leak": ns.Trainable(LIF["v_leak"])}, receptors={"ampa": 20 * ms})
    item = population(model)
    variables = ("v", "ampa", "v_leak")
    names = {name: torch.tensor(0.1, dtype=torch.float64, requires_grad=True) for name in variables}
    DIFFERENTIABLE.print(item.integrate, ["v"])(names)["v"].backward()
    decay = np.exp(-1e-4 / 0.02)
    found = {name: float(tensor.grad) for name, tensor in names.items()}
    expected = {"v": decay, "ampa": 1e8 * 1e-4 / 0.02 * decay, "v_leak": 1 - decay}
    assert found == pytest.approx(expected, rel=1e-9)
