"""Fitting by evolution: CMA-ES over the trainable values, every generation simulated at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from neurosim.backends.interruption import RunInterrupted, Stop
from neurosim.circuit.circuit import Circuit
from neurosim.errors import TrainingError, UnsupportedError
from neurosim.extras import optional
from neurosim.fitting.copies import Copies
from neurosim.fitting.held_out import Part
from neurosim.fitting.simulated import on_steps, simulated
from neurosim.fitting.task import Task
from neurosim.fitting.values import FreeNumbers
from neurosim.random import Stream
from neurosim.training.folder import RunFolder
from neurosim.training.interruption import TrainingInterrupted
from neurosim.training.progress import progress

logger = logging.getLogger(__name__)
Floats = NDArray[np.float64]
#: A positive range that spans at least this factor is searched by its logarithm.
WIDE = 10.0
#: Neurons times steps times trials that are simulated at once; more are taken in turn.
AT_ONCE = 100_000_000


@dataclass(frozen=True)
class EvolutionOptions:
    """How CMA-ES searches.

    Parameters
    ----------
    candidates
        Of a generation; by default ``4 + 3*log(number of values)``, at least 8.
    spread
        Standard deviation of the first generation, as a share of the range between the limits.
    """

    candidates: int | None = None
    spread: float = 0.25

    def __post_init__(self) -> None:
        if self.candidates is not None and self.candidates < 4:
            raise TrainingError(f"fit: candidates must be at least 4, got {self.candidates}.")
        if not 0 < self.spread <= 1:
            raise TrainingError(f"fit: spread must be above 0 and at most 1, got {self.spread}.")


def evolve(
    task: Task,
    options: EvolutionOptions,
    *,
    steps: int,
    seed: int,
    files: RunFolder | None,
    show_progress: bool,
) -> tuple[Circuit, list[dict[str, float]]]:
    """Return the circuit with the best values found, and the numbers of each generation.

    Raises
    ------
    TrainingError
        If a value has no limits.
    TrainingInterrupted
        At Ctrl-C; all generations that were finished are saved.
    """
    cmaes = optional("cmaes", "fit(method='cma-es')", extra="fitting", error=TrainingError)
    numbers = FreeNumbers.of(task.circuit)
    space = Space.of(numbers)
    count = options.candidates or max(8, 4 + int(3 * np.log(numbers.size)))
    optimiser = cmaes.CMA(
        mean=space.inward(numbers.initial()),
        sigma=options.spread,
        bounds=np.tile([0.0, 1.0], (numbers.size, 1)),
        seed=int(Stream(seed, "fitting/cma-es").bits_at(0)) & 0xFFFFFFFF,
        population_size=count,
    )
    found = Found()
    runner = Runner(task, numbers, count, seed)
    content = None if files is None else files.load()
    known: list[Floats] = [] if content is None else list(np.asarray(content["losses"]))
    with Stop() as stop, progress(steps, shown=show_progress) as report:
        for generation in range(steps):
            places = np.array([optimiser.ask() for _ in range(count)])
            candidates = space.outward(places)
            # The search is a function of its seed and of the losses: what is known of it is gone through again.
            told = generation < len(known)
            try:
                losses = known[generation] if told else runner.losses(candidates)
            except RunInterrupted:  # within a generation, which is done again
                raise TrainingInterrupted(generation, steps, None if files is None else files.path) from None
            found.add(candidates, losses)
            optimiser.tell(list(zip(places, losses.tolist(), strict=True)))
            if files is not None and not told:
                files.save({"losses": torch.from_numpy(np.array(found.losses))})
            if report is not None:
                report(generation + 1, f"generation {generation + 1}/{steps}, loss {found.best_loss:.4g}")
            if stop.requested and generation + 1 < steps:
                raise TrainingInterrupted(generation + 1, steps, None if files is None else files.path)
    return numbers.in_circuit(task.circuit, found.best), found.history


class Found:
    """What has been found so far: the losses of every generation, and the best candidate."""

    def __init__(self) -> None:
        self.losses: list[Floats] = []
        self.best_loss = np.inf
        self.best: Floats = np.zeros(0)

    def add(self, candidates: Floats, losses: Floats) -> None:
        """Take note of a generation."""
        self.losses.append(losses)
        place = int(np.argmin(losses))
        if losses[place] < self.best_loss or not self.best.size:
            self.best_loss, self.best = float(losses[place]), candidates[place]

    @property
    def history(self) -> list[dict[str, float]]:
        """The least and the middle loss of each generation."""
        return [{"loss": float(one.min()), "median_loss": float(np.median(one))} for one in self.losses]


@dataclass(frozen=True, eq=False)
class Space:
    """The unit cube in which values are searched: positive ranges of a decade or more by their logarithm.

    Parameters
    ----------
    low, high
        Limits in SI, (number,).
    logarithmic
        Which are searched by their logarithm, (number,).
    """

    low: Floats
    high: Floats
    logarithmic: NDArray[np.bool_]

    @classmethod
    def of(cls, numbers: FreeNumbers) -> Space:
        """Read the limits.

        Raises
        ------
        TrainingError
            Naming every value that lacks one.
        """
        low, high = numbers.limits()
        lacking = [one.address for one in numbers.addresses if not np.isfinite([low[one.place], high[one.place]]).all()]
        if lacking:
            raise TrainingError(
                f"fit: cma-es searches between limits; give Trainable(bounds=(low, high)) to: {', '.join(lacking)}."
            )
        if (low >= high).any():
            wrong = [one.address for one in numbers.addresses if (low[one.place] >= high[one.place]).any()]
            raise TrainingError(f"fit: there is nothing between the limits of {', '.join(wrong)}.")
        return cls(low, high, (low > 0) & (high >= WIDE * np.where(low > 0, low, np.inf)))

    def outward(self, places: Floats) -> Floats:
        """Return values in SI from places in the cube, (..., number)."""
        straight = self.low + (self.high - self.low) * places
        low = np.where(self.logarithmic, self.low, 1.0)
        curved = low * (np.where(self.logarithmic, self.high, 1.0) / low) ** places
        return np.clip(np.where(self.logarithmic, curved, straight), self.low, self.high)

    def inward(self, values: Floats) -> Floats:
        """Return places in the cube from values in SI, (..., number); those outside are put onto its faces."""
        held = np.clip(values, self.low, self.high)
        straight = (held - self.low) / (self.high - self.low)
        low = np.where(self.logarithmic, self.low, 1.0)
        ratio = np.where(self.logarithmic, self.high, np.e) / low
        curved = np.log(np.where(self.logarithmic, held, 1.0) / low) / np.log(ratio)
        return np.where(self.logarithmic, curved, straight)


class Runner:
    """Simulates candidates and measures their losses.

    Parameters
    ----------
    task
        What is fitted to what.
    numbers
        The trainable values.
    count
        Candidates of a generation.
    seed
        Of the noise, the same in every generation.
    """

    def __init__(self, task: Task, numbers: FreeNumbers, count: int, seed: int) -> None:
        self.task, self.numbers, self.seed = task, numbers, seed
        self.part: Part = task.split.fitted
        self.recorded = task.recorded(self.part)
        self.units = {one.address: one.unit for one in numbers.addresses}
        neurons = sum(part.n for part in task.circuit.populations.values())
        work = neurons * task.n_steps(self.part) * self.part.trials.size * task.repeats
        self.at_once = max(1, min(count, AT_ONCE // max(1, work)))
        try:
            self.copies = Copies.of(task.circuit, self.at_once)
        except UnsupportedError as reason:
            logger.info("candidates are simulated one by one: %s", reason)
            self.at_once = 1
            self.copies = Copies(task.circuit, 1)

    def losses(self, candidates: Floats) -> Floats:
        """Return the loss of each candidate, (candidate,), from values in SI, (candidate, number)."""
        found = []
        for first in range(0, len(candidates), self.at_once):
            some = candidates[first : first + self.at_once]
            filled = np.concatenate([some, np.repeat(some[-1:], self.at_once - len(some), axis=0)])
            found.append(self._measured(filled)[: len(some)])
        losses = np.concatenate(found)
        return np.where(np.isfinite(losses), losses, np.finfo(np.float64).max / 1e10)

    def _measured(self, candidates: Floats) -> Floats:
        circuit = self.copies.with_values(self.numbers.spread(candidates), self.units)
        recording = simulated(self.task, circuit, self.part, seed=self.seed, copies=self.copies)
        with torch.no_grad():
            found = on_steps(self.task, recording, self.part, self.copies.count)
            return self.task.loss(self.task.compared(self.recorded, found)).double().numpy()
