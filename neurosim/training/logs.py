"""Logs of a training run: a line of JSON for each step and each epoch, and TensorBoard."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosim.training.extras import extra

FILE = "log.jsonl"
BOARD = "tensorboard"


class Log:
    """The log in the folder of a run.

    Parameters
    ----------
    folder
        Where it lies.
    kept
        Bytes of it that stand, when a run goes on: what was logged after the checkpoint is logged anew.
    step
        The step to go on from.
    tensorboard
        Whether to write for TensorBoard too.
    """

    def __init__(self, folder: Path, *, kept: int, step: int, tensorboard: bool) -> None:
        self._file = (folder / FILE).open("ab")
        self._file.truncate(min(kept, self._file.tell()))
        self._file.seek(0, os.SEEK_END)
        self._board = None
        if tensorboard:
            extra("tensorboard", "tensorboard=True")
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / BOARD), purge_step=step + 1 if step else None)

    def write(self, kind: str, step: int, values: Mapping[str, float | Sequence[float]], **facts: Any) -> None:
        """Add a line, and let readers see it at once.

        Parameters
        ----------
        kind
            ``"step"`` or ``"epoch"``.
        step
            Number of steps done.
        values
            Numbers, or lists of numbers.
        facts
            What else belongs in the line.
        """
        line = {"kind": kind, "step": step, **facts, **{name: _plain(value) for name, value in values.items()}}
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                many = isinstance(value, Sequence)
                for number, one in enumerate(value if isinstance(value, Sequence) else [value]):
                    tag = f"{kind}/{name}/{number}" if many else f"{kind}/{name}"
                    self._board.add_scalar(tag, one, step)

    def size(self) -> int:
        """Put everything on the disk; return the number of bytes."""
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _plain(value: float | Sequence[float]) -> Any:
    """Return numbers as JSON has them; what it lacks (infinity, NaN) as words."""
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    return value if math.isfinite(value) else str(value)
