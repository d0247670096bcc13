"""From a circuit to its step program: what is folded, what keeps a name, what is refused."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError, EquationError, UnsupportedError
from neurosim.program.lowering import lower
from neurosim.program.step_program import ProjectionProgram, StepProgram
from neurosim.units import ms, second
from program.library import population

CELL = ns.NeuronModel(
    "dv/dt = (rest - v + drive)/tau : 1\ng : 1\ndrive : 1\nlevel : 1\nopening = 1/(1 + exp(-v)) : 1",
    threshold="v > th", reset="v = 0; g = 0", parameters={"tau": 10 * ms, "rest": 0.0, "th": 1.0},
)  # fmt: skip


def connected(on_pre: str = "v_post += w", **options: Any) -> ns.Circuit:
    circuit = ns.Circuit("connected", dt=0.1 * ms)
    circuit.population("a", 3, CELL)
    circuit.population("b", 2, CELL)
    synapse = ns.SynapseModel(on_pre=on_pre, parameters=options.pop("parameters", {}))
    circuit.connect("a", options.pop("post", "b"), ns.AllToAll(), synapse=synapse, weight=0.5, name="s", **options)
    return circuit


def projection(on_pre: str, **options: Any) -> ProjectionProgram:
    return lower(connected(on_pre, **options)).projections["s"]


def additions(on_pre: str, **options: Any) -> list[str]:
    return [f"{item.target} += {ast.unparse(item.expression)}" for item in projection(on_pre, **options).additions]


# -- populations --------------------------------------------------------------------------------------------------


def test_what_changes_is_state_and_what_stays_is_a_constant_or_a_parameter() -> None:
    item = population(CELL, n=3, parameters={"tau": [10, 20, 30] * ms, "th": ns.Trainable(1.5)}, initial={"level": 0.3})
    assert item.state == ("v", "g")
    assert item.constants == {"rest": 0.0, "drive": 0.0, "level": 0.3}
    assert item.parameters["tau"].tolist() == [0.01, 0.02, 0.03]
    assert item.parameters["th"] == 1.5
    assert (item.n, item.kind, item.method, item.spiking) == (3, "neurons", "exact", True)


def test_pulses_make_a_declared_variable_state_and_graded_input_an_input() -> None:
    circuit = connected("level_post += w")
    circuit.inject("push", "b", "drive")
    program = lower(circuit)
    assert program.populations["a"].state == ("v", "g")
    assert program.populations["b"].state == ("v", "g", "level")
    assert [(term.source, term.kind) for term in program.populations["b"].inputs["drive"]] == [("push", "injection")]


@pytest.mark.parametrize(
    ("mark", "shape"), [(ns.Trainable(8 * ms), ()), (ns.Trainable(8 * ms, per="neuron"), (3,)), (8 * ms, None)]
)
def test_trainable_values_keep_their_names(mark: Any, shape: tuple[int, ...] | None) -> None:
    item = population(CELL, n=3, parameters={"tau": mark})
    assert ("tau" in item.parameters) == (shape is not None)
    if shape is not None:
        assert np.shape(item.parameters["tau"]) == shape


def test_an_input_that_is_also_written_is_refused() -> None:
    circuit = connected("drive_post += w")
    circuit.inject("push", "b", "drive")
    with pytest.raises(CircuitError, match=r"'drive' receives graded input .*cannot also receive pulses"):
        lower(circuit)


def test_an_input_with_a_value_of_its_own_is_refused() -> None:
    circuit = ns.Circuit("input", dt=1 * ms)
    circuit.population("p", 1, CELL, initial={"drive": 1.0})
    circuit.inject("push", "p", "drive")
    with pytest.raises(CircuitError, match="'drive' is set in every step by its inputs"):
        lower(circuit)


def test_random_sub_expressions_are_refused() -> None:
    model = ns.NeuronModel("dv/dt = n*(1/ms) : 1\nn = randn() : 1", method="euler")
    with pytest.raises(UnsupportedError, match="sub-expression 'n' draws random numbers"):
        population(model)


@pytest.mark.parametrize("name", ["lastspike", "not_refractory"])
def test_names_of_refractory_neurons_need_a_refractory_period(name: str) -> None:
    use = "int(t - lastspike > 1*ms)" if name == "lastspike" else "int(not_refractory)"
    options = {"threshold": "v > 1", "reset": "v = 0", "method": "euler"}
    equations = f"dv/dt = {use}/(5*ms) : 1"
    with pytest.raises(EquationError, match=f"read {name}, which need refractory="):
        population(ns.NeuronModel(equations, **options))
    assert population(ns.NeuronModel(equations, refractory=1 * ms, **options)).refractory is not None


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (2 * ms, "time", "0.002"),
        ("tau", "time", "tau"),
        ("2*tau*v", "time", "2 * tau * v"),
        ("v > th", "condition", "v > th"),
        ("rand() < 0.5", "condition", "rand_0 < 0.5"),
        ("(t - lastspike) < tau", "condition", "t - lastspike < tau"),
    ],
)
def test_refractoriness_is_a_time_or_a_condition(given: Any, kind: str, text: str) -> None:
    model = ns.NeuronModel(
        "dv/dt = -v/tau : 1", threshold="v > th", reset="v = 0", refractory=given,
        parameters={"tau": 10 * ms, "th": 1.0},
    )  # fmt: skip
    refractory = population(model).refractory
    assert refractory is not None
    assert (refractory.kind, refractory.text) == (kind, text)


# -- projections --------------------------------------------------------------------------------------------------


def test_what_a_pulse_adds() -> None:
    assert additions("v_post += w") == ["v += w"]
    assert additions("v_post -= w") == ["v += -w"]
    assert additions("x = 2*w; v_post += x; level_post += x*w") == ["v += w * 2.0", "level += w * w * 2.0"]
    assert additions("v_post += w*gain", parameters={"gain": 3.0}) == ["v += w * 3.0"]
    assert additions("v_post += w*g_pre**2*tau_post/ms") == ["v += w * (g_pre * g_pre) * 10.0"]
    assert additions("level_post += w*opening_pre") == ["level += w * (1.0 / (1.0 + exp(-v_pre)))"]


def test_values_of_edges() -> None:
    item = projection("v_post += gain*w", parameters={"gain": ns.Trainable(2.0)})
    assert item.values == {"w": 0.5, "gain": 2.0}
    item = projection("v_post += gain*w", parameters={"gain": ns.Uniform(1.0, 2.0)})
    assert np.shape(item.values["gain"]) == (6,)


def test_delays_are_steps() -> None:
    item = projection("v_post += w", delay=np.arange(6) * 0.3 * ms)
    assert item.delay.tolist() == [0, 3, 6, 9, 12, 15]
    assert item.max_delay == 15
    program: StepProgram = lower(connected("v_post += w", delay=2.5 * ms))
    assert program.history_depth == {"a": 25, "b": 0}


@pytest.mark.parametrize(
    ("on_pre", "post", "message"),
    [
        ("v_post += w*(1 - v_post)", "b", "what it adds to v_post reads v_post, which it changes"),
        ("level_post += w; v_post += level_post", "b", "what it adds to v_post reads level_post"),
        ("v_post += w*opening_post", "b", "what it adds to v_post reads v_post"),
        ("v_post += w*v_pre", "a", "what it adds to v_post reads v_pre"),
        ("v_post += w*delay/ms", "b", "it reads its delay"),
    ],
)
def test_pulses_that_depend_on_the_order_of_arrivals_are_refused(on_pre: str, post: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"projection 's': this synapse is not supported: .*{message}"):
        lower(connected(on_pre, post=post))


def test_a_pulse_may_read_what_it_does_not_change() -> None:
    assert additions("v_post += w*v_pre") == ["v += w * v_pre"]
    assert additions("level_post += w*v_post") == ["level += w * v_post"]
    assert additions("level_post += w*v_pre", post="a") == ["level += w * v_pre"]


def test_everything_that_is_not_supported_is_listed_at_once() -> None:
    with pytest.raises(UnsupportedError) as caught:
        lower(connected("v_post += w*v_post*delay/ms"))
    assert str(caught.value).endswith("would depend on their order.")
    assert "it reads its delay; " in str(caught.value)


@pytest.mark.parametrize("where", ["pulse", "graded"])
def test_time_in_synapses(where: str) -> None:
    circuit = ns.Circuit("time", dt=1 * ms)
    circuit.population("a", 1, ns.NeuronModel("v : 1", threshold="v > 0", reset=""), initial={"v": 1.0})
    circuit.population("b", 1, CELL)
    if where == "pulse":
        synapse = ns.SynapseModel(on_pre="level_post += w*t/ms")
    else:
        synapse = ns.SynapseModel("drive_post = w*v_pre*t/ms : 1 (summed)")
    circuit.connect("a", "b", ns.OneToOne(), synapse=synapse, weight=2.0)
    variable = "level" if where == "pulse" else "drive"
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 0.004 * second, backend=backend, record={"b": variable})
        expected = [0.0, 2.0, 6.0, 12.0] if where == "pulse" else [0.0, 2.0, 4.0, 6.0]
        np.testing.assert_allclose(recording["b"][variable].values.ravel(), expected, rtol=1e-12)


def test_conditions_and_synapses_that_read_nothing_that_changes() -> None:
    """A neuron that always spikes but for its refractory period, one that spikes once, and synapses of fixed size."""
    circuit = ns.Circuit("fixed", dt=1 * ms)
    always = ns.NeuronModel("v : 1", threshold="v > 0", reset="", refractory=3 * ms)
    once = ns.NeuronModel("v : 1", threshold="v > 0", reset="", refractory="v > 0")
    circuit.population("always", 2, always, initial={"v": 1.0})
    circuit.population("once", 2, once, initial={"v": 1.0})
    circuit.population("b", 2, CELL)
    circuit.connect("always", "b", ns.OneToOne(), synapse=ns.SynapseModel(on_pre="level_post += 0.5"))
    fixed = ns.SynapseModel("drive_post = 0.25 : 1 (summed)")
    circuit.connect("always", "b", ns.AllToAll(), synapse=fixed, name="graded")
    record = {"always": "spikes", "once": "spikes", "b": ["level", "drive"]}
    for backend in ("brian2", "snntorch", "eager"):
        if backend == "eager":
            module = ns.compile(circuit, "snntorch", dtype="float64", trainable={"b.tau": ns.Trainable()})
            outputs, _ = module(steps=7, record=record)
            found = {name: outputs[name]["spikes"][:, 0, 0].tolist() for name in ("always", "once")}
            level, drive = (outputs["b"][name][:, 0, 0].tolist() for name in ("level", "drive"))
        else:
            recording = ns.simulate(circuit, 7 * ms, backend=backend, record=record)
            steps = {name: recording.spikes[name].to_steps(1e-3)[::2] for name in ("always", "once")}
            found = {name: np.bincount(steps[name], minlength=7).tolist() for name in steps}
            level, drive = (recording["b"][name].values[0, :, 0].tolist() for name in ("level", "drive"))
        assert found == {"always": [1, 0, 0, 1, 0, 0, 1], "once": [1, 0, 0, 0, 0, 0, 0]}
        assert level == [0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.5]
        assert drive == [0.5] * 7


def test_noise_that_is_multiplied_by_nothing_is_not_drawn() -> None:
    model = ns.NeuronModel(
        "v : 1\nu : 1", update="v = 0.5*v + quiet*randn() + quiet*rand()*u; u = loud*randn()",
        parameters={"quiet": 0.0, "loud": 2.0},
    )  # fmt: skip
    circuit = ns.Circuit("noisy", dt=1 * ms)
    circuit.population("cells", 2, model)
    found = lower(circuit).populations["cells"]
    texts = [item.text for item in found.update]
    assert "_update_v_0 = v * 0.5 + rand_1 * u * 0.0" in texts  # u may be infinite
    assert [site.site for site in found.noise] == [1, 2]  # those that are left draw what they did
    loud = lower(circuit.replace({"cells.quiet": 1.0})).populations["cells"]
    assert [site.site for site in loud.noise] == [0, 1, 2]
