"""Labelled spike trains: binning that loses nothing, controls, files in the layout of SHD."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neurosim.datasets import EventSet, read_events, write_events
from neurosim.datasets.cache import staged
from neurosim.datasets.extras import extra
from neurosim.errors import BackendError, CircuitError, FileFormatError, UnitError
from neurosim.units import ms, mV


def events(n_samples: int = 5, *, durations: bool = True, n_units: int = 700) -> EventSet:
    rng = np.random.default_rng(4)
    samples = [
        (np.sort(rng.uniform(0, 0.2 + 0.05 * i, 40 * i)).astype(np.float32), rng.integers(0, n_units, 40 * i))
        for i in range(n_samples)
    ]
    return EventSet.from_samples(
        samples,
        np.arange(n_samples) % 3,
        keys=["a", "b", "c"],
        n_units=n_units,
        speakers=np.arange(n_samples) // 2,
        durations=0.2 + 0.05 * np.arange(n_samples) if durations else None,
        facts={"from": "a test"},
    )


def one(times: list[float], units: list[int], n_units: int = 10, duration: float | None = None) -> EventSet:
    known = None if duration is None else [duration]
    return EventSet.from_samples([(np.float32(times), units)], [0], keys=["x"], n_units=n_units, durations=known)


def equal(first: EventSet, second: EventSet) -> bool:
    names = ("times", "units", "offsets", "labels", "speakers")
    same = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)
    return same and np.array_equal(first.ends(), second.ends()) and first.keys == second.keys


# --- sets ---


def test_items_are_spikes_and_a_label() -> None:
    some = events()
    (times, units), label = some[3]
    assert (times.dtype, units.dtype, label) == (np.float64, np.int64, 0)
    assert times.size == units.size == 120
    assert np.array_equal(some[-2][0][0], times)
    assert [len(some[i][0][0]) for i in range(len(some))] == [0, 40, 80, 120, 160]
    with pytest.raises(IndexError, match="sample 5 of 5"):
        some[5]


def test_some_samples() -> None:
    some = events()
    picked = some.select(some.speakers == 1)
    assert len(picked) == 2
    for new, old in enumerate((2, 3)):
        assert np.array_equal(picked[new][0][0], some[old][0][0])
        assert np.array_equal(picked[new][0][1], some[old][0][1])
        assert picked[new][1] == some[old][1]
    assert picked.ends() == pytest.approx([0.3, 0.35])
    assert equal(some.select([4, 0, 1]).select([1, 2]), some.select([0, 1]))
    assert len(some.select([])) == 0


def test_without_known_durations_samples_end_with_a_spike() -> None:
    assert events(durations=False).ends() == pytest.approx([0.0, *(events()[i][0][0][-1] for i in range(1, 5))])


def test_without_timing_only_counts_are_left() -> None:
    some = events()
    control = some.without_timing(3)
    for i in range(len(some)):
        (before, places), (after, shuffled) = some[i][0], control[i][0]
        assert np.array_equal(np.sort(places), np.sort(shuffled))
        assert np.array_equal(after, np.sort(after))
        assert after.max(initial=0.0) <= some.ends()[i]
        assert i == 0 or not np.array_equal(before, after)
    assert equal(control, some.without_timing(3))
    assert not equal(control, some.without_timing(4))
    times = control.times / np.repeat(control.ends(), np.diff(control.offsets))
    assert np.quantile(times, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"labels": [0, 1]}, "labels of shape"),
        ({"labels": [7]}, "labels from 7 to 7; there are 1"),
        ({"samples": [([0.1], [10])]}, "units from 10 to 10; there are 10"),
        ({"samples": [([0.1, 0.2], [1])]}, "do not belong together"),
        ({"samples": [([np.inf], [1])]}, "finite"),
        ({"samples": [([-0.1], [1])]}, "not negative"),
        ({"durations": [1.0, 2.0]}, "durations of shape"),
    ],
)
def test_sets_that_are_wrong(wrong: dict[str, object], said: str) -> None:
    right: dict[str, object] = {"samples": [([0.1], [1])], "labels": [0], "keys": ["x"], "n_units": 10}
    with pytest.raises(CircuitError, match=said):
        EventSet.from_samples(**(right | wrong))  # type: ignore[arg-type]


# --- binning ---


@pytest.mark.parametrize("start", ["zero", "first_event"])
@pytest.mark.parametrize("durations", [True, False])
def test_no_spike_is_lost(start: str, durations: bool) -> None:
    some = events(durations=durations)
    counted = some.binned(10 * ms, start=start)  # type: ignore[arg-type]
    assert counted.counts.shape[2] == 140
    assert counted.cut == 0
    assert counted.counts.sum(axis=(1, 2)).tolist() == np.diff(some.offsets).tolist()
    for i in range(len(some)):
        groups = np.bincount(some[i][0][1] // 5, minlength=140)
        assert np.array_equal(counted.counts[i].sum(axis=0), groups)
        assert not counted.counts[i, counted.lengths[i] :].any()


def test_steps_and_groups() -> None:
    some = one([0.0, 0.0149, 0.015, 0.049, 0.05], [0, 1, 2, 9, 9], duration=0.06)
    counted = some.binned(10 * ms, n_channels=5)
    assert counted.counts[0].tolist() == [
        [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1],
    ]  # fmt: skip
    item, label = counted[0]
    assert (item["in"].dtype, item["in"].shape, label) == (np.float32, (6, 5), 0)
    assert list(some.binned(10 * ms, source="sound")[0][0]) == ["sound"]
    assert counted.dt == 0.01


def test_where_the_first_step_begins() -> None:
    some = one([0.013, 0.022, 0.034], [0, 0, 0], duration=0.04)
    assert some.binned(10 * ms).counts[0, :, 0].tolist() == [0, 1, 1, 1]
    assert some.binned(10 * ms, start="first_event").counts[0, :, 0].tolist() == [2, 0, 1]


def test_the_last_step_counts_or_not() -> None:
    some = one([0.001, 0.012, 0.024], [0, 0, 0], duration=0.025)
    assert some.binned(10 * ms).counts[0, :, 0].tolist() == [1, 1, 1]
    short = some.binned(10 * ms, partial=False)
    assert short.counts[0, :, 0].tolist() == [1, 1]
    assert short.cut == 1
    whole = one([0.001, 0.012], [0, 0], duration=0.02)
    assert whole.binned(10 * ms).lengths.tolist() == whole.binned(10 * ms, partial=False).lengths.tolist() == [2]


def test_a_given_number_of_steps_cuts_or_pads() -> None:
    some = events()
    assert some.binned(10 * ms, n_steps=100).counts.shape == (5, 100, 140)
    short = some.binned(10 * ms, n_steps=10)
    late = sum(np.count_nonzero(some[i][0][0] >= 0.1) for i in range(5))
    assert late > 50
    assert short.cut == late
    assert short.lengths.tolist() == [10] * 5
    assert short.counts.sum() == some.times.size - late


def test_edges_that_float32_cannot_hold() -> None:
    steps = np.arange(2000)
    some = one((steps * 1e-3).tolist(), [0] * 2000, duration=2.0)
    assert some.binned(1 * ms).counts[0, :, 0].tolist() == [1] * 2000


def test_many_spikes_in_a_step() -> None:
    assert one([0.001] * 300, [0] * 300).binned(10 * ms).counts[0, 0, 0] == 300


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"n_channels": 3}, CircuitError, "must divide the 10 units"),
        ({"n_steps": 0}, CircuitError, "must be positive"),
        ({"dt": 0 * ms}, CircuitError, "must be positive"),
        ({"start": "first_evnt"}, CircuitError, "Did you mean 'first_event'"),
        ({"dt": 10 * mV}, UnitError, "dt must be in second"),
        ({"dt": 0.01}, UnitError, "dt needs a unit"),
    ],
)
def test_binning_that_is_wrong(wrong: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        one([0.1], [0]).binned(**wrong)  # type: ignore[arg-type]


# --- files ---


def test_files_give_back_what_was_written(tmp_path: Path) -> None:
    some = events()
    write_events(tmp_path / "new" / "train.h5", some)
    again = read_events(tmp_path / "new" / "train.h5")
    assert equal(some, again)
    assert again.facts == {"from": "a test"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["train.h5"]
    with h5py.File(tmp_path / "new" / "train.h5") as file:
        assert file["spikes/times"][3].dtype == np.float32
        assert file["spikes/units"][3].dtype == np.uint16
        assert list(file["extra/keys"][:]) == [b"a", b"b", b"c"]


def test_published_files_with_times_in_float16(tmp_path: Path) -> None:
    path = tmp_path / "shd_train.h5"
    times = np.float16([0.0103, 0.5006, 1.2])
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("spikes/times", (2,), dtype=h5py.vlen_dtype(np.float16))
        units = file.create_dataset("spikes/units", (2,), dtype=h5py.vlen_dtype(np.uint16))
        rows[0], units[0] = times, [0, 5, 699]
        rows[1], units[1] = times[:1], [3]
        file["labels"], file["extra/keys"] = [1, 0], np.array([b"zero", b"null"])
    some = read_events(path)
    assert some[0][0][0] == pytest.approx([0.0103, 0.5006, 1.2], rel=2**-11)
    assert np.isfinite(some[0][0][0] * 1e6).all()
    assert (some.n_units, some.labels.tolist(), some.keys) == (700, [1, 0], ("zero", "null"))
    assert some.binned(10 * ms).counts.sum() == 4


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read as HDF5"):
        read_events(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(FileFormatError, match="cannot be read as HDF5"):
        read_events(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["labels"] = [1]
    with pytest.raises(FileFormatError, match="no spikes/times, spikes/units, extra/keys"):
        read_events(tmp_path / "other.h5")
    write_events(tmp_path / "wrong.h5", events())
    with h5py.File(tmp_path / "wrong.h5", "r+") as file:
        file["labels"][0] = 9
    with pytest.raises(FileFormatError, match=r"wrong\.h5: EventSet: labels from 0 to 9; there are 3"):
        read_events(tmp_path / "wrong.h5")


def test_what_fails_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "kept"
    target.write_text("old")

    def interrupted() -> None:
        with staged(target) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_package_that_only_data_sets_need() -> None:
    with pytest.raises(BackendError, match=r"Counting sheep needs sheep, .*neurosim-circuits\[datasets\]"):
        extra("sheep.counter", "Counting sheep")
