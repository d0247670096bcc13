"""Random circuits: mixed models, connectivity, delays, sources, graded and spiking projections."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import neurosim as ns
from backends.random_models import MORE_KINDS
from backends.random_rules import FAMILIES, draw_rule, draw_shape
from neurosim.units import Hz, Mohm, ms, mV, nS, pA, psiemens

DT = 0.1
Draw = Any


def _lif(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    exact = draw(st.booleans())
    receptors = {"ampa": ns.Exponential(5 * ms) if exact else ns.Exponential(5 * ms, reversal=0 * mV)}
    if draw(st.booleans()):
        receptors["gaba"] = ns.Alpha(10 * ms) if exact else ns.Alpha(10 * ms, reversal=-80 * mV)
    model = ns.models.lif(
        tau_mem=draw(st.sampled_from([5, 10, 20])) * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV,
        v_leak=draw(st.sampled_from([-49, -60])) * mV, tau_ref=draw(st.sampled_from([None, 0.3 * ms, 2 * ms])),
        receptors=receptors,
    )  # fmt: skip
    weights = {name: (90 * pA if exact else 4 * nS) for name in receptors}
    return model, {"pulse": weights, "graded": {"i_ext": (2 * nS, 300 * pA)}}, {"v": ns.Uniform(-60 * mV, -50 * mV)}


def _dimensionless(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.lif(
        tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=draw(st.sampled_from([0.0, 1.2])),
        tau_ref=draw(st.sampled_from([None, 1 * ms])), receptors={"x": 3 * ms},
    )  # fmt: skip
    return model, {"pulse": {"v": 0.3, "x": 0.4}, "graded": {"i_ext": (0.1, 2.0)}}, {"v": ns.Uniform(0.0, 1.0)}


def _izhikevich(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.izhikevich(method=draw(st.sampled_from(["euler", "rk2"])))
    return model, {"pulse": {"v": 15.0}, "graded": {"i_ext": (0.05, 12.0)}}, {"v": ns.Uniform(-65.0, 30.0)}


def _physical(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.izhikevich_physical(receptors={"ampa": 4 * ms})
    return (
        model,
        {"pulse": {"ampa": 300 * pA}, "graded": {"i_ext": (5 * nS, 400 * pA)}},
        {"v": ns.Normal(-45 * mV, 9 * mV)},
    )


def _adaptive(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.adaptive_exponential(receptors={"ampa": ns.Exponential(3 * ms, reversal=0 * mV)})
    return (
        model,
        {"pulse": {"ampa": 20 * nS}, "graded": {"i_ext": (9 * nS, 1500 * pA)}},
        {"v": ns.Uniform(-70 * mV, -50 * mV)},
    )


def _own(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    noisy = draw(st.booleans())
    text = (
        "dv/dt = (v_leak - v + r*i)/tau" + (" + sigma*xi*tau**-0.5" if noisy else "") + " : volt (unless refractory)\n"
    )
    model = ns.NeuronModel(
        text + "dth/dt = (th_rest - th)/tau_th : volt\ni : amp\nrate = 1/(1 + exp(-(v - v_leak)/(3*mV))) : 1",
        threshold="v > th and v > th_rest", reset="v = v_leak + 0.2*(v - th); th += 2*mV",
        refractory=draw(st.sampled_from(["ref", "v > v_leak + 8*mV", 1 * ms])),
        method=draw(st.sampled_from(["euler", "heun"])) if noisy else draw(st.sampled_from(["exact", "rk4", "euler"])),
        parameters={"tau": 8 * ms, "r": 50 * Mohm, "v_leak": -60 * mV, "sigma": 4 * mV, "tau_th": 30 * ms,
                    "th_rest": -52 * mV, "ref": 0.8 * ms},
        initial={"v": "v_leak", "th": "th_rest"}, name="own",
    )  # fmt: skip
    return model, {"pulse": {"v": 4 * mV}, "graded": {"i": (3 * nS, 300 * pA)}}, {"v": ns.Uniform(-60 * mV, -50 * mV)}


def _graded(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.graded(
        v_half=-36 * mV, a_r=800 * Hz, a_d=300 * Hz, method=draw(st.sampled_from(["exponential_euler", "euler"]))
    )
    return model, {"pulse": {}, "graded": {"i_ext": (20 * psiemens, 0.2 * pA)}}, {"v": ns.Uniform(-45 * mV, -25 * mV)}


def _map(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.izhikevich_map(noise_std=draw(st.sampled_from([0.0, 5.0])))
    return model, {"pulse": {"i_syn": 12.0}, "graded": {"i_ext": (0.05, 10.0)}}, {"v": ns.Uniform(-65.0, 25.0)}


def _rate(draw: Draw) -> tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]:
    model = ns.models.rate_unit(nonlinearity=draw(st.sampled_from(["tanh", "sigmoid"])))
    return model, {"pulse": {}, "graded": {"x": (0.3, 1.0)}}, {}


KINDS = [_lif, _dimensionless, _izhikevich, _physical, _adaptive, _own, _graded, _map, _rate, *MORE_KINDS]


@st.composite
def circuits(draw: Draw) -> tuple[ns.Circuit, dict[str, Any]]:
    """Draw a circuit and the inputs of a run of 40 steps."""
    circuit, _, inputs = _flat(draw, "random", populations=4, projections=6)
    return circuit, inputs


@st.composite
def nested_circuits(draw: Draw) -> tuple[ns.Circuit, dict[str, Any]]:
    """Draw a circuit with others inside, and the inputs of a run of 40 steps."""
    circuit, roles, inputs = _flat(draw, "random", populations=2, projections=2)
    _include(draw, circuit, roles, inputs)
    return circuit, inputs


def _flat(
    draw: Draw, name: str, *, populations: int, projections: int
) -> tuple[ns.Circuit, dict[str, dict[str, Any]], dict[str, Any]]:
    """Draw a circuit without others inside, what can be connected to its populations, and the inputs of a run."""
    circuit = ns.Circuit(name, dt=DT * ms, seed=draw(st.integers(0, 2**31)))
    roles: dict[str, dict[str, Any]] = {}
    inputs: dict[str, Any] = {}
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    family = draw(st.sampled_from(FAMILIES))
    for position in range(draw(st.integers(1, populations))):
        model, role, initial = draw(st.sampled_from(KINDS))(draw)
        shape = draw_shape(draw, family)
        places = np.arange(float(np.prod(shape))) if draw(st.booleans()) else None
        slow = next((key for key in ("tau", "tau_mem") if key in model.parameters), None)
        parameters = {slow: ns.Uniform(6 * ms, 9 * ms)} if slow is not None and draw(st.booleans()) else {}
        name = f"p{position}"
        circuit.population(name, shape, model, parameters=parameters, initial=initial, positions=places)
        roles[name] = role
    names = list(roles)
    if draw(st.booleans()):
        shape = draw_shape(draw, family)
        circuit.source("spikes", ns.SpikeSource(shape))
        inputs["spikes"] = rng.random((40, int(np.prod(shape)))) < 0.2
    if draw(st.booleans()):
        circuit.source("noise", ns.PoissonSource(draw_shape(draw, family), ns.Uniform(200 * Hz, 900 * Hz)))
    if draw(st.booleans()):
        circuit.source("signal", ns.SignalSource(3))
        inputs["signal"] = draw(st.sampled_from([rng.normal(size=(40, 3)), ns.FilteredNoise(0.0, 1.0, 2 * ms)]))
    for name in names:
        variable, (_, size) = next(iter(roles[name]["graded"].items()))
        if draw(st.booleans()):
            some = circuit.populations[name][: draw(st.integers(1, len(circuit.populations[name])))]
            circuit.inject(f"stim_{name}", some, variable, _signal(draw, size))
        if roles[name]["pulse"] and draw(st.booleans()):
            _background(draw, circuit, name, roles[name]["pulse"])
    for count in range(draw(st.integers(0, projections))):
        pre = draw(st.sampled_from([*circuit.populations]))
        post = draw(st.sampled_from(names))
        _connect(draw, circuit, pre, post, roles[post], f"c{count}")
    return circuit, roles, inputs


def _signal(draw: Draw, size: Any) -> Any:
    """Draw a stimulus of about this size."""
    kind = draw(st.sampled_from(["step", "ramp", "sine", "pulses", "noise"]))
    if kind == "ramp":
        return ns.Ramp(0 * size, size, start=0.5 * ms, stop=draw(st.sampled_from([2, 9])) * ms)
    if kind == "sine":
        return ns.Sine(size, 200 * Hz, offset=0.5 * size)
    if kind == "pulses":
        return ns.Pulses(size, width=0.7 * ms, period=1.2 * ms)
    if kind == "noise":
        return ns.FilteredNoise(
            0.5 * size, 0.5 * size, draw(st.sampled_from([0.3, 5])) * ms, shared=draw(st.booleans())
        )
    return ns.Step(size, start=1 * ms)


def _include(draw: Draw, circuit: ns.Circuit, roles: dict[str, dict[str, Any]], inputs: dict[str, Any]) -> None:
    """Put another circuit inside once or twice, perhaps a level deeper, with connections across."""
    other, inner_roles, inner_inputs = _flat(draw, "inner", populations=2, projections=2)
    prefix = ""
    if draw(st.booleans()):
        deeper = ns.Circuit("deeper", dt=DT * ms)
        deeper.include("deep", other)
        other, prefix = deeper, "deep/"
    included = []
    for side in ("left", "right")[: draw(st.integers(1, 2))]:
        circuit.include(side, other)
        included += [f"{side}/{prefix}{name}" for name in inner_roles]
        roles.update({f"{side}/{prefix}{name}": role for name, role in inner_roles.items()})
        inputs.update({f"{side}/{prefix}{name}": value for name, value in inner_inputs.items()})
    for count in range(draw(st.integers(1, 4))):
        pre, post = draw(st.sampled_from([*circuit.populations])), draw(st.sampled_from(included))
        if pre in roles and draw(st.booleans()):
            pre, post = post, pre
        _connect(draw, circuit, pre, post, roles[post], f"across{count}")


def _background(draw: Draw, circuit: ns.Circuit, name: str, pulses: dict[str, Any]) -> None:
    """Give some neurons of a population background pulses."""
    receptor = draw(st.sampled_from(sorted(pulses)))
    size, population = pulses[receptor], circuit.populations[name]
    weight = draw(st.sampled_from([0.3 * size, ns.Uniform(-0.1 * size, 0.4 * size)]))
    some = population[: draw(st.integers(1, len(population)))]
    rate = draw(st.sampled_from([20, 300])) * Hz
    circuit.poisson(f"background_{name}", some, receptor=receptor, rate=rate, weight=weight, count=10)


def _connect(draw: Draw, circuit: ns.Circuit, pre: str, post: str, role: dict[str, Any], name: str) -> None:
    first, second = circuit.populations[pre], circuit.populations[post]
    if first.spiking and role["pulse"]:
        receptor = draw(st.sampled_from(sorted(role["pulse"])))
        size = role["pulse"][receptor]
        weight = draw(st.sampled_from([size, ns.Uniform(-0.5 * size, size)]))
        delay = draw(st.sampled_from([0 * ms, 0.1 * ms, 1.5 * ms, ns.Uniform(0 * ms, 2 * ms)]))
        part = draw(st.booleans())
        ends = (first[: len(first) // 2 + 1], second) if part else (first, second)
        rule = draw_rule(draw, first, second, part=part)
        kind = draw(st.sampled_from(["receptor", "own", "plastic"]))
        given: dict[str, Any] = {"receptor": receptor}
        if kind == "own":
            variable = second.model.receptors.get(receptor, receptor)
            text = f"amount = w*gain; {variable}_post += amount"
            given = {"synapse": ns.SynapseModel(on_pre=text, parameters={"gain": 0.8})}
        elif kind == "plastic":
            given |= _plastic(draw)
        circuit.connect(*ends, rule, weight=weight, delay=delay, name=name, **given)
        return
    rule = draw_rule(draw, first, second)
    variable, (conductance, size) = next(iter(role["graded"].items()))
    units = second.variables
    signal = isinstance(first.model, ns.SignalSource)
    if signal or (first.first_variable is not None and not first.spiking and "r" in first.variables):
        if not signal and ("r" in second.variables and names_order(pre, post)):
            return  # keep algebraic chains acyclic
        circuit.connect(pre, post, rule, receptor=variable, weight=size * 0.1, name=name)
    elif (
        first.variables.get("v") == second.variables.get("v")
        and "v" in first.variables
        and units[variable] in ("amp", "1")
    ):
        text = f"{variable}_post = w*(v_pre - v_post) : {units[variable]} (summed)"
        circuit.connect(pre, post, rule, synapse=ns.SynapseModel(text), weight=conductance, name=name)


def _plastic(draw: Draw) -> dict[str, Any]:
    """Draw a rule by which the strength of each edge changes with the spikes on both sides."""
    clocked = draw(st.booleans())
    chance = "*int(rand() < 0.8)" if draw(st.booleans()) else ""
    strength = "ds/dt = (1 - s)/tau : 1 (clock-driven)" if clocked else "s : 1"
    synapse = ns.SynapseModel(
        f"dr/dt = -r/tau : 1 (event-driven)\ndo/dt = -o/(2*tau) : 1 (event-driven)\n{strength}",
        on_pre=f"receptor_post += w*s{chance}; r += 1; s = clip(s - 0.2*o, 0, 3)",
        on_post="o += 1; s = clip(s + 0.3*r, 0, 3)",
        update=draw(st.sampled_from(["", "s = clip(s + 0.01*(o - r), 0, 3)"])),
        parameters={"tau": 3 * ms}, initial={"s": ns.Uniform(0.5, 1.5)}, post_first=draw(st.booleans()),
    )  # fmt: skip
    return {"synapse": synapse, "post_delay": draw(st.sampled_from([None, 0.4 * ms, ns.Uniform(0 * ms, 1 * ms)]))}


def names_order(pre: str, post: str) -> bool:
    """Tell whether an edge points backwards (or to itself) in the order of creation."""
    return pre >= post
