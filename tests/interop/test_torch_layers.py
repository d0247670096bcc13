"""Circuits as layers of snnTorch and Norse: the same spikes, a step earlier for every layer; and what is refused."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from interop.layered import N_IN, cell, check_shifted, of_circuit, spikes_for, stack
from neurosim.interop import export_norse, export_snntorch, to_norse, to_snntorch
from neurosim.units import ms, mV, nA, nS, second

LAYERS = ["hidden", "second", "out"]
REST = -0.06


def run_snntorch(circuit: ns.Circuit, given: np.ndarray) -> dict[str, np.ndarray]:
    with torch.no_grad():
        outputs, _ = to_snntorch(circuit, dtype="float64")(torch.tensor(given[:, None], dtype=torch.float64))
    return {name: values[:, 0].numpy() for name, values in outputs.items()}


def run_norse(circuit: ns.Circuit, given: np.ndarray) -> dict[str, np.ndarray]:
    network, state = to_norse(circuit, dtype="float64"), None
    network.return_hidden = True
    kept = []
    with torch.no_grad():
        for step in torch.tensor(given[:, None], dtype=torch.float64):
            hidden, state = network(step, state)
            kept.append([value for value, stateful in zip(hidden, network.stateful_layers, strict=True) if stateful])
    parts = {name: part.model for name, part in circuit.populations.items() if not name.endswith("_constant")}
    names = [name for name, model in parts.items() if isinstance(model, ns.NeuronModel)]
    return {
        name: torch.stack(values)[:, 0].numpy() for name, values in zip(names, zip(*kept, strict=True), strict=True)
    }


#: (dt in ms, method, receptor, what else); the rest of the grid is slow.
SNNTORCH: list[tuple[float, str, str, dict[str, bool]]] = [
    (0.1, "exact", "ampa", {"recurrent": True, "bias": True}),
    (1.0, "euler", "ampa", {"lowered": True}),
    (0.5, "rk4", "jump", {"recurrent": True, "bias": True}),
]
NORSE: list[tuple[float, str, str, dict[str, bool]]] = [
    (0.1, "euler", "ampa", {"recurrent": True}),
    (1.0, "exact", "ampa", {"recurrent": True, "bias": True}),
    (1.0, "euler", "jump", {"lowered": True}),
]
GRID: list[tuple[float, str, str, dict[str, bool]]] = [
    (dt, method, receptor, {"lowered": lowered, "recurrent": recurrent})
    for dt in (0.1, 0.5, 1.0) for method in ("exact", "euler") for receptor in ("ampa", "jump")
    for lowered in (False, True) for recurrent in (False, True)
]  # fmt: skip


def check_snntorch(dt: float, method: str, receptor: str, options: dict[str, bool]) -> None:
    circuit = stack(dt, method, receptor, **options)
    given = spikes_for((N_IN,), 200)
    expected = of_circuit(circuit, given, LAYERS if receptor == "ampa" else LAYERS[:-1])
    found = run_snntorch(circuit, given)
    check_shifted(expected, {name: found[name] for name in expected_order(expected)})


def expected_order(expected: dict[str, np.ndarray]) -> list[str]:
    return [name for name in LAYERS if name in expected]


def check_norse(dt: float, method: str, receptor: str, options: dict[str, bool]) -> None:
    circuit = stack(dt, method, receptor, **options)
    given = spikes_for((N_IN,), 200)
    expected = of_circuit(circuit, given, LAYERS if receptor == "ampa" else LAYERS[:-1])
    found = run_norse(circuit, given)
    check_shifted(expected, {name: found[name] for name in expected_order(expected)}, REST)


@pytest.mark.parametrize(("dt", "method", "receptor", "options"), SNNTORCH)
def test_snntorch_has_the_same_spikes(dt: float, method: str, receptor: str, options: dict[str, bool]) -> None:
    check_snntorch(dt, method, receptor, options)


@pytest.mark.parametrize(("dt", "method", "receptor", "options"), NORSE)
def test_norse_has_the_same_spikes(dt: float, method: str, receptor: str, options: dict[str, bool]) -> None:
    check_norse(dt, method, receptor, options)


@pytest.mark.slow
@pytest.mark.parametrize(("dt", "method", "receptor", "options"), GRID)
def test_the_whole_grid(dt: float, method: str, receptor: str, options: dict[str, bool]) -> None:
    check_snntorch(dt, method, receptor, options)
    try:
        to_norse(stack(dt, method, receptor, **options))
    except ns.UnsupportedError:
        assert (receptor == "ampa") == options["lowered"] or (receptor == "jump" and options["recurrent"])
    else:
        check_norse(dt, method, receptor, options)


def images(dt: float = 1.0) -> ns.Circuit:
    """Convolutions between grids, then a dense layer of another shape."""
    circuit = ns.Circuit("images", dt=dt * ms, seed=2)
    model = cell({"ampa": 5 * ms}, "exact")
    picture = circuit.source("in", ns.SpikeSource((2, 6, 5)))
    first = circuit.population("first", (4, 3, 3), model)
    second_one = circuit.population("second", (3, 2), model)
    rule = ns.Convolution(3, stride=2, padding=1, groups=2)
    circuit.connect(picture, first, rule, receptor="ampa", weight=ns.Uniform(-0.1 * nA, 0.3 * nA))
    circuit.connect(first, second_one, ns.AllToAll(), receptor="ampa", weight=ns.Uniform(-0.1 * nA, 0.14 * nA))
    return circuit


@pytest.mark.parametrize("run", [run_snntorch, run_norse])
def test_convolutions(run: Callable[[ns.Circuit, np.ndarray], dict[str, np.ndarray]]) -> None:
    circuit, given = images(), spikes_for((2, 6, 5), 150, 0.1)
    expected = of_circuit(circuit, given, ["first", "second"])
    outputs = run(circuit, given)
    assert outputs["first"].shape == (150, 4, 3, 3)
    check_shifted(expected, outputs)
    kinds = [type(module) for module in to_snntorch(circuit).modules()]
    assert torch.nn.Conv2d in kinds


def test_a_recurrent_layer_behind_a_grid() -> None:
    circuit = images()
    last = circuit.population("last", 4, cell({"ampa": 5 * ms}, "exact"))
    circuit.connect("second", last, ns.AllToAll(), receptor="ampa", weight=ns.Uniform(0 * nA, 0.3 * nA))
    circuit.connect(last, last, ns.AllToAll(), receptor="ampa", weight=-0.1 * nA)
    given = spikes_for((2, 6, 5), 150, 0.1)
    expected = of_circuit(circuit, given, ["first", "second", "last"])
    for run in (run_snntorch, run_norse):
        check_shifted(expected, run(circuit, given))


def test_a_trained_network_with_its_batch_normalisation() -> None:
    """Discrete maps, a threshold that is reached, a constant that arrives in every step: the layers of delay-snn."""
    untrained = ns.circuits.build(
        "delay-snn", inputs=N_IN, hidden=(16, 12), outputs=4, delays="none", tau_mem=25 * ms, dt=10 * ms, kernels=1
    )
    normalised = {"in_to_hidden1": "batch_norm", "hidden1_to_hidden2": "batch_norm"}
    module = ns.compile(untrained, backend="snntorch", modules=normalised)
    generator = torch.Generator().manual_seed(3)
    for _ in range(20):
        module({"in": (torch.rand(30, 8, N_IN, generator=generator) < 0.2).float()})
    circuit, given = module.to_circuit(), spikes_for((N_IN,), 100, 0.2)
    expected = of_circuit(circuit, given, ["hidden1", "hidden2", "out"])
    check_shifted(expected, run_snntorch(circuit, given))
    check_shifted(expected, run_norse(circuit, given))
    assert to_snntorch(circuit).layers[1].weight.bias is not None


def test_a_threshold_that_is_reached() -> None:
    """Whole numbers of halves meet the threshold exactly, in float32 as well, where >= and > part."""
    for condition in (">", ">="):
        circuit = ns.Circuit("ties", dt=1 * ms)
        model = ns.NeuronModel("v : 1\ngiven : 1", update="v = 0.5*v + given\ngiven = 0", threshold=f"v {condition} 1",
                               reset="v = 0")  # fmt: skip
        circuit.source("in", ns.SpikeSource(N_IN))
        circuit.population("cells", 5, model)
        weight = np.array([0.25, 0.5, 0.75, 1.0])[np.random.default_rng(0).integers(0, 4, 5 * N_IN)]
        circuit.connect("in", "cells", ns.AllToAll(), receptor="given", weight=weight)
        given = spikes_for((N_IN,), 100, 0.05)
        expected = of_circuit(circuit, given, ["cells"])
        with torch.no_grad():
            outputs, _ = to_snntorch(circuit, dtype="float32")(torch.tensor(given[:, None], dtype=torch.float32))
        check_shifted(expected, {"cells": outputs["cells"][:, 0].double().numpy()})
        check_shifted(expected, run_norse(circuit, given))


def test_a_run_can_be_cut() -> None:
    network = to_snntorch(stack(1.0, recurrent=True), dtype="float64")
    given = torch.tensor(spikes_for((2, N_IN), 60), dtype=torch.float64)
    with torch.no_grad():
        whole, _ = network(given)
        first, state = network(given[:25])
        rest, _ = network(given[25:], state)
    for name, values in whole.items():
        assert torch.equal(values, torch.cat([first[name], rest[name]]))


@pytest.mark.parametrize("make", [to_snntorch, to_norse])
def test_weights_are_trained(make: Callable[[ns.Circuit], Any]) -> None:
    """Every weight gets a gradient from the last layer, which never spikes; none is NaN."""
    network, state = make(stack(1.0)), None
    given = torch.tensor(spikes_for((1, N_IN), 30, 0.3), dtype=torch.float32)
    if make is to_norse:
        for step in given:
            output, state = network(step, state)
    else:
        output = network(given)[0]["out"][-1]
    output.sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert len(gradients) == 3
    assert all(gradient is not None and torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)


# --- scripts ---


#: Runs scripts one after the other in one process, which costs one import of torch, and without neurosim.
RUNNER = """
import runpy, sys, warnings
sys.modules["neurosim"] = None
warnings.simplefilter("error")
warnings.filterwarnings("ignore", ".torch.jit.script. is deprecated")
for path in sys.argv[1:]:
    sys.argv = [path, "spikes.npy", "--save", path[:-3] + ".result.npz"]
    runpy.run_path(path, run_name="__main__")
"""


def test_scripts_run_without_neurosim(tmp_path: Path) -> None:
    circuit, given = stack(1.0, "euler", recurrent=True), spikes_for((N_IN,), 120)
    paths = [export_snntorch(circuit, tmp_path / "one.py"), export_norse(circuit, tmp_path / "other.py")]
    np.save(tmp_path / "spikes.npy", given)
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *paths], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    expected, printed = of_circuit(circuit, given, LAYERS), done.stdout.splitlines()
    for path, rest, lines in zip(paths, (0.0, REST), (printed[:3], printed[3:]), strict=True):
        with np.load(path.with_suffix(".result.npz")) as saved:
            outputs = {name: saved[name][:, 0] for name in LAYERS}
        check_shifted(expected, outputs, rest)
        assert lines[0] == f"hidden: {int(outputs['hidden'].sum())} spikes"
        assert lines[2] == "out: it does not spike"


def test_hostile_names_stay_values(tmp_path: Path) -> None:
    circuit = ns.Circuit('"""\nimport os; os.abort()\n"""', dt=1 * ms)
    inner = stack(1.0)
    for part in inner.parts.values():
        circuit._add(part)
    text = export_snntorch(circuit, tmp_path / "net.py").read_text()
    assert "os.abort" in text
    assert "os" not in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("name", ["net.txt", "torch.py", "norse.py", "numpy.py", "json.py"])
def test_files_that_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ns.FileFormatError):
        export_norse(stack(1.0), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = export_snntorch(stack(1.0), tmp_path / "net.py")
    with pytest.raises(ns.FileFormatError, match="exists already"):
        export_snntorch(stack(1.0), path)
    export_snntorch(stack(0.5), path, overwrite=True)
    assert "DT = 0.0005" in path.read_text()


# --- what layers cannot hold ---


def problems_of(make: Callable[[ns.Circuit], Any], circuit: ns.Circuit) -> list[str]:
    with pytest.raises(ns.UnsupportedError) as caught:
        make(circuit)
    return str(caught.value).splitlines()[1:]


def test_everything_in_the_way_is_listed() -> None:
    circuit = ns.Circuit("full", dt=1 * ms)
    given = circuit.source("in", ns.SpikeSource(3))
    circuit.source("noise", ns.PoissonSource(2, 10 / second))
    refractory = circuit.population("refractory", 3, cell({"ampa": 5 * ms}, "exact", tau_ref=2 * ms))
    izhikevich = circuit.population("izhikevich", 3, ns.models.izhikevich())
    conductance = circuit.population("cond", 3, cell({"c": ns.Exponential(5 * ms, reversal=0 * mV)}, "euler"))
    circuit.connect(given, refractory, ns.AllToAll(), receptor="ampa", weight=1 * nA, delay=2 * ms)
    circuit.connect(refractory, izhikevich, ns.AllToAll(), receptor="v", weight=1.0)
    circuit.connect(izhikevich, conductance, ns.AllToAll(), receptor="c", weight=1 * nS)
    circuit.inject("wave", refractory, "i_ext", ns.Sine(0.1 * nA, 5 / second))
    circuit.poisson("background", refractory, receptor="ampa", rate=5 / second, weight=0.1 * nA)
    listed = "\n".join(problems_of(to_snntorch, circuit))
    for part in ("'noise'", "'refractory'", "'izhikevich'", "'cond'", "'in_to_refractory'", "'wave'", "'background'"):
        assert part in listed, listed
    for reason in ("refractory period", "delays, of up to 0.002 s", "is not linear", "drawn at run time"):
        assert reason in listed, listed


def test_shapes_of_networks_that_are_no_chain() -> None:
    circuit = stack(1.0)
    circuit.connect("in", "second", ns.AllToAll(), receptor="ampa", weight=0.1 * nA)
    listed = "\n".join(problems_of(to_snntorch, circuit))
    assert "'second': a layer follows one other; it receives from 'hidden', 'in'" in listed
    assert "'in': a layer is followed by one other; it reaches" in listed
    back = stack(1.0)
    back.connect("second", "hidden", ns.AllToAll(), receptor="ampa", weight=0.1 * nA)
    assert "'hidden': a layer follows one other" in problems_of(to_norse, back)[0]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"hidden.v": -55 * mV}, None),
        ({"hidden.v": -49 * mV}, "spikes without input"),
        ({"hidden.v_leak": -49 * mV}, "spikes without input"),
        ({"hidden.ampa": 0.1 * nA}, "does not start at 0"),
    ],
)
def test_where_a_layer_begins(changed: dict[str, Any], reason: str | None) -> None:
    circuit = stack(1.0).replace(changed)
    if reason is not None:
        assert reason in "\n".join(problems_of(to_snntorch, circuit))
        return
    given = spikes_for((N_IN,), 200)
    check_shifted(of_circuit(circuit, given, LAYERS), run_snntorch(circuit, given))
    check_shifted(of_circuit(circuit, given, LAYERS), run_norse(circuit, given), REST)


def test_constant_currents_that_make_neurons_fire() -> None:
    circuit = stack(1.0)
    circuit.inject("strong", circuit.populations["hidden"][:9], "i_ext", ns.Step(np.linspace(0.11, 0.2, 9) * nA))
    given = spikes_for((N_IN,), 150)
    assert of_circuit(circuit, np.zeros_like(given), ["hidden"])["hidden"][:, :9].any(0).all()
    check_shifted(of_circuit(circuit, given, LAYERS), run_snntorch(circuit, given))


def test_norse_refuses_what_its_cells_do_not_do() -> None:
    jumps = problems_of(to_norse, stack(1.0, receptor="jump"))
    assert len(jumps) == 2
    assert all("kept by Norse" in problem for problem in jumps)
    assert "does not lower it" in problems_of(to_norse, stack(1.0, lowered=True))[0]


def test_other_resets_are_kept() -> None:
    """Reset to elsewhere than rest, a reset of each neuron's own, and a double spike that a lowering leaves behind."""
    circuit = stack(1.0).replace({"hidden.v_reset": np.linspace(-70, -52, 20) * mV, "second.v_reset": -65 * mV})
    given = spikes_for((N_IN,), 150)
    check_shifted(of_circuit(circuit, given, LAYERS), run_snntorch(circuit, given))
    high = stack(1.0, receptor="jump", lowered=True).replace({"in_to_hidden.weight": 35 * mV})
    given = spikes_for((N_IN,), 150, 0.01)
    expected = of_circuit(high, given, ["hidden"])
    assert (expected["hidden"].sum(0) > spikes_for((N_IN,), 150, 0.01).sum()).all()  # several spikes for one that came
    check_shifted(expected, {"hidden": run_snntorch(high, given)["hidden"]})
