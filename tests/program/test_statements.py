from __future__ import annotations

import ast

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuit.language import parse_statements
from neurosim.program.statements import NoiseSites, Statement, rename, substitute, with_fresh_names
from neurosim.program.step_program import PopulationProgram
from program.expressions import execute, tree
from program.library import MODELS, SYNAPSES, population


def fresh(text: str, *variables: str, **subexpressions: str) -> list[str]:
    given = {name: tree(expression) for name, expression in subexpressions.items()}
    statements = with_fresh_names(parse_statements(text, "test"), frozenset(variables), NoiseSites(), "_p_", given)
    return [statement.text for statement in statements]


# -- fresh names -------------------------------------------------------------------------------------------------


def test_assignments_become_fresh_names_copied_back_last() -> None:
    assert fresh("v = c; u += d", "v", "u") == ["_p_v_0 = c", "_p_u_1 = u + d", "v = _p_v_0", "u = _p_u_1"]


def test_a_later_assignment_reads_what_an_earlier_one_wrote() -> None:
    assert fresh("v = v + 1; u = 2*v; v *= 3", "v", "u") == [
        "_p_v_0 = v + 1",
        "_p_u_1 = 2 * _p_v_0",
        "_p_v_2 = _p_v_0 * 3",
        "v = _p_v_2",
        "u = _p_u_1",
    ]


def test_a_name_that_is_no_variable_is_a_temporary() -> None:
    assert fresh("old = v; v = u; u = old", "v", "u")[-2:] == ["v = _p_v_1", "u = _p_u_2"]


def test_every_operator() -> None:
    assert fresh("v += 1; v -= 2; v *= 3; v /= 4", "v")[:4] == [
        "_p_v_0 = v + 1",
        "_p_v_1 = _p_v_0 - 2",
        "_p_v_2 = _p_v_1 * 3",
        "_p_v_3 = _p_v_2 / 4",
    ]


def test_a_sub_expression_sees_what_was_assigned_before() -> None:
    assert fresh("v = 1; u = twice", "v", "u", twice="2*v")[1] == "_p_u_1 = 2 * _p_v_0"


def test_exchanging_two_variables_on_both_backends() -> None:
    model = ns.NeuronModel("a : 1\nb : 1", update="old = a; a = b; b = old", initial={"a": 1.0, "b": 2.0})
    circuit = ns.Circuit("exchange", dt=1 * ns.units.ms)
    circuit.population("p", 2, model)
    for backend in ("brian2", "snntorch"):
        state = ns.simulate(circuit, 3 * ns.units.ms, backend=backend, record={"p": "a"}).state.variables["p"]
        assert (state["a"].tolist(), state["b"].tolist()) == ([[2.0, 2.0]], [[1.0, 1.0]])


def test_random_calls_become_symbols_numbered_in_the_order_of_the_text() -> None:
    noise = NoiseSites()
    first = noise.replace(tree("randn() + 2*rand()"))
    second = noise.replace(tree("rand()"))
    assert (ast.unparse(first), ast.unparse(second)) == ("randn_0 + 2 * rand_1", "rand_2")
    assert [(site.symbol, site.kind, site.site) for site in noise.sites] == [
        ("randn_0", "normal", 0),
        ("rand_1", "uniform", 1),
        ("rand_2", "uniform", 2),
    ]


def test_renaming_and_substituting_leave_functions_and_the_original_alone() -> None:
    original = tree("exp(x) + exp*x")
    assert ast.unparse(rename(original, {"x": "y"})) == "exp(y) + exp * y"
    assert ast.unparse(substitute(original, {"x": tree("a + b")})) == "exp(a + b) + exp * (a + b)"
    assert ast.unparse(original) == "exp(x) + exp * x"


# -- what holds of every program ---------------------------------------------------------------------------------


def problems(statements: tuple[Statement, ...], variables: set[str]) -> list[str]:
    """Return what would let a simulator compute something else than what stands there."""
    found = []
    written: set[str] = set()
    for statement in statements:
        if statement.target in statement.reads:
            found.append(f"{statement.text}: changes what it reads")
        if statement.target in written:
            found.append(f"{statement.text}: assigned twice")
        if statement.reads & written & variables:
            found.append(f"{statement.text}: reads a variable after it was written")
        written.add(statement.target)
    copies = [statement for statement in statements if statement.target in variables]
    if copies and tuple(copies) != statements[-len(copies) :]:
        found.append("variables are written before the end")
    return found


def programs(item: PopulationProgram) -> dict[str, tuple[Statement, ...]]:
    return {"integrate": item.integrate, "update": item.update, "reset": item.reset}


@pytest.mark.parametrize("name", MODELS)
def test_programs_write_fresh_names_and_copy_them_back_last(name: str) -> None:
    item = population(MODELS[name])
    for statements in programs(item).values():
        assert problems(statements, set(item.state)) == []


@pytest.mark.parametrize("method", ["euler", "rk2", "rk4", "heun", "exponential_euler"])
def test_so_does_every_integrator(method: str) -> None:
    model = ns.NeuronModel(
        "dv/dt = (1 - v + w_adapt*u)/tau : 1 (unless refractory)\ndu/dt = -u/tau : 1\nw_adapt : 1",
        threshold="v > 1", reset="v = 0; u += 1", refractory=2 * ns.units.ms, method=method,
        parameters={"tau": 10 * ns.units.ms},
    )  # fmt: skip
    item = population(model)
    assert problems(item.integrate, {"v", "u"}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["v = v + 1.0"], "changes what it reads"),
        (["_v = v + 1.0", "v = _v", "u = v"], "reads a variable after it was written"),
        (["v = 1.0", "v = 2.0"], "assigned twice"),
        (["v = 1.0", "_x = u", "u = _x"], "before the end"),
    ],
)
def test_the_check_itself_finds_what_it_looks_for(text: list[str], expected: str) -> None:
    statements = tuple(Statement(line.split(" = ")[0], tree(line.split(" = ")[1])) for line in text)
    assert any(expected in problem for problem in problems(statements, {"v", "u"}))


def test_every_neuron_of_the_library_is_looked_at() -> None:
    functions = {name for name in ns.models.__all__ if not isinstance(getattr(ns.models, name), type)}
    assert {name.partition(",")[0] for name in MODELS} == functions - set(SYNAPSES)


@pytest.mark.parametrize("name", MODELS)
def test_no_constant_is_left_unfolded(name: str) -> None:
    item = population(MODELS[name])
    for statements in programs(item).values():
        for statement in statements:
            assert not statement.reads & (item.constants.keys() | {"dt"})


def test_a_statement_knows_what_it_reads() -> None:
    statement = Statement("x", tree("exp(y) + z*z"))
    assert statement.reads == {"y", "z"}
    assert statement.text == "x = exp(y) + z * z"
    assert execute((statement,), {"y": 0.0, "z": np.float64(2.0)})["x"] == 5.0
