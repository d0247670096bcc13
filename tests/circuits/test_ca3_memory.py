"""The memory of CA3 against what was published of it, and against the same model with one thing changed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.ca3_memory.circuit import build
from neurosim.circuits.ca3_memory.experiment import run, spikes_of
from neurosim.circuits.ca3_memory.operations import (
    Learn,
    RecallByContent,
    RecallByCue,
    answers,
    drive,
    length,
    stored_answers,
)
from neurosim.circuits.ca3_memory.protocol import COUNTED, PUBLISHED
from neurosim.circuits.ca3_memory.templates import Spike, expected_spikes
from neurosim.errors import CircuitError, RecordError
from neurosim.units import ms, nA

RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "brian2": ("brian2", {}),
    "float64": ("snntorch", {"dtype": "float64"}),
    "float32": ("snntorch", {"dtype": "float32"}),
}


def wrong_cells(spikes: set[Spike], expected: set[Spike], cue: int = 5) -> int:
    """Return in how many steps and populations other neurons spike than should; the two halves of "out" are two."""
    return len({(step, population, population == "out" and n < cue) for step, population, n in spikes ^ expected})


def test_templates_have_the_published_counts() -> None:
    assert [sum(item.counts) for item in PUBLISHED.values()] == [262, 1567, 402]
    for item in PUBLISHED.values():
        found = Counter(
            name if name != "out" else "out_cue" if neuron < item.cue else "out_content"
            for _, name, neuron in expected_spikes(item.programme, item.cue)
        )
        assert tuple(found[name] for name in COUNTED) == item.counts
        assert stored_answers(item.programme) == item.answers


def test_published_answers() -> None:
    functional, stress, application = PUBLISHED.values()
    assert functional.answers == {3: {0, 1, 8, 9}, 4: {3, 4}, 5: {0, 3}, 7: {1, 3, 4, 8}, 8: {4}}
    by_bit = [[stress.answers[first + bit] for bit in range(10)] for first in (10, 30, 50)]
    plain = [{0, 2, 4}, {1, 2}, {3, 4}] + 7 * [set()]
    assert by_bit == [plain, [{1, 3}, {0, 3, 4}, {0, 1, 2}] + 7 * [{0, 1, 2, 3, 4}], plain]
    assert list(application.answers.values()) == [{2, 6, 10, 12, 13, 14}, {3, 5, 11, 15}, {1, 7, 9}, {0, 4, 8}]


@pytest.mark.parametrize(
    ("name", "run_by"),
    [
        pytest.param(name, run_by, marks=[pytest.mark.slow] if name == "stress" else [])
        for name in PUBLISHED
        for run_by in RUNS
    ],
)
def test_every_published_spike(name: str, run_by: str) -> None:
    """The stress test by Brian2 is among the quick tests too: tests/cli/test_reproduce.py."""
    item, (backend, options) = PUBLISHED[name], RUNS[run_by]
    outcome = run(item.programme, item.cue, item.content, steps=item.steps, backend=backend, options=options)
    assert outcome.spikes == expected_spikes(item.programme, item.cue)
    assert len(outcome.spikes) == sum(item.counts)
    assert outcome.answers == item.answers
    assert outcome.recording.state is not None
    for projection in ("cue_to_content", "content_to_cue"):
        weights = outcome.recording.state.variables[projection]["w"]
        assert weights.min() >= 0
        assert weights.max() == pytest.approx(6e-9, rel=1e-6)


def test_copies_in_a_batch_are_copies() -> None:
    item = PUBLISHED["functional"]
    module = ns.compile(build(programme=item.programme), backend="snntorch", dtype="float64")
    alone, batch = module.run(item.steps * ms), module.run(item.steps * ms, trials=5)
    for name, variables in batch.state.variables.items():
        for variable, values in variables.items():
            assert np.array_equal(values, np.repeat(alone.state.variables[name][variable], 5, axis=0)), (name, variable)
    assert all(spikes_of(batch, trial) == spikes_of(alone) for trial in range(5))


def test_backends_agree_to_the_last_bit() -> None:
    report = ns.verify(build(programme="functional"), 90 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 262


#: Changes that must break the first experiment, and how many (step, population) cells are then wrong.
CONTROLS: dict[str, tuple[dict[str, Any], int]] = {
    "no refractory step": ({"tau_ref": 0 * ms}, 54),
    "amplitude times w_max": ({"a_plus": 36 * nA, "a_minus": 36 * nA}, 13),
    "pre before post": ({"post_first": False}, 14),
    "no input scaling": ({"scaling": 1.0}, 36),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_break_it(control: str) -> None:
    changes, cells = CONTROLS[control]
    item = PUBLISHED["functional"]
    outcome = run(item.programme, 5, 10, steps=item.steps, backend="snntorch", **changes)
    assert wrong_cells(outcome.spikes, expected_spikes(item.programme, 5)) == cells


def test_without_the_way_back_of_the_spike_it_breaks() -> None:
    item = PUBLISHED["functional"]
    circuit = build(programme=item.programme).replace(
        {"cue_to_content.post_delay": 0 * ms, "content_to_cue.post_delay": 0 * ms}
    )
    recording = ns.simulate(circuit, item.steps * ms, backend="snntorch")
    assert wrong_cells(spikes_of(recording), expected_spikes(item.programme, 5)) == 22


def test_potential_after_one_spike() -> None:
    circuit = build(cue=1, content=2, programme=((0, RecallByContent((0, 1))),), opening_weight=0 * nA).replace(
        {"input_content.w": [1, 6] * nA, "gate_input.w": [9, 1] * nA}
    )
    recording = ns.simulate(
        circuit, 8 * ms, backend="snntorch", dtype="float64", record={"content_cue": "v", "gate": "v"}
    )
    slow, fast = (recording[name]["v"].values[0].max(axis=0) * 1e3 + 60 for name in ("content_cue", "gate"))
    assert slow[0] == pytest.approx(0.91119, abs=1e-4)
    assert fast[1] == pytest.approx(0.89338, abs=1e-4)


def test_weights_from_which_one_spike_fires_a_neuron() -> None:
    """A little less and a little more: bits 0 and 1 for slow neurons, 2 and 3 for fast ones, 4 and 5 for the output."""
    weights = {"input_content.w": 6 * [6.0], "gate_input.w": 6 * [9.0], "out_content.w": 6 * [6.0]}
    for place, (address, firing) in enumerate(zip(weights, (3.2924, 3.3580, 2.7437), strict=True)):
        weights[address][2 * place : 2 * place + 2] = [firing - 1e-4, firing + 1e-4]
    once = ((0, RecallByContent(range(6))),)
    circuit = build(cue=1, content=6, programme=once, opening_weight=0 * nA).replace(
        {address: values * nA for address, values in weights.items()}
    )
    spikes = spikes_of(ns.simulate(circuit, 12 * ms, backend="snntorch"))
    fired = {name: {n for _, population, n in spikes if population == name} for name in ("content_cue", "gate", "out")}
    assert fired == {"content_cue": {1, 2, 3, 4, 5}, "gate": {1, 3, 4, 5}, "out": {1 + 1, 1 + 2, 1 + 3, 1 + 5}}


def test_latencies_and_an_unused_cue() -> None:
    programme = ((0, Learn(1, (0, 3))), (20, RecallByCue(1)), (40, RecallByContent((3,))), (60, RecallByCue(2)))
    out = {(step, neuron) for step, name, neuron in run(programme, 3, 4).spikes if name == "out"}
    learned = {(step, neuron) for step in (5, 7) for neuron in (1, 3, 6)}
    assert out == learned | {(25, 1), (26, 3), (26, 6), (45, 6), (46, 1), (65, 2)}


def test_weights_after_learning_and_forgetting() -> None:
    programme = ((0, Learn(0, (0, 1))), (28, RecallByCue(0)), (48, Learn(0, (1, 2))), (68, RecallByContent((0,))))
    recording = run(programme, 2, 3, record=["cue_to_content.w", "content_to_cue.w", "out.spikes"]).recording
    forward = 1e9 * recording["cue_to_content"]["w"].values[0].reshape(-1, 2, 3)
    backward = 1e9 * recording["content_to_cue"]["w"].values[0].reshape(-1, 3, 2)
    assert forward[28, 0, :2].min() >= 5.99
    assert forward[66, 0].tolist() == pytest.approx([0, 6, 6])
    assert 0 < backward[66, 0, 0] <= 3.09
    assert answers(programme, np.zeros((80, 5), dtype=bool), 2)[3] == set()
    assert not [spike for spike in spikes_of(recording) if spike[0] == 74]


def test_asking_for_two_bits_twice_makes_a_false_link() -> None:
    operations = [Learn(0, (0, 1)), Learn(3, (4, 5)), *2 * [RecallByContent((0, 4))], RecallByContent((0,))]
    programme = [(20 * place, operation) for place, operation in enumerate(operations)]
    outcome = run(programme, 5, 10, backend="snntorch")
    assert [outcome.answers[place] for place in (2, 3, 4)] == [{0, 3}, {0, 3}, {0, 3}]
    assert stored_answers(programme)[4] == {0}


def test_a_field_of_the_map_is_lost_when_asked_for_alone() -> None:
    learned = [(start, operation) for start, operation in PUBLISHED["application"].programme if start < 112]
    outcome = run([*learned, (112, RecallByContent((4,)))], 16, 6, backend="snntorch")
    assert outcome.answers[16] == {6, 10, 14}


def test_size_of_the_circuit() -> None:
    for cue, content, neurons, synapses in ((5, 10, 56, 265), (16, 6, 73, 852)):
        circuit = build(cue=cue, content=content)
        inner = [part for name, part in circuit.populations.items() if name not in ("input", "out")]
        assert sum(part.n for part in inner) == neurons == 3 * cue + 4 * content + 1
        edges = {name: circuit.edges(name)[0].size for name in circuit.projections}
        assert sum(edges.values()) == synapses + 2 * (cue + content)
        assert edges["cue_to_content"] == edges["content_to_cue"] == cue * content
    assert build(cue=1, content=1).populations.keys() == build().populations.keys()


def test_figure_of_any_run() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from neurosim.circuits.ca3_memory.figure import plot

    circuit = build(cue=2, content=3)
    axes = plot(ns.simulate(circuit, 60 * ms), circuit, Figure().subplots())
    fed, out = (np.asarray(dots.get_offsets()) for dots in axes.collections)
    assert fed[fed[:, 0] == 2].tolist() == [[2, 0], [2, 3], [2, 5]], "cue 0, bits 0 and 2, above a gap"
    assert out[out[:, 0] == 5].tolist() == [[5, 0], [5, 3], [5, 5]]
    with pytest.raises(RecordError, match="spikes of input"):
        plot(ns.simulate(circuit, 10 * ms, record={"out": "spikes"}), circuit, Figure().subplots())


def test_what_does_not_fit_is_refused() -> None:
    for arguments, message in (
        ({"cue": 0}, "at least"),
        ({"programme": "fuctional"}, "Did you mean 'functional'"),
        ({"programme": "application"}, "cue=16"),
        ({"programme": ((0, RecallByCue(5)),)}, "no cue 5"),
        ({"programme": ((0, Learn(0, (10,))),)}, "no bit 10"),
    ):
        with pytest.raises(CircuitError, match=message):
            build(**arguments)
    with pytest.raises(CircuitError, match="does not fit into 2 steps"):
        drive([(0, Learn(0, (0,)))], 1, 1, 2)
    assert length([]) == 0
