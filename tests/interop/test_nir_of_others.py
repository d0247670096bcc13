"""Graphs of NIR that others wrote, and what they mean: here as there; what a circuit cannot hold is listed."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch

import neurosim as ns
from interop.layered import N_IN, STEPS, check_shifted, of_circuit, record, spikes_for, stack
from neurosim.interop import from_nir, to_nir
from neurosim.interop.nir_graph.writer import Writer
from neurosim.units import ms


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
