"""A call of fit: epochs of steps, what is written between them, and where it can be stopped."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from neurosim.backends.interruption import Stop
from neurosim.errors import NeurosimError, TrainingError
from neurosim.training.batches import Batches, Collate, Plan
from neurosim.training.checkpoint import Position, load_state, state
from neurosim.training.folder import RunFolder
from neurosim.training.interruption import TrainingInterrupted
from neurosim.training.logs import Log
from neurosim.training.monitor import Watch
from neurosim.training.processes import Processes
from neurosim.training.progress import progress
from neurosim.training.schedules import Schedules
from neurosim.training.update import Update

logger = logging.getLogger(__name__)


def evaluate(update: Update, dataset: Any, batch_size: int, collate: Collate | None) -> dict[str, float]:
    """Return the means of a batch's numbers over a dataset, in evaluation mode."""
    processes, module = update.processes, update.module
    plan = Plan(len(dataset), batch_size, update.seed, shuffle=False)
    batches = Batches(dataset, plan, 0, processes.rank, processes.world, collate)
    totals = dict.fromkeys(update.names, 0.0)
    before = module.training
    module.eval()
    try:
        for number, batch in enumerate(batches.load(0, 0)):
            for name, value in update.evaluate(batch, number).items():
                totals[name] += value
    finally:
        module.train(before)
    sums = processes.sum(list(totals.values()))
    return {name: total / plan.items for name, total in zip(totals, sums, strict=True)}


@contextmanager
def opened(folder: RunFolder | None, processes: Processes) -> Iterator[Any]:
    """Open the folder in the first process, and yield its last checkpoint; the others hear whether that went well.

    Raises
    ------
    TrainingError
        In every process, if the folder cannot be opened.
    """
    if folder is None:
        yield None
        return
    with ExitStack() as stack:
        problem: NeurosimError | None = None
        if processes.first:
            try:
                stack.enter_context(folder)
            except NeurosimError as error:
                problem = error
        told = processes.say(None if problem is None else str(problem))
        if told is not None:
            raise problem if problem is not None else TrainingError(told)
        yield folder.load()


@dataclass
class Run:
    """What is trained, on what, and where it goes.

    Parameters
    ----------
    update
        Does a step.
    schedules
        Of the learning rates.
    plan
        Which items each step sees.
    dataset, validation
        To train on, and to look at after each epoch (or None).
    epochs
        How many.
    watch
        The epochs that the monitor has seen, or None without one.
    files
        The folder, or None.
    collate, workers
        How items become batches.
    on_epoch
        Called at the beginning of each epoch, or None.
    checkpoint_every
        Steps between checkpoints within an epoch, or None.
    log_every
        Steps between lines of the log.
    tensorboard, show_progress
        What else tells how it goes.
    """

    update: Update
    schedules: Schedules
    plan: Plan
    dataset: Any
    validation: Any
    epochs: int
    watch: Watch | None
    files: RunFolder | None
    collate: Collate | None
    workers: int
    on_epoch: Any
    checkpoint_every: int | None
    log_every: int
    tensorboard: bool
    show_progress: bool
    position: Position = field(default_factory=Position)

    @property
    def finished(self) -> bool:
        """Whether no epoch is left, or the monitor has had enough."""
        return len(self.position.rows) >= self.epochs or (self.watch is not None and self.watch.exhausted)

    def go(self, stop: Stop, content: Any) -> None:
        """Train to the end.

        Parameters
        ----------
        stop
            Tells when to stop early.
        content
            Of the checkpoint to go on from, or None.

        Raises
        ------
        TrainingInterrupted
            Between two steps, everything saved.
        """
        first, total = self.update.processes.first, self.epochs * self.plan.steps
        within = content is not None and content["step"] > len(content["rows"]) * self.plan.steps
        if within:
            self._begin(len(content["rows"]))  # before the values are loaded, which it may change
        kept = 0
        if content is not None:
            kept = load_state(content, self.update, self.schedules, self.position, self.watch)
        with ExitStack() as closing:
            self._log = None
            if self.files is not None and first:
                self._log = Log(self.files.path, kept=kept, step=self.position.step, tensorboard=self.tensorboard)
                closing.callback(self._log.close)
            self._report = closing.enter_context(progress(total, shown=self.show_progress and first))
            while not self.finished:
                if not within:
                    self._begin(len(self.position.rows))
                within = False
                self._steps(stop)
                self._close_epoch()
                self._save()

    def _begin(self, epoch: int) -> None:
        if self.on_epoch is not None:
            self.on_epoch(self.update.module, epoch, self.epochs)

    def _steps(self, stop: Stop) -> None:
        """Do the steps of an epoch that are left."""
        position, plan, processes = self.position, self.plan, self.update.processes
        epoch = len(position.rows)
        first = position.step - epoch * plan.steps
        batches = Batches(self.dataset, plan, epoch, processes.rank, processes.world, self.collate)
        self.update.module.train()
        for place, batch in enumerate(batches.load(first, self.workers), start=first):
            items, rates = plan.size(place), self.schedules.rates(self.update.optimisers)
            numbers, norm = self.update.step(batch, position.step, items)
            *sums, stops = processes.sum([*numbers.values(), float(stop.requested)])
            self.schedules.after_step()
            means = position.advance(dict(zip(numbers, sums, strict=True)), items)
            self._tell(epoch, means, norm, rates)
            if stops:
                self._save()
                steps = self.epochs * plan.steps
                raise TrainingInterrupted(position.step, steps, None if self.files is None else self.files.path)
            if self.checkpoint_every is not None and position.step % self.checkpoint_every == 0:
                self._save()

    def _tell(self, epoch: int, means: Mapping[str, float], norm: float | None, rates: list[float]) -> None:
        step = self.position.step
        if self._log is not None and step % self.log_every == 0:
            gradient = {} if norm is None else {"gradient_norm": norm}
            self._log.write("step", step, {**means, **gradient, "learning_rate": rates}, epoch=epoch)
        if self._report is not None:
            self._report(step, f"epoch {epoch + 1}/{self.epochs}, loss {means['loss']:.4g}")

    def _close_epoch(self) -> None:
        """Validate, take note of the epoch, and let schedules and the monitor see it."""
        position, first = self.position, self.update.processes.first
        row: dict[str, float] = {"step": position.step, **position.means()}
        if self.validation is not None:
            found = evaluate(self.update, self.validation, self.plan.batch_size, self.collate)
            row |= {f"validation_{name}": value for name, value in found.items()}
        epoch = len(position.rows)
        self.schedules.after_epoch(row.get("validation_loss", row["loss"]))
        position.close(row)
        if self.watch is not None and self.watch.better(row, epoch) and self.files is not None and first:
            self.files.save_best({"epoch": epoch, "row": row, "module": self.update.module.state_dict()})
        if self._log is not None:
            numbers = {name: value for name, value in row.items() if name != "step"}
            self._log.write("epoch", position.step, numbers, epoch=epoch)
        logger.info("epoch %d: %s", epoch + 1, ", ".join(f"{name} {value:.4g}" for name, value in row.items()))

    def _save(self) -> None:
        """Write a checkpoint, in the first process; the others wait until it is there."""
        if self.files is None:
            return
        if self._log is not None:
            self.files.save(state(self.update, self.schedules, self.position, self.watch, log_size=self._log.size()))
        self.update.processes.wait()
