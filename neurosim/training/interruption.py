"""Ctrl-C during training: the step is finished, everything is saved, and the error says how to go on."""

from __future__ import annotations

from pathlib import Path


class TrainingInterrupted(KeyboardInterrupt):
    """A training run that was stopped by Ctrl-C (SIGINT).

    Parameters
    ----------
    step
        Number of steps that were done.
    steps
        Number of steps of the whole run.
    folder
        Where the run is, if it is written to a folder.
    """

    def __init__(self, step: int, steps: int, folder: Path | None) -> None:
        self.step = step
        self.steps = steps
        self.folder = folder
        super().__init__(
            f"stopped after {step} of {steps} steps; "
            + (
                "nothing is on the disk, the module holds the values of this step (give folder= to be able to go on)"
                if folder is None
                else f"{folder} holds them, go on by the same call with resume=True"
            )
        )
