"""What Brian2 is given to read: equations, statements and expressions of a program, in names that Brian2 accepts."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from neurosim.circuit.evaluation import exprel
from neurosim.circuit.language import parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Projection
from neurosim.program.discretise import brian2_name
from neurosim.program.statements import Statement, name, rename, substitute, transform
from neurosim.program.step_program import PoissonProgram, PopulationProgram, ProjectionProgram, StepProgram
from neurosim.program.synapse_dynamics import summed_terms
from neurosim.units import quantity

#: Under which name a group finds ``exprel``.
EXPREL = "relative_exponential"


def object_name(path: str) -> str:
    """Return what Brian2 calls a part of the circuit: ``left__exc`` for ``"left/exc"``, since names hold no ``__``."""
    return path.replace("/", "__")


def renaming(names: Iterable[str], suffix: str = "") -> dict[str, str]:
    """Return the names that Brian2 does not accept, with what stands for them."""
    pairs = ((f"{name}{suffix}", f"{brian2_name(name)}{suffix}") for name in names)
    return {name: other for name, other in pairs if name != other}


def input_name(variable: str, source: str) -> str:
    """Return the name of the variable that holds one contribution to an input."""
    return f"{variable}_from_{object_name(source)}"


def code(statements: Iterable[Statement], names: dict[str, str]) -> str:
    """Return statements as Brian2's abstract code."""
    return "\n".join(f"{names.get(s.target, s.target)} = {expression(s.expression, names)}" for s in statements)


def expression(tree: ast.expr, names: dict[str, str]) -> str:
    """Return an expression as Brian2 reads it (infinity by its name: it has no literal)."""

    def replaced(node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Constant) and node.value == math.inf:
            return name("inf")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exprel":
            return ast.Call(name(EXPREL), node.args, [])
        return None

    return ast.unparse(rename(transform(tree, replaced), names))


def equations(model: NeuronModel, item: PopulationProgram, poisson: Iterable[PoissonProgram]) -> str:
    """Return the equations of a Brian2 group: the model's, with its inputs and what varies over neurons declared."""
    names = renaming(item.units)
    lines = []
    for line in model.lines:
        if line.name in item.constants:
            continue
        name = brian2_name(line.name)
        if line.kind == "parameter" and line.name in item.inputs:
            terms = [input_name(line.name, term.source) for term in item.inputs[line.name]]
            lines.append(f"{name} = {' + '.join(terms)} : {line.unit}")
            lines += [f"{term} : {line.unit}" for term in terms]
        elif line.kind == "parameter":
            flag = " (constant)" if line.name in item.parameters else ""
            lines.append(f"{name} : {line.unit}{flag}")
        else:
            left = f"d{name}/dt" if line.kind == "differential" else name
            right = expression(parse_expression(line.expression or "", line.name), names)
            flag = " (unless refractory)" if line.name in item.masked else ""
            lines.append(f"{left} = {right} : {line.unit}{flag}")
    declared = {line.name for line in model.lines}
    for name, value in item.parameters.items():
        if name not in declared and isinstance(value, np.ndarray):
            lines.append(f"{brian2_name(name)} : {item.units[name]} (constant)")
    lines += [f"{site.symbol} : 1" for site in item.noise]
    for drive in poisson:
        lines.append(f"{count_name(drive)} : 1")
        if isinstance(drive.weight, np.ndarray):
            lines.append(f"{weight_name(drive)} : {drive.unit} (constant)")
    return "\n".join(lines)


def count_name(drive: PoissonProgram) -> str:
    """Return the variable that holds how many background pulses arrive in a step."""
    return f"{object_name(drive.name)}_count"


def weight_name(drive: PoissonProgram) -> str:
    """Return the variable that holds the weight of background pulses where it differs from neuron to neuron."""
    return f"{object_name(drive.name)}_weight"


def poisson_code(drive: PoissonProgram) -> str:
    """Return the statements that add background pulses."""
    target = brian2_name(drive.target)
    weight = weight_name(drive) if isinstance(drive.weight, np.ndarray) else repr(drive.weight)
    total = f"_with_{object_name(drive.name)}"
    return f"{total} = {target} + {count_name(drive)}*{weight}\n{target} = {total}"


def functions() -> dict[str, Any]:
    """Return what stands in for ``exprel``: Brian2's own numpy form writes the array into an error message per call.

    That costs a hundred times the computation. The compiled forms of the other targets stay.
    """
    from brian2.core.functions import DEFAULT_FUNCTIONS, Function

    given = DEFAULT_FUNCTIONS["exprel"]
    quick = Function(exprel, sympy_func=given.sympy_func, arg_units=[1], return_unit=1)
    for target, implementation in given.implementations._implementations.items():
        quick.implementations._implementations[target] = implementation
    quick.implementations.add_numpy_implementation(exprel, discard_units=True)
    return {EXPREL: quick}


def namespace(item: PopulationProgram, suffix: str = "") -> dict[str, Any]:
    """Return the constants of a population as quantities, by the names that Brian2 reads."""
    shared = {name: value for name, value in item.parameters.items() if not isinstance(value, np.ndarray)}
    return {
        f"{brian2_name(name)}{suffix}": quantity(float(value), item.units[name])
        for name, value in {**item.constants, **shared}.items()
    }


def summed_equations(part: Projection, item: ProjectionProgram, pre: PopulationProgram, post: PopulationProgram) -> str:
    """Return the model of a graded ``Synapses`` object."""
    names = renaming_of_edges(item, pre, post)
    lines = [
        f"{names.get(name, name)} : {item.units[name]} (constant)"
        for name, value in item.values.items()
        if np.ndim(value)
    ]
    for target, term in summed_terms(part, part.name):
        # Brian2 would look for the constants of a sub-expression among the synapse's own names: write it out.
        tree = substitute(term, {**pre.at_end("_pre"), **post.at_end("_post")})
        right = expression(tree, names)
        lines.append(f"{input_name(target, part.name)}_post = {right} : {post.units[target]} (summed)")
    return "\n".join(lines)


def pathway_code(item: ProjectionProgram, pre: PopulationProgram, post: PopulationProgram) -> dict[str, str]:
    """Return the ``on_pre`` and ``on_post`` of a pulse ``Synapses`` object, by ``"pre"`` and ``"post"``."""
    names = renaming_of_edges(item, pre, post)
    if item.dynamics is None:
        return {"pre": _additions(item.additions, names)}
    found = {}
    for side, program in (("pre", item.dynamics.on_pre), ("post", item.dynamics.on_post)):
        # What the neuron receives comes before the copies to the edge's variables, of which it may be the value.
        parts = (code(program.fresh, names), _additions(program.additions, names), code(program.copies, names))
        text = "\n".join(part for part in parts if part)
        if text:
            found[side] = text
    return found


def _additions(additions: Iterable[Statement], names: dict[str, str]) -> str:
    return "\n".join(f"{brian2_name(item.target)}_post += {expression(item.expression, names)}" for item in additions)


def renaming_of_edges(item: ProjectionProgram, pre: PopulationProgram, post: PopulationProgram) -> dict[str, str]:
    """Return the names that a ``Synapses`` object does not accept, with what stands for them.

    Among them are variables of edges that are called like one of a neuron at their ends: ``u`` becomes ``u_syn``.
    """
    names = {**renaming(pre.units, "_pre"), **renaming(post.units, "_post"), **renaming(item.units)}
    taken = _held_by_neurons(pre) | _held_by_neurons(post)
    called = {variable: brian2_name(variable) for variable in _held_by_edges(item)}
    return names | {variable: f"{other}_syn" for variable, other in called.items() if other in taken}


def _held_by_neurons(item: PopulationProgram) -> set[str]:
    """Return the variables of a group, which its synapses may not have as well."""
    own = {*item.state, *item.inputs, *item.parameters, *item.subexpressions} if item.kind == "neurons" else item.units
    return {brian2_name(name) for name in own}


def _held_by_edges(item: ProjectionProgram) -> list[str]:
    arrays = [name for name, value in item.values.items() if isinstance(value, np.ndarray)]
    return arrays if item.dynamics is None else [*arrays, *item.dynamics.state]


def variable_name(program: StepProgram, part: str, variable: str) -> str:
    """Return what a variable of a population or projection is called in Brian2."""
    item = program.projections.get(part)
    if item is None:
        return brian2_name(variable)
    names = renaming_of_edges(item, program.populations[item.pre], program.populations[item.post])
    return names.get(variable, variable)


def edge_model(item: ProjectionProgram, names: Mapping[str, str]) -> str:
    """Return the declarations of what differs from edge to edge, of what a pulse reads, and of what changes."""
    lines = [f"{names.get(name, name)} : {item.units[name]} (constant)" for name in edge_arrays(item)]
    if item.dynamics is not None:
        lines += [f"{names.get(name, name)} : {item.units[name]}" for name in item.dynamics.state]
        lines += [f"{site.symbol} : 1" for site in item.dynamics.noise]
    return "\n".join(lines)


def edge_arrays(item: ProjectionProgram) -> Mapping[str, np.ndarray]:
    """Return the per-edge values that the projection's expressions read."""
    return {name: value for name, value in item.values.items() if isinstance(value, np.ndarray) and name in item.reads}


def edge_namespace(item: ProjectionProgram, constants: Mapping[str, float]) -> dict[str, Any]:
    """Return what all edges share, as quantities."""
    values = {**constants, **{name: value for name, value in item.values.items() if not isinstance(value, np.ndarray)}}
    return {brian2_name(name): quantity(float(value), item.units[name]) for name, value in values.items()}
