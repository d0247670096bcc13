"""Random values, signals, connectivity and whole circuits for hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import neurosim.circuit as nc
from neurosim.units import Hz, ms, mV, pA, quantity, second

numbers = st.floats(-1e3, 1e3, allow_nan=False, width=64)


def distributions(unit: str) -> st.SearchStrategy[nc.Distribution]:
    """Distributions of a unit, cut ones included."""
    pairs = st.tuples(numbers, numbers).map(sorted)
    uniform = pairs.map(lambda p: nc.Uniform(quantity(p[0], unit), quantity(p[1], unit)))
    cuts = st.none() | st.tuples(numbers | st.just(-np.inf), numbers | st.just(np.inf)).map(sorted)
    normal = st.tuples(numbers, st.floats(0, 1e3), cuts).map(
        lambda n: nc.Normal(
            quantity(n[0], unit),
            quantity(n[1], unit),
            None if n[2] is None else quantity(n[2][0], unit),
            None if n[2] is None else quantity(n[2][1], unit),
        )
    )
    return uniform | normal


@st.composite
def values(
    draw: st.DrawFn, unit: str, size: int = 3, sharing: tuple[str, ...] = ("edge", "all"), trainable: bool = True
) -> Any:
    """Whatever may stand for a number of a unit."""
    kind = draw(st.sampled_from(["number", "array", "distribution", *(["trainable"] if trainable else [])]))
    if kind == "number":
        return quantity(draw(numbers | st.sampled_from([np.inf, -np.inf, -0.0, 5e-324])), unit)
    if kind == "array":
        return quantity(np.array(draw(st.lists(numbers, min_size=size, max_size=size))), unit)
    if kind == "distribution":
        return draw(distributions(unit))
    per = draw(st.sampled_from([None, *sharing]))
    low, high = sorted(draw(st.tuples(numbers, numbers)))
    bounds = draw(st.sampled_from([None, (None, None), (low, None), (None, high), (low, high), (-np.inf, high)]))
    initial = draw(values(unit, size, trainable=False).filter(lambda v: per != "all" or np.ndim(v) == 0))
    return nc.Trainable(
        initial,
        bounds=None if bounds is None else tuple(None if bound is None else quantity(bound, unit) for bound in bounds),
        sign=draw(st.sampled_from([None, 1, -1])),
        per=per,  # type: ignore[arg-type]
        tie=draw(st.sampled_from([None, "shared"])),
    )


@st.composite
def signals(draw: st.DrawFn, unit: str, n: int) -> nc.AnalogueSignal:
    """Signals for n neurons."""
    start = draw(st.floats(0, 10)) * second
    stop = draw(st.sampled_from([None, start + 1 * second]))
    level = (numbers | st.lists(numbers, min_size=n, max_size=n).map(np.array)).map(lambda size: quantity(size, unit))
    kind = draw(st.sampled_from(["step", "signal", "ramp", "sine", "pulses", "noise"]))
    if kind == "step":
        return nc.Step(draw(level), start=start, stop=stop)
    if kind == "ramp":
        return nc.Ramp(draw(level), draw(level), start=start, stop=start + 1 * second)
    if kind == "sine":
        phase = draw(numbers | st.lists(numbers, min_size=n, max_size=n).map(np.array))
        return nc.Sine(
            draw(level), draw(st.floats(0, 1e3)) * Hz, phase=phase, offset=draw(level), start=start, stop=stop
        )
    if kind == "pulses":
        return nc.Pulses(draw(level), width=1 * ms, period=draw(st.floats(1, 9)) * ms, start=start, stop=stop)
    if kind == "noise":
        std = quantity(draw(st.floats(0, 1e3)), unit)
        return nc.FilteredNoise(draw(level), std, 5 * ms, shared=draw(st.booleans()), start=start, stop=stop)
    shape = draw(st.sampled_from([(4,), (3, n)]))
    samples = np.array(draw(st.lists(numbers, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
    return nc.Signal(quantity(samples.reshape(shape), unit), 2 * ms, start=start)


CELL = nc.NeuronModel(
    "dv/dt = (v_leak - v + ampa)/tau : volt (unless refractory)\ndampa/dt = -ampa/tau : volt\ni_ext : amp\ngain : 1",
    threshold="v > v_threshold",
    reset="v = v_leak; ampa += 1*mV",
    refractory="2*ms",
    method="euler",
    parameters={"tau": 20 * ms, "v_threshold": nc.Normal(-50 * mV, 1 * mV), "v_leak": nc.Trainable(-60 * mV)},
    initial={"v": "v_leak + 1*mV", "ampa": nc.Uniform(0 * mV, 1 * mV)},
    receptors={"exc": "ampa"},
    name="cell",
)
GRADED = nc.NeuronModel("dv/dt = (i_syn*ohm - v)/(5*ms) : volt\ni_syn : amp\ni_ext : amp", name="graded")
MAP = nc.NeuronModel(
    "x : 1\nscaled = 2*x : 1", update="y = x*x; x = 1 - 1.4*y", threshold="x > 0.5", reset="x -= 1", refractory=3 * ms,
    initial={"x": 0.1}, name="map",
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn, n_pre: int, n_post: int) -> tuple[nc.Connectivity, int | None]:
    """Rules that fit two numbers of neurons, with the number of edges where it is known without drawing."""
    kind = draw(st.sampled_from(["all", "one", "probability", "degree", "edges"]))
    if kind == "one" and n_pre == n_post:
        return nc.OneToOne(), n_pre
    if kind == "probability":
        return nc.FixedProbability(draw(st.floats(0, 1))), None
    if kind == "degree":
        k = draw(st.integers(0, n_pre))
        return nc.FixedInDegree(k, multapses=draw(st.booleans())), k * n_post
    if kind == "edges":
        pairs = draw(st.lists(st.tuples(st.integers(0, n_pre - 1), st.integers(0, n_post - 1)), max_size=5))
        pre, post = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return nc.Edges(pre, post), len(pairs)
    return nc.AllToAll(), n_pre * n_post


@st.composite
def ends(draw: st.DrawFn, population: nc.Population) -> tuple[Any, int]:
    """One end of a projection as a user may give it, with its number of neurons."""
    kind = draw(st.sampled_from(["name", "population", "slice", "indices"]))
    if kind == "name":
        return population.name, population.n
    if kind == "population":
        return population, population.n
    indices = range(0, population.n, draw(st.integers(1, 3)))
    if kind == "indices":
        chosen = st.lists(st.integers(0, population.n - 1), min_size=1, max_size=population.n, unique=True)
        indices = draw(chosen)
    return nc.View(population.name, tuple(indices)), len(indices)


@st.composite
def circuits(draw: st.DrawFn) -> nc.Circuit:
    """Circuits with every kind of part and value."""
    circuit = nc.Circuit(
        draw(st.text(min_size=1, max_size=8)),
        dt=draw(st.sampled_from([0.1, 0.5, 1.0])) * ms,
        seed=draw(st.integers(0, 2**64 - 1)),
        round_delays=draw(st.booleans()),
    )
    draw(_populations(circuit))
    for number in range(draw(st.integers(0, 3))):
        draw(_pulses(circuit, f"pulse{number}"))
    if draw(st.booleans()):
        gap = nc.SynapseModel("i_syn_post = w*(v_pre - v_post) : amp (summed)", name="gap")
        weight = quantity(draw(numbers), "siemens")
        circuit.connect("graded", "graded", nc.AllToAll(autapses=False), synapse=gap, weight=weight)
        weight = draw(values("amp", trainable=False).filter(lambda value: np.ndim(value) == 0))
        circuit.connect("signal", "graded", nc.FixedProbability(0.5), receptor="i_ext", weight=weight)
    if draw(st.booleans()):
        target, n = draw(ends(circuit.populations["cell"]))
        circuit.inject("stimulus", target, "i_ext", draw(st.none() | signals("amp", n)))
    return circuit


@st.composite
def _populations(draw: st.DrawFn, circuit: nc.Circuit) -> None:
    shape: Any = draw(st.sampled_from([4, 6, (2, 3)]))
    n = int(np.prod(shape))
    units = {"tau": "second", "v_leak": "volt", "gain": "1"}
    chosen = {name: unit for name, unit in units.items() if draw(st.booleans())}
    own = {name: draw(values(unit, n, sharing=("neuron", "all"))) for name, unit in chosen.items()}
    start = draw(st.none() | st.just("v_leak + i*mV") | values("volt", n, sharing=("neuron", "all")))
    labels = [f"{letter}é" for letter in "abcdef"[:n]] if draw(st.booleans()) else None
    initial = None if start is None else {"v": start}
    circuit.population("cell", shape, CELL, parameters=own, initial=initial, labels=labels)
    circuit.population("graded", draw(st.integers(2, 4)), GRADED)
    circuit.population("steps", 3, MAP)
    circuit.source("spikes", nc.SpikeSource(draw(st.sampled_from([5, (2, 2)]))))
    circuit.source("signal", nc.SignalSource(3))
    circuit.source("current", nc.SignalSource((1, 2), draw(st.sampled_from([pA, "second**-0.5"]))))


@st.composite
def _pulses(draw: st.DrawFn, circuit: nc.Circuit, name: str) -> None:
    pre, n_pre = draw(ends(circuit.populations[draw(st.sampled_from(["cell", "steps", "spikes"]))]))
    post, n_post = draw(ends(circuit.populations["cell"]))
    rule, count = draw(rules(n_pre, n_post))
    given_delays = [None, 0, 2 * ms, nc.Uniform(0 * ms, 5 * ms), nc.Trainable(1 * ms, bounds=(0 * ms, 9 * ms))]
    delay = draw(st.sampled_from(given_delays))
    weight = draw(values("volt", count or 0).filter(lambda value: count is not None or not _is_array(value)))
    if draw(st.booleans()):
        circuit.connect(pre, post, rule, receptor="exc", name=name, delay=delay, weight=weight)
        return
    synapse = nc.SynapseModel(on_pre="half = w*q/2\nampa_post += half", parameters={"q": 2.0}, name="own")
    parameters = {"q": draw(distributions("1"))} if draw(st.booleans()) else None
    circuit.connect(pre, post, rule, synapse=synapse, name=name, delay=delay, weight=weight, parameters=parameters)


def _is_array(value: Any) -> bool:
    return np.ndim(value.initial if isinstance(value, nc.Trainable) else value) > 0
