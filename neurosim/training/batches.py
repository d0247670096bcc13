"""Which items a step of training sees, in which order, with which noise: functions of the seed and the step alone.

Nothing is drawn in sequence, so that a run that goes on from step 1,000 needs nothing but that number to see what it
would have seen had it never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from neurosim.errors import TrainingError
from neurosim.random import Stream
from neurosim.training.terms import MASK

#: What a step is given: inputs, targets, and the number of items. Both are None where a process has no item.
Batch: TypeAlias = tuple[Any, Any, int]
Collate: TypeAlias = Callable[[Sequence[Any]], tuple[Any, Any]]


def step_seed(seed: int, purpose: str, step: int, rank: int = 0) -> int:
    """Return the seed of what is drawn in a step: a function of its arguments alone."""
    return int(Stream(seed, f"training/{purpose}/{rank}").bits_at(step))


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's own random numbers (dropout, say) begin at a seed, and leave its generators as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


@dataclass(frozen=True)
class Plan:
    """How the items of a dataset are dealt out to the steps of an epoch.

    Parameters
    ----------
    items
        Number of items in the dataset.
    batch_size
        Items of a step, over all processes.
    seed
        Fixes the order.
    shuffle
        Deal the items out in a new order in each epoch; otherwise in the order of the dataset.
    drop_last
        Leave out the last batch of an epoch where it is smaller than the others.
    """

    items: int
    batch_size: int
    seed: int
    shuffle: bool = True
    drop_last: bool = False

    def __post_init__(self) -> None:
        for name in ("items", "batch_size"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if not self.steps:
            raise TrainingError(
                f"drop_last: the dataset has {self.items} items, fewer than one batch of {self.batch_size}."
            )

    @property
    def steps(self) -> int:
        """Number of steps of an epoch."""
        whole, rest = divmod(self.items, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the order of the items in an epoch."""
        if not self.shuffle:
            return np.arange(self.items)
        return Stream(self.seed, f"training/order/{epoch}").permutation(self.items)

    def size(self, position: int) -> int:
        """Return the number of items in a step, over all processes."""
        return min(self.batch_size, self.items - position * self.batch_size)


class Batches(torch.utils.data.Dataset[Batch]):
    """The batches of an epoch by their position in it, as one process sees them.

    What a dataset draws from torch's generator while an item is fetched (a crop, a jitter) is a function of the seed,
    the epoch and the position as well, whether or not a worker fetches it.

    Parameters
    ----------
    dataset
        A map-style dataset: items are (inputs, target).
    plan
        Which items are whose.
    epoch
        Of what.
    rank, world
        This process, and how many there are.
    collate
        Makes (inputs, targets) of a list of items.
    """

    def __init__(
        self, dataset: Any, plan: Plan, epoch: int, rank: int = 0, world: int = 1, collate: Collate | None = None
    ) -> None:
        self.dataset, self.plan, self.epoch, self.rank, self.world = dataset, plan, epoch, rank, world
        self.order = plan.order(epoch)
        self.collate = collate or stack

    def __len__(self) -> int:
        return self.plan.steps

    def share(self, position: int) -> NDArray[np.int64]:
        """Return the items of this process in a step; there may be none."""
        first = position * self.plan.batch_size
        return np.array_split(self.order[first : first + self.plan.batch_size], self.world)[self.rank]

    def __getitem__(self, position: int) -> Batch:
        indices = self.share(position)
        if not len(indices):
            return None, None, 0
        step = self.epoch * self.plan.steps + position
        with drawing_from(step_seed(self.plan.seed, "items", step, self.rank), torch.device("cpu")):
            items = [self.dataset[int(index)] for index in indices]
        inputs, targets = self.collate(items)
        return inputs, targets, len(indices)

    def load(self, first: int, workers: int) -> Iterator[Batch]:
        """Yield the batches from a position on, fetched by this process or by workers ahead of time."""
        positions = range(first, len(self))
        if not workers:
            yield from (self[position] for position in positions)
            return
        loader = torch.utils.data.DataLoader(
            self, batch_size=None, sampler=positions, num_workers=workers, generator=torch.Generator()
        )
        yield from loader


def stack(items: Sequence[Any]) -> tuple[Any, Any]:
    r"""Return (inputs, targets) of a list of items.

    Parameters
    ----------
    items
        (inputs, target) each. Inputs are an array (time, \*shape), or a dict of such by source or injection. A target
        is a number, an array (n,), or one over time (time, \*shape); or a dict or tuple of targets, where ``"mask"``
        is (time,).

    Returns
    -------
    tuple
        Inputs (time, batch, \*shape). Targets (batch,) from numbers, (batch, n) from arrays with one axis, and
        (time, batch, \*shape) from arrays with more; a mask (time, batch).

    Raises
    ------
    TrainingError
        If the items have different shapes, or are not pairs.
    """
    try:
        inputs, targets = zip(*items, strict=True)
    except (TypeError, ValueError):
        raise TrainingError("an item of the dataset must be a pair (inputs, target); or give collate=.") from None
    return _stacked(inputs, "inputs", over_time=True), _stacked(targets, "target", over_time=False)


def _stacked(values: Sequence[Any], what: str, *, over_time: bool) -> Any:
    """Return values with a batch axis, behind the first where that is time."""
    first = values[0]
    if isinstance(first, Mapping):
        return {
            key: _stacked([value[key] for value in values], f"{what}[{key!r}]", over_time=over_time or key == MASK)
            for key in first
        }
    if isinstance(first, tuple):
        pieces = enumerate(zip(*values, strict=True))
        return tuple(_stacked(each, f"{what}[{number}]", over_time=over_time) for number, each in pieces)
    tensors = [torch.as_tensor(value) for value in values]
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1:
        shown = ", ".join(map(str, sorted(shapes)[:4]))
        raise TrainingError(
            f"the items of a batch have {what} of different shapes: {shown}. Give collate=, which makes (inputs, "
            "targets) of a list of items, and pads, say."
        )
    if over_time and not tensors[0].ndim:
        raise TrainingError(f"{what}: an item must have a time axis, got a number.")
    return torch.stack(tensors, dim=1 if over_time or tensors[0].ndim > 1 else 0)
