"""The worm: its wiring reaches the circuit, it rests until it is stimulated, and it answers as the literature says."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns
from neurosim.circuit import Circuit
from neurosim.circuits.celegans_connectome.circuit import COMMANDS, Pulse, build, notes, resting_potentials
from neurosim.circuits.celegans_connectome.figure import CLASSES, motor_neurons, plot
from neurosim.cli import main
from neurosim.datasets import ChemicalSynapses, Connectome, GapJunctions, load_connectome
from neurosim.errors import CircuitError, RecordError, UnitError
from neurosim.recording import Recording
from neurosim.units import ms, mV, nS, pA, pF, psiemens, second

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cect") is None, reason="the cect tables are not installed (pip install --no-deps cect)"
)
DT = 0.5e-3


@pytest.fixture(scope="module")
def worm() -> Circuit:
    return build()


@pytest.fixture(scope="module")
def recording(worm: Circuit) -> Recording:
    return ns.simulate(worm, 3 * second, backend="brian2", record={"worm": "v"})


def rise(recording: Recording, circuit: Circuit) -> np.ndarray:
    """Return the depolarisation over rest in mV, (time, neuron)."""
    return (recording["worm"]["v"].values[0] - circuit.parameter("worm", "v_th")) * 1e3


def of_class(values: np.ndarray, circuit: Circuit, kind: str) -> float:
    labels = circuit.populations["worm"].labels or ()
    return float(values[motor_neurons(labels)[kind]].mean())


# --- the wiring ---


def test_every_connection_of_the_data_is_there(worm: Circuit) -> None:
    connectome = load_connectome()
    labels = worm.populations["worm"].labels
    assert labels == connectome.names
    assert len(labels) == 302
    counts = {name: len(worm.edges(name).pre) for name in worm.projections}
    assert counts == {"excitatory": 3495, "inhibitory": 214, "gap_junctions": 2182}
    conductance = np.zeros((302, 302))
    for name, sign in (("excitatory", 1), ("inhibitory", -1)):
        edges = worm.edges(name)
        conductance[edges.pre, edges.post] += sign * edges.weight
    assert np.allclose(conductance, 10e-12 * connectome.to_matrix("signed"), rtol=1e-12, atol=0)


def test_gap_junctions_act_both_ways(worm: Circuit) -> None:
    edges = worm.edges("gap_junctions")
    conductance = np.zeros((302, 302))
    conductance[edges.pre, edges.post] = edges.weight
    assert np.array_equal(conductance, conductance.T)
    assert not np.any(np.diag(conductance))
    ala, pvdl = (load_connectome().index(name) for name in ("ALA", "PVDL"))
    assert conductance[ala, pvdl] > 1e-9  # more than a hundred sections


def test_inhibition_comes_from_gaba_cells(worm: Circuit) -> None:
    transmitters = load_connectome().transmitters
    releasing = [set(transmitters[cell]) for cell in np.unique(worm.edges("inhibitory").pre)]
    assert all("gaba" in used and "acetylcholine" not in used for used in releasing)


def test_cells_are_chosen_by_name(worm: Circuit) -> None:
    labels = worm.populations["worm"].labels or ()
    assert [labels[i] for i in worm.populations["worm"]["AVBL", "AVBR"].indices] == ["AVBL", "AVBR"]
    assert [labels[i] for i in worm.injections["backward"].indices] == ["AVAL", "AVAR"]


@pytest.mark.parametrize(("unknown_sign", "inhibitory"), [("negative", 3709 - 1832), ("drop", 214)])
def test_unknown_signs_are_an_option(unknown_sign: str, inhibitory: int) -> None:
    circuit = build(unknown_sign=unknown_sign)  # type: ignore[arg-type]
    assert len(circuit.edges("excitatory").pre) == 1832  # from cells that release acetylcholine and no GABA
    assert len(circuit.edges("inhibitory").pre) == inhibitory
    short = ns.simulate(circuit, 1 * second, backend="brian2", record={"worm": "v"})
    end = rise(short, circuit)[-1]
    assert min(of_class(end, circuit, kind) for kind in ("DB", "VB")) > 3 * max(
        of_class(end, circuit, kind) for kind in ("DA", "VA")
    )


def test_notes_count_by_sign_and_transmitter() -> None:
    text = notes(dt=1 * ms)
    assert "302 cells" in text
    assert "+ 3495 pairs" in text
    assert "- 214 pairs" in text
    assert "left out" in notes(unknown_sign="drop")


def test_show_prints_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "celegans-connectome", "--set", "unknown_sign=drop"]) == 0
    printed = capsys.readouterr().out
    assert "excitatory: worm -> worm, Edges(<1832 edges>)" in printed
    assert "unknown (left out)" in printed


# --- what it does ---


def test_nothing_moves_before_the_stimulus(recording: Recording, worm: Circuit) -> None:
    before = recording["worm"]["v"].values[0, : round(0.25 / DT)]
    assert np.abs(before - before[0]).max() < 1e-9  # rest was rounded to a nanovolt
    assert np.abs(rise(recording, worm)[0]).max() < 1e-6


@pytest.mark.parametrize(
    ("time", "driven", "silent", "factor"),
    [(1.0, ("DB", "VB"), ("DA", "VA"), 3), (2.25, ("DA", "VA"), ("DB", "VB"), 2)],
    ids=["forward", "backward"],
)
def test_command_neurons_drive_their_motor_neurons(
    recording: Recording, worm: Circuit, time: float, driven: tuple[str, ...], silent: tuple[str, ...], factor: int
) -> None:
    end = rise(recording, worm)[round(time / DT) - 1]
    assert min(of_class(end, worm, kind) for kind in driven) > factor * max(of_class(end, worm, k) for k in silent)


def test_depolarisations(recording: Recording, worm: Circuit) -> None:
    # From a stiff integrator (scipy's BDF) on the same equations.
    values = rise(recording, worm)
    forward = {"DB": 6.92, "VB": 6.11, "DA": 0.87, "VA": 0.82, "AS": 1.05, "DD": 1.52, "VD": 1.17}
    backward = {"DB": 0.86, "VB": 0.87, "DA": 3.72, "VA": 4.04, "AS": 1.92, "DD": 0.94, "VD": 1.01}
    for time, expected in ((1.0, forward), (2.25, backward)):
        end = values[round(time / DT) - 1]
        assert {kind: of_class(end, worm, kind) for kind in CLASSES} == pytest.approx(expected, abs=0.011)
    assert np.abs(values[-1]).max() < 0.1


def test_a_longer_step_gives_the_same_steady_state(recording: Recording, worm: Circuit) -> None:
    coarse = build(dt=1 * ms)
    other = ns.simulate(coarse, 1 * second, backend="brian2", record={"worm": "v"})
    assert np.abs(rise(other, coarse)[-1] - rise(recording, worm)[round(1 / DT) - 1]).max() < 2e-3


def test_another_stimulus(worm: Circuit) -> None:
    touch = Pulse(("PLML", "PLMR"), 20 * pA, 10 * ms, 200 * ms)
    circuit = build(stimuli={"touch": touch})
    assert set(circuit.injections) == {"touch"}
    run = ns.simulate(circuit, 200 * ms, backend="brian2", record={"worm": "v"})
    end = rise(run, circuit)[-1]
    assert end[load_connectome().index("PLML")] > end[load_connectome().index("AVBL")] > 0.1
    with pytest.raises(CircuitError, match=r"no neuron labelled 'PLMX'.*Did you mean 'PLM[LR]'"):
        build(stimuli={"touch": Pulse(("PLMX",), 20 * pA, 10 * ms, 200 * ms)})


def test_both_backends_give_the_same_traces(worm: Circuit, recording: Recording) -> None:
    # The stimulus starts after 0.25 s; v and s of every cell, every step.
    module = ns.compile(worm, backend="snntorch", dtype="float64")
    exact = module.run(0.3 * second, record={"worm": ["v", "s"]})
    reference = ns.simulate(worm, 0.3 * second, backend="brian2", record={"worm": ["v", "s"]})
    eager = module.run_eager(0.3 * second, record={"worm": ["v", "s"]})
    for variable in ("v", "s"):
        expected = reference["worm"][variable].values
        assert np.array_equal(exact["worm"][variable].values, expected)
        assert np.abs(eager["worm"][variable].values - expected).max() <= 1e-9 * np.abs(expected).max()
    assert np.array_equal(recording["worm"]["v"].values[:, :600], reference["worm"]["v"].values)
    assert np.ptp(reference["worm"]["v"].values[0, :, worm.injections["forward"].indices[0]]) > 5e-3


# --- three cells, by hand ---


@pytest.fixture
def three() -> Connectome:
    chemical = ChemicalSynapses([0, 1, 2], [1, 2, 2], [4, 2, 3], [1, -1, 1])
    return Connectome(("A", "B", "C"), chemical, GapJunctions([0, 1], [2, 1], [5, 7]), ((), (), ()))


def test_resting_potentials_by_hand(three: Connectome) -> None:
    # In pS and mV: leak 100 to -35, s = 1/11, a junction of 50 between A and C; that of B with itself does nothing.
    potential = resting_potentials(three, synapse=10 * psiemens, gap_junction=10 * psiemens, leak=100 * psiemens) * 1e3
    a, b, c = potential
    assert 100 * (-35 - a) + 50 * (c - a) == pytest.approx(0, abs=1e-3)
    assert 100 * (-35 - b) + 40 / 11 * (0 - b) == pytest.approx(0, abs=1e-3)
    assert 100 * (-35 - c) + 50 * (a - c) + 20 / 11 * (-48 - c) + 30 / 11 * (0 - c) == pytest.approx(0, abs=1e-3)


def test_the_run_solves_the_published_equations(three: Connectome) -> None:
    circuit = build(
        connectome=three, dt=0.02 * ms, stimuli={"pulse": Pulse(("A",), 2 * pA, 0 * ms, 30 * ms)}, capacitance=1 * pF
    )
    run = ns.simulate(circuit, 60 * ms, backend="brian2", record={"worm": ["v", "s"]})
    v_th = np.asarray(circuit.parameter("worm", "v_th"))

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        v, s = y[:3], y[3:]
        current = 100e-12 * (-35e-3 - v) + np.array([2e-12 if t < 0.03 else 0, 0, 0])
        current += np.array([50e-12 * (v[2] - v[0]), 40e-12 * s[0] * (0 - v[1]), 50e-12 * (v[0] - v[2])])
        current[2] += 20e-12 * s[1] * (-48e-3 - v[2]) + 30e-12 * s[2] * (0 - v[2])
        return np.concatenate([current / 1e-12, (1 - s) / (1 + np.exp(-125 * (v - v_th))) - 5 * s])

    times = (np.arange(3000) + 1) * 2e-5
    start = np.concatenate([v_th, np.full(3, 1 / 11)])
    exact = solve_ivp(slope, (0, 0.061), start, t_eval=times, rtol=1e-8, atol=1e-12, max_step=1e-3).y.T
    assert np.ptp(exact[:, 0]) > 5e-3
    assert np.abs(run["worm"]["v"].values[0] - exact[:, :3]).max() < 2e-5
    assert np.abs(run["worm"]["s"].values[0] - exact[:, 3:]).max() < 1e-5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"leak": 0 * nS}, CircuitError, "leak must be positive"),
        ({"synapse": -1 * psiemens}, CircuitError, "synapse must be one conductance that is not negative"),
        ({"gap_junction": [1, 2] * nS}, CircuitError, "gap_junction must be one conductance"),
        ({"gap_junction": 10.0}, UnitError, "gap_junction needs a unit"),
        ({"synapse": 10 * mV}, UnitError, "synapse must be in siemens"),
        ({"stimuli": {"x": Pulse(("A",), 2 * mV, 0 * ms, 1 * ms)}}, UnitError, "must be in amp"),
    ],
)
def test_refused(three: Connectome, options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build(connectome=three, stimuli=options.pop("stimuli", {}), **options)  # type: ignore[arg-type]


# --- the figure ---


def test_motor_neurons_are_sorted_by_class_and_number(worm: Circuit) -> None:
    labels = worm.populations["worm"].labels or ()
    classes = motor_neurons(labels)
    assert {kind: len(members) for kind, members in classes.items()} == {
        "DB": 7, "VB": 11, "DA": 9, "VA": 12, "AS": 11, "DD": 6, "VD": 13,
    }  # fmt: skip
    assert [labels[index] for index in classes["VB"]][:3] == ["VB1", "VB2", "VB3"]
    assert labels[classes["VB"][-1]] == "VB11"


@pytest.fixture
def _no_figures() -> Iterator[None]:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield
    pyplot.close("all")


@pytest.mark.usefixtures("_no_figures")
def test_figure(recording: Recording, worm: Circuit) -> None:
    axes = plot(recording, worm)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(CLASSES)
    image = axes.collections[0].get_array()
    assert image.shape == (69, 6000)
    db1 = load_connectome().index("DB1")
    assert np.array_equal(image[0], rise(recording, worm)[:, db1])
    assert {text.get_text() for text in axes.texts} == {", ".join(pulse.neurons) for pulse in COMMANDS.values()}
    axes.figure.canvas.draw()


@pytest.mark.usefixtures("_no_figures")
def test_figure_needs_every_neuron(worm: Circuit) -> None:
    few = ns.simulate(worm, 1 * ms, backend="brian2", record={"worm": ns.Record("v", neurons=slice(10))})
    with pytest.raises(RecordError, match="needs v of all 302 neurons"):
        plot(few, worm)
