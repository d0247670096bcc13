from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import RecordError
from neurosim.recording import Record, Recordable, Recording, RecordingBuilder, concatenate, plan_recording
from neurosim.units import ms

DT = 1e-4
BOTH = {"exc": ["spikes", Record("rate", bin=5 * DT)]}


def test_whole_bins_are_those_of_the_spikes(toy_run: Any) -> None:
    recording = toy_run(0, 22, spec=BOTH)
    rate = recording["exc"]["rate"]
    assert rate.dims == ("trial", "time")
    assert (rate.attrs["units"], rate.attrs["bin"], rate.attrs["neurons"]) == ("hertz", 5 * DT, 7)
    expected = recording.spikes["exc"].population_rate(5 * DT)
    assert np.array_equal(rate.values[:, :4], expected.values)
    assert rate["time"].values.tolist() == [0, 5 * DT, 10 * DT, 15 * DT, 20 * DT]
    assert rate["observed"].values.tolist() == [5 * DT] * 4 + [2 * DT]
    last = recording.spikes["exc"].restrict((20 * DT, 22 * DT)).counts().values.sum(axis=1)
    assert np.allclose(rate.values[:, 4], last / (7 * 2 * DT))


def test_counted_spikes_are_not_kept(toy_run: Any) -> None:
    only = toy_run(3, 19, spec={"exc": Record("rate", bin=0.5 * ms), "input": "spikes"})
    assert list(only.spikes) == ["input"]
    both = toy_run(3, 19, spec=BOTH)
    assert only["exc"]["rate"].identical(both["exc"]["rate"])
    assert only["exc"]["rate"]["time"].values[:2].tolist() == [3 * DT, 5 * DT]
    rate = only.population_rate("exc", 5 * DT)
    assert rate["time"].values.tolist() == [5 * DT, 10 * DT, 15 * DT]
    assert np.array_equal(rate.values, only["exc"]["rate"].values[:, 1:4])
    with pytest.raises(RecordError, match=r"in bins of 0\.0005 s, not of 0\.001 s"):
        only.population_rate("exc", 1 * ms)


def test_some_neurons(toy_run: Any) -> None:
    some = toy_run(0, 20, spec={"exc": ["spikes", Record("rate", bin=20 * DT, neurons=[5, 2])]})
    counts = some.spikes["exc"].counts().values[:, [2, 5]].sum(axis=1)
    assert np.allclose(some["exc"]["rate"].values[:, 0], counts / (2 * 20 * DT))


@settings(max_examples=30)
@given(
    start=st.integers(0, 30),
    lengths=st.lists(st.integers(0, 13), min_size=2, max_size=5),
    bin_steps=st.integers(1, 9),
)
def test_the_rates_of_a_split_run_join_to_the_whole(
    toy_run: Any, start: int, lengths: list[int], bin_steps: int
) -> None:
    spec = {"exc": Record("rate", bin=bin_steps * DT)}
    joined, done = None, start
    for length in lengths:
        part = toy_run(done, length, spec=spec)
        joined = part if joined is None else concatenate(joined, part)
        done += length
    assert joined == toy_run(start, sum(lengths), spec=spec)


def test_a_run_that_was_stopped(catalogue: dict[str, Recordable]) -> None:
    plan = plan_recording(BOTH, catalogue, dt=DT, start_step=2, n_steps=50, trials=1)
    builder = RecordingBuilder(plan)
    builder.add_spikes("exc", [2, 8, 8], 0, [0, 1, 2])
    rate = builder.finish(None, {}, n_steps=7)["exc"]["rate"]
    assert rate["observed"].values.tolist() == pytest.approx([3 * DT, 4 * DT])
    assert rate.values[0].tolist() == pytest.approx([1 / (7 * 3 * DT), 2 / (7 * 4 * DT)])


def test_memory_depends_neither_on_neurons_nor_on_spikes() -> None:
    catalogue = {"big": Recordable("population", 200_000, True, {})}
    plan = plan_recording({"big": Record("rate", bin=1 * ms)}, catalogue, dt=DT, start_step=0, n_steps=1000, trials=1)
    assert plan.bytes == 100 * 8
    builder = RecordingBuilder(plan)
    neurons = np.arange(20_000)
    builder.add_spikes("big", 0, 0, neurons)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for step in range(1, 200):
        builder.add_spikes("big", step, 0, neurons)  # four million spikes
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000
    assert builder.finish(None, {})["big"]["rate"].values[0, :2].tolist() == pytest.approx([1000.0, 1000.0])


def test_saved_selected_restricted(toy_run: Any, tmp_path: Path) -> None:
    recording = toy_run(0, 22, spec=BOTH)
    recording.save(tmp_path / "a.zarr")
    assert Recording.load(tmp_path / "a.zarr") == recording
    part = recording.restrict((5 * DT, 12 * DT))
    assert part["exc"]["rate"]["time"].values.tolist() == [5 * DT]  # the bin from 10 to 15 is not wholly inside
    assert recording.restrict((0, 22 * DT))["exc"]["rate"].identical(recording["exc"]["rate"])
    around = recording.per_trial([5 * DT, 15 * DT], (-5 * DT, 10 * DT))["exc"]["rate"]
    whole = recording["exc"]["rate"].values
    assert np.array_equal(around.values[0], whole[0, 0:3])
    assert np.array_equal(around.values[1], [*whole[0, 2:4], np.nan], equal_nan=True)
    assert np.array_equal(around.values[2], whole[1, 0:3])
    with pytest.raises(RecordError, match=r"exc\.rate was counted in bins of 0\.0005 s"):
        recording.per_trial(7 * DT, (0, 5 * DT))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Record("v", bin=1e-3), "only the rate of a population"),
        (lambda: Record("rate", bin=1e-3, reduce="sum"), r"takes no every= or reduce="),
        (lambda: Record("rate", bin=0.0), r"bin= must be a positive time"),
        (lambda: Record("spikes", bin=1e-3), r"ask for Record\('rate', bin=\)"),
    ],
)
def test_requests_that_mean_nothing(make: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        make()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"exc": "rate"}, r"needs the width of its bins: Record\('rate', bin=10 \* ms\)"),
        ({"exc": Record("rate", bin=2.5e-4)}, r"exc\.rate: bin = 0\.00025 s is no multiple of dt"),
        ({"graded": Record("rate", bin=1e-3)}, "has no spikes to record"),
        ({"exc": [Record("rate", bin=1e-3), Record("rate", bin=2e-3)]}, "asked for twice"),
        ({"exc": Record("rate", bin=1e-3, neurons=[9])}, "there are 7"),
        ({"unit": Record("rate", bin=1e-3)}, "has a variable of that name"),
    ],
)
def test_plans_that_cannot_be(catalogue: dict[str, Recordable], spec: Any, message: str) -> None:
    items = {**catalogue, "unit": Recordable("population", 2, True, {"rate": "hertz"})}
    with pytest.raises(RecordError, match=message):
        plan_recording(spec, items, dt=DT, start_step=0, n_steps=10, trials=1)


def test_a_variable_called_rate_is_a_variable(catalogue: dict[str, Recordable]) -> None:
    items = {"unit": Recordable("population", 2, False, {"rate": "hertz"})}
    plan = plan_recording({"unit": "rate"}, items, dt=DT, start_step=0, n_steps=10, trials=1)
    assert [trace.address for trace in plan.traces] == ["unit.rate"]
    assert plan.rates == ()


def test_the_plan_says_what_the_rate_takes(catalogue: dict[str, Recordable]) -> None:
    plan = plan_recording({"exc": Record("rate", bin=1e-3)}, catalogue, dt=DT, start_step=5, n_steps=100, trials=3)
    assert plan.describe().splitlines() == [
        "264 bytes of traces",
        "  exc.rate: 264 bytes = 3 trials x 11 bins (mean of 7) x 8 bytes",
    ]
    with pytest.raises(RecordError, match="would take 264 bytes"):
        plan_recording(
            {"exc": Record("rate", bin=1e-3)}, catalogue, dt=DT, start_step=5, n_steps=100, trials=3, limit_bytes=200
        )


def test_spikes_outside_the_run_are_refused(catalogue: dict[str, Recordable]) -> None:
    plan = plan_recording({"exc": Record("rate", bin=1e-3)}, catalogue, dt=DT, start_step=5, n_steps=10, trials=1)
    for spike, what in (
        ((4, 0, 0), "step 4"),
        ((15, 0, 0), "step 15"),
        ((5, 1, 0), "trial 1"),
        ((5, 0, 7), "neuron 7"),
    ):
        with pytest.raises(RecordError, match=f"{what} to"):
            RecordingBuilder(plan).add_spikes("exc", *spike)
