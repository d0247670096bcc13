"""Recipes: all that training a circuit takes, so that it can be begun by a name and gone on with by the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosim.backends.snntorch.devices import checked_device
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.errors import TrainingError
from neurosim.training.batches import Plan
from neurosim.training.history import History
from neurosim.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is trained, on what, and how.

    Parameters
    ----------
    module
        From ``ns.compile``, on any device.
    loss, optimiser
        As the :class:`Trainer` takes them.
    dataset
        To train on.
    epochs, batch_size
        How long, and how many items at once, where nothing else is asked for.
    schedule
        As the Trainer takes it; or a function of (epochs, steps of an epoch) that returns it, for schedules that must
        know when the run ends.
    validation
        To look at after each epoch, or None.
    test
        To look at once, at the end, with the values of the best epoch; or None.
    options
        Further options of the Trainer: ``clip``, ``monitor``, ``metrics``, ``on_epoch``, ``forward``, ...
    fit_options
        Further options of its ``fit``: ``collate``, ``drop_last``, ``shuffle``, ``workers``.
    """

    module: CircuitModule
    loss: Any
    optimiser: Any
    dataset: Any
    epochs: int
    batch_size: int
    schedule: Any = None
    validation: Any = None
    test: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    fit_options: Mapping[str, Any] = field(default_factory=dict)

    def train(
        self,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        device: str | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        **options: Any,
    ) -> Outcome:
        """Train the module; it then holds the values of the best epoch, where there is a validation and a folder.

        Parameters
        ----------
        epochs, batch_size
            In place of the recipe's own.
        seed
            Of the order of the items and of noise.
        device
            Where to train; by default where the module is.
        folder, resume
            Where the run is written to, and whether to go on with one that is there.
        options
            Further options of the Trainer, in place of the recipe's own.

        Returns
        -------
        Outcome
            The history, and what the test gave.
        """
        if device is not None:
            self.module.to(checked_device(device))  # in place: the optimiser still has its parameters
        count, size = self.epochs if epochs is None else epochs, self.batch_size if batch_size is None else batch_size
        if count < 1:
            raise TrainingError(f"epochs must be at least 1, got {count}.")
        steps = Plan(len(self.dataset), size, seed, drop_last=bool(self.fit_options.get("drop_last", False))).steps
        schedule = self.schedule(count, steps) if callable(self.schedule) else self.schedule
        trainer = Trainer(
            self.module, self.loss, self.optimiser, schedule, seed=seed, folder=folder, **{**self.options, **options}
        )
        history = trainer.fit(
            self.dataset, epochs=count, batch_size=size, validation=self.validation, resume=resume, **self.fit_options
        )
        if history.best is not None and folder is not None:
            trainer.load_best()
        collate = self.fit_options.get("collate")
        test = None if self.test is None else trainer.evaluate(self.test, batch_size=size, collate=collate)
        return Outcome(history, test, trainer.writes)


@dataclass(frozen=True)
class Outcome:
    """What came out of a recipe.

    Parameters
    ----------
    history
        The numbers of each epoch.
    test
        Those of the test, or None without one.
    first
        Whether this is the first of the processes, which writes what is to be written.
    """

    history: History
    test: Mapping[str, float] | None
    first: bool = True
