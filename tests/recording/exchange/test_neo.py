from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurosim.errors import RecordError
from neurosim.recording import Record, Recording, SpikeTrains, Support
from recording.sessions import session, spike_rows, stretches

neo = pytest.importorskip("neo")
quantities = pytest.importorskip("quantities")


def without_state(recording: Recording) -> Recording:
    return recording.select()


@settings(max_examples=15, deadline=None)
@given(spike_rows, stretches)
def test_round_trip(rows: list[tuple[int, int, int]], support: Support) -> None:
    recording = session(spikes=rows).restrict(support)
    assert Recording.from_neo(recording.to_neo()) == recording


@pytest.mark.parametrize("trials", [1, 2])
def test_round_trip_of_a_simulation(toy_run: Any, trials: int) -> None:
    spec = {
        "exc": [
            "spikes",
            Record("v", neurons=[4, 0], every=3e-4),
            Record("g", reduce="mean"),
            Record("rate", bin=7e-4),
        ],
        "column/inh": ["spikes"],
        "exc_to_inh": Record("w", every=19e-4),
    }
    recording = without_state(toy_run(5, 22, trials, spec=spec))
    assert Recording.from_neo(recording.to_neo()) == recording


def test_round_trip_of_trials_cut_from_a_session() -> None:
    recording = session().per_trial("tone", (-0.33, 0.71))
    assert Recording.from_neo(recording.to_neo()) == recording


def test_what_neo_sees() -> None:
    recording = session()
    block = recording.to_neo()
    assert [segment.name for segment in block.segments] == ["trial 0", "trial 1"]
    first = block.segments[0]
    assert [train.name for train in first.spiketrains] == ["exc[0]", "exc[1]", "exc[2]"]
    train = first.spiketrains[1]
    mine = (recording.spikes["exc"].trials == 0) & (recording.spikes["exc"].neurons == 1)
    assert train.rescale("s").magnitude.tolist() == recording.spikes["exc"].times[mine].tolist()
    assert float(train.t_stop.rescale("s")) == 4.0
    assert (train.annotations["id"], train.annotations["channel"]) == ("b", 4)
    (signal,) = first.analogsignals
    assert signal.dimensionality.string == "V"
    assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(5.0)
    assert np.array_equal(signal.magnitude, recording.traces["exc"]["v"].values[0])
    assert signal.array_annotations["neuron"].tolist() == [2, 0]
    assert [epoch.name for epoch in first.epochs] == ["support", "epochs", "pauses"]
    assert first.epochs[1].durations.rescale("s").magnitude.tolist() == [1.5, 2.0]
    assert len(block.segments[1].epochs[2]) == 0  # the pause was in the other trial
    assert first.events[0].array_annotations["pitch"].tolist() == [440.0, 880.0]


def foreign() -> Any:
    block = neo.Block(name="cell 7", description="whole cell")
    for trial in range(2):
        segment = neo.Segment()
        for name, times in (("b", [1.0, 7.5]), ("a", [3.0 + trial])):
            segment.spiketrains.append(
                neo.SpikeTrain(times, units="ms", t_start=0.0, t_stop=10.0, name=name, depth=2, area=name)
            )
        segment.spiketrains[:] = segment.spiketrains[:: 1 - 2 * trial]  # another order in the second segment
        values = np.arange(6.0).reshape(3, 2) + trial
        segment.analogsignals.append(
            neo.AnalogSignal(values, units="mV", sampling_rate=2 * quantities.kHz, t_start=1 * quantities.ms, name="vm")
        )
        segment.epochs.append(neo.Epoch([2.0] * quantities.ms, [3.0] * quantities.ms, np.array(["light"]), name="stim"))
        segment.events.append(neo.Event([4.0] * quantities.ms, np.array(["lick"]), name="licks"))
        block.segments.append(segment)
    return block


def test_a_block_of_others() -> None:
    recording = Recording.from_neo(foreign())
    trains = recording.spikes["units"]
    assert trains.n == trains.n_trials == 2
    assert trains.times.tolist() == pytest.approx([0.001, 0.003, 0.0075, 0.001, 0.004, 0.0075])
    assert trains.neurons.tolist() == [0, 1, 0, 0, 1, 0]
    assert recording.rates()["units"].values.ravel().tolist() == pytest.approx([200, 100, 200, 100])
    signal = recording.traces["vm"]["signal"]
    assert signal.attrs["units"] == "volt"
    assert np.allclose(signal.values[1], (np.arange(6).reshape(3, 2) + 1) * 1e-3)
    assert signal["time"].values.tolist() == pytest.approx([0.001, 0.0015, 0.002])
    stim = recording.intervals["stim"]
    assert stim[["start", "stop"]].values.ravel().tolist() == pytest.approx([0.002, 0.005] * 2)
    assert stim[["label", "trial"]].values.tolist() == [["light", 0], ["light", 1]]
    assert recording.events["licks"]["label"].tolist() == ["lick", "lick"]
    assert recording.units["id"].tolist() == ["b", "a"]
    assert recording.units["depth"].tolist() == [2, 2]
    assert recording.metadata["name"] == "cell 7"


def test_populations_by_an_annotation_and_single_segments() -> None:
    recording = Recording.from_neo(foreign(), populations="area")
    assert list(recording.spikes) == ["b", "a"]
    one = Recording.from_neo(foreign().segments[1])
    assert one.n_trials == 1
    assert "trial" not in one.events["licks"]
    with pytest.raises(RecordError, match=r"no annotation 'are'. Did you mean 'area'"):
        Recording.from_neo(foreign(), populations="are")


def test_what_one_recording_cannot_hold() -> None:
    fewer = foreign()
    fewer.segments[1].spiketrains.pop()
    with pytest.raises(RecordError, match="hold 2, 1 spike trains of 'units'"):
        Recording.from_neo(fewer)
    shorter = foreign()
    shorter.segments[1].analogsignals[0] = shorter.segments[1].analogsignals[0][:2]
    with pytest.raises(RecordError, match="'vm' is sampled at other times"):
        Recording.from_neo(shorter)
    span = foreign()
    span.segments[0].spiketrains[0] = span.segments[0].spiketrains[0].time_slice(0 * quantities.s, 9 * quantities.ms)
    with pytest.raises(RecordError, match="not observed for the same time"):
        Recording.from_neo(span)
    for wrong, message in (([1], "takes a neo.Block"), (neo.Block(), "no segments")):
        with pytest.raises(RecordError, match=message):
            Recording.from_neo(wrong)
    lost = session().to_neo()
    lost.segments[0].spiketrains.pop()
    with pytest.raises(RecordError, match="should have 3 spike trains a segment, not 2"):
        Recording.from_neo(lost)


def test_units_without_a_name_and_unknown_ones() -> None:
    for unit in ("siemens/metre**2", "1/volt", "1", "dF/F"):
        trace = session().traces["exc"]["v"].assign_attrs(units=unit)
        recording = Recording(traces={"x": {"y": trace}})
        block = recording.to_neo()
        assert Recording.from_neo(block) == recording
    assert block.segments[0].analogsignals[0].annotations["unit"] == "dF/F"


def test_without_neo_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "neo" else find(name))
    with pytest.raises(RecordError, match=r"needs neo, .*pip install 'neurosim-circuits\[exchange\]'"):
        session().to_neo()


def test_trains_of_unknown_duration() -> None:
    recording = Recording({"p": SpikeTrains([0.5, 0.1], [0, 0], 2)})
    assert Recording.from_neo(recording.to_neo()) == recording
