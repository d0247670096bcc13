"""A circuit as plain text that fits a screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from neurosim.circuit.connecting import reads_weight
from neurosim.circuit.connectivity import AllToAll, Edges, FixedProbability, OneToOne
from neurosim.circuit.convolution import Convolution
from neurosim.circuit.filtered_noise import FilteredNoise
from neurosim.circuit.fixed_numbers import FixedInDegree, FixedOutDegree, FixedTotalNumber
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, PoissonInput, Population, Projection
from neurosim.circuit.realisation import placed_rule
from neurosim.circuit.signals import AnalogueSignal, Signal, Step
from neurosim.circuit.sources import PoissonSource, SignalSource
from neurosim.circuit.stimuli import Pulses, Ramp, Sine
from neurosim.circuit.values import Normal, Trainable, Uniform, Value
from neurosim.units import DIMENSIONLESS, readable

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit

#: Columns of the listing.
WIDTH = 100


def listing(circuit: Circuit) -> str:
    """Return what ``print(circuit)`` shows: every part with its size, equations, values and rules.

    Parameters
    ----------
    circuit
        Any circuit; nothing is realised for the listing.

    Returns
    -------
    str
        Lines of at most 100 columns where names allow it.
    """
    neurons = sum(part.n for part in circuit.populations.values())
    head = (
        f"{circuit.name}: dt {readable(circuit.dt, 'second')}, seed {circuit.seed}, "
        f"{_count(neurons, 'neuron')}, {_count(len(circuit.projections), 'projection')}"
    )
    lines = [head]
    shown: dict[str, NeuronModel] = {}
    for part in circuit.parts.values():
        if isinstance(part, Population):
            lines += _population(part, shown)
        elif isinstance(part, Projection):
            lines += _projection(circuit, part)
        elif isinstance(part, PoissonInput):
            lines += _poisson(circuit, part)
        else:
            lines += _injection(part)
    return "\n".join(lines)


def _population(part: Population, shown: dict[str, NeuronModel]) -> list[str]:
    shape = f" ({' x '.join(map(str, part.shape))})" if len(part.shape) > 1 else ""
    model = part.model
    if isinstance(model, PoissonSource):
        return [f"\n{part.name}: {part.n}{shape}, Poisson spikes", *_pairs("", {"rate": describe(model.rate, "hertz")})]
    if not isinstance(model, NeuronModel):
        what = "spikes" if not isinstance(model, SignalSource) else f"values{_in_unit(model.unit)}"
        return [f"\n{part.name}: {part.n}{shape}, {what} given at run time"]
    same = next((name for name, other in shown.items() if other == model), None)
    lines = [f"\n{part.name}: {part.n}{shape} {model.name}{f', the equations of {same}' if same else ''}"]
    if same is None:
        shown[part.name] = model
        lines += [_indented(line) for line in str(model).splitlines()]
        lines += _pairs("", {"refractory": _refractory(model), "method": model.method or "exact, else euler"}, ": ")
    parameters = {**model.parameters, **part.parameters}
    lines += _pairs("", {name: describe(p.value, p.unit) for name, p in parameters.items()})
    initial = {**model.initial, **part.initial}
    lines += _pairs("initially ", {name: describe(value, model.units[name]) for name, value in initial.items()})
    return lines


def _refractory(model: NeuronModel) -> str | None:
    return readable(model.refractory, "second") if isinstance(model.refractory, float) else model.refractory


def _projection(circuit: Circuit, part: Projection) -> list[str]:
    ends = [
        name if indices is None else f"{name} ({len(indices)} of {circuit.populations[name].n})"
        for name, indices in ((part.pre, part.pre_indices), (part.post, part.post_indices))
    ]
    lines = [f"\n{part.name}: {' -> '.join(ends)}, {part.connectivity!r}, {_edge_count(circuit, part)}"]
    texts = [part.synapse.equations, *(f"{what}: {text}" for what, text in _events(part) if text)]
    lines += [_indented(line) for text in texts for line in text.splitlines()]
    grid = ", on a dyadic grid" if part.dyadic else ""
    values = {"weight": describe(part.weight, part.weight_unit) + grid} if reads_weight(part.synapse) else {}
    values |= {} if part.graded else {"delay": describe(part.delay, "second")}
    values |= {"post_delay": describe(part.post_delay, "second")} if part.synapse.on_post_statements else {}
    units = part.synapse.variables
    initial = {**part.synapse.initial, **part.initial}
    values |= {f"{name} at the start": describe(value, units[name]) for name, value in initial.items()}
    parameters = {**part.synapse.parameters, **part.parameters}
    return lines + _pairs("", {**values, **{name: describe(p.value, p.unit) for name, p in parameters.items()}})


def _poisson(circuit: Circuit, part: PoissonInput) -> list[str]:
    whole = circuit.populations[part.population].n
    target = part.population if part.n == whole else f"{part.population} ({part.n} of {whole})"
    values = {"rate": describe(part.rate, "hertz"), "weight": describe(part.weight, part.weight_unit)}
    return [f"\n{part.name}: {part.count} Poisson neurons -> {target}.{part.variable}", *_pairs("", values)]


def _events(part: Projection) -> tuple[tuple[str, str], ...]:
    post = "on_post, before on_pre" if part.synapse.post_first else "on_post"
    return ("update", part.synapse.update), ("on_pre", part.synapse.on_pre), (post, part.synapse.on_post)


def _edge_count(circuit: Circuit, part: Projection) -> str:
    """Return the number of edges without drawing them; the expected one where only that is known."""
    pre, post = (
        circuit.populations[name].n if indices is None else len(indices)
        for name, indices in ((part.pre, part.pre_indices), (part.post, part.post_indices))
    )
    realised = circuit._edges.get(part.name)
    same = part.pre == part.post and part.pre_indices == part.post_indices
    pairs = pre * post - (pre if same and not getattr(part.connectivity, "autapses", True) else 0)
    rule = part.connectivity
    if realised is not None:
        return _count(len(realised.pre), "edge")
    if isinstance(rule, AllToAll):
        return _count(pairs, "edge")
    if isinstance(rule, OneToOne):
        return _count(pre, "edge")
    if isinstance(rule, Edges):
        return _count(len(rule.pre), "edge")
    if isinstance(convolution := placed_rule(circuit, part), Convolution):
        return _count(convolution.sliding.n_edges, "edge")
    if isinstance(rule, FixedInDegree):
        return _count(rule.k * post, "edge")
    if isinstance(rule, FixedOutDegree):
        return _count(rule.k * pre, "edge")
    if isinstance(rule, FixedTotalNumber):
        return _count(rule.n, "edge")
    if isinstance(rule, FixedProbability):
        return f"about {_count(round(rule.p * pairs), 'edge')}"
    return "edges not drawn yet"


def _injection(part: Injection) -> list[str]:
    given = f"values{_in_unit(part.unit)} given at run time"
    shown = given if part.signal is None else _signal(part.signal)
    return [f"\n{part.name}: into {part.population}.{part.variable} of {_count(part.n, 'neuron')}, {shown}"]


def _signal(signal: AnalogueSignal) -> str:
    unit = signal.unit
    if isinstance(signal, Step):
        return f"{describe(signal.amplitude, unit)}{_window(signal)}"
    if isinstance(signal, Signal):
        return f"{len(signal.values)} samples, one every {readable(signal.every, 'second')}"
    if isinstance(signal, Ramp):
        ends = (describe(end, unit) for end in (signal.start_value, signal.end_value))
        return f"a ramp from {' to '.join(ends)}{_window(signal)}"
    if isinstance(signal, Sine):
        return f"a sine of {describe(signal.amplitude, unit)} at {readable(signal.frequency, 'hertz')}{_window(signal)}"
    if isinstance(signal, Pulses):
        times = " every ".join(readable(time, "second") for time in (signal.width, signal.period))
        return f"pulses of {describe(signal.amplitude, unit)} for {times}{_window(signal)}"
    if isinstance(signal, FilteredNoise):
        values = " +- ".join(describe(value, unit) for value in (signal.mean, signal.std))
        shared = ", shared" if signal.shared else ""
        return f"noise {values} with tau = {readable(signal.tau, 'second')}{shared}{_window(signal)}"
    return type(signal).__name__


def _window(signal: Step | Ramp | Sine | Pulses | FilteredNoise) -> str:
    until = "" if np.isinf(signal.stop) else f" to {readable(signal.stop, 'second')}"
    return f"{',' if not isinstance(signal, Step) else ''} from {readable(signal.start, 'second')}{until}"


def describe(value: Value | str, unit: str) -> str:
    """Return a value in one line: a number with its unit, a range of an array, a distribution, a trainable mark."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return readable(value, unit)
    if isinstance(value, np.ndarray) and value.size == 0:
        return "no values"
    if isinstance(value, np.ndarray):
        low, high = (readable(float(limit), unit) for limit in (value.min(), value.max()))
        return f"{value.size} values, {low} to {high}" if low != high else f"{value.size} values, all {low}"
    if isinstance(value, Trainable):
        return _trainable(value, unit)
    if isinstance(value, Uniform):
        return f"uniform from {readable(value.low, unit)} to {readable(value.high, unit)}"
    if isinstance(value, Normal):
        cuts = (("from", value.low), ("to", value.high))
        cut = "".join(f" {word} {readable(limit, unit)}" for word, limit in cuts if limit is not None)
        return f"normal {readable(value.mean, unit)} +- {readable(value.std, unit)}{f', cut{cut}' if cut else ''}"
    return repr(value)


def _trainable(value: Trainable, unit: str) -> str:
    limits = value.bounds or (None, None)
    signs = ((">=", limits[0]), ("<=", limits[1]))
    marks = [
        *(f"{sign} {readable(limit, unit)}" for sign, limit in signs if limit is not None),
        *([f"sign {value.sign:+d}"] if value.sign else []),
        *([f"per {value.per}"] if value.per else []),
        *([f"tied as {value.tie}"] if value.tie else []),
    ]
    start = describe(value.initial, unit)
    return f"{start} (trainable{''.join(f', {mark}' for mark in marks)})"


def _pairs(title: str, pairs: Mapping[str, str | None], equals: str = " = ") -> list[str]:
    """Return named values, several on a line, wrapped between values only where possible."""
    given = [f"{name}{equals}{text}" for name, text in pairs.items() if text is not None]
    return [_indented(title + line) for line in _packed(given)]


def _packed(items: Iterable[str]) -> list[str]:
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 20 <= WIDTH:
            lines[-1] += f"; {item}"
        else:
            lines.append(item)
    return lines


def _indented(line: str) -> str:
    further = " " * 6
    return fill(
        line, WIDTH, initial_indent="  ", subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _in_unit(unit: str) -> str:
    return "" if unit == DIMENSIONLESS else f" in {unit}"
