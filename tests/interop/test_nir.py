"""Circuits to graphs of NIR and back: the same spikes, and the same graph again; and what the graphs of others mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

import neurosim as ns
from backends.random_circuits import circuits
from interop.layered import N_IN, cell, check_shifted, of_circuit, spikes_for, stack
from neurosim.interop import NirReport, from_nir, to_nir, to_snntorch
from neurosim.interop.nir_graph.convention import LOSSES
from neurosim.interop.nir_graph.writer import Writer
from neurosim.units import Mohm, ms, mV, nA, nS, second

STEPS = 150
Inputs = dict[str, Any]


def volts(**options: Any) -> dict[str, Any]:
    return {"tau_mem": 20 * ms, "r": 100 * Mohm, "v_leak": -60 * mV, **options}


def spiking(**options: Any) -> dict[str, Any]:
    return volts(v_threshold=-50 * mV, v_reset=-62 * mV, **options)


def start(n: int | tuple[int, ...] = 6) -> tuple[ns.Circuit, Any, Inputs]:
    circuit = ns.Circuit("one", dt=1 * ms, seed=5)
    source = circuit.source("in", ns.SpikeSource(n))
    return circuit, source, {"in": spikes_for((int(np.prod(n)),), STEPS, 0.1)}


def two_receptors() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return two synapses, one of them an alpha function, and pulses on v besides; neurons that differ."""
    circuit, source, inputs = start()
    receptors = {"ampa": 5 * ms, "gaba": ns.Alpha(8 * ms), "jump": ns.Delta()}
    varied = {"tau_mem": ns.Uniform(10 * ms, 30 * ms), "r": ns.Uniform(80 * Mohm, 99 * Mohm)}
    cells = circuit.population(
        "cells", 5, ns.models.lif(**spiking(receptors=receptors), method="euler"), parameters=varied
    )
    circuit.connect(source, cells, ns.AllToAll(), receptor="ampa", weight=ns.Uniform(0 * nA, 0.4 * nA))
    circuit.connect(source, cells, ns.FixedProbability(0.5), receptor="gaba", weight=-0.05 * nA, name="inhibition")
    circuit.connect(source, cells, ns.FixedProbability(0.5), receptor="jump", weight=1 * mV, name="kick")
    return circuit, inputs, {"LIF": 1, "LI": 3, "Linear": 3}


def integrators() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return neurons without a leak, that spike or do not, from pulses and from each other's values."""
    circuit, source, inputs = start()
    parameters = {"r": 50 / second}
    sums = ns.NeuronModel("dv/dt = r*i : 1\ni : 1", parameters=parameters)
    fires = ns.NeuronModel("dv/dt = r*i : 1\ni : 1", threshold="v > 1.3", reset="v = 0.25", parameters=parameters)
    first, cells = circuit.population("sums", 6, sums), circuit.population("fires", 4, fires)
    circuit.connect(source, first, ns.OneToOne(), receptor="v", weight=np.linspace(0.1, 0.6, 6))
    circuit.connect(first, cells, ns.AllToAll(), receptor="i", weight=0.03)
    circuit.connect(cells, cells, ns.AllToAll(), receptor="v", weight=-0.01)
    return circuit, inputs, {"I": 1, "IF": 1, "Scale": 1, "Linear": 2}


def values() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return analogue input, filters of it, a threshold, injections that are inputs and those that are constants."""
    circuit = ns.Circuit("values", dt=1 * ms, seed=5)
    signal = circuit.source("signal", ns.SignalSource(3))
    slow = circuit.population("slow", 3, ns.models.leaky_integrator(tau_mem=30 * ms))
    gate = circuit.population("gate", 3, ns.NeuronModel("x : 1", threshold="x > 0.2"))
    readout = ns.models.leaky_integrator(tau_mem=15 * ms, r=2.0, receptors={"syn": 5 * ms})
    out = circuit.population("out", 2, readout)
    circuit.connect(signal, slow, ns.OneToOne(), receptor="i_ext", weight=2.0)
    circuit.connect(slow, gate, ns.OneToOne(), receptor="x", weight=1.0)
    circuit.connect(gate, out, ns.AllToAll(), receptor="syn", weight=0.4)
    circuit.inject("given", out, "i_ext")
    circuit.inject("constant", out[1:], "i_ext", ns.Step(0.3))
    wave = np.sin(np.arange(STEPS)[:, None] / [3.0, 9.0, 20.0])
    inputs = {"signal": wave, "given": wave[:, :2]}
    return circuit, inputs, {"LI": 3, "Threshold": 1, "Input": 2, "Scale": 2}


def delays() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return one delay, one for each neuron before, one for each behind, and one for each edge."""
    circuit, source, inputs = start()
    model = cell({"ampa": 5 * ms}, "exact")
    populations = [circuit.population(name, 5, model) for name in ("one", "before", "behind", "edges")]
    pre, post = np.divmod(np.arange(30), 5)
    for cells, delay in zip(populations, (7, pre, post * 2, np.arange(30) % 4), strict=True):
        circuit.connect(source, cells, ns.AllToAll(), receptor="ampa", weight=ns.Uniform(0 * nA, 0.5 * nA),
                        delay=delay * ms)  # fmt: skip
    return circuit, inputs, {"Delay": 1 + 1 + 1 + 3, "Linear": 3 + 4, "CubaLIF": 4}


def convolutions() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return grids, and a matrix behind them; one convolution that NIR has a node for and two that it has none for."""
    circuit, source, inputs = start((2, 6, 5))
    model = cell({"ampa": 5 * ms}, "exact")
    first = circuit.population("first", (3, 3, 3), model)
    grouped = circuit.population("grouped", (3, 2, 1), model)
    wide = circuit.population("wide", (2, 5, 3), model)
    last = circuit.population("last", 4, model)
    weight = ns.Uniform(-0.1 * nA, 0.5 * nA)
    circuit.connect(source, first, ns.Convolution(3, stride=2, padding=1), receptor="ampa", weight=weight, delay=2 * ms)
    circuit.connect(first, grouped, ns.Convolution((2, 3), groups=3), receptor="ampa", weight=weight)
    circuit.connect(source, wide, ns.Convolution((2, 3)), receptor="ampa", weight=weight)
    circuit.connect(first, last, ns.AllToAll(), receptor="ampa", weight=ns.Uniform(-0.1 * nA, 0.2 * nA))
    return circuit, inputs, {"Conv2d": 1, "Flatten": 3, "Delay": 1, "Linear": 3}


def lines() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
    """Return a convolution in one dimension, between parts of an included circuit, to the neurons themselves too."""
    inner = ns.Circuit("inner", dt=1 * ms)
    model = cell({"ampa": 5 * ms}, "exact")
    inner.source("in", ns.SpikeSource((2, 12)))
    inner.population("row", (3, 6), model)
    inner.connect("in", "row", ns.Convolution(3, stride=2, padding=1, dilation=1), receptor="ampa",
                  weight=ns.Uniform(0 * nA, 0.5 * nA))  # fmt: skip
    circuit = ns.Circuit("outer", dt=1 * ms, seed=3)
    left = circuit.include("left", inner)
    single = circuit.population("single", 3, model)
    circuit.connect(left["row"], single[[2, 0]], ns.FixedProbability(0.5), receptor="ampa", weight=0.2 * nA)
    return circuit, {"left/in": spikes_for((24,), STEPS, 0.1)}, {"Conv1d": 1, "Linear": 1, "Flatten": 1}


def network(**options: Any) -> Callable[[], tuple[ns.Circuit, Inputs, dict[str, int]]]:
    def made() -> tuple[ns.Circuit, Inputs, dict[str, int]]:
        return stack(0.5, **options), {"in": spikes_for((N_IN,), STEPS, 0.1)}, {}

    return made


CASES = {
    "two receptors": two_receptors, "integrators": integrators, "values": values, "delays": delays,
    "convolutions": convolutions, "lines": lines,
    "network": network(recurrent=True, bias=True), "pulses on v": network(receptor="jump", recurrent=True, bias=True),
}  # fmt: skip


def record(circuit: ns.Circuit, inputs: Inputs) -> dict[str, np.ndarray]:
    """Return the spikes, or v, of every population under the name of its node."""
    parts = {name: part for name, part in circuit.populations.items() if isinstance(part.model, ns.NeuronModel)}
    wanted = {name: ["spikes"] if part.spiking else ["v"] for name, part in parts.items()}
    recording = ns.simulate(
        circuit, STEPS * circuit.dt * 1000 * ms, backend="snntorch", dtype="float64", inputs=inputs, record=wanted
    )
    found = {}
    for name, part in parts.items():
        if part.spiking:
            trains = recording.spikes[name]
            array = np.zeros((STEPS, part.n))
            array[trains.to_steps(circuit.dt), np.asarray(trains.neurons)] = 1
            assert array.any(), name
        else:
            array = recording[name]["v"].values[0]
        found[name.replace("/", "_")] = array
    return found


def same_graphs(first: Any, second: Any) -> None:
    """Compare: the same nodes with the same numbers, and the same edges; names of transformations do not matter."""

    def told(graph: Any) -> list[Any]:
        return sorted(
            (type(node).__name__, sorted((key, np.shape(value), f"{np.sum(value):.10g}") for key, value in
                                         vars(node).items() if isinstance(value, np.ndarray)))
            for node in graph.nodes.values()
        )  # fmt: skip

    assert told(first) == told(second)
    assert len(first.edges) == len(second.edges)


@pytest.mark.parametrize("spikes", ["dirac", "step"])
@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name: str, spikes: str, tmp_path: Path) -> None:
    circuit, inputs, kinds = CASES[name]()
    report = to_nir(circuit, tmp_path / "a.nir", spikes=spikes)
    assert report.lost == ()
    assert {kind: report.nodes.get(kind) for kind in kinds} == kinds
    again = from_nir(tmp_path / "a.nir", method="euler" if name == "two receptors" else None)
    assert again.dt == circuit.dt
    to_nir(again, tmp_path / "b.nir", spikes=spikes)
    same_graphs(nir.read(tmp_path / "a.nir"), nir.read(tmp_path / "b.nir"))
    if spikes == "dirac":
        renamed = {key.replace("/", "_"): value for key, value in inputs.items()}
        expected, found = record(circuit, inputs), record(again, renamed)
        assert expected.keys() == found.keys()
        for part, values in expected.items():
            if circuit.populations[part.replace("left_", "left/")].spiking:
                assert np.array_equal(found[part], values), part
            else:
                np.testing.assert_allclose(found[part], values, rtol=1e-12, atol=1e-12, err_msg=part)


def test_numbers_are_those_of_continuous_time(tmp_path: Path) -> None:
    """Known values: nothing depends on dt, arrays have a shape, v_reset is there, weights are amperes."""
    graphs = []
    for dt in (0.1, 1.0):
        circuit = ns.Circuit("known", dt=dt * ms)
        circuit.source("in", ns.SpikeSource(3))
        circuit.population("cells", 2, cell({"ampa": 5 * ms}, "exact"))
        circuit.connect("in", "cells", ns.AllToAll(), receptor="ampa", weight=0.25 * nA, delay=3 * ms)
        to_nir(circuit, tmp_path / "known.nir", overwrite=True)
        graphs.append(nir.read(tmp_path / "known.nir"))
    for graph in graphs:
        node = graph.nodes["cells"]
        known = {"tau_mem": 0.02, "tau_syn": 0.005, "r": 1e8, "v_leak": -0.06, "v_threshold": -0.05, "v_reset": -0.06,
                 "w_in": 0.005}  # fmt: skip
        for name, value in known.items():
            assert getattr(node, name).shape == (2,)
            np.testing.assert_allclose(getattr(node, name), value, rtol=1e-15)
        assert np.array_equal(graph.nodes["in_to_cells"].weight, np.full((2, 3), 0.25e-9))
        assert np.array_equal(graph.nodes["in_to_cells.delay"].delay, np.full(3, 3e-3))
    assert [graph.metadata["dt"] for graph in graphs] == [1e-4, 1e-3]


# --- graphs of others ---


def chain(*nodes: Any) -> Any:
    return nir.NIRGraph.from_list(*nodes)


def cuba(n: int, **values: Any) -> Any:
    given = {
        "tau_syn": 5e-3,
        "tau_mem": 20e-3,
        "r": 1.0,
        "v_leak": 0.0,
        "v_threshold": 1.0,
        "v_reset": 0.0,
        "w_in": 1.0,
    }
    return nir.CubaLIF(**{name: np.full(n, value) for name, value in {**given, **values}.items()})


def foreign(n: int = 8) -> Any:
    rng = np.random.default_rng(3)
    first = nir.Affine(rng.normal(4, 8, (n, N_IN)), np.zeros(n))
    second_one = nir.Linear(rng.normal(4, 8, (4, n)))
    return chain(nir.Input({"input": np.array([N_IN])}), first, cuba(n), second_one, cuba(4, tau_syn=8e-3))


def run_by_norse(graph: Any, given: np.ndarray, dt: float, kind: str = "CubaLIF") -> dict[str, np.ndarray]:
    """Run a graph by Norse's own reading of NIR; return what its cells of a kind put out."""
    import norse.torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = norse.torch.from_nir(graph, dt=dt).double()
    kept: dict[str, list[Any]] = {}
    for name, part in module.named_modules():
        if type(part).__name__ == kind:
            part.register_forward_hook(lambda _, __, output, name=name: kept.setdefault(name, []).append(output[0]))
    state = None
    with torch.no_grad():
        for step in torch.tensor(given[:, None], dtype=torch.float64):
            _, state = module(step, state)
    return {name: torch.stack(values)[:, 0].numpy() for name, values in kept.items()}


def test_a_file_means_to_others_what_it_means_here(tmp_path: Path) -> None:
    """Norse's own reading of a graph has the spikes of the circuit, one step earlier a layer (spikes="step", Euler)."""
    given = spikes_for((N_IN,), 200, 0.1)
    circuit = from_nir(foreign(), dt=1 * ms, spikes="step", method="euler")
    written = tmp_path / "again.nir"
    to_nir(circuit, written, spikes="step")
    for graph in (foreign(), nir.read(written)):
        outputs = run_by_norse(graph, given, 1e-3)
        names = [name for name, part in circuit.populations.items() if part.spiking and name != "input"]
        recording = ns.simulate(circuit, 200 * ms, backend="snntorch", dtype="float64", inputs={"input": given},
                                record={name: ["spikes"] for name in names})  # fmt: skip
        expected = {}
        for name in names:
            expected[name] = np.zeros((200, circuit.populations[name].n))
            expected[name][recording.spikes[name].to_steps(1e-3), np.asarray(recording.spikes[name].neurons)] = 1
        assert len(outputs) == 2
        check_shifted(expected, dict(zip(names, outputs.values(), strict=True)))


def test_a_trained_map_is_executed_by_others() -> None:
    """The layers of delay-snn with folded batch normalisation: Norse's own reading of the graph has their spikes."""
    untrained = ns.circuits.build(
        "delay-snn", inputs=N_IN, hidden=(16, 12), outputs=4, delays="none", tau_mem=25 * ms, dt=10 * ms, kernels=1
    )
    module = ns.compile(untrained, backend="snntorch", modules={"in_to_hidden1": "batch_norm"})
    generator = torch.Generator().manual_seed(3)
    for _ in range(20):
        module({"in": (torch.rand(30, 8, N_IN, generator=generator) < 0.2).float()})
    circuit, given = module.to_circuit(), spikes_for((N_IN,), 100, 0.2)
    drawing = Writer(circuit, nir, "step", frozenset({"map"})).drawn()
    graph = nir.NIRGraph(drawing.nodes, drawing.edges)
    assert type(graph.nodes["in_to_hidden1"]).__name__ == "Affine"
    outputs = run_by_norse(graph, given, 10e-3, "LIFBoxCell")
    expected = of_circuit(circuit, given, ["hidden1", "hidden2"])
    check_shifted(expected, dict(zip(expected, outputs.values(), strict=True)))


def test_readings_of_a_spike_differ_by_the_step() -> None:
    node = nir.LIF(*(np.array([value]) for value in (20e-3, 2.0, 0.0, 1.0)))
    graph = chain(nir.Input({"input": np.array([1])}), nir.Linear(np.array([[0.3]])), node)
    for spikes, jump in (("dirac", 0.3 * 2.0 / 20e-3), ("step", 0.3 * 2.0 / 20e-3 * 5e-4)):
        circuit = from_nir(graph, dt=0.5 * ms, spikes=spikes)
        assert circuit.edges("linear").weight == pytest.approx([jump], rel=1e-15)


def test_graphs_in_graphs_and_loops() -> None:
    """A recurrent layer as snnTorch writes it: a graph of its own, which is the same network as one without."""
    n, rng = 5, np.random.default_rng(0)
    forward, back = nir.Linear(rng.normal(8, 5, (n, 3))), nir.Affine(rng.normal(0, 3, (n, n)), np.linspace(0, 0.5, n))
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    shape = np.array([n])
    inner = nir.NIRGraph({"input": nir.Input({"input": shape}), "lif": cuba(n), "w_rec": back,
                          "output": nir.Output({"output": shape})}, edges)  # fmt: skip
    outer = nir.NIRGraph(
        {"input": nir.Input({"input": np.array([3])}), "fc": forward, "rnn": inner,
         "output": nir.Output({"output": shape})},
        [("input", "fc"), ("fc", "rnn"), ("rnn", "output")],
    )  # fmt: skip
    flat = nir.NIRGraph(
        {"input": nir.Input({"input": np.array([3])}), "fc": forward, "rnn_lif": cuba(n), "w_rec": back,
         "output": nir.Output({"output": shape})},
        [("input", "fc"), ("fc", "rnn_lif"), ("rnn_lif", "w_rec"), ("w_rec", "rnn_lif"), ("rnn_lif", "output")],
    )  # fmt: skip
    nested, plain = (from_nir(graph, dt=1 * ms, spikes="step") for graph in (outer, flat))
    inputs = {"input": spikes_for((3,), STEPS, 0.2)}
    found, expected = record(nested, inputs), record(plain, inputs)
    assert np.array_equal(found["rnn_lif"], expected["rnn_lif"])
    signals = [item.signal for item in nested.injections.values()]
    assert len(signals) == 1
    assert isinstance(signals[0], ns.Step)
    assert np.array_equal(signals[0].amplitude, np.linspace(0, 0.5, n))


def test_pools_groups_and_biases_of_images() -> None:
    """Weights put together along a path: pooling, grouped convolution with a bias, flattening, matrix, scale."""
    rng = np.random.default_rng(1)
    kernel, bias = rng.normal(size=(4, 1, 3, 2)), np.arange(4.0)
    matrix, scale = rng.normal(size=(3, 4 * 2 * 2)), np.array([1.0, 2.0, -1.0])
    nodes = {
        "input": nir.Input({"input": np.array([2, 8, 6])}),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "conv": nir.Conv2d(None, kernel, 1, 0, 1, 2, bias),
        "flatten": nir.Flatten({"input": np.array([4, 2, 2])}, 0, -1),
        "linear": nir.Linear(matrix),
        "scale": nir.Scale(scale),
        "li": nir.LI(*(np.full(3, value) for value in (20e-3, 1.0, 0.0))),
        "output": nir.Output({"output": np.array([3])}),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)), type_check=False)
    circuit = from_nir(graph, dt=1 * ms, inputs="signal")
    edges = circuit.edges("scale")
    whole = np.zeros((3, 96))
    whole[edges.post, edges.pre] = edges.weight
    picture = rng.normal(size=(1, 2, 8, 6))
    with torch.no_grad():
        pooled = torch.nn.functional.avg_pool2d(torch.tensor(picture), 2) * 4
        seen = torch.nn.functional.conv2d(pooled, torch.tensor(kernel), groups=2)
        none = torch.nn.functional.conv2d(0 * pooled, torch.tensor(kernel), torch.tensor(bias), groups=2)
    np.testing.assert_allclose(whole @ picture.ravel(), scale * (matrix @ seen.numpy().ravel()), rtol=1e-12)
    signal = next(iter(circuit.injections.values())).signal
    assert isinstance(signal, ns.Step)
    np.testing.assert_allclose(signal.amplitude, scale * (matrix @ none.numpy().ravel()), rtol=1e-12)


def test_single_convolutions_and_pools_stay_kernels() -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 2, 3, 3))
    for node, shape, size in (
        (nir.Conv2d((6, 6), kernel, 1, "same", 1, 1, np.zeros(3)), (3, 6, 6), (3, 2, 3, 3)),
        (nir.AvgPool2d(np.array([2, 3]), np.array([2, 3]), np.array([0, 0])), (2, 3, 2), (2, 1, 2, 3)),
    ):
        population = nir.IF(*(np.full(shape, value) for value in (1.0, 1.0, 0.0)))
        nodes = {"input": nir.Input({"input": np.array([2, 6, 6])}), "w": node, "if": population,
                 "output": nir.Output({"output": np.array(shape)})}  # fmt: skip
        graph = nir.NIRGraph(nodes, [("input", "w"), ("w", "if"), ("if", "output")], type_check=False)
        circuit = from_nir(graph, dt=1 * ms)
        assert circuit.populations["n_if" if "n_if" in circuit.populations else "if"].shape == shape
        assert circuit.kernel("w").shape == size
        expected = kernel if size == kernel.shape else np.full(size, 1 / 6)
        np.testing.assert_allclose(circuit.kernel("w"), expected, rtol=1e-15)


def test_values_without_a_shape() -> None:
    """Single numbers stand for as many neurons as the weights before them have (files of old snnTorch)."""
    node = nir.LIF(*(np.array(value) for value in (20e-3, 1.0, 0.0, 1.0)))
    nodes = {"0": nir.Input({"input": np.array([3])}), "1": nir.Linear(np.ones((4, 3))), "2": node,
             "3": nir.Output({"output": np.array([4])})}  # fmt: skip
    graph = nir.NIRGraph(nodes, [("0", "1"), ("1", "2"), ("2", "3")], type_check=False)
    circuit = from_nir(graph, dt=1 * ms)
    assert {name: part.n for name, part in circuit.populations.items()} == {"n_0": 3, "n_2": 4}


# --- what does not fit ---


def test_everything_that_nir_cannot_hold_is_listed(tmp_path: Path) -> None:
    circuit = ns.Circuit("full", dt=1 * ms)
    circuit.population("izhikevich", 3, ns.models.izhikevich())
    conductance = circuit.population("conductance", 3, cell({"c": ns.Exponential(5 * ms, reversal=0 * mV)}, "euler"))
    circuit.connect("izhikevich", conductance, ns.AllToAll(), receptor="c", weight=1 * nS)
    worm = circuit.population("worm", 2, ns.models.leaky_integrator(**volts()))
    gap = ns.SynapseModel("i_ext_post = w*(v_pre - v_post) : amp (summed)")
    circuit.connect(worm, worm, ns.AllToAll(), synapse=gap, weight=0.01 * nS, name="gap")
    circuit.population("noisy", 2, ns.NeuronModel("dv/dt = -v/tau + xi*tau**-0.5 : 1", parameters={"tau": 5 * ms}))
    circuit.population("never", 2, ns.NeuronModel("dv/dt = -v/tau : 1", threshold="v > 1", parameters={"tau": 5 * ms}))
    circuit.population("late", 2, cell({"ampa": 5 * ms}, "exact", tau_ref=3 * ms), initial={"v": -55 * mV})
    with pytest.raises(ns.UnsupportedError) as caught:
        to_nir(circuit, tmp_path / "no.nir")
    listed = str(caught.value)
    for what in ("'izhikevich'", "'conductance'", "'gap'", "'noisy'", "'never'", "(refractory)", "(initial)"):
        assert what in listed, listed
    assert not list(tmp_path.iterdir())


def lossy() -> ns.Circuit:
    circuit = ns.Circuit("lossy", dt=0.1 * ms, seed=1)
    noise = circuit.source("noise", ns.PoissonSource(20, 50 / second))
    model = cell({"ampa": 5 * ms}, "exact", lowered=True)
    cells = circuit.population("cells", 10, model, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    late = circuit.population("late", 10, cell({"ampa": 5 * ms}, "exact", tau_ref=2 * ms))
    circuit.connect(noise, cells, ns.AllToAll(), receptor="ampa", weight=0.1 * nA, delay=ns.Uniform(0 * ms, 10 * ms))
    stdp = ns.models.pair_stdp(a_plus=0.01, a_minus=0.01, w_max=1 * nA, amplitude="relative")
    circuit.connect(cells, late, ns.AllToAll(), synapse=stdp, receptor="ampa", weight=0.1 * nA)
    circuit.inject("wave", late, "i_ext", ns.Sine(0.1 * nA, 5 / second))
    circuit.poisson("background", late, receptor="ampa", rate=5 / second, weight=0.1 * nA)
    return circuit


def test_losses_are_asked_for_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    kinds = ["delay", "refractory", "initial", "reset", "plasticity", "input"]
    with pytest.raises(ns.UnsupportedError) as caught:
        to_nir(lossy(), path)
    for kind in kinds:
        assert f"({kind})" in str(caught.value)
    report = to_nir(lossy(), path, allow_lossy=kinds)
    assert len(report.lost) == 8
    assert str(report).count("\nlost: ") == 8
    assert isinstance(report, NirReport)
    mean = lossy().edges("noise_to_cells").delay.mean()
    graph = nir.read(path)
    np.testing.assert_allclose(graph.nodes["noise_to_cells.delay"].delay, mean, rtol=1e-12)
    np.testing.assert_allclose(graph.nodes["cells"].v_reset, -0.06, rtol=1e-12)
    np.testing.assert_allclose(graph.nodes["cells_to_late"].weight, np.full((10, 10), 1e-10), rtol=1e-14)
    with pytest.raises(ns.UnsupportedError, match="Did you mean 'delay'"):
        to_nir(lossy(), tmp_path / "b.nir", allow_lossy={"delays"})


def test_what_a_circuit_cannot_hold_is_listed() -> None:
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "threshold": nir.Threshold(np.ones(3)),
        "delay": nir.Delay(np.full(3, 0.01)),
        "wrong": nir.Linear(np.ones((2, 7))),
        "li": nir.LI(*(np.ones(3) for _ in range(3))),
        "late": nir.Delay(np.full(3, 0.01)),
        "li2": nir.LI(*(np.ones(3) for _ in range(3))),
        "lif": nir.LIF(*(np.ones(2) for _ in range(4))),
        "output": nir.Output({"output": np.array([2])}),
    }
    edges = [("input", "threshold"), ("threshold", "wrong"), ("wrong", "lif"), ("lif", "output"), ("input", "li"),
             ("li", "late"), ("late", "li2"), ("li2", "output")]  # fmt: skip
    with pytest.raises(ns.UnsupportedError) as caught:
        from_nir(nir.NIRGraph(nodes, edges, type_check=False), dt=1 * ms, inputs={"inputt": "spikes"})
    for what in ("spikes reach a threshold", "weights of shape (2, 7)", "values are delayed", "no input 'inputt'"):
        assert what in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ns.CircuitError, "give dt="),
        ({"dt": 1 * ms, "spikes": "diracs"}, ns.UnsupportedError, "Did you mean 'dirac'"),
        ({"dt": 1 * ms, "inputs": "currents"}, ns.UnsupportedError, "must be 'spikes' or 'signal'"),
        ({"dt": 1 * ms, "units": "mV"}, ns.UnsupportedError, "must be 'plain' or 'SI'"),
    ],
)
def test_arguments_that_are_wrong(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        from_nir(foreign(), **options)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ns.FileFormatError, match="there is no file"):
        from_nir(tmp_path / "none.nir", dt=1 * ms)
    (tmp_path / "text.nir").write_text("no HDF5")
    with pytest.raises(ns.FileFormatError, match="cannot be read"):
        from_nir(tmp_path / "text.nir", dt=1 * ms)
    nir.write(tmp_path / "node.nir", cuba(2))
    with pytest.raises(ns.FileFormatError, match="cannot be read"):
        from_nir(tmp_path / "node.nir", dt=1 * ms)
    to_nir(stack(1.0), tmp_path / "a.nir")
    with pytest.raises(ns.FileFormatError, match="exists already"):
        to_nir(stack(1.0), tmp_path / "a.nir")
    before = (tmp_path / "a.nir").read_bytes()
    (tmp_path / "cut.nir").write_bytes(before[: len(before) // 2])
    with pytest.raises(ns.FileFormatError, match="cannot be read"):
        from_nir(tmp_path / "cut.nir")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nir", "cut.nir", "node.nir", "text.nir"]


def test_units_are_as_asked_for() -> None:
    for units, found in (("plain", "1"), ("SI", "volt"), (None, "1")):
        circuit = from_nir(foreign(), dt=1 * ms, units=units)
        assert circuit.populations["cubalif"].variables["v"] == found


def test_trained_and_untrained_circuits_are_written_alike(tmp_path: Path) -> None:
    """What may be trained is no part of what a circuit does."""
    marked = stack(1.0).replace({"in_to_hidden.weight": ns.Trainable()})
    to_nir(marked, tmp_path / "marked.nir")
    to_nir(stack(1.0), tmp_path / "plain.nir")
    same_graphs(nir.read(tmp_path / "marked.nir"), nir.read(tmp_path / "plain.nir"))


@pytest.mark.slow
def test_random_circuits_are_written_or_refused(tmp_path: Path) -> None:
    """Whatever a circuit holds, it is refused, or written and read, and then the same when written again."""
    written = 0

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
              derandomize=True, database=None)  # fmt: skip
    @given(circuits())
    def check(case: Any) -> None:
        nonlocal written
        circuit = case[0] if isinstance(case, tuple) else getattr(case, "circuit", case)
        with suppress(ns.UnsupportedError):
            to_snntorch(circuit)
        try:
            to_nir(circuit, tmp_path / "0.nir", allow_lossy=LOSSES, overwrite=True)
        except ns.UnsupportedError:
            return
        for before, after in (("0.nir", "1.nir"), ("1.nir", "2.nir")):  # inputs that lead nowhere do not come back
            to_nir(from_nir(tmp_path / before, round_delays=True), tmp_path / after, overwrite=True)
        same_graphs(nir.read(tmp_path / "1.nir"), nir.read(tmp_path / "2.nir"))
        written += 1

    check()
    assert written > 0
