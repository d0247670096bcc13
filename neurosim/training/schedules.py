"""When a learning rate changes: after every step, or after every epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from neurosim.errors import TrainingError


@dataclass(frozen=True)
class EveryStep:
    """A scheduler that advances after every step of the optimiser, not after every epoch.

    Parameters
    ----------
    scheduler
        Of torch, such as ``OneCycleLR``.
    """

    scheduler: LRScheduler


class Schedules:
    """The schedulers of a run.

    Parameters
    ----------
    given
        None, a scheduler of torch (which advances after every epoch), an :class:`EveryStep`, or a list of these.

    Raises
    ------
    TrainingError
        If one is something else.
    """

    def __init__(self, given: Any) -> None:
        every = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
        self.by_step = [one.scheduler for one in every if isinstance(one, EveryStep)]
        self.by_epoch = [one for one in every if not isinstance(one, EveryStep)]
        for one in (*self.by_step, *self.by_epoch):
            if not isinstance(one, LRScheduler):
                raise TrainingError(
                    f"schedule: a scheduler of torch, or EveryStep(scheduler), is needed, not {type(one).__name__}."
                )
        for one in self.by_step:
            if isinstance(one, ReduceLROnPlateau):
                raise TrainingError(
                    "schedule: ReduceLROnPlateau looks at an epoch's metric; give it without EveryStep."
                )

    def __iter__(self) -> Iterator[LRScheduler]:
        return iter((*self.by_step, *self.by_epoch))

    def after_step(self) -> None:
        """Advance what advances by steps."""
        with _whatever_the_optimiser_did():
            for scheduler in self.by_step:
                scheduler.step()

    def after_epoch(self, metric: float) -> None:
        """Advance what advances by epochs; a plateau is one of ``metric``."""
        with _whatever_the_optimiser_did():
            for scheduler in self.by_epoch:
                if isinstance(scheduler, ReduceLROnPlateau):
                    scheduler.step(metric)
                else:
                    scheduler.step()

    def state(self) -> list[dict[str, Any]]:
        """Return the state of each."""
        return [scheduler.state_dict() for scheduler in self]

    def load(self, states: list[dict[str, Any]]) -> None:
        """Go on from a state."""
        for scheduler, state in zip(self, states, strict=True):
            scheduler.load_state_dict(state)

    @staticmethod
    def rates(optimisers: list[torch.optim.Optimizer]) -> list[float]:
        """Return the learning rate of every group."""
        return [float(group["lr"]) for optimiser in optimisers for group in optimiser.param_groups if "lr" in group]


@contextmanager
def _whatever_the_optimiser_did() -> Iterator[None]:
    """Silence torch's warning that the optimiser has not stepped yet: it did, in the process that was killed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        yield
