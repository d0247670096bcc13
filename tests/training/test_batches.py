from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from neurosim.errors import TrainingError
from neurosim.training.batches import Batches, Plan, stack, step_seed
from training.tasks import Spikes


def seen(plan: Plan, epoch: int, world: int = 1) -> list[list[int]]:
    """Return the items of each step of an epoch, those of all processes one after another."""
    ranks = [Batches(Spikes(plan.items), plan, epoch, rank, world) for rank in range(world)]
    return [[int(item) for batches in ranks for item in batches.share(place)] for place in range(plan.steps)]


def test_an_epoch_sees_every_item_once_and_another_order_each_time() -> None:
    plan = Plan(23, 5, seed=1)
    first, second = seen(plan, 0), seen(plan, 1)
    assert [len(batch) for batch in first] == [5, 5, 5, 5, 3] == [plan.size(place) for place in range(5)]
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(23))
    assert first != second
    assert first == seen(Plan(23, 5, seed=1), 0), "a function of the seed and the epoch"
    assert first != seen(Plan(23, 5, seed=2), 0)
    assert seen(Plan(23, 5, seed=1, drop_last=True), 0) == first[:4]
    assert seen(Plan(6, 4, seed=1, shuffle=False), 3) == [[0, 1, 2, 3], [4, 5]]


@pytest.mark.parametrize("world", [2, 3, 7])
def test_processes_share_each_batch(world: int) -> None:
    plan = Plan(11, 5, seed=4)
    assert seen(plan, 2, world) == seen(plan, 2)
    last = Batches(Spikes(11), plan, 2, world - 1, world)[2]
    assert last == (None, None, 0), "one item is left for the first process, none for the last"


@pytest.mark.parametrize(("values", "message"), [((0, 1), "items"), ((3, 0), "batch_size")])
def test_plans_without_items(values: tuple[int, int], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        Plan(*values, seed=0)
    with pytest.raises(TrainingError, match="fewer than one batch of 4"):
        Plan(3, 4, seed=0, drop_last=True)


def test_seeds_of_steps_differ() -> None:
    seeds = {step_seed(*key) for key in [(0, "noise", 0), (0, "noise", 1), (1, "noise", 0), (0, "draws", 0)]}
    assert len({*seeds, step_seed(0, "noise", 0, 1)}) == 5
    assert step_seed(0, "noise", 1) in seeds


def test_what_a_dataset_draws_is_a_function_of_the_step() -> None:
    plan = Plan(8, 4, seed=1)
    before = torch.random.get_rng_state()
    batches = Batches(Spikes(8, jitter=True), plan, 3)
    first, second = batches[1][0], batches[1][0]
    assert torch.equal(first, second)
    other_epoch = Batches(Spikes(8, jitter=True), Plan(8, 8, seed=1, shuffle=False), 4)[0][0]
    same_items = Batches(Spikes(8, jitter=True), Plan(8, 8, seed=1, shuffle=False), 3)[0][0]
    assert not torch.equal(other_epoch, same_items)
    assert torch.equal(torch.random.get_rng_state(), before), "torch's own generator is left alone"


def test_workers_fetch_the_same() -> None:
    batches = Batches(Spikes(12, jitter=True), Plan(12, 4, seed=1), 0)
    before = torch.random.get_rng_state()
    alone, helped = list(batches.load(1, 0)), list(batches.load(1, 1))
    assert len(alone) == len(helped) == 2
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_stacking() -> None:
    def item(label: int) -> tuple[Any, Any]:
        image = np.full((3, 2, 2), label)
        return {"a": image, "b": torch.ones(3, 4)}, (
            label,
            np.ones(5),
            np.zeros((3, 2)),
            {"late": True, "mask": np.ones(3)},
        )

    inputs, targets = stack([item(0), item(7)])
    assert inputs["a"].shape == (3, 2, 2, 2)
    assert inputs["a"][0, :, 1, 1].tolist() == [0, 7]
    assert inputs["b"].shape == (3, 2, 4)
    assert targets[0].tolist() == [0, 7]
    assert targets[1].shape == (2, 5)
    assert targets[2].shape == (3, 2, 2)
    assert targets[3]["late"].tolist() == [True, True]
    assert targets[3]["mask"].shape == (3, 2)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(np.ones((3, 2)), 0), (np.ones((4, 2)), 0)], r"inputs of different shapes: \(3, 2\), \(4, 2\)"),
        ([(np.ones((3, 2)), 0, 1)], "must be a pair"),
        ([3, 4], "must be a pair"),
        ([(1.0, 0)], "must have a time axis"),
        ([(np.ones(3), np.ones(2)), (np.ones(3), np.ones(3))], "target of different shapes"),
    ],
)
def test_what_cannot_be_stacked(items: list[Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        stack(items)
