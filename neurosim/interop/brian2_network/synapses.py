"""A ``Synapses`` object as projections: what it is made of, and how its names are called in a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.external import Externals, resolve, value_of
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import assigned, identifiers, logical_lines, substituted, variable_names
from neurosim.interop.brian2_network.neurons import Neurons, integrator, shared_or_each
from neurosim.units import quantity, text_of_dimension

#: Names that a synapse of a circuit keeps for itself.
_TIME = ("t", "dt", "xi")
_RESERVED = ("w", "weight", "delay", "lastupdate")
#: What Brian2 gives to the code of synapses, and the parameter that stands for it in a circuit.
_GIVEN = {
    "i": "pre_index", "j": "post_index", "N": "edge_count", "N_pre": "pre_size", "N_post": "post_size",
    "N_incoming": "incoming_count", "N_outgoing": "outgoing_count",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An equation of a ``Synapses`` object."""

    name: str
    kind: str  # of Brian2: "differential equation", "subexpression", "parameter"
    expression: str
    unit: str
    flag: str  # "event-driven", "clock-driven", "shared" or none


@dataclass
class Edge:
    """What one projection does: some of the equations and code of a ``Synapses`` object.

    Attributes
    ----------
    lines
        The equations that take part.
    summed
        For each postsynaptic variable (``"i_post"``) the expression that is summed into it, and its unit.
    on_pre, on_post
        Code.
    """

    lines: list[Line]
    summed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    on_pre: str = ""
    on_post: str = ""

    @property
    def texts(self) -> list[str]:
        """Every expression and all code."""
        sums = [text for target, (expression, _) in self.summed.items() for text in (target, expression)]
        return [*(line.expression for line in self.lines), *sums, self.on_pre, self.on_post]

    @property
    def state(self) -> set[str]:
        """The variables of the edge that change in a run."""
        written = assigned(self.on_pre) | assigned(self.on_post)
        return {line.name for line in self.lines if line.kind == "differential equation" or line.name in written}


@dataclass(frozen=True)
class Translated:
    """What ``connect`` of a circuit takes for a projection, but for the neurons and the delays."""

    model: dict[str, Any]  # of SynapseModel
    weight: Any
    parameters: dict[str, Any]
    initial: dict[str, Any]


def lines_of(synapses: Any) -> list[Line]:
    """Return the equations of a ``Synapses`` object but for its summed variables.

    Raises
    ------
    UnsupportedError
        For flags that have no counterpart.
    """
    wrong = []
    found: dict[str, Line] = {}
    for equations in (synapses.equations, synapses.event_driven or {}):
        for name, equation in equations.items():
            flags = set(equation.flags) - {"constant"}
            if equation.type == "subexpression":
                flags -= {"shared"}  # the same for all edges by what it reads
            if flags - {"event-driven", "clock-driven", "shared"}:
                wrong.append(f"{name!r} is ({', '.join(sorted(flags))})")
            flag = next(iter(flags), "clock-driven" if equation.type == "differential equation" else "")
            unit = text_of_dimension(equation.dim) if equation.var_type == "float" else equation.var_type
            found[name] = Line(name, equation.type, "" if equation.expr is None else equation.expr.code, unit, flag)
    if synapses.subexpression_updater is not None:
        wrong.append("a sub-expression is (constant over dt)")
    if wrong:
        raise UnsupportedError("; ".join(wrong))
    return list(found.values())


def taking_part(lines: list[Line], texts: list[str], *, integrated: bool) -> list[Line]:
    """Return the equations that some texts read or write, directly or through others.

    Parameters
    ----------
    lines
        All equations.
    texts
        Expressions and code.
    integrated
        Whether what is integrated takes part in any case.
    """
    chosen = {line.name for line in lines if integrated and line.kind == "differential equation"}
    reached = frozenset().union(*map(identifiers, texts))
    while True:
        new = {line.name for line in lines if line.name in reached} | chosen
        if new == chosen:
            return [line for line in lines if line.name in chosen]
        chosen = new
        reached |= frozenset().union(*(identifiers(line.expression) for line in lines if line.name in chosen))


def translate(
    synapses: Any,
    edge: Edge,
    pre: Neurons,
    post: Neurons,
    own_ends: Mapping[str, str],
    namespace: Mapping[str, Any],
    findings: Findings,
) -> Translated:
    """Return a synapse's equations, code and values in the words of a circuit.

    Parameters
    ----------
    synapses
        Brian2's object.
    edge
        What of it is meant.
    pre, post
        The neurons at both ends.
    own_ends
        Variables of the edges that neurons at an end hold in the circuit, as it calls them.
    namespace
        Of the caller.
    findings
        Takes remarks.

    Raises
    ------
    UnsupportedError
        For names that mean nothing in a circuit.
    """
    own = {line.name: line for line in edge.lines}
    read = frozenset().union(*map(identifiers, edge.texts)) | frozenset().union(
        *map(assigned, (edge.on_pre, edge.on_post))
    )
    _check_state(synapses, edge)
    ends, given, outside = _names_of_ends(synapses, read - own.keys() - own_ends.keys(), pre, post)
    ends |= {name: called for name, called in own_ends.items() if name in read}
    temporaries = (assigned(edge.on_pre) | assigned(edge.on_post)) - own.keys() - ends.keys()
    externals = resolve(synapses, outside - temporaries - {"delay"}, namespace)
    if externals.arrays:
        raise UnsupportedError(f"it reads the TimedArray {', '.join(externals.arrays)}; read it in a neuron")
    weight_name, weight = _weight(synapses, edge, own, externals, namespace)
    inner = variable_names(
        [name for name in (*own, *externals.constants, *temporaries) if name != weight_name],
        (*_RESERVED, *_GIVEN.values()),
    )
    inner |= {name: _GIVEN[name] for name in given}
    called = {**ends, **inner, **({weight_name: "w"} if weight_name else {})}
    for name, new in called.items():
        if name != new and name not in ends and name not in given:
            told = "is the weight ('w')" if new == "w" else f"is called {new!r} in the circuit"
            findings.remark(f"{synapses.name!r}: {name!r} {told}")
    if weight is not None and not weight_name:
        called_code = _with_literal_weight(edge.on_pre)
        findings.remark(f"{synapses.name!r}: the number that a spike adds is the weight")
    else:
        called_code = edge.on_pre
    model: dict[str, Any] = {
        "equations": "\n".join(_texts(edge, called, weight_name, own)),
        "on_pre": substituted(called_code, called), "on_post": substituted(edge.on_post, called),
        "parameters": {
            name: value
            for name, value in {
                **externals.quantities(called),
                **{called[name]: _values(synapses, line) for name, line in own.items() if line.flag == "shared"},
            }.items()
            if name != "w"
        },
    }  # fmt: skip
    if any(line.flag == "clock-driven" for line in edge.lines):
        model["method"] = integrator(synapses, namespace)
    parameters: dict[str, Any] = {}
    initial: dict[str, Any] = {}
    for name, line in own.items():
        if line.kind == "subexpression" or line.flag == "shared" or name == weight_name:
            continue
        kept = initial if name in edge.state else parameters
        kept[called[name]] = _values(synapses, line)
    model["parameters"] |= {_GIVEN[name]: 0.0 for name in given}
    parameters |= {_GIVEN[name]: shared_or_each(_given(synapses, name)) for name in given}
    if any(word in identifiers(text) for text in edge.texts for word in ("xi", "rand", "randn")):
        findings.remark(
            f"{synapses.name!r} draws random numbers: in a circuit they come from the run's seed, so that runs of the "
            "two agree in their statistics only"
        )
    return Translated(model, weight, parameters, initial)


def _names_of_ends(
    synapses: Any, names: frozenset[str], pre: Neurons, post: Neurons
) -> tuple[dict[str, str], list[str], frozenset[str]]:
    """Return what names of the neurons at both ends are in a circuit, those that Brian2 gives, and what else there is.

    Raises
    ------
    UnsupportedError
        For what Brian2 gives to synapses and circuits do not.
    """
    found, given, outside, wrong = {}, [], set(), []
    for name in sorted(names):
        base, _, end = name.rpartition("_")
        if name in synapses.variables and name not in _TIME:
            if end == "pre" and base in pre.names:
                found[name] = f"{pre.names[base]}_pre"
            elif end == "post" and base in post.names:
                found[name] = f"{post.names[base]}_post"
            elif name in post.names:
                found[name] = f"{post.names[name]}_post"
            elif name in _GIVEN:
                given.append(name)
            else:
                wrong.append(name)
        elif name not in _TIME:
            outside.add(name)
    if wrong:
        raise UnsupportedError(f"it reads {', '.join(wrong)}, which synapses of a circuit cannot")
    return found, given, frozenset(outside)


def _given(synapses: Any, name: str) -> Any:
    """Return the value of a name of :data:`_GIVEN`, one or one per edge."""
    pre, post = (np.asarray(synapses.variables[f"_synaptic_{end}"].get_value()) for end in ("pre", "post"))
    if name in ("N_incoming", "N_outgoing"):
        index = post if name == "N_incoming" else pre
        return np.bincount(index)[index] if index.size else index
    sizes = {"N": len(pre), "N_pre": len(synapses.source), "N_post": len(synapses.target)}
    return sizes[name] if name in sizes else np.asarray(getattr(synapses, name)[:])


def _check_state(synapses: Any, edge: Edge) -> None:
    """Refuse variables that change otherwise than in a circuit, or have begun to.

    Raises
    ------
    UnsupportedError
        With all of them.
    """
    wrong = [
        f"{name!r} is a whole number or truth value and changes in a run; declare it with ': 1'"
        for name in sorted(edge.state)
        if np.dtype(synapses.variables[name].dtype).kind != "f"
    ]
    if synapses.event_driven is not None and np.any(synapses.variables["lastupdate"].get_value()):
        wrong.append("'lastupdate' was set; the edges of a circuit begin at 0")
    if wrong:
        raise UnsupportedError("; ".join(wrong))


def _weight(
    synapses: Any, edge: Edge, own: Mapping[str, Line], externals: Externals, namespace: Mapping[str, Any]
) -> tuple[str, Any]:
    """Return which name is the weight of a circuit (empty for none), and its value."""
    each = [name for name, line in own.items() if line.kind == "parameter" and line.flag != "shared"]
    chosen = next((name for name in ("w", "weight") if name in own and own[name].kind != "subexpression"), "")
    if not chosen and "w" in externals.constants:
        chosen = "w"
    statements = logical_lines(edge.on_pre)
    if not chosen and not edge.state and len(statements) == 1 and "+=" in statements[0]:
        added = statements[0].split("+=", 1)[1].strip()
        if added in externals.constants or added in each:
            chosen = added
        elif (value := value_of(added, externals, synapses.name)) is not None:
            return "", quantity(*value)
    if not chosen and len(each) == 1:
        chosen = each[0]
    if not chosen:
        return "", None
    return chosen, _values(synapses, own[chosen]) if chosen in own else quantity(*externals.constants[chosen])


def _with_literal_weight(code: str) -> str:
    return f"{logical_lines(code)[0].split('+=', 1)[0]} += w"


def _values(synapses: Any, line: Line) -> Any:
    variable = synapses.variables[line.name]
    if np.dtype(variable.dtype) == np.float32:
        raise UnsupportedError(f"{line.name!r} is float32; circuits hold float64")
    unit = "1" if line.unit in ("boolean", "integer") else line.unit
    return quantity(shared_or_each(variable.get_value()), unit)


def _texts(edge: Edge, called: Mapping[str, str], weight: str, own: Mapping[str, Line]) -> list[str]:
    texts = []
    for name, line in own.items():
        if line.flag == "shared" or (name == weight and line.kind == "parameter"):
            continue
        flag = f" ({line.flag})" if line.flag else ""
        left = {"differential equation": f"d{called[name]}/dt = ", "subexpression": f"{called[name]} = "}
        right = substituted(line.expression, called)
        texts.append(f"{left.get(line.kind, called[name])}{right} : {line.unit}{flag}")
    for target, (expression, unit) in edge.summed.items():
        texts.append(f"{called[target]} = {substituted(expression, called)} : {unit} (summed)")
    return texts
