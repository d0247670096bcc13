"""What can be reached on the timing tasks: by the best detector, and by one that sees counts alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.timing import DelayPatterns
from neurosim.errors import CircuitError

Floats = NDArray[np.float64]

#: Probability of a spike where none can be, so that its logarithm is finite.
_FLOOR = 1e-9


def stacked(dataset: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return all items of a set as arrays: inputs (time, item, channel), targets (item,)."""
    items = [dataset[index] for index in range(len(dataset))]
    return np.stack([frames for frames, _ in items], axis=1), np.array([target for _, target in items])


def matched_filter(task: DelayPatterns, inputs: NDArray[Any]) -> NDArray[np.int64]:
    """Tell the classes of items of :class:`~neurosim.datasets.timing.DelayPatterns` by their likelihood.

    Parameters
    ----------
    task
        The task: offsets, period, jitter and noise are known.
    inputs
        Shape (time, item, channel).

    Returns
    -------
    numpy.ndarray
        The class with the largest likelihood, averaged over the unknown phase, shape (item,).

    Notes
    -----
    Spikes count as independent given class and phase, which they are but for the rule that a channel has one of its own
    in every period. Without jitter and noise no answer is wrong: any two classes differ in half the channels.
    """
    shifts = np.arange(task.period)
    distance = (shifts + task.period // 2) % task.period - task.period // 2
    if task.jitter:
        chance = np.exp(-0.5 * (distance / task.jitter) ** 2)
        chance /= chance.sum()
    else:
        chance = (distance == 0).astype(float)
    likelihood = np.log(np.maximum(task.noise + (1 - task.noise) * chance, _FLOOR))
    # likelihood of a spike at each step of the period: (class, phase, step, channel)
    late = shifts[None, None, :, None] - shifts[None, :, None, None] - task.offsets[:, None, None, :]
    templates = likelihood[late % task.period].reshape(task.n_classes * task.period, -1)
    folded = np.asarray(inputs, dtype=float).reshape(task.cycles, task.period, -1, task.n_channels).sum(axis=0)
    evidence = templates @ folded.transpose(0, 2, 1).reshape(task.period * task.n_channels, -1)
    by_phase = evidence.reshape(task.n_classes, task.period, -1)
    return np.asarray(np.logaddexp.reduce(by_phase, axis=1).argmax(axis=0))


def count_accuracy(train: Any, test: Any, *, width: int | None = None) -> float:
    """Return how often a linear classifier is right that sees numbers of spikes alone.

    Parameters
    ----------
    train, test
        Data sets of (inputs (time, channel), target).
    width
        Steps over which spikes of a channel are counted; by default all of an item.

    Raises
    ------
    CircuitError
        If items are no multiple of `width`.

    Notes
    -----
    Least squares on the counts (and their mean) with targets one-hot, with a ridge of 1e-3 of their variance.
    """
    features: list[Floats] = []
    targets: list[NDArray[np.int64]] = []
    for dataset in (train, test):
        inputs, classes = stacked(dataset)
        steps, items, channels = inputs.shape
        bins = width or steps
        if steps % bins:
            raise CircuitError(f"count_accuracy: items of {steps} steps have no whole number of bins of {bins}.")
        counts = inputs.astype(float).reshape(-1, bins, items, channels).sum(axis=1)
        features.append(counts.transpose(1, 0, 2).reshape(items, -1))
        targets.append(classes)
    middle = features[0].mean(axis=0)
    known, unknown = (np.c_[part - middle, np.ones(len(part))] for part in features)
    ridge = 1e-3 * len(known) * max(float(known[:, :-1].var()), 1e-12)
    wanted = np.eye(int(targets[0].max()) + 1)[targets[0]]
    weights = np.linalg.solve(known.T @ known + ridge * np.eye(known.shape[1]), known.T @ wanted)
    return float(((unknown @ weights).argmax(axis=1) == targets[1]).mean())
