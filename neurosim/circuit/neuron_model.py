"""The equations of a kind of neuron, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.language import Assignment, Equation, checked_name, parse_equations, parse_statements
from neurosim.circuit.values import Distribution, Trainable, Value, as_value, plain, values_equal
from neurosim.errors import CircuitError, EquationError, UnitError, nearest
from neurosim.units import DIMENSIONLESS, canonical, unit_of

#: Integrators of Brian2 that a model may name; ``None`` takes ``exact`` where the equations are linear, else ``euler``.
METHODS = ("exact", "exponential_euler", "euler", "rk2", "rk4", "heun")


@dataclass(frozen=True)
class Parameter:
    """A named constant of a model: its SI value and unit."""

    value: Value
    unit: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameter) and self.unit == other.unit and values_equal(self.value, other.value)


@dataclass(frozen=True, eq=False, init=False)
class NeuronModel:
    """Equations of a neuron in Brian2's language: how it evolves, when it spikes, what a spike does to it.

    Parameters
    ----------
    equations
        Lines ``dv/dt = ... : volt (unless refractory)``, ``x = ... : 1`` (sub-expressions) and ``i : amp`` (variables
        that inputs, pulses or statements write).
    threshold
        Condition for a spike; ``None`` for a neuron that does not spike.
    reset
        Statements for the neurons that spiked.
    refractory
        A time, the name of a time parameter, an expression that is a time or a condition; ``None`` for none.
    method
        One of :data:`METHODS`; ``None`` takes ``exact`` where the equations are linear, else ``euler``.
    update
        Statements of a discrete map, executed once a step after integration.
    parameters
        Constants that the equations name; the population may override them.
    initial
        Initial values: numbers, quantities, arrays, distributions, or expressions such as ``"v_leak"``; 0 otherwise.
    receptors
        For each receptor name the variable that its pulses add to.
    name
        What the model is called in listings.

    Raises
    ------
    EquationError
        For a name that is not defined, forbidden syntax, or an unknown flag or method.
    UnitError
        If the units do not agree.
    """

    equations: str
    threshold: str | None
    reset: str
    refractory: float | str | None
    method: str | None
    update: str
    parameters: Mapping[str, Parameter]
    initial: Mapping[str, Value | str]
    receptors: Mapping[str, str]
    name: str
    lines: tuple[Equation, ...] = field(repr=False)

    def __init__(
        self,
        equations: str = "",
        *,
        threshold: str | None = None,
        reset: str | None = None,
        refractory: Any = None,
        method: str | None = None,
        update: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        receptors: Mapping[str, str] | None = None,
        name: str = "neuron",
    ) -> None:
        where = f"model {name!r}"
        lines = parse_equations(equations, where)
        if method is not None and method not in METHODS:
            raise EquationError(f"{where}: unknown method {method!r}.{nearest(method, METHODS)}")
        set_field = object.__setattr__
        set_field(self, "equations", "\n".join(line_text(line) for line in lines))
        set_field(self, "lines", lines)
        set_field(self, "threshold", threshold)
        set_field(self, "reset", reset or "")
        set_field(self, "update", update or "")
        set_field(self, "method", method)
        set_field(self, "name", name)
        set_field(self, "refractory", _refractory_value(refractory, where))
        declared = declared_units(lines, where)
        for line in lines:
            if line.kind in ("differential", "subexpression") and line.name in (parameters or {}):
                raise EquationError(
                    f"{where}: {line.name!r} is a variable, no parameter; its start goes into initial=."
                )
        set_field(self, "parameters", checked_parameters(parameters or {}, declared, where))
        set_field(self, "initial", _initial_values(initial or {}, lines, declared, where))
        set_field(self, "receptors", MappingProxyType(dict(receptors or {})))
        self._check(where)

    # -- what there is -------------------------------------------------------------------------------------------

    @property
    def units(self) -> dict[str, str]:
        """Unit text of every variable and parameter."""
        return {line.name: canonical(line.unit) for line in self.lines} | {
            name: parameter.unit for name, parameter in self.parameters.items()
        }

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of one kind of line: ``differential``, ``subexpression`` or ``parameter``."""
        return tuple(line.name for line in self.lines if line.kind == kind)

    @property
    def unless_refractory(self) -> frozenset[str]:
        """Variables that neither integrate nor receive while the neuron is refractory."""
        return frozenset(line.name for line in self.lines if "unless refractory" in line.flags)

    @property
    def spiking(self) -> bool:
        """Whether the neuron spikes."""
        return self.threshold is not None

    @property
    def reset_statements(self) -> tuple[Assignment, ...]:
        """The statements of the reset."""
        return parse_statements(self.reset, f"reset of model {self.name!r}")

    @property
    def update_statements(self) -> tuple[Assignment, ...]:
        """The statements of the discrete map."""
        return parse_statements(self.update, f"update of model {self.name!r}")

    @property
    def written(self) -> frozenset[str]:
        """Variables that integration, update or reset assigns."""
        assigned = {statement.target for statement in self.reset_statements + self.update_statements}
        return frozenset(self.names("differential")) | (assigned & set(self.units))

    @property
    def first_variable(self) -> str | None:
        """The variable shown when nothing else is asked for: the first that changes, else the first sub-expression."""
        for line in self.lines:
            if line.kind == "differential" or line.name in self.written:
                return line.name
        return next(iter(self.names("subexpression")), None)

    # -- checks --------------------------------------------------------------------------------------------------

    def _check(self, where: str) -> None:
        units = self.units
        if not self.lines and self.threshold is None:
            raise EquationError(f"{where}: give equations (or a threshold); it does nothing as it is.")
        special = {"t": "second", "dt": "second", "i": DIMENSIONLESS, "N": DIMENSIONLESS}
        special |= {"not_refractory": "boolean", "lastspike": "second"}
        # White noise has a meaning only where it is integrated.
        checker = DimensionChecker({**special, "xi": "second**-0.5", **units}, where)
        for line in self.lines:
            _check_flags(line, where)
            if line.kind == "differential":
                checker.expect(line.expression or "", f"({canonical(line.unit)})/second", f"d{line.name}/dt =")
            elif line.kind == "subexpression":
                checker.expect(line.expression or "", line.unit, f"{line.name} =")
        checker = DimensionChecker({**special, **units}, where)
        writable = set(self.names("differential")) | set(self.names("parameter"))
        if self.threshold is not None:
            checker.expect_condition(self.threshold, "threshold")
        elif self.reset:
            raise EquationError(f"{where}: a reset without a threshold never happens; give threshold= as well.")
        if self.refractory is not None and self.threshold is None:
            raise EquationError(f"{where}: refractory= needs a threshold.")
        if isinstance(self.refractory, str):
            if checker.dimension(self.refractory) != checker.names["dt"]:
                checker.expect_condition(self.refractory, "refractory")
        elif self.unless_refractory and self.threshold is None:
            raise EquationError(f"{where}: '(unless refractory)' means nothing for a neuron without a threshold.")
        checker.check_assignments(self.reset_statements, writable, "reset")
        checker = DimensionChecker({**special, **units}, where)
        checker.check_assignments(self.update_statements, writable, "update")
        for receptor, variable in self.receptors.items():
            if variable not in writable:
                hint = nearest(variable, writable)
                raise EquationError(f"{where}: receptor {receptor!r} adds to {variable!r}, which is no variable.{hint}")
        initial_checker = DimensionChecker({**special, **units}, where)
        for name, value in self.initial.items():
            if isinstance(value, str):
                initial_checker.expect(value, units[name], f"initial {name} =")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NeuronModel):
            return False
        plain_fields = ("equations", "threshold", "reset", "refractory", "method", "update", "name")
        return (
            all(getattr(self, name) == getattr(other, name) for name in plain_fields)
            and dict(self.parameters) == dict(other.parameters)
            and dict(self.receptors) == dict(other.receptors)
            and self.initial.keys() == other.initial.keys()
            and all(values_equal(value, other.initial[name]) for name, value in self.initial.items())
        )

    def __hash__(self) -> int:
        return hash((self.equations, self.threshold, self.reset))

    def __str__(self) -> str:
        parts = [self.equations]
        parts += [f"threshold: {self.threshold}"] if self.threshold else []
        parts += [f"reset: {self.reset}"] if self.reset else []
        parts += [f"update: {self.update}"] if self.update else []
        return "\n".join(parts)


def line_text(line: Equation) -> str:
    """Return a parsed line as text in its one spelling."""
    flags = f" ({', '.join(line.flags)})" if line.flags else ""
    left = {
        "differential": f"d{line.name}/dt = ",
        "subexpression": f"{line.name} = ",
        "summed": f"{line.name}_post = ",
        "parameter": line.name,
    }[line.kind]
    return f"{left}{line.expression or ''} : {line.unit}{flags}".replace("  ", " ")


def _refractory_value(value: Any, where: str) -> float | str | None:
    from neurosim.units import seconds

    if value is None or value is False:
        return None
    if isinstance(value, str):
        return value
    time = seconds(value, f"{where}: refractory")
    if time < 0:
        raise CircuitError(f"{where}: refractory must not be negative, got {time} s.")
    return time


def value_unit(value: Any) -> str:
    """Return the unit that a given value carries."""
    inner = value.initial if isinstance(value, Trainable) else value
    if isinstance(inner, Distribution):
        return inner.unit
    return unit_of(inner)


def checked_parameters(given: Mapping[str, Any], declared: Mapping[str, str], where: str) -> Mapping[str, Parameter]:
    """Return the parameters of a model, in SI, with the unit declared in its equations or else the one given."""
    result = {}
    for name, value in given.items():
        checked_name(name, where)
        unit = declared.get(name) or canonical(value_unit(value))
        result[name] = Parameter(as_value(value, unit, f"{where}: parameter {name!r}"), unit)
        if plain(result[name].value) is None:
            raise CircuitError(f"{where}: parameter {name!r} is Trainable without an initial value; give one.")
    return MappingProxyType(result)


def declared_units(lines: tuple[Equation, ...], where: str) -> dict[str, str]:
    """Return the unit of each line's name, in its one spelling."""
    units = {}
    for line in lines:
        try:
            units[line.name] = canonical(line.unit)
        except UnitError as error:
            raise UnitError(f"{where}: {line.name!r}: {error}") from None
        if line.kind == "differential" and line.unit in ("boolean", "integer"):
            raise EquationError(f"{where}: {line.name!r} cannot be {line.unit}; only real numbers are integrated.")
    return units


_FLAGS = {"differential": ("unless refractory",), "parameter": ("constant", "unless refractory"), "subexpression": ()}


def _check_flags(line: Equation, where: str) -> None:
    if line.kind == "summed" or "summed" in line.flags:
        raise EquationError(f"{where}: (summed) belongs in a SynapseModel, not in a neuron.")
    for flag in line.flags:
        if flag not in _FLAGS[line.kind]:
            raise EquationError(f"{where}: ({flag}) has no meaning for {line.name!r}, a {line.kind} of a neuron.")


def _initial_values(
    given: Mapping[str, Any], lines: tuple[Equation, ...], declared: Mapping[str, str], where: str
) -> Mapping[str, Value | str]:
    variables = [line.name for line in lines if line.kind != "subexpression"]
    result: dict[str, Value | str] = {}
    for name, value in given.items():
        if name not in variables:
            raise CircuitError(f"{where}: no variable {name!r} to give an initial value.{nearest(name, variables)}")
        where_initial = f"{where}: initial {name!r}"
        result[name] = value if isinstance(value, str) else as_value(value, declared[name], where_initial)
        if isinstance(value, Trainable) and value.initial is None:
            raise CircuitError(f"{where_initial} is Trainable without an initial value; give one.")
    return MappingProxyType(result)


def checked_initial(given: Mapping[str, Any], units: Mapping[str, str], where: str) -> Mapping[str, Value]:
    """Return initial values of the variables of an edge, in SI."""
    result = {}
    for name, value in given.items():
        if name not in units:
            raise CircuitError(f"{where}: no variable {name!r} to give an initial value.{nearest(name, units)}")
        result[name] = as_value(value, units[name], f"{where}: initial {name!r}")
        if isinstance(value, Trainable):
            raise CircuitError(f"{where}: the initial {name!r} of an edge cannot be Trainable; train the weight.")
    return MappingProxyType(result)


__all__ = ["METHODS", "NeuronModel", "Parameter", "value_unit"]
