"""Fitting by gradient: the circuit as a torch module with surrogate slopes, trained on all trials at once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurosim.backends.compile import compile
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.backends.states import initial_state
from neurosim.circuit.circuit import Circuit
from neurosim.errors import TrainingError
from neurosim.fitting.task import Key, Task
from neurosim.training.folder import RunFolder
from neurosim.training.monitor import Monitor
from neurosim.training.parameter_groups import groups
from neurosim.training.trainable_values import trainable_values
from neurosim.training.trainer import Trainer
from neurosim.training.update import Clip


@dataclass(frozen=True)
class GradientOptions:
    """How Adam descends.

    Parameters
    ----------
    learning_rate
        By how much a value moves in a step: a share of the range between its limits, or of its size where it has none.
    last_rate
        The learning rate of the last step, as a share of the first.
    clip
        Largest size of each number of a gradient.
    surrogate, surrogate_width, dtype
        Of the module, as for ``ns.compile``.
    """

    learning_rate: float = 0.02
    last_rate: float = 0.1
    clip: float = 10.0
    surrogate: str = "atan"
    surrogate_width: Mapping[str, Any] | None = None
    dtype: str = "float64"

    def __post_init__(self) -> None:
        for name in ("learning_rate", "last_rate", "clip"):
            if not getattr(self, name) > 0:
                raise TrainingError(f"fit: {name} must be above 0, got {getattr(self, name)}.")


def descend(
    task: Task,
    options: GradientOptions,
    *,
    steps: int,
    seed: int,
    files: RunFolder | None,
    show_progress: bool,
) -> tuple[Circuit, list[dict[str, float]]]:
    """Return the circuit with the best values found, and the loss of each step.

    Raises
    ------
    TrainingError
        If nothing is trainable, or a loss is not finite.
    TrainingInterrupted
        At Ctrl-C, after the step has been finished and saved.
    """
    module = compile(
        task.circuit, "snntorch", dtype=options.dtype, surrogate=options.surrogate,
        surrogate_width=options.surrogate_width or {}, fused="always",
    )  # fmt: skip
    optimiser = torch.optim.Adam(groups(module, learning_rates(module, options.learning_rate)))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, options.last_rate ** (1.0 / steps))
    items = Items(task)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            module,
            OnTask(task),
            optimiser,
            schedule,
            seed=seed,
            clip=Clip(value=options.clip),
            folder=(Path(scratch) if files is None else files.path) / "training",
            monitor=Monitor(),
            forward=_forward(task, len(items)),
            show_progress=show_progress,
        )
        history = trainer.fit(items, epochs=steps, batch_size=len(items), validation=items, shuffle=False, resume=True)
        trainer.load_best()
    rows = [{"loss": row["validation_loss"], "before": row["loss"]} for row in history.epochs]
    return module.to_circuit(), rows


def learning_rates(module: CircuitModule, share: float) -> dict[str, dict[str, float]]:
    """Return the learning rate of each trainable value of a module, as groups of an optimiser take them."""
    found = {}
    for value in trainable_values(module, "*"):
        entry, scale = value.entry, value.scale
        if entry.low is not None and entry.high is not None:
            size = (entry.high - entry.low) / scale
        else:
            size = float(value.get().detach().square().mean().sqrt()) or 1.0
        found[value.address] = {"lr": share * size}
    return found


class Items(torch.utils.data.Dataset[Any]):
    """The trials of the fitted part, each as often as it is repeated: what is fed in, and no target.

    Parameters
    ----------
    task
        Of which.
    """

    def __init__(self, task: Task) -> None:
        part = task.split.fitted
        self.fed = {name: torch.tensor(values) for name, values in task.fed(part).items()}
        self.repeats = task.repeats
        self.n = part.trials.size * task.repeats

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, place: int) -> tuple[dict[str, Tensor], int]:
        return {name: values[:, place // self.repeats] for name, values in self.fed.items()}, 0


class OnTask:
    """The loss of a task, as a trainer calls it.

    Parameters
    ----------
    task
        Of which.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.recorded = task.recorded(task.split.fitted)
        self.trials = task.split.fitted.trials.size

    @property
    def records(self) -> dict[str, list[str]]:
        """What it reads."""
        return self.task.records

    def __call__(self, outputs: Mapping[str, Mapping[str, Tensor]], targets: Any) -> Tensor:
        """Return the loss of a batch that holds all trials."""
        found: dict[Key, Tensor] = {}
        for population, variable in self.task.needs:
            values = outputs[population][variable or "spikes"]
            found[population, variable] = values.reshape(len(values), self.trials, self.task.repeats, 1, -1)
        return self.task.loss(self.task.compared(self.recorded, found))[0]


def _forward(task: Task, n: int) -> Any:
    n_steps = task.n_steps(task.split.fitted)

    def forward(module: CircuitModule, inputs: Any, *, record: Any, seed: int) -> tuple[Any, Any]:
        state = None if inputs else initial_state(module.circuit, module.program, seed, n)
        outputs, end = module(inputs, state, steps=n_steps, record=record, seed=seed)
        return outputs, end

    return forward
