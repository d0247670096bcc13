"""The fly's brain: one neuron as in Brian2 itself, the drawn graph, wirings from files, both backends."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.fly_brain.circuit import MN9, SUGAR, build, neuron, notes
from neurosim.circuits.fly_brain.drawn import SECOND, SENSORY, draw_wiring
from neurosim.circuits.fly_brain.experiment import PUBLISHED as EXAMPLE
from neurosim.circuits.fly_brain.experiment import brain, reproduce
from neurosim.datasets.fly_wiring import PUBLISHED, FlyWiring, write_fly_wiring
from neurosim.errors import CircuitError, FileFormatError
from neurosim.units import Hz, ms, mV, second
from tests.reference_data import reference_folder

BACKENDS = ("brian2", "snntorch")


def one_neuron(synapses: float, times: np.ndarray, milliseconds: float, backend: str) -> ns.Recording:
    """Return what a resting neuron does when spikes are sent to it at these times (ms)."""
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.source("input", ns.SpikeSource(1))
    circuit.population("cell", 1, neuron())
    circuit.connect(
        "input", "cell", ns.AllToAll(), receptor="synapse", weight=synapses * 0.275 * mV, delay=1.8 * ms
    )  # fmt: skip
    trains = ns.SpikeTrains(np.asarray(times) * 1e-3, np.zeros(len(times), int), 1, duration=milliseconds * 1e-3)
    record = {"cell": ("spikes", "v")}
    return ns.simulate(circuit, milliseconds * ms, backend=backend, inputs={"input": trains}, record=record)


def fired(recording: ns.Recording) -> list[float]:
    return [round(float(step) * 0.1, 1) for step in recording.spikes["cell"].to_steps(1e-4)]


# --- one neuron; the values are those of Brian2 2.9 run by itself on the published equations ---


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_volley(backend: str) -> None:
    """The peak per mV of g is (ts/tm)**(tm/(tm-ts)) = 0.157490, so that 162 synapses are needed."""
    found = {number: one_neuron(number, np.zeros(1), 30, backend) for number in (161, 162, 163, 200, 400)}
    assert {number: fired(one) for number, one in found.items()} == {
        161: [], 162: [10.4], 163: [9.9], 200: [6.1], 400: [3.4],
    }  # fmt: skip
    v = found[161].traces["cell"]["v"].values.ravel()
    assert v.max() * 1e3 == pytest.approx(-45.0272, abs=5e-5)
    peak = 0.25 ** (4 / 3)
    assert peak == pytest.approx(0.157490, abs=1e-6)
    assert v.max() == pytest.approx(-52e-3 + 161 * 0.275e-3 * peak, abs=1e-7)
    # 1.8 ms of delay, then ln(4)*20/3 ms to the peak.
    assert v.argmax() * 0.1 == pytest.approx(1.8 + math.log(4) * 20 / 3, abs=0.11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_arrives_while_refractory_is_lost(backend: str) -> None:
    """The first volley fires at 3.4 ms; the second arrives so long after that."""
    found = {}
    for after in (0.5, 1.5, 2.3, 2.6):
        sent = 3.4 + after - 1.8
        found[after] = fired(one_neuron(400, np.array([0.0, sent]), 30, backend))
    assert found == {0.5: [3.4], 1.5: [3.4], 2.3: [3.4, 7.3], 2.6: [3.4, 7.6]}


@pytest.mark.parametrize("backend", BACKENDS)
def test_periodic_input(backend: str) -> None:
    expected = {(50, 100): (11, 84.8), (60, 100): (25, 35.4), (100, 100): (50, 14.9), (40, 200): (33, 24.7)}
    for (synapses, rate), answer in expected.items():
        times = fired(one_neuron(synapses, np.arange(rate) * 1e3 / rate, 1000, backend))
        assert (len(times), times[0]) == answer


@pytest.mark.parametrize("backend", BACKENDS)
def test_kicked_neurons_fire_in_the_step_after_a_kick(backend: str) -> None:
    """They have no refractory period; only kicks in the step of a spike are lost, in its reset."""
    circuit = build(wiring="drawn", scale=0.002, rate=2000 * Hz)
    recording = ns.simulate(circuit, 200 * ms, backend=backend)
    trains = recording.spikes["brain"]
    driven = trains.neurons < SENSORY
    rate = driven.sum() / SENSORY / 0.2
    kicked = 1 - math.exp(-0.2)  # the probability that a step has a kick
    assert rate == pytest.approx(1e4 * kicked / (1 + kicked), rel=0.05)
    steps = trains.to_steps(1e-4)
    others = [np.diff(np.sort(steps[trains.neurons == one])) for one in np.unique(trains.neurons[~driven])]
    assert np.concatenate(others).min() > 22
    assert min(np.diff(np.sort(steps[trains.neurons == one])).min() for one in range(SENSORY)) == 2


# --- the drawn graph ---


def test_a_small_graph_runs_alike_on_both_backends() -> None:
    circuit = ns.circuits.build("fly-brain", wiring="drawn", scale=0.02, seed=3)
    assert circuit.name == "fly-brain-drawn"
    assert {name: part.n for name, part in circuit.populations.items()} == {"brain": 2548}
    report = ns.verify(circuit, 40 * ms)
    assert report.identical, report
    trains = ns.simulate(circuit, 40 * ms, backend="snntorch").spikes["brain"]
    assert (trains.neurons >= SENSORY + SECOND).any()
    assert ((trains.neurons >= SENSORY) & (trains.neurons < SENSORY + SECOND)).sum() > 100


def test_the_drawn_graph() -> None:
    wiring = draw_wiring(0.05)
    assert wiring.n == 6370
    neurons, edges, synapses = PUBLISHED["630"]
    assert len(wiring) == round(6370 * edges / neurons)
    pre, post = wiring.pre.astype(np.int64), wiring.post.astype(np.int64)
    assert np.all(np.diff(pre * wiring.n + post) > 0)
    assert not np.any(pre == post)
    numbers = np.abs(wiring.synapses)
    assert numbers.min() == 1
    assert numbers.mean() == pytest.approx(synapses / edges, rel=0.03)
    assert np.mean(numbers > 100) > 20 * math.exp(-100 / numbers.mean())  # a heavy tail
    degrees = np.bincount(post, minlength=wiring.n)
    assert degrees.max() > 8 * degrees.mean()
    excites = np.bincount(pre, wiring.synapses > 0, minlength=wiring.n)
    assert np.all((excites == 0) | (excites == np.bincount(pre, minlength=wiring.n)))
    assert np.all(excites[:SENSORY] > 0)
    strong = (pre < SENSORY) & (post >= SENSORY) & (post < SENSORY + SECOND)
    assert np.bincount(post[strong], minlength=SENSORY + SECOND)[SENSORY : SENSORY + SECOND].min() >= 6
    assert wiring.version == "drawn"
    again, other = draw_wiring(0.05), draw_wiring(0.05, seed=1)
    assert np.array_equal(again.post, wiring.post)
    assert np.array_equal(again.synapses, wiring.synapses)
    assert not np.array_equal(other.post, wiring.post)


@pytest.mark.slow
def test_the_whole_graph_spikes_as_often_as_the_published_example() -> None:
    """17,052 times a second, of which the 21 driven neurons 4,133 (196.8 Hz); 403 neurons in a trial."""
    circuit = build(wiring="drawn")
    assert circuit.populations["brain"].n == PUBLISHED["630"][0]
    trains = ns.simulate(circuit, 1 * second, backend="snntorch", record={"brain": "spikes"}).spikes["brain"]
    assert len(trains.times) == pytest.approx(17052, rel=0.2)
    assert (trains.neurons < SENSORY).sum() == pytest.approx(4133, rel=0.05)
    assert len(np.unique(trains.neurons)) == pytest.approx(403, rel=0.3)


# --- constants, silenced neurons, wirings from files ---


def published(folder: Path) -> FlyWiring:
    """Write files of version 630 that hold the sugar neurons and one more, which hears from all of them."""
    ids = np.array([*SUGAR, MN9])
    count = len(SUGAR)
    wiring = FlyWiring(
        ids, np.arange(count, dtype=np.int32), np.full(count, count, np.int32), np.full(count, 30, np.int32), "630"
    )  # fmt: skip
    write_fly_wiring(folder, wiring, "630")
    return wiring


def test_constants() -> None:
    circuit = build(wiring="drawn", scale=0.002)
    expected = {"tau_mem": 0.02, "tau_syn": 0.005, "v_rest": -0.052, "v_threshold": -0.045}
    assert {key: circuit.parameter("brain", key) for key in expected} == pytest.approx(expected)
    periods = np.asarray(circuit.parameter("brain", "tau_ref"))
    assert np.all(periods[:SENSORY] == 0)
    assert np.all(periods[SENSORY:] == 2.2e-3)
    _, _, weight, delay = circuit.edges("synapses")
    assert np.unique(delay) == pytest.approx([1.8e-3])
    assert np.array_equal(weight, draw_wiring(0.002).synapses * 0.275e-3)
    assert circuit.poisson_inputs["drive"].weight == pytest.approx(68.75e-3)
    assert circuit.rate("drive") == pytest.approx(200)
    assert circuit.dt == 1e-4


def test_silenced_neurons_send_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    wiring = published(tmp_path)
    circuit = build(wiring=wiring, silenced=SUGAR[:5])
    assert np.array_equal(circuit.edges("synapses").weight == 0, np.arange(21) < 5)
    quiet = ns.simulate(build(wiring=wiring, silenced=SUGAR), 100 * ms, backend="snntorch").spikes["brain"]
    assert np.all(quiet.neurons < 21)
    assert len(quiet.neurons) > 100
    heard = ns.simulate(build(wiring=wiring), 100 * ms, backend="snntorch").spikes["brain"]
    assert (heard.neurons == 21).sum() > 10
    assert not build(wiring=wiring, driven=()).poisson_inputs


def test_wirings_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    published(tmp_path)
    circuit = build(folder=tmp_path)
    assert circuit.name == "fly-brain-630"
    assert np.array_equal(circuit.edges("synapses").weight, np.full(21, 30 * 0.275e-3))
    assert "version 630 of FlyWire" in notes(folder=tmp_path)
    assert "it is no brain" in notes(folder=tmp_path, scale=0.1)
    assert build(scale=0.002).name == "fly-brain-drawn"
    with pytest.raises(FileFormatError, match="783"):
        build(wiring="783", folder=tmp_path)
    with pytest.raises(CircuitError, match=r"unknown wiring '63'. Did you mean '630'"):
        build(wiring="63")
    with pytest.raises(CircuitError, match="a real one has its size"):
        build(wiring="630", scale=0.5, folder=tmp_path)
    with pytest.raises(CircuitError, match=r"of version 630 only.*driven="):
        build(
            wiring=FlyWiring(*(getattr(published(tmp_path), key) for key in ("ids", "pre", "post", "synapses")), "783")
        )
    with pytest.raises(CircuitError, match="leaves 127 neurons"):
        build(scale=0.001)
    with pytest.raises(CircuitError, match="no neuron 7"):
        build(folder=tmp_path, driven=[7])


def test_the_driven_neurons_are_those_of_the_published_spikes() -> None:
    from neurosim.datasets.recordings import fly_response

    trains = fly_response.read(reference_folder("fly_lif_reference_output"), 200)
    counts = np.bincount(trains.spikes["active"].neurons)
    ids = trains.units.id.to_numpy()
    most = {int(ids[one]) for one in np.argsort(counts)[-21:]}
    assert most == set(SUGAR)
    rate = counts[list(ids).index(str(MN9))] / 30
    assert rate == pytest.approx(93.27, abs=0.01)


# --- the published example ---


def test_what_can_be_said_without_the_wiring() -> None:
    found = reproduce(quick=True, backend="snntorch", options={})
    assert found.ok, found.rows
    assert len(found.rows) == 17
    assert "FlyWire 630" in found.skipped[0].needs


def test_the_example_on_a_wiring_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """22 neurons are not the brain, and the rows say so; what is driven is as published."""
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    with pytest.raises(FileFormatError, match="630"):
        reproduce(quick=True, backend="snntorch", options={}, data=True)
    folder = tmp_path / "fly_wiring"
    folder.mkdir()
    rows = brain(published(folder), 200, 2, backend="snntorch", options={})
    assert [row.ok for row in rows] == [False, False, False, True]
    spikes, active, motor, kicked = (float(row.obtained) for row in rows)
    assert active == 22
    assert motor > 150
    assert spikes == pytest.approx(21 * kicked + motor, abs=0.3)


@pytest.mark.slow
def test_the_whole_example_on_what_files_are_there() -> None:
    """The real wiring must be in the cache for it (see load_fly_wiring)."""
    try:
        found = reproduce(quick=True, backend="snntorch", options={}, data=True)
    except FileFormatError as missing:
        pytest.skip(str(missing))
    assert found.ok, found.rows


def test_published_numbers_are_those_of_the_published_spikes() -> None:
    tables, folder = pytest.importorskip("pyarrow.parquet"), reference_folder("fly_lif_reference_output")
    for rate, file in ((200, "sugarR"), (100, "sugarR_100Hz")):
        spikes = tables.read_table(folder / f"{file}.parquet")
        trial, neurons = (spikes.column(name).to_numpy() for name in ("trial", "flywire_id"))
        expected = EXAMPLE[rate]
        counts = np.bincount(trial, minlength=30)
        active = [np.unique(neurons[trial == one]).size for one in range(30)]
        motor = np.bincount(trial[neurons == MN9], minlength=30)
        for values, stated in ((counts, expected.spikes), (active, expected.neurons), (motor, expected.motor)):
            assert (np.mean(values), np.std(values, ddof=1)) == pytest.approx(stated, rel=2e-3)
        assert np.isin(neurons, SUGAR).sum() / 30 / 21 == pytest.approx(expected.driven, rel=1e-3)
