r"""Neurons that are a linear membrane with a threshold, read from the equations of a circuit.

A *linear neuron* is :math:`\tau\,\dot v = v_{leak} - v + \sum_k g_k x_k` (or, without a leak, :math:`\dot v = \sum_k
g_k x_k`), where each x is an input, or a filter of inputs :math:`\tau_k\,\dot x_k = -x_k + \sum_j g_j x_j`; above a
threshold it spikes, and its v is set to a value or lowered by one. Leaky integrate-and-fire neurons with currents and
leaky integrators are of this form, whatever their variables are called.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.language import names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.interop.affine import Affine, NotAffineError, Number, affine, executed, quotient
from neurosim.program.statements import substitute
from neurosim.program.step_program import PopulationProgram
from neurosim.units import unit_names, unit_value


@dataclass(frozen=True)
class Filter:
    """A variable that follows its inputs with a time constant.

    Parameters
    ----------
    tau
        Seconds, (neuron,).
    gains
        By variable that it follows, (neuron,); a pulse adds to the filter's variable itself.
    """

    tau: np.ndarray
    gains: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Threshold:
    """When a neuron spikes and what that does to it.

    Parameters
    ----------
    variable
        Which must be above the value, or at it.
    value
        (neuron,).
    inclusive
        Whether it spikes at the value already.
    reset
        What the variable is set to, (neuron,); ``None`` where it is lowered instead, or left.
    lowered
        What is taken from it, (neuron,); ``None`` where it is set, or left.
    """

    variable: str
    value: np.ndarray
    reset: np.ndarray | None
    lowered: np.ndarray | None
    inclusive: bool = False

    @property
    def above(self) -> np.ndarray:
        """The value above which it spikes, (neuron,): where it does at the value, the float64 before it."""
        return np.nextafter(self.value, -np.inf) if self.inclusive else self.value


@dataclass(frozen=True)
class LinearNeuron:
    """A population as a linear membrane; arrays are (neuron,), in SI.

    Parameters
    ----------
    variable
        The membrane's.
    tau
        Its time constant in seconds; ``None`` where it does not leak.
    leak
        Where it rests; 0 where it does not leak.
    gains
        By input and filter, what one unit of it comes to: at rest where the membrane leaks, in a second where not.
    filters
        By variable.
    threshold
        ``None`` for a neuron that does not spike.
    jumps
        By variable whose pulses lift the membrane at once, by how much for a pulse of 1; the membrane's own by default.
    """

    variable: str
    tau: np.ndarray | None
    leak: np.ndarray
    gains: Mapping[str, np.ndarray]
    filters: Mapping[str, Filter]
    threshold: Threshold | None
    jumps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def lifts(self) -> dict[str, np.ndarray]:
        """Return `jumps`, the membrane's own variable among them where nothing else is said."""
        return dict(self.jumps) or {self.variable: np.ones_like(self.leak)}


class NotLinearError(Exception):
    """A population is no linear neuron; says why."""


def known_values(item: PopulationProgram) -> dict[str, Any]:
    """Return the value of every name that does not change in a run: parameters, and units by their names."""
    units = {name: unit_value(name)[0] for name in unit_names()}
    return {**units, **item.constants, **item.parameters}


def spread(value: Number, n: int) -> np.ndarray:
    """Return a number for each neuron."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (n,)))


def read_threshold(item: PopulationProgram, known: Mapping[str, Any]) -> Threshold | None:
    """Return when a population spikes and what that does to it.

    Raises
    ------
    NotLinearError
        If it is no ``v > value`` or ``v >= value``, or the reset neither sets v nor lowers it.
    """
    tree = item.threshold
    if tree is None:
        return None
    changing = {*item.state, *item.inputs}
    if not isinstance(tree, ast.Compare) or not isinstance(tree.ops[0], (ast.Gt, ast.Lt, ast.GtE, ast.LtE)):
        raise NotLinearError(f"its threshold is not of the form v > value: {ast.unparse(tree)}")
    sides = (tree.left, tree.comparators[0])
    high, low = sides if isinstance(tree.ops[0], (ast.Gt, ast.GtE)) else (sides[1], sides[0])
    inclusive = isinstance(tree.ops[0], (ast.GtE, ast.LtE))
    if not isinstance(high, ast.Name) or high.id not in changing or names_in(low) & changing:
        raise NotLinearError(f"its threshold is not of the form v > value: {ast.unparse(tree)}")
    try:
        value = spread(affine(low, known, ()).constant, item.n)
        after = executed(item.reset, known, (*item.state, *item.inputs))
    except NotAffineError as error:
        raise NotLinearError(f"its reset does more than set or lower {high.id}: {error}") from None
    form = after.pop(high.id)
    kept = form.coefficients == {high.id: 1.0}
    if not all(_unchanged(name, other) for name, other in after.items()) or (form.coefficients and not kept):
        what = ", ".join(f"{statement.target} = {ast.unparse(statement.expression)}" for statement in item.reset)
        raise NotLinearError(f"its reset does more than set or lower {high.id}: {what}")
    constant = spread(form.constant, item.n)
    if not form.coefficients:
        return Threshold(high.id, value, constant, None, inclusive)
    return Threshold(high.id, value, None, -constant if np.any(constant) else None, inclusive)


def _unchanged(name: str, form: Affine) -> bool:
    return form.coefficients == {name: 1.0} and not np.any(form.constant)


def read_neuron(circuit: Circuit, item: PopulationProgram) -> LinearNeuron:
    """Return a population as a linear neuron.

    Parameters
    ----------
    circuit
        That it is part of.
    item
        The population in its step program.

    Raises
    ------
    NotLinearError
        If it is none, with the reason.
    """
    model = circuit.populations[item.name].model
    if not isinstance(model, NeuronModel):
        raise NotLinearError("it is a source")
    if item.update or item.noise:
        raise NotLinearError("it is a discrete map" if item.update else "it draws random numbers")
    known = known_values(item)
    threshold = read_threshold(item, known)
    rates = _rates(model, item, known)
    held = [name for name in item.state if name not in rates]
    if held:
        raise NotLinearError(f"{', '.join(held)} is no differential equation")
    variable = model.first_variable if threshold is None else threshold.variable
    if variable is None or variable not in rates:
        raise NotLinearError("its threshold reads a variable that is not integrated")
    form, divisor = rates.pop(variable)
    own = spread(form.of(variable), item.n)
    gains = {name: spread(value, item.n) for name, value in form.coefficients.items() if name != variable}
    spread_divisor = spread(divisor, item.n)
    filters = {name: _filter(name, *rate, item.n) for name, rate in rates.items()}
    if any(variable in one.gains for one in filters.values()):
        raise NotLinearError(f"{variable} acts back on what drives it")
    constant = spread(form.constant, item.n)
    if np.all(own == 0):
        if np.any(constant):
            raise NotLinearError(f"{variable} does not leak and is driven by a constant")
        rates_of = {name: gain / spread_divisor for name, gain in gains.items()}
        return LinearNeuron(variable, None, np.zeros(item.n), rates_of, filters, threshold)
    if not np.all(own / spread_divisor < 0):
        raise NotLinearError(f"{variable} grows by itself")
    scaled = {name: gain / -own for name, gain in gains.items()}
    return LinearNeuron(variable, spread_divisor / -own, constant / -own, scaled, filters, threshold)


def read_map(circuit: Circuit, item: PopulationProgram) -> LinearNeuron:
    r"""Return a discrete map as the equation whose forward Euler step it is.

    :math:`v \leftarrow a v + g x` is a step of :math:`\tau\,\dot v = -v + (g\tau/dt)\,x` with :math:`\tau = dt/(1 -
    a)`; a variable that holds what arrives in one step alone lifts v by its factor.

    Raises
    ------
    NotLinearError
        If it is none, with the reason.
    """
    known = known_values(item)
    threshold = read_threshold(item, known)
    try:
        after = executed((*item.integrate, *item.update), known, (*item.state, *item.inputs))
    except NotAffineError as error:
        raise NotLinearError(f"a step is not linear: {error}") from None
    model = circuit.populations[item.name].model
    first = model.first_variable if isinstance(model, NeuronModel) else None
    variable = first if threshold is None else threshold.variable
    if item.noise or variable is None or variable not in item.state:
        raise NotLinearError("it is a discrete map, and no linear one")
    form = after[variable]
    keeps = spread(form.of(variable), item.n)
    held = [name for name in item.state if name != variable]
    if np.any(keeps < 0) or np.any(keeps >= 1) or any(_lasts(after[name], item.n) for name in held):
        raise NotLinearError("it is a discrete map, and no step of a leaky membrane")
    tau = circuit.dt / (1 - keeps)
    gains = {
        name: spread(form.of(name), item.n) * tau / circuit.dt for name in item.inputs if name in form.coefficients
    }
    jumps = {name: spread(form.of(name), item.n) for name in held}
    leak = spread(form.constant, item.n) / (1 - keeps)
    return LinearNeuron(variable, tau, leak, gains, {}, threshold, jumps)


def _lasts(form: Affine, n: int) -> bool:
    """Tell whether a variable is anything but 0 at the end of a step."""
    return any(np.any(spread(value, n)) for value in (*form.coefficients.values(), form.constant))


def _rates(model: NeuronModel, item: PopulationProgram, known: Mapping[str, Any]) -> dict[str, tuple[Affine, Number]]:
    """Return what each differential equation says, as numerator and divisor."""
    variables = (*item.state, *item.inputs)
    found = {}
    for line in model.lines:
        if line.kind == "differential":
            tree = substitute(parse_expression(line.expression or "", line.name), dict(item.written))
            try:
                found[line.name] = quotient(tree, known, variables)
            except NotAffineError as error:
                raise NotLinearError(f"d{line.name}/dt is not linear: {error}") from None
    return found


def _filter(name: str, form: Affine, divisor: Number, n: int) -> Filter:
    own, over = spread(form.of(name), n), spread(divisor, n)
    if np.any(form.constant):
        raise NotLinearError(f"{name} is driven by a constant")
    if not np.all(own / over < 0):
        raise NotLinearError(f"{name} does not decay")
    gains = {used: spread(value, n) / -own for used, value in form.coefficients.items() if used != name}
    return Filter(over / -own, gains)
