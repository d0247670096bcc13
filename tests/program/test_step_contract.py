"""What one step means, on every path: integrate, threshold (stamped k*dt), deliver, reset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.recording import Recording
from neurosim.units import ms, second

PATHS = ("brian2", "snntorch", "eager")
DT = 1e-4
#: A neuron that keeps v until something adds to it, and a current x that nothing reads.
HOLD = "v : 1\nx : 1"
pytestmark = pytest.mark.parametrize("path", PATHS)


def run(circuit: ns.Circuit, steps: int, path: str, **options: Any) -> Recording:
    duration = steps * circuit.dt * second
    if path == "eager":
        return ns.compile(circuit, "snntorch", dtype="float64").run_eager(duration, **options)
    return ns.simulate(circuit, duration, backend=path, **options)


def spikes(recording: Recording, name: str) -> list[tuple[int, int]]:
    """Return (step, neuron) of every spike."""
    train = recording.spikes[name]
    return sorted(zip(train.to_steps(DT).tolist(), train.neurons.tolist(), strict=True))


def empty(name: str = "contract", **options: Any) -> ns.Circuit:
    return ns.Circuit(name, dt=DT * second, **options)


def holding(**options: Any) -> ns.NeuronModel:
    return ns.NeuronModel(HOLD, threshold="v > 1", reset="v = 0", **options)


# -- stamps and delays --------------------------------------------------------------------------------------------


def test_a_spike_with_delay_d_reaches_its_target_one_step_later_than_d(path: str) -> None:
    delays = [0, 1, 7, 20]
    circuit = empty()
    circuit.population("pre", 1, holding(), initial={"v": 2.0})
    circuit.population("post", 4, holding())
    circuit.connect(
        "pre", "post", ns.Edges([0] * 4, list(range(4))), receptor="v", weight=5.0, delay=np.array(delays) * DT * second
    )
    recording = run(circuit, 25, path)
    assert spikes(recording, "pre") == [(0, 0)]
    assert spikes(recording, "post") == [(delay + 1, neuron) for neuron, delay in enumerate(delays)]


def test_what_arrives_while_the_target_spikes_is_lost_on_v_and_kept_on_a_current(path: str) -> None:
    circuit = empty()
    both = circuit.population("both", 2, holding(), initial={"v": 2.0})
    crossed = ns.Edges([0, 1], [1, 0])
    circuit.connect(both, both, crossed, receptor="v", weight=5.0, name="direct")
    circuit.connect(both, both, crossed, receptor="x", weight=5.0, name="current")
    recording = run(circuit, 1, path)
    assert spikes(recording, "both") == [(0, 0), (0, 1)]
    assert recording.state.variables["both"]["v"].tolist() == [[0.0, 0.0]]
    assert recording.state.variables["both"]["x"].tolist() == [[5.0, 5.0]]


def test_traces_hold_the_end_of_the_step_and_algebraic_values_what_the_step_used(path: str) -> None:
    model = ns.NeuronModel(
        "v : 1\ntwice = 2*drive : 1\ndrive : 1", threshold="v > 1", reset="v = 0", update="v = v + twice"
    )
    circuit = empty()
    circuit.population("p", 1, model)
    circuit.inject("push", "p", "drive")
    drive = np.array([[0.2], [0.5], [0.1]])
    recording = run(circuit, 3, path, inputs={"push": drive}, record={"p": ["v", "twice", "spikes"]})
    assert recording["p"]["v"].values.ravel().tolist() == [0.4, 0.0, 0.2]
    assert recording["p"]["twice"].values.ravel().tolist() == [0.4, 1.0, 0.2]
    assert spikes(recording, "p") == [(1, 0)]
    np.testing.assert_array_equal(recording["p"]["v"].time, np.arange(3) * DT)


# -- order of delivery --------------------------------------------------------------------------------------------

#: (1e16 - 1e16) + 1 is 1; with the 1 before the last it is 0.
LARGE = 1e16


def test_projections_deliver_in_the_order_of_the_circuit_not_of_their_names(path: str) -> None:
    circuit = empty()
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("p", 1, holding())
    for name, weight in {"zz": LARGE, "mm": -LARGE, "aa": 1.0}.items():
        circuit.connect("in", "p", ns.OneToOne(), receptor="x", weight=weight, name=name)
    recording = run(circuit, 1, path, inputs={"in": np.ones((1, 1))})
    assert recording.state.variables["p"]["x"].item() == 1.0


@pytest.mark.parametrize(
    ("neurons", "steps", "weights"),
    [
        ([0, 1, 2], [0, 1, 2], [LARGE, -LARGE, 1.0]),  # by emission first
        ([2, 1, 0], [0, 1, 2], [LARGE, -LARGE, 1.0]),
        ([0, 1, 2], [2, 1, 0], [1.0, LARGE, -LARGE]),
        ([0, 1, 2], [1, 1, 1], [LARGE, -LARGE, 1.0]),  # then by neuron
        ([2, 1, 0], [1, 1, 1], [1.0, LARGE, -LARGE]),
    ],
)
def test_arrivals_of_a_step_are_added_by_emission_then_neuron(
    path: str, neurons: list[int], steps: list[int], weights: list[float]
) -> None:
    circuit = empty()
    circuit.source("in", ns.SpikeSource(3))
    circuit.population("p", 1, holding())
    delays = (3 - np.array(steps)) * DT * second
    edges = ns.Edges(neurons, [0] * len(neurons))
    circuit.connect("in", "p", edges, receptor="x", weight=weights, delay=delays)
    given = np.zeros((4, 3))
    given[steps, neurons] = 1
    recording = run(circuit, 4, path, inputs={"in": given}, record={"p": "x"})
    assert recording.state.variables["p"]["x"].item() == 1.0


def test_edges_of_one_neuron_deliver_in_their_order(path: str) -> None:
    circuit = empty()
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("p", 1, holding())
    edges = ns.Edges([0, 0, 0], [0, 0, 0])
    circuit.connect("in", "p", edges, receptor="x", weight=[LARGE, -LARGE, 1.0], delay=2 * DT * second)
    recording = run(circuit, 3, path, inputs={"in": np.array([[1], [0], [0]])})
    assert recording.state.variables["p"]["x"].item() == 1.0


# -- refractoriness -----------------------------------------------------------------------------------------------


def test_a_neuron_above_threshold_spikes_once_a_refractory_period(path: str) -> None:
    circuit = empty()
    model = ns.NeuronModel("v : 1", threshold="v > 1", reset="", refractory=4 * DT * second)
    circuit.population("p", 1, model, initial={"v": 2.0})
    assert spikes(run(circuit, 13, path), "p") == [(0, 0), (4, 0), (8, 0), (12, 0)]


def test_what_reaches_a_flagged_variable_while_refractory_is_discarded(path: str) -> None:
    """From the step of the spike on, and no longer in the first step that is not refractory."""
    circuit = empty()
    circuit.source("in", ns.SpikeSource(1))
    model = ns.NeuronModel(
        "v : 1\nheld : 1 (unless refractory)\nfree : 1",
        threshold="v > 1", reset="v = 0", refractory=3 * DT * second,
    )  # fmt: skip
    circuit.population("p", 1, model, initial={"v": [2.0]})
    for name in ("held", "free"):
        circuit.connect("in", "p", ns.OneToOne(), receptor=name, weight=1.0, name=name)
    recording = run(circuit, 5, path, inputs={"in": np.ones((5, 1))}, record={"p": ["held", "free"]})
    assert recording["p"]["held"].values.ravel().tolist() == [0.0, 0.0, 0.0, 1.0, 2.0]
    assert recording["p"]["free"].values.ravel().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_reset_writes_flagged_variables_of_the_neurons_that_spiked(path: str) -> None:
    circuit = empty()
    model = ns.NeuronModel(
        "v : 1 (unless refractory)", threshold="v > 1", reset="v = 0.25", refractory=3 * DT * second, update="v = v + 1"
    )
    circuit.population("p", 1, model, initial={"v": [0.5]})
    recording = run(circuit, 4, path, record={"p": ["v", "spikes"]})
    assert recording["p"]["v"].values.ravel().tolist() == [0.25, 0.25, 0.25, 0.25]
    assert spikes(recording, "p") == [(0, 0), (3, 0)]


# -- the whole-brain fly model, whose synapses act on variables that are held ---------------------------------------


def fly(n: int, counts: Any) -> ns.Circuit:
    """Return `n` neurons of Shiu et al. (2024), each behind its own input of so many synapses."""
    model = ns.NeuronModel(
        "dv/dt = (v_0 - v + g)/t_m : volt (unless refractory)\ndg/dt = -g/t_s : volt (unless refractory)",
        threshold="v > v_th", reset="v = v_0; g = 0*mV", refractory=2.2 * ms, method="exact",
        parameters={"v_0": -52 * ns.units.mV, "v_th": -45 * ns.units.mV, "t_m": 20 * ms, "t_s": 5 * ms},
        initial={"v": "v_0"},
    )  # fmt: skip
    circuit = empty("fly")
    circuit.source("in", ns.SpikeSource(n))
    circuit.population("p", n, model)
    weights = 0.275 * np.asarray(counts) * ns.units.mV
    circuit.connect("in", "p", ns.OneToOne(), receptor="g", weight=weights, delay=1.8 * ms)
    return circuit


def test_peak_and_first_spikes_of_the_fly_model(path: str) -> None:
    given = np.zeros((150, 5))
    given[0] = 1
    recording = run(fly(5, [161, 162, 163, 200, 400]), 150, path, inputs={"in": given}, record={"p": ["v", "spikes"]})
    assert spikes(recording, "p") == [(34, 4), (61, 3), (99, 2), (104, 1)]
    v = recording["p"]["v"].values[0, :, 0]
    assert v.max() == pytest.approx(-45.0272e-3, abs=5e-8)
    share = (5 / 20) ** (20 / 15)
    assert share == pytest.approx(0.157490, abs=5e-7)
    assert v.max() == pytest.approx(-52e-3 + 161 * 0.275e-3 * share, abs=1e-7)
    # Arrival acts on the step after 1.8 ms; the value of step k is that of (k + 1)*dt.
    assert v.argmax() - 18 == pytest.approx(np.log(4) * 20 / 3 / 0.1, abs=1)


def test_a_second_volley_counts_only_after_the_refractory_period(path: str) -> None:
    steps = [21, 31, 39, 42]  # arrives 0.5, 1.5, 2.3 and 2.6 ms after the spike at 3.4 ms
    given = np.zeros((100, 4))
    given[0] = 1
    given[steps, range(4)] = 1
    recording = run(fly(4, [400] * 4), 100, path, inputs={"in": given})
    assert [(step, neuron) for step, neuron in spikes(recording, "p") if step != 34] == [(73, 2), (76, 3)]


def test_periodic_input_to_the_fly_model(path: str) -> None:
    if path == "eager":
        pytest.skip("10,000 steps; the other two paths show it")
    counts, rates = [50, 60, 100, 40], [100, 100, 100, 200]
    given = np.zeros((10_000, 4))
    for neuron, rate in enumerate(rates):
        given[:: 10_000 // rate, neuron] = 1
    found = spikes(run(fly(4, counts), 10_000, path, inputs={"in": given}), "p")
    firsts = [min(step for step, neuron in found if neuron == which) for which in range(4)]
    assert [sum(neuron == which for _, neuron in found) for which in range(4)] == [11, 25, 50, 33]
    assert firsts == [848, 354, 149, 247]


# -- delays as other programs count them ----------------------------------------------------------------------------


def test_delays_of_a_loop_that_tests_first_are_one_step_shorter_here(path: str) -> None:
    """Izhikevich's programs test at the start of an iteration: their delay D is D - dt, their stamps one step later."""
    random = np.random.default_rng(5)
    n, steps = 40, 200
    pre, post = np.nonzero(random.random((n, n)) < 0.2)
    weight = random.integers(-64, 128, len(pre)) / 16.0  # sums are exact in any order
    delay = random.integers(1, 20, len(pre))
    drive = np.round(random.normal(2, 6, (steps, n)) * 16) / 16
    v, u = np.full(n, -65.0), np.full(n, -13.0)
    arriving = np.zeros((steps + 20, n))
    expected = []
    for step in range(steps):
        fired = np.nonzero(v >= 30)[0]
        expected += [(step, int(neuron)) for neuron in fired]
        v[fired] = -65.0
        u[fired] += 8.0
        for edge in np.nonzero(np.isin(pre, fired))[0]:
            arriving[step + delay[edge] - 1, post[edge]] += weight[edge]
        current = arriving[step] + drive[step]
        for _ in range(2):
            v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + 0.02 * (0.2 * v - u)
    circuit = ns.Circuit("loop", dt=1 * ms)
    p = circuit.population("p", n, ns.models.izhikevich_map())
    circuit.connect(p, p, ns.Edges(pre, post), receptor="i_syn", weight=weight, delay=(delay - 1) * ms)
    circuit.inject("drive", p, "i_ext")
    train = run(circuit, steps, path, inputs={"drive": drive}).spikes["p"]
    found = sorted(zip((train.to_steps(1e-3) + 1).tolist(), train.neurons.tolist(), strict=True))
    assert len(expected) > 50
    assert [spike for spike in found if spike[0] < steps] == expected
