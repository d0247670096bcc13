"""Networks with learned delays, random ones and none, of equal size, trained on one task by one recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuits.delay_snn.circuit import build
from neurosim.circuits.delay_snn.sizes import DELAYS, Size, of_equal_size
from neurosim.circuits.delay_snn.training import Annealing, Rates, optimiser, prepared
from neurosim.units import quantity

if TYPE_CHECKING:
    from neurosim.training import Recipe

#: Called with what is being done now.
Say = Callable[[str], None]


class Padded:
    """A data set of (spikes, target) whose items go on for some silent steps, in which late spikes arrive.

    Parameters
    ----------
    items
        Map-style; the spikes of an item are (time, channel), or a dictionary with these for one source.
    silent
        How many steps.
    counts
        Keep numbers of spikes in a step. By default they become 1, since Brian2's sources fire once in a step at most.
    """

    def __init__(self, items: Any, silent: int, *, counts: bool = False) -> None:
        self._items, self._silent, self._counts = items, silent, counts

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """Return (spikes (time, channel), target)."""
        given, target = self._items[index]
        frames = np.asarray(next(iter(given.values())) if isinstance(given, Mapping) else given)
        silence = np.zeros((self._silent, frames.shape[1]), dtype=np.float32)
        spikes = frames if self._counts else frames > 0
        return np.concatenate([spikes.astype(np.float32), silence]), int(target)


@dataclass(frozen=True)
class Task:
    """What is learned.

    Parameters
    ----------
    name
        For messages and folders.
    train, test
        Data sets of (spikes, class); all items of one length.
    size
        Of the network with learned delays, whose hidden layers are alike.
    equal
        What the other networks have as many of: ``"parameters"`` (their hidden layers are larger) or ``"neurons"`` (the
        same network, its delays as they were drawn, or none).
    longest
        The longest delay, in steps.
    step, tau_mem, tau_out
        Time step and time constants, in seconds.
    counts
        Keep numbers of spikes in a step; see :class:`Padded`.
    epochs, batch_size, dropout, rates, narrowest, settle
        Of training; see :class:`~neurosim.circuits.delay_snn.training.Annealing`.
    """

    name: str
    train: Any
    test: Any
    size: Size
    longest: int
    epochs: int
    batch_size: int
    step: float = 0.01
    tau_mem: float = 0.01005
    tau_out: float | None = None
    dropout: float = 0.0
    rates: Rates = field(default_factory=Rates)
    narrowest: float = 0.0
    settle: float = 0.4
    equal: str = "parameters"
    counts: bool = False

    def network(self, delays: str) -> Size:
        """Return the size of the network with these delays: as many parameters, or nearly, or as many neurons."""
        return of_equal_size(self.size, delays) if self.equal == "parameters" else replace(self.size, delays=delays)

    def padded(self, items: Any) -> Padded:
        """Return items with enough silence after them for the longest delay and the last layer's answer."""
        return Padded(items, self.longest + len(self.size.layers), counts=self.counts)

    def build(self, delays: str, seed: int) -> Any:
        """Return the network with these delays, drawn from the seed."""
        size = self.network(delays)
        return build(
            inputs=size.inputs, hidden=size.hidden, outputs=size.outputs, kernels=size.kernels, delays=delays,
            max_delay=quantity(self.longest * self.step, "second"), tau_mem=quantity(self.tau_mem, "second"),
            tau_out=None if self.tau_out is None else quantity(self.tau_out, "second"),
            dt=quantity(self.step, "second"), seed=seed,
        )  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A network after training.

    Parameters
    ----------
    module
        With its last values, in evaluation mode.
    accuracy
        On the test set, delays rounded to steps: the one time that it is read.
    loss
        Of the last epoch of training.
    """

    module: Any
    accuracy: float
    loss: float


def train(task: Task, delays: str, seed: int, *, folder: Path | None = None) -> Trained:
    """Train one network and test it once, at the end.

    Parameters
    ----------
    task
        What is learned.
    delays
        One of :data:`~neurosim.circuits.delay_snn.sizes.DELAYS`.
    seed
        Of the network, of the order of items, and of dropout.
    folder
        Where the run is kept, in a folder of its own; a run that is there goes on.
    """
    path = None if folder is None else folder / f"{task.name}-{delays}-{seed}"
    made = recipe_of(task, delays, seed)
    outcome = made.train(seed=seed, folder=path, resume=path is not None, log_every=1_000_000)
    made.module.eval()
    return Trained(made.module, (outcome.test or {})["accuracy"], outcome.history["loss"][-1])


def recipe_of(task: Task, delays: str, seed: int) -> Recipe:
    """Return how a network is trained on a task; the test set is read at the end, and decides nothing.

    Parameters
    ----------
    task, delays
        As for :func:`train`.
    seed
        Of the network.
    """
    from neurosim.training import Recipe, losses

    module = prepared(task.build(delays, seed), dropout=task.dropout)
    made = optimiser(module, task.rates)
    return Recipe(
        module=module,
        loss=losses.softmax_over_time("out.v"),
        optimiser=made,
        dataset=task.padded(task.train),
        test=task.padded(task.test),
        epochs=task.epochs,
        batch_size=task.batch_size,
        options={"on_epoch": Annealing(made, task.rates, narrowest=task.narrowest, settle=task.settle)},
    )


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of one kind of network over seeds.

    Parameters
    ----------
    values
        One for each seed.
    parameters
        How many numbers were trained.
    """

    values: tuple[float, ...]
    parameters: int

    @property
    def mean(self) -> float:
        """The mean."""
        return float(np.mean(self.values))

    @property
    def half_interval(self) -> float:
        """Half of the 95 % interval of the mean, by Student's distribution; infinite for one seed."""
        from scipy.stats import t

        n = len(self.values)
        if n < 2:
            return math.inf
        return float(t.ppf(0.975, n - 1) * np.std(self.values, ddof=1) / math.sqrt(n))

    def __str__(self) -> str:
        interval = f" ± {100 * self.half_interval:.1f}" if len(self.values) > 1 else ""
        each = ", ".join(f"{100 * value:.1f}" for value in self.values)
        return f"{100 * self.mean:.1f}{interval} % ({each}; {self.parameters:,} parameters)"


def compare(
    task: Task,
    seeds: Sequence[int],
    *,
    kinds: Sequence[str] = DELAYS,
    folder: Path | None = None,
    say: Say | None = None,
) -> dict[str, Accuracies]:
    """Train every kind of network with every seed; return the accuracies on the test set.

    Parameters
    ----------
    task
        What is learned.
    seeds
        Of the runs.
    kinds
        Which delays.
    folder
        Where runs are kept, and gone on with.
    say
        Is told what is done.
    """
    found = {}
    for delays in kinds:
        values = []
        for seed in seeds:
            if say is not None:
                say(f"{task.name}: {delays} delays, seed {seed}")
            values.append(train(task, delays, seed, folder=folder).accuracy)
        found[delays] = Accuracies(tuple(values), task.network(delays).trained)
    return found
