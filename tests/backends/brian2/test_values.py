"""What a model may be made of, in Brian2 and alike in torch: names, values per neuron, noise, refractoriness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from brian2 import get_device
from brian2.synapses.spikequeue import SpikeQueue

import neurosim as ns
from neurosim.backends import simulator
from neurosim.recording import Recording
from neurosim.units import Hz, ms, second
from program import by_hand

DT = 1e-4


def on_both(circuit: ns.Circuit, steps: int, **options: Any) -> Recording:
    """Run on both backends, which must agree to the last bit; return Brian2's recording."""
    recordings = [
        ns.simulate(circuit, steps * circuit.dt * second, backend=name, **options) for name in ("brian2", "snntorch")
    ]
    differences = recordings[0].state.max_differences(recordings[1].state)
    assert {address: values for address, values in differences.items() if values != (0.0, 0.0)} == {}
    for name, train in recordings[0].spikes.items():
        assert np.array_equal(train.times, recordings[1].spikes[name].times)
        assert np.array_equal(train.neurons, recordings[1].spikes[name].neurons)
    return recordings[0]


def spikes(recording: Recording, name: str) -> list[tuple[int, int]]:
    train = recording.spikes[name]
    return sorted(zip(train.to_steps(DT).tolist(), train.neurons.tolist(), strict=True))


# -- names --------------------------------------------------------------------------------------------------------


def renamed(v: str, u: str, tau: str) -> ns.Circuit:
    """Return a circuit with graded and spiking projections whose variables have given names."""
    model = ns.NeuronModel(
        f"d{v}/dt = (1.2 - {v} + {u} + drive)/{tau} : 1\nd{u}/dt = -{u}/(2*{tau}) : 1\ntwice = 2*{v} : 1\ndrive : 1",
        threshold=f"{v} > 1", reset=f"{v} = 0", refractory=1 * ms, parameters={tau: 5 * ms},
    )  # fmt: skip
    circuit = ns.Circuit("names", dt=DT * second, seed=3)
    p = circuit.population("p", 4, model, initial={v: [0.0, 0.3, 0.6, 0.9]}, parameters={tau: [4, 5, 6, 7] * ms})
    circuit.connect(p, p, ns.FixedProbability(0.7), receptor=u, weight=0.2, delay=ns.Uniform(0 * ms, 1 * ms))
    mean = ns.SynapseModel(f"drive_post = w*({v}_pre - {v}_post) + 0.01*twice_pre*{tau}_post/ms : 1 (summed)")
    circuit.connect(p, p, ns.AllToAll(), synapse=mean, weight=ns.Uniform(0.0, 0.1), name="mean")
    return circuit


@pytest.mark.parametrize(
    ("v", "u", "tau"), [("i", "j", "N"), ("N", "i", "mA"), ("second", "volt", "nS"), ("spikespace", "idx", "sum")]
)
def test_a_variable_may_have_any_name(v: str, u: str, tau: str) -> None:
    found, plain = (on_both(renamed(*names), 300) for names in ((v, u, tau), ("v", "u", "tau")))
    assert len(plain.spikes["p"].times) > 20
    assert spikes(found, "p") == spikes(plain, "p")
    for name, other in ((v, "v"), (u, "u")):
        # Sympy orders terms by name, so that last bits may differ.
        expected = plain.state.variables["p"][other]
        np.testing.assert_allclose(found.state.variables["p"][name], expected, rtol=1e-12)


@pytest.mark.parametrize("where", ["equations", "statements", "sub-expressions and refractoriness"])
def test_the_index_of_a_neuron_and_their_number_can_be_read(where: str) -> None:
    equations, options = {
        "equations": ("dv/dt = (1 + i/N - v)/tau : 1", {"threshold": "v > 1", "reset": "v = 0"}),
        "statements": ("dv/dt = -v/tau : 1", {"threshold": "v > 2 + i", "reset": "v = 1/N", "update": "v = v + 0.3*i"}),
        "sub-expressions and refractoriness": (
            "dv/dt = (goal - v)/tau : 1\ngoal = 1.2 + 0.1*i/N : 1",
            {"threshold": "v > 1", "reset": "v = 0", "refractory": "(i + 1)*ms"},
        ),
    }[where]
    circuit = ns.Circuit("index", dt=DT * second)
    p = circuit.population("p", 3, ns.NeuronModel(equations, parameters={"tau": 2 * ms}, **options))
    if "goal" in equations:
        follow = ns.SynapseModel("x_post = w*goal_pre : 1 (summed)")
        circuit.population("q", 3, ns.NeuronModel("x : 1"))
        circuit.connect(p, "q", ns.OneToOne(), synapse=follow, weight=1.0)
    recording = on_both(circuit, 200)
    if "goal" in equations:
        values = ns.simulate(circuit, DT * second, backend="brian2", record={"q": "x"})["q"]["x"].values
        np.testing.assert_allclose(values[0, 0], 1.2 + 0.1 * np.arange(3) / 3)
    counts = np.bincount(recording.spikes["p"].neurons, minlength=3)
    assert len(set(counts)) > 1


# -- values per neuron --------------------------------------------------------------------------------------------


def test_values_per_neuron_are_as_many_circuits() -> None:
    values = {"tau": [5, 10, 20] * ms, "th": [0.8, 1.0, 0.5], "ref": [0.3, 1, 2] * ms, "rest": [1.5, 1.2, 0.9]}
    model = ns.NeuronModel(
        "dv/dt = (rest - v)/tau : 1 (unless refractory)", threshold="v > th", reset="v = 0", refractory="ref",
        parameters={name: value[0] for name, value in values.items()},
    )  # fmt: skip
    circuit = ns.Circuit("together", dt=DT * second)
    circuit.population("p", 3, model, parameters=values)
    together = on_both(circuit, 400)
    for neuron in range(3):
        alone = ns.Circuit("alone", dt=DT * second)
        alone.population("p", 1, model, parameters={name: value[neuron] for name, value in values.items()})
        recording = ns.simulate(alone, 40 * ms, backend="brian2")
        assert spikes(recording, "p") == [(step, 0) for step, index in spikes(together, "p") if index == neuron]
        assert len(spikes(recording, "p")) > 1
        expected = together.state.variables["p"]["v"][0, neuron]
        assert recording.state.variables["p"]["v"].item() == pytest.approx(expected, rel=1e-12)


# -- noise --------------------------------------------------------------------------------------------------------


def noisy() -> ns.Circuit:
    model = ns.NeuronModel(
        "dv/dt = (0.8 - v)/tau + 0.4*xi*tau**-0.5 : 1 (unless refractory)\nu : 1",
        threshold="v > 1 + 0.1*randn()", reset="v = 0.2*rand()", refractory="rand() < 0.5",
        update="u = rand() + randn()", parameters={"tau": 5 * ms}, method="euler",
    )  # fmt: skip
    circuit = ns.Circuit("noisy", dt=DT * second)
    circuit.population("p", 3, model)
    circuit.population("q", 3, model)
    return circuit


def test_every_kind_of_noise_is_the_same_on_both_backends() -> None:
    recording = on_both(noisy(), 300, seed=5, trials=2)
    assert len(recording.spikes["p"].times) > 10
    values = [recording.state.variables[name]["u"][trial] for name in ("p", "q") for trial in (0, 1)]
    assert len(np.unique(values)) == 12, "populations, trials and neurons draw for themselves"
    assert not np.array_equal(on_both(noisy(), 300, seed=6).state.variables["p"]["u"][0], values[0])


def test_noise_depends_neither_on_blocks_nor_on_the_number_of_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = on_both(noisy(), 60, seed=5, trials=3).state
    monkeypatch.setattr(simulator, "BLOCK", 7)
    assert on_both(noisy(), 60, seed=5, trials=3).state == whole
    fewer = on_both(noisy(), 60, seed=5, trials=2).state
    assert fewer.trial(1) == whole.trial(1)


def test_noise_is_standard() -> None:
    model = ns.NeuronModel("normal : 1\nuniform : 1", update="normal = randn()\nuniform = rand()")
    circuit = ns.Circuit("noise", dt=1 * ms)
    circuit.population("p", 2000, model)
    state = ns.simulate(circuit, 1 * ms, backend="brian2", record={"p": "normal"}).state.variables["p"]
    assert state["normal"].mean() == pytest.approx(0, abs=0.1)
    assert state["normal"].std() == pytest.approx(1, abs=0.06)
    assert state["uniform"].mean() == pytest.approx(0.5, abs=0.03)
    assert 0 <= state["uniform"].min() <= state["uniform"].max() < 1


# -- refractoriness -----------------------------------------------------------------------------------------------

EQUATIONS = "dv/dt = (1.6 - v)/tau : 1 (unless refractory)\ndw/dt = (v - w)/tau_w : 1"
TAUS = {"tau": 5 * ms, "tau_w": 8 * ms}


@pytest.mark.parametrize(
    ("refractory", "reset"),
    [
        (1.3 * ms, "v = 0"),
        ("w > 0.5", "v = 0"),  # a condition
        ("v > 0.9", "v = 1.2; w = 0"),  # that a held variable keeps until w lets it go
        ("0.5*ms + 2*ms*w", "v = 0"),  # a time that depends on the state
        ("(t - lastspike) < 1*ms", "v = 0.1"),
        ("timestep(t - lastspike, dt) < 12", "v = 0.1"),
    ],
)
def test_refractoriness_as_brian2_by_hand(refractory: Any, reset: str) -> None:
    if refractory == "v > 0.9":
        equations = EQUATIONS.replace(" (unless refractory)", "")
    else:
        equations = EQUATIONS
    start = {"v": np.array([0.0, 0.5, 0.99]), "w": np.array([0.9, 0.2, 0.6])}
    expected, final = by_hand.simulate(
        equations, 400, DT, n=3, initial=start, namespace=TAUS, threshold="v > 1", reset=reset,
        refractory=refractory, method="euler",
    )  # fmt: skip
    model = ns.NeuronModel(
        equations, threshold="v > 1", reset=reset, refractory=refractory, method="euler", parameters=TAUS
    )
    circuit = ns.Circuit("refractory", dt=DT * second)
    circuit.population("p", 3, model, initial=start)
    recording = on_both(circuit, 400)
    assert spikes(recording, "p") == expected
    assert 3 <= len(expected) < 600
    for name, value in final.items():
        np.testing.assert_allclose(recording.state.variables["p"][name][0], value, rtol=1e-9)


# -- spikes in flight ---------------------------------------------------------------------------------------------


def delayed() -> ns.Circuit:
    circuit = ns.Circuit("delayed", dt=DT * second, seed=6)
    circuit.source("in", ns.SpikeSource(6))
    model = ns.NeuronModel("dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0", parameters={"tau": 5 * ms})
    circuit.population("p", 8, model)
    drawn = ns.Uniform(0 * ms, 3 * ms)
    circuit.connect("in", "p", ns.FixedProbability(0.8), receptor="v", weight=ns.Normal(0.7, 0.3), delay=drawn)
    loop = ns.Normal(0.2, 0.3)
    circuit.connect("p", "p", ns.FixedProbability(0.5), receptor="v", weight=loop, delay=drawn, name="loop")
    circuit.connect("p", "p", ns.OneToOne(), receptor="v", weight=0.3, delay=1.7 * ms, name="one_delay")
    return circuit


@pytest.mark.parametrize("queue", ["compiled", "pure Python"])
def test_spikes_under_way_go_on_through_either_queue_of_brian2(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if queue == "pure Python":
        if "cython" in SpikeQueue.__module__:
            pytest.skip("Brian2 has had one queue since 2.10, the compiled one")

        def python_queue(self: Any, source_start: int, source_end: int) -> SpikeQueue:
            return SpikeQueue(source_start=source_start, source_end=source_end)

        monkeypatch.setattr(type(get_device()), "spike_queue", python_queue)
    given = np.random.default_rng(2).random((90, 6)) < 0.05
    simulator = ns.compile(delayed(), "brian2")
    whole = simulator.run(9 * ms, inputs={"in": given})
    assert len(whole.spikes["p"].times) > 15
    state, found = None, []
    for first, last in ((0, 31), (31, 32), (32, 47), (47, 90)):
        part = simulator.run((last - first) * DT * second, inputs={"in": given[first:last]}, state=state)
        state = part.state
        found += spikes(part, "p")
    assert found == spikes(whole, "p")
    assert state is not None
    assert state == whole.state
    (queue_of_loop,) = {type(item.pre.queue) for item in simulator._prepared().objects.synapses.values()}
    assert ("cython" in queue_of_loop.__module__) == (queue == "compiled")


def test_rates_of_drawn_sources_are_the_same_on_both_backends() -> None:
    circuit = ns.Circuit("poisson", dt=DT * second)
    circuit.source("noise", ns.PoissonSource(50, 200 * Hz))
    circuit.population("p", 5, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.connect("noise", "p", ns.FixedProbability(0.5), receptor="v", weight=0.1, delay=ns.Uniform(0 * ms, 2 * ms))
    recording = on_both(circuit, 200, seed=3, trials=2, record={"noise": "spikes"})
    assert len(recording.spikes["noise"].times) == pytest.approx(50 * 200 * 0.02 * 2, rel=0.25)
