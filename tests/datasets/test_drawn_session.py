"""The session of our own making: its truth is found in it, and every form keeps it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets.recordings import drawn_session
from neurosim.recording import Recording


@pytest.fixture(scope="module")
def session() -> Recording:
    return drawn_session()


def test_a_seed_draws_the_same_session(session: Recording) -> None:
    assert drawn_session() == session
    assert drawn_session(1) != session
    assert session.metadata["synthetic"] is True


def test_neurons_answer_to_their_pitch(session: Recording) -> None:
    trials = session.per_trial("tone", (-0.2, 0.5))
    pitch = trials.intervals["trials"]["pitch"].to_numpy()
    after = trials.restrict((0.05, 0.25)).spikes["cortex"].counts().values
    for neuron in range(12):
        mine = np.array(["low", "high"])[neuron % 2]
        assert after[pitch == mine, neuron].mean() > after[pitch != mine, neuron].mean() + 1.5
    both = trials.restrict((0.05, 0.25)).spikes["thalamus"].counts().values
    assert both[pitch == "low"].mean() == pytest.approx(both[pitch == "high"].mean(), rel=0.4)


def test_calcium_follows_spikes(session: Recording) -> None:
    trace = session["cortex"]["fluorescence"]
    trains = session.spikes["cortex"]
    assert trace.sizes == {"trial": 1, "time": 1200, "neuron": 12}
    edges = np.append(trace["time"].values, 40.0)
    for neuron in range(12):
        counts = np.histogram(trains.times[trains.neurons == neuron], edges)[0]
        rise = np.diff(trace.values[0, :, neuron], prepend=1.0)
        assert np.corrcoef(counts, rise)[0, 1] > 0.6


def test_nothing_was_observed_for_a_second(session: Recording) -> None:
    assert session.support is not None
    assert session.support.observed.tolist() == [39.0]
    times = session.spikes["cortex"].times
    assert not ((times >= 22) & (times < 23)).any()


def through_nwb(session: Recording, folder: Path) -> Recording:
    session.to_nwb(folder / "a.nwb")
    return Recording.from_nwb(folder / "a.nwb")


def through_sonata(session: Recording, folder: Path) -> Recording:
    session.to_sonata(folder / "a")
    return Recording.from_sonata(folder / "a")


def through_zarr(session: Recording, folder: Path) -> Recording:
    session.save(folder / "a.zarr")
    return Recording.load(folder / "a.zarr")


FORMS: dict[str, Callable[[Recording, Path], Recording]] = {
    "neo": lambda session, folder: Recording.from_neo(session.to_neo()),
    "nwb": through_nwb,
    "sonata": through_sonata,
    "zarr": through_zarr,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_keeps_it(form: str, session: Recording, tmp_path: Path) -> None:
    assert FORMS[form](session, tmp_path) == session


def test_pynapple_keeps_it_to_a_nanosecond(session: Recording) -> None:
    again = Recording.from_pynapple(session.to_pynapple())
    for name, trains in session.spikes.items():
        assert again.spikes[name].times == pytest.approx(trains.times, abs=1e-9)
        assert np.array_equal(again.spikes[name].neurons, trains.neurons)
    assert again.units.equals(session.units)
    assert again.events["tone"].equals(session.events["tone"])


def test_suite2p_keeps_what_was_imaged(session: Recording, tmp_path: Path) -> None:
    session.to_suite2p(tmp_path / "plane0", population="cortex")
    read = Recording.from_suite2p(tmp_path / "plane0")
    assert read["cortex"]["fluorescence"].identical(session["cortex"]["fluorescence"])
    assert read.support == session.support
    assert read.units.equals(session.select("cortex").units)
    assert dict(read.metadata) == dict(session.metadata)
    assert not read.spikes
