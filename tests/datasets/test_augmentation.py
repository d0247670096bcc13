from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.datasets import Augmented, EventSet
from neurosim.errors import CircuitError
from neurosim.units import ms


def words(n: int = 6, spikes: int = 200) -> EventSet:
    rng = np.random.default_rng(1)
    samples = [(np.sort(rng.uniform(0, 0.5, spikes)), rng.integers(100, 600, spikes)) for _ in range(n)]
    return EventSet.from_samples(samples, np.arange(n) % 2, keys=["a", "b"], n_units=700)


def augmented(**settings: Any) -> Augmented:
    return Augmented(words(), 10 * ms, 60, **settings)


def test_without_variation_nothing_changes() -> None:
    plain = words().binned(10 * ms, n_steps=60)
    for index in (0, 5, -1):
        item, label = augmented().at(3)[index]
        assert np.array_equal(item["in"], plain[index][0]["in"])
        assert label == plain[index][1]
    assert len(augmented()) == 6


def test_items_depend_on_seed_epoch_and_index() -> None:
    varied = augmented(shift=40, jitter=5 * ms, blend=0.5)
    first, again = varied.at(0), varied.at(0)
    assert all(np.array_equal(first[i][0]["in"], again[i][0]["in"]) for i in (3, 0, 5))
    for other in (varied.at(1), augmented(shift=40, jitter=5 * ms, blend=0.5, seed=1).at(0)):
        assert not np.array_equal(first[3][0]["in"], other[3][0]["in"])


def test_without_an_epoch_torch_seeds_the_draws() -> None:
    torch = pytest.importorskip("torch")
    varied, found = augmented(shift=40), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append([varied[0][0]["in"], varied[0][0]["in"]])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0][0], found[0][1])


def test_shifts_move_all_units_alike() -> None:
    varied, shifts = augmented(shift=40), set()
    (times, units), _ = words()[2]
    for epoch in range(60):
        moved_times, moved = varied.at(epoch).spikes(2)
        assert np.array_equal(times, moved_times)
        assert len(set((moved - units).tolist())) == 1
        shifts.add(int(moved[0] - units[0]))
    assert -40 <= min(shifts) < -25 < 25 < max(shifts) <= 40
    lost = Augmented(words(), 10 * ms, 60, shift=690).at(1).spikes(0)[1]
    assert lost.size < 200, "beyond the range there are no units"


def test_jitter_moves_each_spike() -> None:
    times = words()[0][0][0]
    moved = np.concatenate([augmented(jitter=5 * ms).at(epoch).spikes(0)[0] for epoch in range(20)])
    assert moved.size == 20 * times.size
    assert (moved >= 0).all()
    assert np.diff(augmented(jitter=5 * ms).at(0).spikes(0)[0]).min() >= 0
    assert moved.mean() == pytest.approx(times.mean(), abs=1e-3)
    one = EventSet.from_samples([(np.full(2000, 0.25), np.zeros(2000, int))], [0], keys=["a"], n_units=700)
    assert Augmented(one, 10 * ms, 60, jitter=5 * ms).at(0).spikes(0)[0].std() == pytest.approx(5e-3, rel=0.06)


def test_blends_take_half_of_two_of_a_class() -> None:
    events = words()
    varied = augmented(blend=1.0)
    for epoch in range(12):
        times, units = varied.at(epoch).spikes(0)
        (own, own_units), _ = events[0]
        from_own = np.isin(times, own) & np.isin(units, own_units)
        if from_own.all() and times.size == own.size:
            continue  # it drew itself
        assert times.size == pytest.approx(200, abs=40)
        assert from_own.sum() == pytest.approx(100, abs=30)
        assert times.mean() == pytest.approx(own.mean(), abs=0.03)
    alike = EventSet.from_samples([([0.1], [1]), ([0.1], [2])], [0, 1], keys=["a", "b"], n_units=9)
    alone = Augmented(alike, 10 * ms, 20, blend=1.0)
    assert all(alone.at(epoch).spikes(0)[1].tolist() == [1] for epoch in range(9)), "never with another class"


def test_what_is_out_of_range() -> None:
    for wrong in ({"shift": 700}, {"shift": -1}, {"blend": 1.1}, {"jitter": -1 * ms}):
        with pytest.raises(CircuitError, match="a probability"):
            augmented(**wrong)
