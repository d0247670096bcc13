"""The closed grammar: what an equation may hold, and that everything else is refused with the place."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.circuit.language import (
    FUNCTIONS,
    Assignment,
    Equation,
    calls_in,
    identifiers,
    is_name,
    parse_equations,
    parse_expression,
    parse_statements,
)
from neurosim.errors import CircuitError, EquationError


@pytest.mark.parametrize("name", ["v", "exc", "L2_3", "A", "in", "i_ext"])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "_v", "1v", "v__w", "__class__", "v-w", "v w", "v.w", "a/b", "vé", "v\n", "v_", 5, None]
)
def test_what_is_no_name(name: object) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "(v_leak - v)/tau", "-v**2 + 3.5e-3*u", "v > -50*mV and not (u <= 1 or t >= 3*ms)", "exp(-t/tau)*sin(2*pi*f*t)",
        "clip(v, 0, 1)", "timestep(t, dt) % 10 == 0", "7 // 2", "True", "rand() < rate*dt", "int(v != u)",
        "a +\n   b", "+v",
    ],
)  # fmt: skip
def test_what_may_stand_in_an_expression(text: str) -> None:
    assert isinstance(parse_expression(text, "here"), ast.expr)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v.real", "attribute access is not allowed in equations: 'v.real'"),
        ("().__class__", "attribute access is not allowed"),
        ("os.system('rm')", "is not a call of a known function"),
        ("open(v)", "unknown function 'open'"),
        ("expp(v)", "unknown function 'expp'. Did you mean 'exp'?"),
        ("__import__(v)", "unknown function '__import__'"),
        ("__builtins__", "the name '__builtins__' is not allowed"),
        ("v__w + 1", "the name 'v__w' is not allowed"),
        ("_v", "the name '_v' is not allowed"),
        ("v_ + 1", "the name 'v_' is not allowed"),
        ("v[0]", "Subscript is not allowed"),
        ("v[0:2]", "Subscript is not allowed"),
        ("'text'", "'text' is not a finite number"),
        ("b'text'", "is not a finite number"),
        ("f'{v}'", "JoinedStr is not allowed"),
        ("None", "None is not a finite number"),
        ("...", "Ellipsis is not a finite number"),
        ("1j*v", "1j is not a finite number"),
        ("1e999", "inf is not a finite number"),
        pytest.param("1" + "0" * 400, "is not a finite number", id="an integer beyond floats"),
        ("lambda: 1", "Lambda is not allowed"),
        ("(v := 3)", "NamedExpr is not allowed"),
        ("v if u else w", "IfExp is not allowed"),
        ("[v for v in u]", "ListComp is not allowed"),
        ("[v, u]", "List is not allowed"),
        ("(v, u)", "Tuple is not allowed"),
        ("{v: u}", "Dict is not allowed"),
        ("v @ u", "MatMult is not allowed"),
        ("v & u", "BitAnd is not allowed"),
        ("~v", "Invert is not allowed"),
        ("v is u", "Is is not allowed"),
        ("v in u", "In is not allowed"),
        ("await v", "Await is not allowed"),
        ("exp(*v)", "Starred is not allowed"),
        ("exp(x=v)", "is not a call of a known function"),
        ("exp(v)(u)", "is not a call of a known function"),
        ("exp()", "exp takes 1 arguments, got 0"),
        ("clip(v, 0)", "clip takes 3 arguments, got 2"),
        ("0 < v < 1", "write the chained comparison '0 < v < 1' with 'and'"),
        ("v = 3", "cannot read"),
        ("v +", "cannot read"),
        ("", "cannot read"),
        ("import os", "cannot read"),
        ("v > 1  # and so on\n and u > 2", "neither comments nor letters beyond ASCII"),
        ("\N{FULLWIDTH LATIN SMALL LETTER V} + 1", "neither comments nor letters beyond ASCII"),
        pytest.param("(" * 500 + "v" + ")" * 500, "cannot read", id="deep parentheses"),
    ],
)
def test_forbidden_syntax(text: str, message: str) -> None:
    with pytest.raises(EquationError) as caught:
        parse_expression(text, "threshold of model 'cell'")
    assert message in str(caught.value)
    assert str(caught.value).startswith("threshold of model 'cell': ")
    assert isinstance(caught.value, CircuitError)


@given(st.text(alphabet=st.sampled_from("vw01.+-*/()<>=&|~^%@!,:;[]{}'\"_ exp and or not lambda"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse_expression(text, "here")
    except EquationError:
        return
    allowed = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.operator,
               ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)  # fmt: skip
    for node in ast.walk(tree):
        assert isinstance(node, allowed)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            assert node.func.id in FUNCTIONS


def test_identifiers_are_variables_not_functions() -> None:
    assert identifiers("exp(-v/tau) + rand()*mV", "") == {"v", "tau", "mV"}
    assert calls_in(parse_expression("exp(-v/tau) + rand()*mV", "")) == {"exp", "rand"}
    assert identifiers("exp + exp(v)", "") == {"exp", "v"}


# -- statements ------------------------------------------------------------------------------------------------------


def test_statements() -> None:
    text = """
        v = v_reset   # back
        u += d; w -= 2*b
        x *= 0.5
        y /= (1 + x)
    """
    assert parse_statements(text, "") == (
        Assignment("v", "=", "v_reset"),
        Assignment("u", "+=", "d"),
        Assignment("w", "-=", "2*b"),
        Assignment("x", "*=", "0.5"),
        Assignment("y", "/=", "(1 + x)"),
    )
    assert parse_statements("  # nothing\n ;; ", "") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v", "'v' is not an assignment"),
        ("v == 3", "is not an assignment"),
        ("v **= 3", "is not an assignment"),
        ("v //= 3", "is not an assignment"),
        ("v.real = 3", "is not an assignment"),
        ("v[0] = 3", "is not an assignment"),
        ("u, v = 3", "is not an assignment"),
        ("__v = 3", "is not an assignment"),
        ("v_ = 3", "is not an assignment"),
        ("v = ", "is not an assignment"),
        ("import os", "is not an assignment"),
        ("v = u = 3", "cannot read"),
        ("v = open(u)", "unknown function"),
        ("v = u.x", "attribute access"),
    ],
)
def test_what_is_no_statement(text: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        parse_statements(text, "reset")


# -- equations -------------------------------------------------------------------------------------------------------


def test_equations() -> None:
    text = """
        dv/dt = (v_leak - v
                 + r*i)/tau : volt (unless refractory)   # the membrane
        drive = r*i : volt
        i : amp; j:amp (constant)
        g : siemens/metre**2
        d = v : volt
        d q / dt = 0/second : 1
    """
    assert parse_equations(text.replace("d q / dt", "dq / dt"), "") == (
        Equation("differential", "v", "(v_leak - v + r*i)/tau", "volt", ("unless refractory",)),
        Equation("subexpression", "drive", "r*i", "volt"),
        Equation("parameter", "i", None, "amp"),
        Equation("parameter", "j", None, "amp", ("constant",)),
        Equation("parameter", "g", None, "siemens/metre**2"),
        Equation("subexpression", "d", "v", "volt"),
        Equation("differential", "q", "0/second", "1"),
    )


def test_summed_line_is_named_without_post() -> None:
    (line,) = parse_equations("i_gap_post = w*(v_pre - v_post) : amp (summed)", "")
    assert line == Equation("summed", "i_gap", "w*(v_pre - v_post)", "amp", ("summed",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dv/dt = -v/tau", "has no unit; end it with"),
        ("dv/dt = -v/tau : ", "cannot read the unit"),
        (
            "dv/dt = -v/tau : volt (unless refactory)",
            r"unknown flag 'unless refactory'.* Did you mean 'unless refractory'",
        ),
        ("v : volt\nv : amp", "'v' is defined twice"),
        ("dv/dt = -v/tau : volt\nv = 3 : 1", "'v' is defined twice"),
        ("1v : volt", "'1v' cannot be a variable"),
        ("v__w : volt", "'v__w' cannot be a variable"),
        ("v_ : volt", "'v_' cannot be a variable"),
        ("t : second", "'t' has a meaning of its own"),
        ("dt : second", "'dt' has a meaning of its own"),
        ("lastspike : second", "has a meaning of its own"),
        ("pi : 1", "'pi' has a meaning of its own"),
        ("exp : 1", "'exp' has a meaning of its own"),
        ("xi : 1", "'xi' has a meaning of its own"),
        ("xi_2 : 1", "'xi_2' has a meaning of its own"),
        ("lambda : 1", "'lambda' has a meaning of its own"),
        ("v_post : volt", "ends in _pre or _post"),
        ("v_pre = 3 : 1", "ends in _pre or _post"),
        ("i_gap = w : amp (summed)", r"writes a postsynaptic variable: i_gap_post = \.\.\."),
        ("dv/dt = v.real/tau : volt", "attribute access"),
        ("x = open(v) : 1", "unknown function 'open'"),
        ("x = __import__ : 1", "the name '__import__' is not allowed"),
        ("x = 'a' : 1", "is not a finite number"),
        ("x = lambda : 1 : 1", "Lambda is not allowed"),
    ],
)
def test_what_is_no_equation(text: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        parse_equations(text, "model 'cell'")


def test_the_place_is_named() -> None:
    with pytest.raises(EquationError, match=r"^model 'cell': "):
        parse_equations("dv/dt = v.real : 1", "model 'cell'")
