"""The trainer: epochs over a dataset, with checkpoints from which a run goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neurosim.backends.interruption import Stop
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.errors import TrainingError
from neurosim.training.batches import Collate, Plan
from neurosim.training.checkpoint import identity
from neurosim.training.folder import RunFolder
from neurosim.training.history import History
from neurosim.training.monitor import Monitor, Watch
from neurosim.training.processes import Processes
from neurosim.training.run import Run, evaluate, opened
from neurosim.training.schedules import Schedules
from neurosim.training.update import Clip, Forward, Metric, Update, call, checked_optimisers


class Trainer:
    """Trains a module on a dataset.

    Parameters
    ----------
    module
        What ``ns.compile(circuit, backend="snntorch")`` returned, on the device on which it is to be trained.
    loss
        One of :mod:`neurosim.training.losses`; or anything called as ``loss(outputs, targets)`` that returns a number,
        the mean over the items of a batch. ``loss.records`` says what it needs of the outputs, as for ``record=`` of
        the module. Where it has ``loss.correct(outputs, targets)`` or ``loss.predict(outputs)``, ``accuracy`` is
        reported.
    optimiser
        An optimiser of torch over the module's parameters (see :func:`groups`), or a list of them.
    schedule
        A scheduler of torch, which advances after every epoch; ``EveryStep(scheduler)``; or a list of these.
    seed
        Fixes the order of the items, the noise of each step and what torch draws: each is a function of the seed and
        the number of the step.
    clip
        How far gradients may go: a norm, or a :class:`Clip`.
    precision
        ``"32-true"`` or ``"64-true"``, which the module's dtype decides, or ``"bf16-mixed"`` or ``"16-mixed"``.
    folder
        Where the run is written to: checkpoints and logs. Without it nothing is.
    checkpoint_every
        Write a checkpoint after every so many steps too, not only after each epoch.
    monitor
        What decides which epoch is the best (its values are kept in the folder) and when to stop early; by default the
        smallest validation loss, where there is a validation.
    metrics
        Further numbers of a batch by name: each called with (outputs, targets), a mean over the items; with the
        attribute ``records`` where it needs something recorded.
    forward
        Runs a batch, for long sequences: called as ``forward(module, inputs, record=..., seed=...)``, returns (outputs,
        state). By default the module is called.
    on_epoch
        Called as ``on_epoch(module, epoch, epochs)`` at the beginning of each epoch, and again where a run goes on
        within one; what it changes in the parameters is then overwritten by the checkpoint.
    log_every
        Log every so many steps (and every epoch).
    tensorboard
        Write for TensorBoard too, into the folder.
    show_progress
        Draw a bar on stderr where that is a terminal.

    Notes
    -----
    Under ``torchrun`` every process makes the same Trainer and calls ``fit`` with the same arguments; each computes its
    share of every batch, and the gradients are those of one process. What a batch shares is the exception: each
    process has noise of its own, and batch norm sees its share only.

    Examples
    --------
    ::

        trainer = Trainer(module, losses.softmax_over_time("out.v"), torch.optim.Adam(module.parameters(), lr=1e-3))
        history = trainer.fit(dataset, epochs=10, batch_size=32, validation=others)
    """

    def __init__(
        self,
        module: CircuitModule,
        loss: Any,
        optimiser: Any,
        schedule: Any = None,
        *,
        seed: int = 0,
        clip: float | Clip | None = None,
        precision: str | None = None,
        folder: str | Path | None = None,
        checkpoint_every: int | None = None,
        monitor: Monitor | None = None,
        metrics: Mapping[str, Metric] | None = None,
        forward: Forward = call,
        on_epoch: Callable[[CircuitModule, int, int], object] | None = None,
        log_every: int = 1,
        tensorboard: bool = False,
        show_progress: bool = True,
    ) -> None:
        if not isinstance(module, CircuitModule):
            raise TrainingError(f"Trainer: a module from ns.compile is needed, not {type(module).__name__}.")
        for name, number in (("checkpoint_every", checkpoint_every), ("log_every", log_every)):
            if number is not None and number < 1:
                raise TrainingError(f"{name} must be at least 1 step, got {number}.")
        if folder is None and (tensorboard or checkpoint_every is not None):
            raise TrainingError("tensorboard= and checkpoint_every= need a folder= to write to.")
        self.module, self.seed = module, seed
        self.folder = None if folder is None else Path(folder)
        self._optimisers = checked_optimisers(optimiser, module)
        self._schedules = Schedules(schedule)
        self._processes = Processes(module, precision)
        self._update = Update(
            module, loss, self._optimisers, self._processes, clip=clip if clip is None or isinstance(clip, Clip) else
            Clip(norm=clip), metrics=metrics or {}, forward=forward, seed=seed,
        )  # fmt: skip
        self._identity = identity(self._update, self._schedules)
        self._monitor = monitor
        self._manner: dict[str, Any] = {
            "on_epoch": on_epoch, "checkpoint_every": checkpoint_every, "log_every": log_every,
            "tensorboard": tensorboard, "show_progress": show_progress,
        }  # fmt: skip

    @property
    def writes(self) -> bool:
        """Whether this is the first of the processes, which writes what is to be written."""
        return self._processes.first

    def fit(
        self,
        dataset: Any,
        *,
        epochs: int,
        batch_size: int,
        validation: Any = None,
        shuffle: bool = True,
        drop_last: bool = False,
        workers: int = 0,
        collate: Collate | None = None,
        resume: bool = False,
    ) -> History:
        r"""Train for some epochs.

        Parameters
        ----------
        dataset
            Map-style, items (inputs, target); see :func:`neurosim.training.batches.stack`.
        epochs
            How many in all.
        batch_size
            Items of a step, over all processes.
        validation
            A dataset to look at after each epoch, in evaluation mode (learned delays rounded to steps).
        shuffle
            In a new order each epoch.
        drop_last
            Leave out the last batch of an epoch where it is smaller.
        workers
            Processes that fetch items ahead of time.
        collate
            Makes (inputs, targets) of a list of items; by default they are stacked.
        resume
            Go on with the run in the folder, from its last checkpoint; where there is none, begin.

        Returns
        -------
        History
            The numbers of each epoch.

        Raises
        ------
        TrainingInterrupted
            At Ctrl-C, after the step has been finished and saved.
        TrainingError
            If the folder holds another run, or this one and ``resume`` was not given; if the loss is not finite.
        """
        if epochs < 1:
            raise TrainingError(f"epochs must be at least 1, got {epochs}.")
        if resume and self.folder is None:
            raise TrainingError("resume=True: the Trainer has no folder= to go on from.")
        monitor = self._monitor or (Monitor() if validation is not None else None)
        if monitor is not None and validation is None and monitor.metric.startswith("validation_"):
            raise TrainingError(f"Monitor: {monitor.metric!r} needs validation=.")
        plan = Plan(len(dataset), batch_size, self.seed, shuffle, drop_last)
        files = None
        if self.folder is not None:
            data = {**asdict(plan), "processes": self._processes.world}
            files = RunFolder(self.folder, {**self._identity, "data": data}, resume=resume)
        watch = None if monitor is None else Watch(monitor)
        run = Run(
            self._update, self._schedules, plan, dataset, validation, epochs, watch, files, collate, workers,
            **self._manner,
        )  # fmt: skip
        with Stop() as stop, opened(files, self._processes) as content:
            run.go(stop, content)
        return History(tuple(run.position.rows), None if watch is None else watch.found)

    def evaluate(self, dataset: Any, *, batch_size: int = 32, collate: Collate | None = None) -> dict[str, float]:
        """Return loss, accuracy and metrics on a dataset, in evaluation mode.

        Parameters
        ----------
        dataset
            As for :meth:`fit`.
        batch_size
            Items at once.
        collate
            As for :meth:`fit`.

        Returns
        -------
        dict
            Means over the items.
        """
        return evaluate(self._update, dataset, batch_size, collate)

    def load_best(self) -> int:
        """Give the module the values of the best epoch; return which it was.

        Raises
        ------
        TrainingError
            If there is no folder, or no best epoch in it.
        """
        if self.folder is None:
            raise TrainingError("load_best: the Trainer has no folder=, so that no epoch's values were kept.")
        content = RunFolder(self.folder, {}, resume=True).load_best()
        self.module.load_state_dict(content["module"])
        return int(content["epoch"])
