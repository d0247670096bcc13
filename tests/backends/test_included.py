"""Circuits in circuits on both backends: the parts of an included circuit run under their paths, addressed as any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.backends.brian2.prepared import Prepared
from neurosim.program.lowering import lower
from neurosim.units import Hz, Mohm, ms, mV, nA


def column(*, drawn: bool = True) -> ns.Circuit:
    """Return a circuit with neurons, a map, sources and inputs of every kind; nothing random if not `drawn`."""
    circuit = ns.Circuit("column", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49.5 * mV, tau_ref=2 * ms,
        receptors={"ampa": 5 * ms},
    )  # fmt: skip
    exc = circuit.population("exc", 8, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV) if drawn else -51 * mV})
    inh = circuit.population("inh", 4, cell)
    circuit.source("spikes", ns.SpikeSource(3))
    circuit.connect("spikes", exc, ns.AllToAll(), receptor="ampa", weight=0.2 * nA, delay=0.5 * ms)
    rule = ns.FixedProbability(0.5) if drawn else ns.AllToAll()
    circuit.connect(exc, inh, rule, receptor="ampa", weight=0.05 * nA, delay=1 * ms)
    circuit.inject("stimulus", exc[:4], "i_ext", ns.Step(0.2 * nA))
    if drawn:
        trace = "dr/dt = -r/tau : 1 (event-driven)\ndo/dt = -o/tau : 1 (clock-driven)"
        plastic = ns.SynapseModel(
            trace, on_pre="receptor_post += w; r += 1", on_post="o += 1; w = w + step*r - 0.5*step*o",
            parameters={"tau": 10 * ms, "step": ns.Uniform(0 * nA, 0.01 * nA)}, initial={"r": ns.Uniform(0, 1)},
        )  # fmt: skip
        circuit.connect(
            inh, exc, ns.FixedProbability(0.5), receptor="ampa", synapse=plastic, weight=0.02 * nA, delay=0.3 * ms,
            post_delay=0.2 * ms,
        )  # fmt: skip
        circuit.population("maps", 3, ns.models.izhikevich_map(noise_std=5.0))
        circuit.source("drive", ns.PoissonSource(6, 300 * Hz))
        circuit.connect("drive", exc, rule, receptor="ampa", weight=0.1 * nA, delay=ns.Uniform(0 * ms, 2 * ms))
        circuit.poisson("background", inh[1:], receptor="ampa", rate=900 * Hz, weight=ns.Uniform(0 * nA, 0.05 * nA))
    return circuit


def area(*, drawn: bool = True) -> ns.Circuit:
    """Return two columns, the first of which drives the second."""
    circuit = ns.Circuit("area", dt=0.1 * ms, seed=7)
    left, right = (circuit.include(side, column(drawn=drawn)) for side in ("left", "right"))
    circuit.connect(left["exc"][:5], right["exc"], ns.AllToAll(), receptor="ampa", weight=0.1 * nA, delay=1 * ms)
    return circuit


def test_both_backends_agree() -> None:
    brain = ns.Circuit("brain", dt=0.1 * ms)
    brain.include("visual", area())
    report = ns.verify(brain, 20 * ms)
    assert report.identical, report
    recording = ns.simulate(brain, 20 * ms)
    for side in ("left", "right"):
        assert len(recording.spikes[f"visual/{side}/exc"])
        assert np.ptp(recording.state.variables[f"visual/{side}/inh_to_exc"]["w"]) > 0


def test_an_included_circuit_behaves_as_it_does_alone() -> None:
    spikes = np.random.default_rng(0).random((300, 3)) < 0.1
    alone = ns.simulate(column(drawn=False), 30 * ms, inputs={"spikes": spikes})
    inside = ns.simulate(area(drawn=False), 30 * ms, inputs={"left/spikes": spikes})
    for name in ("exc", "inh"):
        assert inside.spikes[f"left/{name}"] == alone.spikes[name]
        assert np.array_equal(inside.state.variables[f"left/{name}"]["v"], alone.state.variables[name]["v"])
    assert inside.spikes["right/exc"] != alone.spikes["exc"]
    assert len(alone.spikes["exc"]) > 20
    assert len(alone.spikes["inh"])


def test_noise_follows_the_path() -> None:
    circuit = area()
    recording = ns.simulate(circuit, 20 * ms, record=["left/maps.v", "right/maps.v", "left/drive.spikes"])
    assert not np.array_equal(recording["left/maps"]["v"].values, recording["right/maps"]["v"].values)
    other = ns.Circuit("other", dt=0.1 * ms, seed=1)
    other.population("before", 2, ns.models.izhikevich())
    other.include("left", column())
    again = ns.simulate(other, 20 * ms, record=["left/maps.v", "left/drive.spikes"])
    assert np.array_equal(recording["left/maps"]["v"].values, again["left/maps"]["v"].values)
    assert recording.spikes["left/drive"] == again.spikes["left/drive"]
    assert len(again.spikes["left/drive"])


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_addresses_in_runs_files_and_loops(backend: str, tmp_path: Path) -> None:
    circuit = area()
    record = {"left/exc": ["spikes", ns.Record("v", neurons=slice(2))], "right/inh_to_exc": "w"}
    inputs = {"right/stimulus": ns.FilteredNoise(0.3 * nA, 0.1 * nA, 3 * ms)}
    whole = ns.simulate(circuit, 20 * ms, backend=backend, inputs=inputs, record=record)
    assert whole["left/exc"]["v"].shape == (1, 200, 2)
    assert whole["right/inh_to_exc"]["w"].shape[2] == circuit.edges("right/inh_to_exc").pre.size
    whole.save(tmp_path / "whole.zarr")
    kept = ns.Recording.load(tmp_path / "whole.zarr")
    assert kept.spikes == whole.spikes
    assert kept.state == whole.state
    assert np.array_equal(kept["left/exc"]["v"], whole["left/exc"]["v"])

    streamed = ns.simulate(
        circuit, 20 * ms, backend=backend, inputs=inputs, record=record, store=tmp_path / "streamed.zarr"
    )
    assert streamed.spikes == whole.spikes
    assert streamed.state == whole.state
    assert np.array_equal(streamed["left/exc"]["v"], whole["left/exc"]["v"])

    first = ns.simulate(circuit, 12 * ms, backend=backend, inputs=inputs)
    first.state.save(tmp_path / "first.zarr")
    rest = ns.simulate(circuit, 8 * ms, backend=backend, inputs=inputs, state=ns.State.load(tmp_path / "first.zarr"))
    assert rest.state == whole.state

    options = {"dtype": "float64"} if backend == "snntorch" else {}
    loop = ns.compile(circuit, backend=backend, **options).session(record={"left/exc": "v"})
    for _ in range(4):
        out = loop.step(inputs, n=50)
    assert loop.state == whole.state
    assert np.array_equal(out["left/exc"]["v"][:, :2], whole["left/exc"]["v"].values[:, -1])


def test_brian2_names_are_told_apart() -> None:
    circuit = area()
    circuit.population("left_exc", 2, ns.models.izhikevich())
    objects = Prepared(circuit, lower(circuit), "numpy").objects
    assert {"left__exc", "left_exc", "left__exc_to_inh", "left_exc_to_right_exc"} <= {part.name for part in objects.all}


@pytest.mark.slow
def test_compiled_brian2_takes_the_names() -> None:
    reference = ns.simulate(area(), 20 * ms, backend="brian2")
    compiled = ns.simulate(area(), 20 * ms, backend="brian2", target="cython")
    assert compiled.spikes == reference.spikes


def test_modules_carry_the_paths() -> None:
    import torch

    marks = {"left/exc.tau_mem": ns.Trainable(per="neuron"), "right/exc_to_inh.weight": ns.Trainable()}
    module = ns.compile(area(), backend="snntorch", dtype="float64", trainable=marks)
    assert {name for name, _ in module.named_parameters()} == {"left/exc.tau_mem", "right/exc_to_inh.weight"}
    out, state = module({"left/spikes": torch.ones(60, 1, 3)}, record=["left/exc.v"])
    out["left/exc"]["v"].sum().backward()
    assert module.part("left/exc").tau_mem.grad.abs().min() > 0
    assert state.variables["right/exc"]["v"].shape == (1, 8)

    with torch.no_grad():
        module.part("left/exc").tau_mem.mul_(2.0)
    other = ns.compile(area(), backend="snntorch", dtype="float64", trainable=marks)
    other.load_state_dict(module.state_dict())
    trained = other.to_circuit()
    assert np.allclose(trained.parameter("left/exc", "tau_mem"), 40e-3, rtol=1e-12)
    assert np.all(trained.parameter("right/exc", "tau_mem") == 20e-3)


def test_values_are_tied_across_by_address() -> None:
    marks = {f"{side}/exc.tau_mem": ns.Trainable(tie="time") for side in ("left", "right")}
    module = ns.compile(area(), backend="snntorch", trainable=marks)
    assert module.part("left/exc").tau_mem is module.part("right/exc").tau_mem
