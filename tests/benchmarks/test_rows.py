"""Every benchmark in its quick size: sides that are installed work, and compute the same."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from neurosim.benchmarks.benchmark import OURS, Measured, Side
from neurosim.benchmarks.catalogue import catalogue
from neurosim.benchmarks.checks import close_arrays, same_spikes, similar_count
from neurosim.benchmarks.measuring import measure
from neurosim.benchmarks.process import SideProcess
from neurosim.benchmarks.rows import balanced_network
from neurosim.benchmarks.rows.brunel import FULL, case, check, rate
from neurosim.benchmarks.rows.training_step import same_output

NO_GPU = "torch finds no NVIDIA GPU"


@pytest.mark.slow
@pytest.mark.cython
@pytest.mark.parametrize("name", list(catalogue()))
def test_quick_size(name: str) -> None:
    outcome = measure(catalogue()[name], quick=True, repeats=1)
    assert outcome.ok, outcome.content()
    [*cases] = outcome.cases
    if any(side.absent == NO_GPU for item in cases for side in item.sides if side.name == OURS):
        assert name.startswith("gpu")
        pytest.skip(NO_GPU)
    assert all(side.values for item in cases for side in item.sides if side.name == OURS)
    assert outcome.figures or cases[0].figures or cases[0].checks


@pytest.mark.slow
@pytest.mark.cython
def test_a_program_of_brian2_is_compiled_once(tmp_path: Path) -> None:
    settings = balanced_network.case("tiny", 0.02, scale=0.05).settings
    balanced_network.write(settings, tmp_path / "arrays.npz")
    settings = {**settings, "arrays": str(tmp_path / "arrays.npz")}
    results, objects = [], []
    for name, target in (("first", "cpp_standalone"), ("second", "cpp_standalone"), ("third", "numpy")):
        side = Side("Brian2", "balanced_brian2", "brian2", settings={"target": target})
        with SideProcess(
            side, sys.executable, settings, tmp_path / name, threads=1, cache=tmp_path / "cache"
        ) as process:
            assert process.run() > 0
            results.append(process.result()[0])
        objects.append({file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.o")})
    assert objects[0] == objects[1] != {}
    for name in results[0]:
        assert results[0][name].size > 0
        for other in results[1:]:
            np.testing.assert_array_equal(results[0][name], other[name])


def spikes(steps: list[int], neurons: list[int]) -> dict[str, np.ndarray]:
    return {"a.step": np.array(steps), "a.neuron": np.array(neurons)}


def found(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> Measured:
    return Measured({}, {OURS: ours, "peer": theirs}, {OURS: 1.0, "peer": 2.0}, {})


def test_spikes_are_held_against_ours_in_any_order() -> None:
    ours = spikes([3, 1, 1], [0, 2, 1])
    assert [check.ok for check in same_spikes(found(ours, spikes([1, 3, 1], [1, 0, 2])), "peer", ["a"])] == [True]
    for other in (spikes([1, 3, 2], [1, 0, 2]), spikes([1, 3, 1], [1, 0, 3]), spikes([1, 3], [1, 0])):
        assert [check.ok for check in same_spikes(found(ours, other), "peer", ["a"])] == [False]
    silent = spikes([], [])
    assert [check.ok for check in same_spikes(found(silent, silent), "peer", ["a"])] == [False]
    assert same_spikes(found(ours, ours), "absent", ["a"]) == []


def test_counts_are_held_against_ours() -> None:
    ours = spikes(list(range(100)), [0] * 100)
    for count, ok in ((109, True), (91, True), (111, False), (0, False)):
        other = spikes(list(range(count)), [0] * count)
        assert [check.ok for check in similar_count(found(ours, other), "peer", ["a"], 0.1)] == [ok]


def test_arrays_are_held_against_ours() -> None:
    ours = {"x": np.array([1.0, -4.0])}
    for other, ok in (([1.0, -4.0], True), ([1.3, -4.0], True), ([1.5, -4.0], False), ([1.0, -4.0, 0.0], False)):
        assert [check.ok for check in close_arrays(found(ours, {"x": np.array(other)}), "peer", ["x"], 0.1)] == [ok]


def test_late_spikes_are_held_against_those_in_time() -> None:
    train = np.zeros((10, 2, 3), bool)
    train[4, 1, 2] = True
    late = np.roll(train, 2, axis=0)
    ours = {"spikes": late, "late": np.asarray(2)}
    assert [check.ok for check in same_output(found(ours, {"spikes": train, "late": np.asarray(0)}), "peer")] == [True]
    assert [check.ok for check in same_output(found(ours, {"spikes": late, "late": np.asarray(0)}), "peer")] == [False]


def test_the_rate_of_brunels_network_leaves_out_its_onset() -> None:
    settings = case(FULL, 0.5).settings
    early, later = np.full(500, 10), np.full(1250, 1500)
    arrays = {"exc.step": np.concatenate([early, later]), "inh.step": np.full(1250, 4999)}
    measured = Measured(settings, {OURS: arrays}, {OURS: 1.0}, {})
    assert math.isclose(rate(measured, OURS), 2500 / 12500 / 0.4)
    for shift, ok in ((1.05, True), (1.2, False)):
        later = {"exc.step": np.full(round(2500 * shift), 2000), "inh.step": np.zeros(0)}
        peer = Measured(settings, {OURS: arrays, "peer": later}, {OURS: 1.0, "peer": 1.0}, {})
        assert [item.ok for item in check(peer)] == [ok]
    # The paper's threshold rate, 20 mV / (0.1 mV * 1000 * 20 ms) = 10 Hz for each of the 1,000 inputs, twice.
    assert settings["rate"] == pytest.approx(20.0)


def test_first_results_are_held_against_those_of_a_compiled_program() -> None:
    first = {OURS: {"cold": 10.0, "warm": 2.0}, balanced_network.STANDALONE: {"cold": 40.0, "warm": 5.0}}
    measured = Measured({}, {}, {}, {}, first)
    figures = balanced_network.first_results(measured)
    assert [(figure.value, figure.at_least) for figure in figures] == [(4.0, 3.0), (2.5, 3.0)]
    assert balanced_network.first_results(Measured({}, {}, {}, {}, {OURS: {"cold": 1.0}})) == []
