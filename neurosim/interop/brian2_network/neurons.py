"""A ``NeuronGroup`` as a population: its equations, the constants that they name, and the values it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import METHODS, NeuronModel
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.external import Externals, resolve
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import (
    assigned,
    identifiers,
    part_name,
    plain_code,
    substituted,
    truths_written_out,
    variable_names,
)
from neurosim.interop.brian2_network.timed import ONCE_A_STEP, calls_replaced, signals
from neurosim.units import canonical, quantity, text_of_dimension

#: What a group has without its equations saying so, and that means the same in a circuit.
_OWN = frozenset({"t", "dt", "i", "N", "lastspike", "not_refractory"})


@dataclass(frozen=True)
class Written:
    """What other objects of the network write into the variables of groups, by the identity of Brian2's variables."""

    pulses: frozenset[int]
    sums: Mapping[int, list[slice]]


@dataclass
class Neurons:
    """A population to be: what Brian2 calls it, what the circuit does, and how its variables are called there."""

    group: Any
    name: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Line:
    name: str
    kind: str  # of Brian2: "differential equation", "subexpression", "parameter"
    expression: str
    unit: str
    flags: tuple[str, ...]

    @property
    def dimension(self) -> str:
        """The unit without the words boolean and integer."""
        return canonical(self.unit)


def add_neurons(
    circuit: Circuit,
    neurons: Neurons,
    written: Written,
    namespace: Mapping[str, Any],
    taken: set[str],
    findings: Findings,
) -> None:
    """Add a ``NeuronGroup``, or a ``PoissonGroup`` whose rates are an expression, to a circuit.

    Parameters
    ----------
    circuit
        Takes the population, and an injection for each array over time.
    neurons
        The group; its names are filled in.
    written
        What other objects write.
    namespace
        Of the caller.
    taken
        Names of parts; those of the injections are added.
    findings
        Takes remarks.

    Raises
    ------
    NeurosimError
        If a circuit cannot express it.
    """
    group = neurons.group
    lines = _lines(group)
    code = {"threshold": group.events.get("spike") or "", "reset": _reset(group), "refractory": _refractory(group)}
    texts = [*(line.expression for line in lines), *(text for text in code.values() if isinstance(text, str))]
    own = {line.name for line in lines}
    read = frozenset().union(*map(identifiers, texts))
    noises = sorted(name for name in read if name == "xi" or name.startswith("xi_"))
    if len(noises) > 1:
        raise UnsupportedError(f"it has several noises ({', '.join(noises)}); equations of a circuit have one, xi")
    externals = resolve(group, read - own - _OWN - set(noises), namespace)
    method = integrator(group, namespace) if hasattr(group, "equations") else None
    lines, code = _with_inputs(lines, code, externals, method, len(group))
    lines, code = _without_truths(lines, code)
    names = variable_names([*own, *externals.arrays, *externals.constants])
    names |= dict.fromkeys(noises, "xi")
    neurons.names = {name: names[name] for name in own}
    for name, called in names.items():
        if name != called:
            findings.remark(f"{group.name!r}: {name!r} is called {called!r} in the circuit")
    summed = {line.name for line in lines if line.kind == "parameter" and _variable(group, line.name) in written.sums}
    changing = {line.name for line in lines if _variable(group, line.name) in written.pulses} | assigned(code["reset"])
    shared = {line.name for line in lines if line.kind == "parameter" and "shared" in line.flags}
    _check_variables(group, lines, changing | summed, shared, written)
    refractory = code["refractory"]
    model = NeuronModel(
        "\n".join(_text(line, names) for line in lines if line.name not in shared),
        threshold=substituted(code["threshold"], names) or None,
        reset=substituted(code["reset"], names) or None,
        refractory=substituted(refractory, names) if isinstance(refractory, str) else refractory,
        method=method,
        parameters={
            **externals.quantities(names),
            **{names[line.name]: _values(group, line) for line in lines if line.name in shared},
        },
        name=neurons.name,
    )  # fmt: skip
    parameters: dict[str, Any] = {}
    initial: dict[str, Any] = {}
    for line in lines:
        if line.kind == "subexpression" or line.name in summed | shared | externals.arrays.keys():
            continue
        kept = initial if line.kind == "differential equation" or line.name in changing else parameters
        kept[names[line.name]] = _values(group, line)
    population = circuit.population(neurons.name, len(group), model, parameters=parameters, initial=initial)
    for name, array in externals.arrays.items():
        for number, signal in enumerate(signals(array, circuit.dt)):
            called = part_name(f"{neurons.name}_{names[name]}{'_after' if number else ''}", taken)
            taken.add(called)
            circuit.inject(called, population, names[name], signal)
    if noises or read & {"rand", "randn"}:
        findings.remark(
            f"{group.name!r} draws random numbers: in a circuit they come from the run's seed, so that runs of the two "
            "agree in their statistics only"
        )


def _lines(group: Any) -> list[_Line]:
    """Return the equations of a group.

    Raises
    ------
    UnsupportedError
        For flags that have no counterpart.
    """
    lines, wrong = [], []
    equations = getattr(group, "user_equations", {})
    for name, equation in equations.items():
        unit = text_of_dimension(equation.dim) if equation.var_type == "float" else equation.var_type
        expression = "" if equation.expr is None else equation.expr.code
        lines.append(_Line(name, equation.type, expression, unit, tuple(equation.flags)))
        for flag in ("linked", "constant over dt"):
            if flag in equation.flags:
                wrong.append(f"{name!r} is ({flag})")
    if wrong:
        raise UnsupportedError("; ".join(wrong))
    if not equations and isinstance(getattr(group, "_rates", None), str):
        lines.append(_Line("rates", "subexpression", group._rates, "hertz", ()))
    return lines


def _reset(group: Any) -> str:
    return plain_code(getattr(group, "event_codes", {}).get("spike") or "")


def _refractory(group: Any) -> Any:
    return None if group._refractory is False else group._refractory


def _variable(group: Any, name: str) -> int | None:
    return id(group.variables[name]) if name in group.variables else None


def _text(line: _Line, names: Mapping[str, str]) -> str:
    name = names[line.name]
    flags = " (unless refractory)" if "unless refractory" in line.flags else ""
    left = {"differential equation": f"d{name}/dt = ", "subexpression": f"{name} = "}.get(line.kind, name)
    return f"{left}{substituted(line.expression, names)} : {line.unit}{flags}"


def _values(group: Any, line: _Line) -> Any:
    return quantity(shared_or_each(group.variables[line.name].get_value()), line.dimension)


def shared_or_each(values: Any) -> float | np.ndarray:
    """Return one number where all values are equal, else all of them."""
    array = np.array(values, dtype=np.float64).reshape(-1)
    return float(array[0]) if array.size and np.all(array == array[0]) else array


def _check_variables(group: Any, lines: list[_Line], changing: set[str], shared: set[str], written: Written) -> None:
    """Refuse what a variable holds, or what is done to it, where a circuit has nothing like it.

    Raises
    ------
    UnsupportedError
        With all of it.
    """
    wrong = []
    for line in lines:
        variable = group.variables.get(line.name)
        if variable is None or line.kind == "subexpression":
            continue
        if np.dtype(variable.dtype) == np.float32:
            wrong.append(f"{line.name!r} is float32; circuits hold float64")
        if np.dtype(variable.dtype).kind != "f" and line.name in changing:
            wrong.append(f"{line.name!r} is a whole number or truth value and changes in a run; declare it with ': 1'")
        if line.name in shared & changing:
            wrong.append(f"{line.name!r} is (shared) and changes in a run")
        sums = np.zeros(len(group), dtype=np.int64)
        for part in written.sums.get(id(variable), ()):
            sums[part] += 1
        if np.any(sums) and np.any(np.array(variable.get_value())[sums == 0]):
            wrong.append(f"{line.name!r} is summed for some neurons and holds values for others; give it two names")
        if np.any(sums > 1):
            wrong.append(f"{line.name!r} is summed twice, which Brian2 does not run either; give it two names")
    if "lastspike" in group.variables:
        untouched = np.all(group.variables["lastspike"].get_value() == -1e4)
        if not untouched or not np.all(group.variables["not_refractory"].get_value()):
            wrong.append("'lastspike' or 'not_refractory' was set; a circuit begins with neurons that have not spiked")
    if wrong:
        raise UnsupportedError("; ".join(wrong))


def integrator(owner: Any, namespace: Mapping[str, Any]) -> str | None:
    """Return the name of the integrator that Brian2 uses for the equations of a group, ``None`` for no equations.

    Raises
    ------
    UnsupportedError
        For one that circuits do not have, or that has options.
    """
    from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

    equations = owner.equations
    if not equations.diff_eq_names:
        return None
    choice, options = owner.state_updater.method_choice, owner.state_updater.method_options
    if options:
        raise UnsupportedError(f"the integrator has options ({options})")
    registered = {id(method): name for name, method in StateUpdateMethod.stateupdaters.items() if name != "linear"}
    candidates = [choice] if isinstance(choice, str) or callable(choice) else list(choice)
    names = [registered.get(id(method), "") if callable(method) else str(method).lower() for method in candidates]
    names = ["exact" if name == "linear" else name for name in names]
    unknown = [str(given) for given, name in zip(candidates, names, strict=True) if name not in METHODS]
    if unknown:
        raise UnsupportedError(f"the integrator {', '.join(unknown)} is not one of {', '.join(METHODS)}")
    if len(names) == 1:
        return names[0]
    variables = owner.resolve_all(
        equations.names | equations.identifiers | {"dt"}, namespace, user_identifiers=set()
    )  # fmt: skip
    for name in names:
        try:
            StateUpdateMethod.apply_stateupdater(equations, variables, name)
        except UnsupportedEquationsException:
            continue
        return name
    raise UnsupportedError(f"none of the integrators {', '.join(names)} can treat the equations")


def _with_inputs(
    lines: list[_Line], code: dict[str, Any], externals: Externals, method: str | None, n: int
) -> tuple[list[_Line], dict[str, Any]]:
    """Return lines and code in which arrays over time are input variables.

    Raises
    ------
    UnsupportedError
        If an array is read in a way that an input cannot stand for.
    """
    if not externals.arrays:
        return lines, code
    if method not in ONCE_A_STEP:
        raise UnsupportedError(
            f"{method!r} reads the TimedArray {', '.join(externals.arrays)} within a step too; choose exact, "
            "exponential_euler or euler"
        )
    for name, array in externals.arrays.items():
        for line in lines:
            line.expression = calls_replaced(line.expression, name, array, n)
        code = {
            what: calls_replaced(text, name, array, n) if isinstance(text, str) else text for what, text in code.items()
        }
        lines = [*lines, _Line(name, "parameter", "", text_of_dimension(array.dim), ())]
    return lines, code


def _without_truths(lines: list[_Line], code: dict[str, Any]) -> tuple[list[_Line], dict[str, Any]]:
    """Return lines and code without boolean variables: a parameter that is 0 or 1, an expression where it is read."""
    truths = {line.name: line.expression for line in lines if line.unit == "boolean"}
    if not truths:
        return lines, code
    changing = sorted(truths.keys() & assigned(code["reset"]))
    if changing:
        raise UnsupportedError(f"{', '.join(changing)} is boolean and changes in a run; declare it with ': 1'")
    kept = [line for line in lines if line.unit != "boolean" or line.kind == "parameter"]
    for line in kept:
        line.unit = "1" if line.unit == "boolean" else line.unit
        line.expression = truths_written_out(line.expression, truths)
    return kept, {
        what: truths_written_out(text, truths) if isinstance(text, str) else text for what, text in code.items()
    }
