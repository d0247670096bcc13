from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosim.errors import RecordError
from neurosim.recording import Record, Recordable, RecordingBuilder, SpikeTrains, plan_recording
from neurosim.recording.builder import reduced

DT = 1e-4


def builder_for(
    catalogue: dict[str, Recordable], spec: Any, start_step: int = 0, n_steps: int = 6, **options: Any
) -> RecordingBuilder:
    plan = plan_recording(spec, catalogue, dt=DT, start_step=start_step, n_steps=n_steps, trials=2, **options)
    return RecordingBuilder(plan)


def ramp(n_samples: int, n: int, trials: int = 2) -> np.ndarray:
    return np.arange(trials * n_samples * n, dtype=float).reshape(trials, n_samples, n)


def test_spikes_are_collected_in_any_order(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": "spikes", "input": "spikes"}, start_step=10)
    builder.add_spikes("exc", [12, 11], [1, 0], [3, 4])
    builder.add_spikes("exc", 15, 0, np.array([6, 0], dtype=np.int32))
    builder.add_spikes("exc", [], [], [])
    recording = builder.finish(None, {})
    expected = SpikeTrains(
        [11 * DT, 15 * DT, 15 * DT, 12 * DT], [4, 0, 6, 3], 7, [0, 0, 0, 1], 2, duration=6 * DT, start=10 * DT
    )
    assert recording.spikes["exc"] == expected
    assert len(recording.spikes["input"]) == 0
    assert recording.spikes["input"].n == 5


def test_buffers_of_the_backend_may_be_used_again(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": ["spikes", "v"]}, n_steps=1)
    neurons, values = np.array([1]), np.zeros((2, 7))
    builder.add_spikes("exc", 0, 0, neurons)
    builder.sample("exc", "v", 0, values)
    neurons[0], values[:] = 5, 9.0
    recording = builder.finish(None, {})
    assert recording.spikes["exc"].neurons.tolist() == [1]
    assert not recording.traces["exc"]["v"].any()


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (("inh", 0, 0, 0), "does not record the spikes of 'inh'"),
        (("exc", 0.5, 0, 0), "must be integers"),
        (("exc", [11, 12], [0, 0], [1, 2, 3]), r"must be as long; got \(2,\), \(2,\), \(3,\)"),
        (("exc", [[11]], 0, 0), "must be as long"),
        (("exc", 16, 0, 0), r"lie at steps 16 to 16, outside this run's 10 to 15"),
        (("exc", 9, 0, 0), "outside this run's 10 to 15"),
        (("exc", 10, 2, 0), "trials holds 2"),
        (("exc", 10, 0, 7), "neurons holds 7"),
        (("exc", [11, 11], 0, 3), "fire twice in one step"),
    ],
)
def test_impossible_spikes_are_refused(spikes: tuple[Any, ...], message: str, catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": "spikes"}, start_step=10)

    def fill() -> None:
        builder.add_spikes(*spikes)
        builder.finish(None, {})

    with pytest.raises(RecordError, match=message):
        fill()


def test_selection_order_and_labels(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": Record("v", neurons=[4, 0], every=2 * DT)}, start_step=3)
    whole = ramp(3, 7)
    builder.set_trace("exc", "v", whole)
    trace = builder.finish(None, {}).traces["exc"]["v"]
    assert trace.dims == ("trial", "time", "neuron")
    assert np.array_equal(trace, whole[..., [4, 0]])
    assert trace["neuron"].values.tolist() == [4, 0]
    assert trace["time"].values.tolist() == [4 * DT, 6 * DT, 8 * DT]
    assert trace.name == "v"
    assert trace.attrs == {"units": "volt"}
    assert trace["time"].attrs == {"units": "second"}
    assert trace.dtype == np.float64


def test_a_backend_may_apply_the_selection_itself(catalogue: dict[str, Recordable]) -> None:
    spec = {"exc": [Record("v", neurons=[4, 0]), Record("g", neurons=[5, 6], reduce="sum")]}
    one, other = builder_for(catalogue, spec), builder_for(catalogue, spec)
    for variable, chosen in (("v", [4, 0]), ("g", [5, 6])):
        one.set_trace("exc", variable, ramp(6, 7))
        other.set_trace("exc", variable, ramp(6, 7)[..., chosen], selected=True)
    assert one.finish(None, {}) == other.finish(None, {})


def test_projections_have_edges(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc_to_inh": Record("w", neurons=slice(2, 4), every=5 * DT)})
    builder.set_trace("exc_to_inh", "w", ramp(2, 9))
    trace = builder.finish(None, {}).traces["exc_to_inh"]["w"]
    assert trace.dims == ("trial", "time", "edge")
    assert trace["edge"].values.tolist() == [2, 3]


@pytest.mark.parametrize(("reduce", "expected"), [("mean", [4.5, 11.5]), ("sum", [9.0, 23.0])])
def test_reductions_drop_the_neuron_axis(reduce: str, expected: list[float], catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": Record("v", neurons=[4, 5], reduce=reduce)}, n_steps=2)
    builder.set_trace("exc", "v", ramp(2, 7))
    trace = builder.finish(None, {}).traces["exc"]["v"]
    assert trace.dims == ("trial", "time")
    assert trace.values[0].tolist() == expected
    assert trace.attrs == {"units": "volt", "reduce": f"{reduce} over neurons"}


@given(
    values=hnp.arrays(np.float64, (2, 3, 300), elements=st.floats(-1e3, 1e3)), reduce=st.sampled_from(["mean", "sum"])
)
def test_the_bits_of_a_reduction_do_not_depend_on_how_samples_are_given(values: np.ndarray, reduce: str) -> None:
    together = reduced(values, reduce)
    assert np.array_equal(reduced(np.asfortranarray(values), reduce), together)
    for sample in range(3):
        for trial in range(2):
            alone = reduced(values[trial : trial + 1, sample : sample + 1], reduce)
            assert alone[0, 0] == together[trial, sample]


@pytest.mark.parametrize("itemsize", [4, 8])
def test_values_are_floats_of_the_planned_size(itemsize: int, catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": "v"}, itemsize=itemsize)
    builder.set_trace("exc", "v", ramp(6, 7).astype(bool))
    trace = builder.finish(None, {}).traces["exc"]["v"]
    assert trace.dtype == np.dtype(f"f{itemsize}")
    assert trace.values.sum() == ramp(6, 7).astype(bool).sum()


@given(cuts=st.lists(st.integers(0, 9), max_size=3), every=st.integers(1, 4), start=st.integers(0, 9))
def test_samples_blocks_and_whole_traces_give_the_same(cuts: list[int], every: int, start: int) -> None:
    catalogue = {"p": Recordable("population", 3, False, {"v": "1"})}
    spec = {"p": Record("v", every=every * DT)}
    one, two, three = (builder_for(catalogue, spec, start, 12) for _ in range(3))
    steps = list(one.plan.traces[0].sample_steps(start, 12))
    whole = ramp(len(steps), 3)
    one.set_trace("p", "v", whole)
    for step in range(start, start + 12):
        for trace in two.due(step):
            two.sample(trace.name, trace.variable, step, whole[:, steps.index(step)])
    bounds = sorted({0, len(steps), *(min(cut, len(steps)) for cut in cuts)})
    for begin, end in reversed(list(pairwise(bounds))):
        three.set_trace("p", "v", whole[:, begin:end], first_step=steps[begin])
    assert one.finish(None, {}) == two.finish(None, {}) == three.finish(None, {})


def test_what_is_due(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": ["v", Record("g", every=3 * DT)], "graded": Record("v", every=2 * DT)})
    due = [[trace.address for trace in builder.due(step)] for step in range(4)]
    assert due == [["exc.v", "graded.v", "exc.g"], ["exc.v"], ["exc.v", "graded.v"], ["exc.v", "exc.g"]]


def test_wrong_samples_are_refused(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": Record("v", neurons=[1, 2], every=2 * DT)}, start_step=10)
    with pytest.raises(RecordError, match=r"No trace 'exc.g' in the plan .* Did you mean 'exc.v'"):
        builder.set_trace("exc", "g", ramp(3, 7))
    with pytest.raises(RecordError, match=r"step 11 is not due; samples are taken every 2 steps, from 10 up to 15"):
        builder.sample("exc", "v", 11, np.zeros((2, 7)))
    with pytest.raises(
        RecordError, match=r"expected \(2 trials, at most 3 samples, 7 neurons\), got shape \(2, 3, 6\)"
    ):
        builder.set_trace("exc", "v", ramp(3, 6))
    with pytest.raises(RecordError, match=r"2 neurons\), got shape \(2, 3, 7\)"):
        builder.set_trace("exc", "v", ramp(3, 7), selected=True)
    with pytest.raises(RecordError, match=r"at most 1 samples"):
        builder.set_trace("exc", "v", ramp(2, 7), first_step=14)
    builder.sample("exc", "v", 12, np.zeros((2, 7)))
    with pytest.raises(RecordError, match="samples from step 10 on were given twice"):
        builder.set_trace("exc", "v", ramp(3, 7))
    with pytest.raises(RecordError, match=r"exc.v: 2 of 3 samples were not given, the first at step 10"):
        builder.finish(None, {})


def test_the_extent_is_in_the_metadata(catalogue: dict[str, Recordable]) -> None:
    recording = builder_for(catalogue, {}, start_step=10).finish(None, {"backend": "toy", "seed": np.int64(4)})
    assert dict(recording.metadata) == {
        "backend": "toy",
        "seed": 4,
        "dt": DT,
        "start_step": 10,
        "n_steps": 6,
        "start": 10 * DT,
        "duration": 6 * DT,
        "trials": 2,
    }


def test_a_run_of_no_steps(catalogue: dict[str, Recordable]) -> None:
    recording = builder_for(catalogue, {"exc": ["spikes", "v"]}, n_steps=0).finish(None, {})
    assert recording.traces["exc"]["v"].shape == (2, 0, 7)
    assert len(recording.spikes["exc"]) == 0


def test_torch_tensors_are_taken(catalogue: dict[str, Recordable]) -> None:
    torch = pytest.importorskip("torch")
    builder = builder_for(catalogue, {"exc": ["spikes", "v"]}, n_steps=1)
    builder.add_spikes("exc", 0, torch.tensor([1]), torch.tensor([3]))
    builder.sample("exc", "v", 0, torch.ones((2, 7), requires_grad=True))
    recording = builder.finish(None, {})
    assert recording.spikes["exc"].neurons.tolist() == [3]
    assert recording.traces["exc"]["v"].values.tolist() == [[[1.0] * 7]] * 2


def test_rows_of_steps_are_spikes(catalogue: dict[str, Recordable]) -> None:
    spec = {"exc": "spikes", "input": ["spikes", Record("rate", bin=2 * DT)]}
    one, other = (builder_for(catalogue, spec, start_step=10) for _ in range(2))
    neurons, bounds = np.array([4, 1, 3, 0], dtype=np.int32), np.array([7, 8, 8, 11])
    for name in ("exc", "input"):
        one.add_rows(name, 10, 1, neurons, bounds)
        one.add_rows(name, 13, 0, neurons[:1], np.array([0, 1, 1]))
        one.add_rows(name, 15, 0, neurons[:0], np.array([4, 4]))
        other.add_spikes(name, [10, 12, 12, 12, 13], [1, 1, 1, 1, 0], [4, 1, 3, 0, 4])
    found, expected = one.finish(None, {}), other.finish(None, {})
    assert found == expected
    assert found.support == expected.support
    assert found.n_trials == 2
    assert pickle.loads(pickle.dumps(found)) == expected
    with pytest.raises(RecordError, match="does not record the spikes"):
        one.add_rows("inh", 10, 1, neurons, bounds)


def test_rows_and_single_spikes_together(catalogue: dict[str, Recordable]) -> None:
    builder = builder_for(catalogue, {"exc": "spikes"})
    builder.add_rows("exc", 2, 0, np.array([1]), np.array([0, 1]))
    builder.add_spikes("exc", 0, 0, 3)
    trains = builder.finish(None, {}).spikes["exc"]
    assert (trains.to_steps(DT).tolist(), trains.neurons.tolist()) == ([0, 2], [3, 1])
