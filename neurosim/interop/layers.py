r"""A circuit as a stack of layers, each stepped as the backends step it: what layered libraries of torch can hold.

A layered network passes a spike on within the step: ``lif2(fc2(lif1(fc1(x))))``. A circuit passes it on after the
threshold was looked at, so that it acts one step later. Layer l (counted from 1) of a layered network is therefore at
index t where the circuit is at step t + l, and it has to begin where the circuit is after l steps without input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Population
from neurosim.circuit.signals import Step
from neurosim.circuit.sources import SpikeSource
from neurosim.errors import UnsupportedError
from neurosim.interop.affine import Affine, NotAffineError, executed
from neurosim.interop.linear_neuron import NotLinearError, Threshold, known_values, read_threshold, spread
from neurosim.interop.links import MOST_ENTRIES, Link, NotALinkError, read_link
from neurosim.program.lowering import lower
from neurosim.program.step_program import PopulationProgram, StepProgram

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
        What a step leaves of the current that pulses add to; ``None`` where they add to v itself.
    gain
        What comes to v in a step from one unit of that current; where there is none, of the jump that a pulse makes.
    rest
        Where v stays by itself, in the circuit's unit.
    threshold, reset, lowered
        See :class:`~neurosim.interop.linear_neuron.Threshold`; all ``None`` for a layer that does not spike.
    v
        Where the layer begins.
    """

    name: str
    shape: tuple[int, ...]
    links: tuple[Link, ...]
    recurrent: tuple[Link, ...]
    decay: np.ndarray
    synapse: np.ndarray | None
    gain: np.ndarray
    rest: np.ndarray
    threshold: np.ndarray | None
    reset: np.ndarray | None
    lowered: np.ndarray | None
    v: np.ndarray

    @property
    def n(self) -> int:
        """Number of neurons."""
        return int(self.decay.size)

    @property
    def loses_arrivals(self) -> bool:
        """Whether a pulse that arrives in the step of the neuron's own spike is lost: the reset comes after it."""
        return self.synapse is None and self.reset is not None


@dataclass(frozen=True)
class Layers:
    """A whole circuit as layers.

    Parameters
    ----------
    circuit, source
        Names of the circuit and of its source.
    shape
        Of the source.
    dt
        Seconds.
    layers
        From the first behind the source to the last.
    """

    circuit: str
    source: str
    shape: tuple[int, ...]
    dt: float
    layers: tuple[Layer, ...]


def read_layers(circuit: Circuit, library: str) -> Layers:
    """Return a circuit as layers.

    Parameters
    ----------
    circuit
        One source of spikes, and populations in a chain behind it.
    library
        Which it is for, as errors should say it.

    Raises
    ------
    UnsupportedError
        If it is no such stack, with everything that is in the way.
    """
    program = lower(circuit)
    problems = _parts_in_the_way(circuit)
    links, refused = _links(circuit, program)
    problems += refused
    sources = [name for name, part in circuit.populations.items() if isinstance(part.model, SpikeSource)]
    chain = _chain(circuit, program, sources, problems)
    layers: list[Layer] = []
    for number, name in enumerate(chain, start=1):
        try:
            layers.append(_layer(circuit, program, name, number, links))
        except NotLinearError as error:
            problems.append(f"population {name!r}: {error}")
    if problems or not layers:
        raise refusal(circuit, library, problems or ["it has no population"])
    return Layers(circuit.name, sources[0], circuit.populations[sources[0]].shape, circuit.dt, tuple(layers))


def refusal(circuit: Circuit, library: str, problems: list[str]) -> UnsupportedError:
    """Return the error that lists what a library cannot hold."""
    listed = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
    return UnsupportedError(f"circuit {circuit.name!r} cannot be expressed as layers of {library}:\n{listed}")


def _parts_in_the_way(circuit: Circuit) -> list[str]:
    found = [f"poisson {name!r}: background pulses are drawn at run time" for name in circuit.poisson_inputs]
    for name, injection in circuit.injections.items():
        if constant_signal(injection.signal) is None:
            found.append(f"injection {name!r}: layers take spikes alone, and a constant current (Step without times)")
    return found


def constant_signal(signal: object) -> float | np.ndarray | None:
    """Return the value of a signal that is on all the time, ``None`` for any other."""
    if isinstance(signal, Step) and signal.start == 0 and np.isinf(signal.stop):
        return signal.amplitude
    return None


def _links(circuit: Circuit, program: StepProgram) -> tuple[dict[str, Link], list[str]]:
    links: dict[str, Link] = {}
    problems = []
    for name, item in program.projections.items():
        n_entries = circuit.populations[item.pre].n * circuit.populations[item.post].n
        try:
            link = read_link(circuit, item)
        except NotALinkError as error:
            problems.append(f"projection {name!r}: {error}")
            continue
        if link.source is not None:
            problems.append(f"projection {name!r}: layers take spikes alone, and it passes {link.source} on")
        elif np.any(link.delay):
            problems.append(f"projection {name!r}: it has delays, of up to {link.delay.max() * circuit.dt:g} s")
        elif link.kernel is None and n_entries > MOST_ENTRIES:
            problems.append(f"projection {name!r}: its matrix of weights would have {n_entries} entries")
        else:
            links[name] = link
    return links, problems


def _chain(circuit: Circuit, program: StepProgram, sources: list[str], problems: list[str]) -> list[str]:
    """Return the populations in the order in which spikes pass them; what is no chain goes to the problems."""
    neurons = [name for name, item in program.populations.items() if item.kind == "neurons"]
    others = [name for name in circuit.populations if name not in neurons and name not in sources]
    problems += [f"source {name!r}: layers are fed spikes, so give a SpikeSource" for name in others]
    if len(sources) != 1:
        problems.append(f"there must be one SpikeSource, and there are {len(sources)}")
    before: dict[str, list[str]] = {name: [] for name in neurons}
    for item in program.projections.values():
        if item.pre != item.post and item.pre not in before[item.post]:
            before[item.post].append(item.pre)
    for name, pre in before.items():
        if len(pre) != 1:
            problems.append(f"population {name!r}: a layer follows one other; it receives from {_named(pre)}")
    after = {name: [post for post, pre in before.items() if name in pre] for name in circuit.populations}
    for name, post in after.items():
        if len(post) > 1:
            problems.append(f"population {name!r}: a layer is followed by one other; it reaches {_named(post)}")
    chain: list[str] = []
    here = sources[0] if len(sources) == 1 else None
    while here is not None:
        here = next((name for name in after[here] if name not in chain), None)
        chain += [] if here is None else [here]
    beside = [name for name in neurons if name not in chain]
    if sources and beside:
        problems.append(f"no chain of layers leads from the source to {_named(beside)}")
    return chain + beside


def _named(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


def _layer(circuit: Circuit, program: StepProgram, name: str, number: int, links: Mapping[str, Link]) -> Layer:
    part, item = circuit.populations[name], program.populations[name]
    if item.refractory is not None:
        raise NotLinearError("it has a refractory period")
    if item.update or item.noise:
        raise NotLinearError("it is a discrete map" if item.update else "it draws random numbers")
    known = known_values(item)
    known |= _constant_inputs(circuit, item)
    variables = (*item.state, *(used for used in item.inputs if used not in known))
    try:
        stepped = executed(item.integrate, known, variables)
    except NotAffineError as error:
        raise NotLinearError(f"a step is not linear: {error}") from None
    arriving = [link for link in links.values() if link.post == name]
    threshold = read_threshold(item, known)
    variable = part.first_variable if threshold is None else threshold.variable
    targets = {link.target for link in arriving}
    if variable is None or len(targets) > 1:
        raise NotLinearError(f"pulses add to more than one variable: {', '.join(sorted(targets))}")
    target = next(iter(targets), variable)
    idle = {used for used in item.state if used not in (variable, target) and not np.any(circuit.initial(name, used))}
    _check_independent(stepped, variable, target, idle, item.n)
    return _stepped(circuit, part, item, stepped, threshold, variable, target, number, arriving)


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
    circuit: Circuit, part: Population, item: PopulationProgram, stepped: Mapping[str, Affine],
    threshold: Threshold | None, variable: str, target: str, number: int, arriving: list[Link],
) -> Layer:  # fmt: skip
    n, form = item.n, stepped[variable]
    decay, constant = spread(form.of(variable), n), spread(form.constant, n)
    initial = circuit.initial(part.name, variable)
    leaks = decay != 1
    if np.any(constant[~leaks]):
        raise NotLinearError(f"{variable} does not leak and is driven by a constant")
    rest = np.where(leaks, constant / np.where(leaks, 1 - decay, 1.0), initial)
    has_synapse = target != variable
    synapse = spread(stepped[target].of(target), n) if has_synapse else None
    gain = spread(form.of(target), n)
    level = reset = lowered = None
    if threshold is not None:
        level = threshold.value - rest
        reset = None if threshold.reset is None else _snapped(threshold.reset - rest, level)
        lowered = threshold.lowered
    v = initial - rest
    v = _snapped(v, np.maximum(np.abs(rest), np.abs(initial)) if level is None else level)
    if has_synapse and np.any(circuit.initial(part.name, target)):
        raise NotLinearError(f"{target} does not start at 0")
    for _ in range(number):
        v = decay * v
        if level is not None and np.any(v > level):
            raise NotLinearError("it spikes without input, before the first spike can reach it")
    return Layer(
        part.name, part.shape, tuple(link for link in arriving if link.pre != part.name),
        tuple(link for link in arriving if link.pre == part.name), decay, synapse, gain, rest, level, reset, lowered,
        v,
    )  # fmt: skip


def _snapped(value: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return 0 where a voltage lies at rest but for rounding."""
    return np.where(np.abs(value) <= NEARLY * np.abs(level), 0.0, value)
