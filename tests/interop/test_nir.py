"""Circuits to graphs of NIR and back: the same spikes, and the same graph again; what cannot be written is listed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import neurosim as ns
from backends.random_circuits import circuits
from interop.layered import N_IN, STEPS, cell, record, spikes_for, stack
from neurosim.interop import NirReport, from_nir, to_nir, to_snntorch
from neurosim.interop.nir_graph.convention import LOSSES
from neurosim.units import Mohm, ms, mV, nA, nS, second

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
