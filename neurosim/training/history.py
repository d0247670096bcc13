"""What came out of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.errors import TrainingError, nearest


@dataclass(frozen=True)
class History:
    """The numbers of each epoch.

    Parameters
    ----------
    epochs
        For each epoch its numbers by name: ``step`` (steps done at its end), ``loss``, ``accuracy`` where the loss
        predicts classes, further metrics, and each of them with ``validation_`` before it where there was a validation.
    best
        Which epoch was the best, counted from 0; None where nothing was monitored.
    """

    epochs: tuple[Mapping[str, float], ...]
    best: int | None = None

    def __getitem__(self, name: str) -> list[float]:
        """Return one number of every epoch.

        Raises
        ------
        TrainingError
            If there is no such number.
        """
        known = self.epochs[0] if self.epochs else {}
        if name not in known:
            raise TrainingError(f"the history has no {name!r}.{nearest(name, known)}")
        return [row[name] for row in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)
