"""What one step does to a population, read from the statements that the backends execute."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.signals import Step
from neurosim.interop.affine import Affine, NotAffineError, executed
from neurosim.interop.linear_neuron import NotLinearError, Threshold, known_values, read_threshold, spread
from neurosim.interop.links import Link
from neurosim.program.step_program import PopulationProgram

#: Voltages that differ by less than this part of the way from rest to threshold are taken for equal.
NEARLY = 1e-9


@dataclass(frozen=True)
class Layer:
    """A population and what one step does to it; arrays are (neuron,), voltages count from `rest`.

    Parameters
    ----------
    name, shape
        Of the population.
    links
        What comes from the layer before.
    recurrent
        What comes from the layer itself.
    decay
        What a step leaves of v.
    synapse
        What a step leaves of the current that pulses add to; ``None`` where they act in one step alone.
    gain
        What comes to v in a step from one unit of that current, or of a pulse.
    loses_arrivals
        Whether a pulse that arrives in the step of the neuron's own spike is lost: the reset comes after it.
    constant
        What arrives in every step, as a pulse; from the first on.
    rest
        Where v stays by itself, in the circuit's unit.
    threshold, inclusive, reset, lowered
        See :class:`~neurosim.interop.linear_neuron.Threshold`; ``None`` for a layer that does not spike.
    v, current
        Where the layer begins: at its first index, as many steps have passed as there are layers up to it.
    """

    name: str
    shape: tuple[int, ...]
    links: tuple[Link, ...]
    recurrent: tuple[Link, ...]
    decay: np.ndarray
    synapse: np.ndarray | None
    gain: np.ndarray
    loses_arrivals: bool
    constant: np.ndarray
    rest: np.ndarray
    threshold: np.ndarray | None
    inclusive: bool
    reset: np.ndarray | None
    lowered: np.ndarray | None
    v: np.ndarray
    current: np.ndarray

    @property
    def n(self) -> int:
        """Number of neurons."""
        return int(self.decay.size)


def constant_signal(signal: object) -> float | np.ndarray | None:
    """Return the value of a signal that is on all the time, ``None`` for any other."""
    if isinstance(signal, Step) and signal.start == 0 and np.isinf(signal.stop):
        return signal.amplitude
    return None


def always_fires(item: PopulationProgram) -> bool:
    """Tell whether the neurons of a population spike in every step, whatever happens (``threshold="True"``)."""
    tree = item.threshold
    return not item.state and tree is not None and ast.unparse(tree) == "True" and not item.refractory


def read_layer(
    circuit: Circuit, item: PopulationProgram, number: int, arriving: list[Link], constant: list[Link]
) -> Layer:
    """Return what a step does to a population.

    Parameters
    ----------
    circuit, item
        The population.
    number
        Its place behind the source, counted from 1.
    arriving
        What comes from the layer before and from itself.
    constant
        What comes from neurons that spike in every step.

    Raises
    ------
    NotLinearError
        If a layer cannot hold it.
    """
    if item.refractory is not None:
        raise NotLinearError("it has a refractory period")
    if item.noise:
        raise NotLinearError("it draws random numbers")
    known = {**known_values(item), **_constant_inputs(circuit, item)}
    variables = (*item.state, *(used for used in item.inputs if used not in known))
    try:
        stepped = executed((*item.integrate, *item.update), known, variables)
    except NotAffineError as error:
        raise NotLinearError(f"a step is not linear: {error}") from None
    threshold = read_threshold(item, known)
    variable = circuit.populations[item.name].first_variable if threshold is None else threshold.variable
    targets = {link.target for link in (*arriving, *constant)}
    if variable is None or len(targets) > 1:
        raise NotLinearError(f"pulses add to more than one variable: {', '.join(sorted(targets))}")
    target = next(iter(targets), variable)
    missing = [used for used in (variable, target) if used not in stepped]
    if missing:
        raise NotLinearError(f"{missing[0]} is no variable that a step changes")
    idle = {used for used in item.state
            if used not in (variable, target) and not np.any(circuit.initial(item.name, used))}  # fmt: skip
    _check_independent(stepped, variable, target, idle, item.n)
    return _stepped(circuit, item, stepped, threshold, variable, target, number, arriving, constant)


def _constant_inputs(circuit: Circuit, item: PopulationProgram) -> dict[str, np.ndarray]:
    """Return the inputs that are constant currents, (neuron,), those into one variable added up."""
    found: dict[str, np.ndarray] = {}
    for variable, terms in item.inputs.items():
        if all(term.kind == "injection" for term in terms):
            total = np.zeros(item.n)
            for term in terms:
                injection = circuit.injections[term.source]
                value = constant_signal(injection.signal)
                total[list(injection.indices)] += 0.0 if value is None else value
            found[variable] = total
    return found


def _check_independent(stepped: Mapping[str, Affine], variable: str, target: str, idle: set[str], n: int) -> None:
    """Refuse what one synapse and one membrane cannot hold; a variable that begins and stays at 0 drives nothing."""
    for name, form in stepped.items():
        allowed = {variable, target} if name == variable else {name} if name == target else set()
        more = [
            used for used, value in form.coefficients.items() if used not in allowed | idle and np.any(spread(value, n))
        ]
        if more:
            raise NotLinearError(f"{name} is driven by {', '.join(more)}; a layer has one synapse and one membrane")
        if name != variable and np.any(spread(form.constant, n)):
            raise NotLinearError(f"{name} is driven by a constant")


def _stepped(
    circuit: Circuit, item: PopulationProgram, stepped: Mapping[str, Affine], threshold: Threshold | None,
    variable: str, target: str, number: int, arriving: list[Link], constant: list[Link],
) -> Layer:  # fmt: skip
    n, form = item.n, stepped[variable]
    decay, driven = spread(form.of(variable), n), spread(form.constant, n)
    initial = circuit.initial(item.name, variable)
    leaks = decay != 1
    if np.any(driven[~leaks]):
        raise NotLinearError(f"{variable} does not leak and is driven by a constant")
    rest = np.where(leaks, driven / np.where(leaks, 1 - decay, 1.0), initial)
    apart = target != variable
    synapse = spread(stepped[target].of(target), n) if apart else None
    if apart and np.any(circuit.initial(item.name, target)):
        raise NotLinearError(f"{target} does not start at 0")
    if synapse is not None and not np.any(synapse):
        synapse = None  # what arrives acts in one step and is gone
    gain, level = spread(form.of(target), n), None
    scale = np.maximum(np.abs(rest), np.abs(initial))
    reset = lowered = None
    if threshold is not None:
        level = scale = threshold.value - rest
        reset = None if threshold.reset is None else _snapped(threshold.reset - rest, level)
        lowered = threshold.lowered
    always = np.zeros(n)
    for link in constant:
        np.add.at(always, link.columns, link.weight)
    v, current = _beginning(_snapped(initial - rest, scale), decay, synapse, gain, always, level, number)
    mine = [link for link in arriving if link.pre == item.name]
    return Layer(
        item.name, circuit.populations[item.name].shape, tuple(link for link in arriving if link not in mine),
        tuple(mine), decay, synapse, gain, not apart and reset is not None, always, rest, level,
        threshold is not None and threshold.inclusive, reset, lowered, v, current,
    )  # fmt: skip


def _beginning(
    v: np.ndarray, decay: np.ndarray, synapse: np.ndarray | None, gain: np.ndarray, always: np.ndarray,
    level: np.ndarray | None, number: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return v and the current after the steps that pass before the layer's first index."""
    current = np.zeros_like(v)
    following = current
    for _ in range(number):
        current = following
        v = decay * v + gain * current
        if level is not None and np.any(v >= level):
            raise NotLinearError("it spikes without input, before the first spike can reach it")
        following = always if synapse is None else synapse * current + always
    return v, current if synapse is not None else np.zeros_like(v)


def _snapped(value: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return 0 where a voltage lies at rest but for rounding."""
    return np.where(np.abs(value) <= NEARLY * np.abs(level), 0.0, value)
