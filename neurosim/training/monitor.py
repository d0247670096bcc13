"""Which epoch was the best, and when to give up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from neurosim.errors import TrainingError, nearest


@dataclass(frozen=True)
class Monitor:
    """What decides which epoch is the best, and when training stops early.

    Parameters
    ----------
    metric
        A number of an epoch, such as ``"validation_loss"`` or ``"validation_accuracy"``.
    mode
        Whether it should become small (``"min"``) or large (``"max"``).
    patience
        Stop after so many epochs in which it did not become better; None for never.
    least
        By how much it must become better to count.
    """

    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"
    patience: int | None = None
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise TrainingError(f"Monitor: mode={self.mode!r} is unknown.{nearest(self.mode, ('min', 'max'))}")
        if self.patience is not None and self.patience < 1:
            raise TrainingError(f"Monitor: patience must be at least 1 epoch, got {self.patience}.")

    def value(self, row: Mapping[str, float]) -> float:
        """Return the metric of an epoch.

        Raises
        ------
        TrainingError
            If the epoch has no such number.
        """
        if self.metric not in row:
            raise TrainingError(f"Monitor: an epoch has no {self.metric!r}.{nearest(self.metric, row)}")
        return row[self.metric]


class Watch:
    """The epochs that a monitor has seen.

    Parameters
    ----------
    monitor
        What to look at.

    Attributes
    ----------
    best
        The best value so far.
    found
        The epoch that had it; None before the first.
    since
        Epochs since then.
    """

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.best = math.nan
        self.found: int | None = None
        self.since = 0

    def better(self, row: Mapping[str, float], epoch: int) -> bool:
        """Take note of an epoch; tell whether it is the best so far."""
        value = self.monitor.value(row)
        gain = (self.best - value) * (1 if self.monitor.mode == "min" else -1)
        if math.isfinite(value) and (self.found is None or gain > self.monitor.least):
            self.best, self.found, self.since = value, epoch, 0
            return True
        self.since += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether to stop."""
        return self.monitor.patience is not None and self.since >= self.monitor.patience

    def state(self) -> dict[str, Any]:
        """Return what to go on from."""
        return {"best": self.best, "found": self.found, "since": self.since}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.best, self.found, self.since = state["best"], state["found"], state["since"]
