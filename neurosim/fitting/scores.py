"""What a fitted circuit is worth: counts, times of spikes and the loss, on what was fitted and on what was held out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from neurosim.analysis.spikes.coincidence import coincidence_factor
from neurosim.analysis.spikes.distances import van_rossum
from neurosim.analysis.spikes.prediction import bits_per_spike
from neurosim.circuit.circuit import Circuit
from neurosim.fitting.held_out import Part
from neurosim.fitting.on_steps import expected_counts, smoothed
from neurosim.fitting.result import FITTED, HELD_OUT, Score
from neurosim.fitting.simulated import loss_of, simulated
from neurosim.fitting.task import Task
from neurosim.random import Stream
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support

Floats = NDArray[np.float64]
#: How near two spikes are that coincide (Kistler et al. 1997), and the time constant of the distance, in seconds.
PRECISION, TAU = 2e-3, 10e-3
#: Bins in which rates are compared, and by how much those of the repeats are smoothed, in seconds.
BIN, SMOOTH = 1e-3, 1e-3
#: Least expected count, as a share of the mean.
FLOOR = 0.02


def scores(task: Task, circuit: Circuit, seed: int) -> tuple[Score, ...]:
    """Return the scores of a circuit on both parts of a task.

    Parameters
    ----------
    task
        What is fitted to what.
    circuit
        With the fitted values.
    seed
        Of the noise, which is not that of the fit.
    """
    own = int(Stream(seed, "fitting/scores").bits_at(0)) >> 1
    found: list[Score] = []
    for name, part in ((FITTED, task.split.fitted), (HELD_OUT, task.split.held_out)):
        recording = simulated(task, circuit, part, seed=own)
        for population in task.pairs:
            if task.pairs[population] not in part.neurons:
                continue
            each = _each_trial(task, recording, part, population)
            prefix = "" if len(task.pairs) == 1 else f"{population}, "
            found += [Score(name, f"{prefix}trial {trial}", measures) for trial, measures in each.items()]
        whole = {"loss": float(loss_of(task, recording, part)[0])}
        if len(task.pairs) == 1 and task.repeats > 1:
            whole |= _rates(task, recording, part, next(iter(task.pairs)))
        found.append(Score(name, "all", whole))
    return tuple(found)


def _each_trial(task: Task, recording: Recording, part: Part, population: str) -> dict[int, dict[str, float]]:
    """Return the measures of each trial: counts of all neurons; the mean over neurons and repeats of the others."""
    theirs = task.recording.spikes[task.pairs[population]].restrict(part.support)
    mine = recording.spikes[population]
    neurons = part.neurons[task.pairs[population]]
    found = {}
    for place, trial in enumerate(part.trials.tolist()):
        starts, stops = part.support.of_trial(trial)
        support = Support(starts, stops)
        duration = float((stops - starts).sum())
        counts, gammas, distances = [], [], []
        for repeat in range(task.repeats):
            for neuron in neurons.tolist():
                recorded = _train(theirs, trial, neuron)
                train = _train(mine, place * task.repeats + repeat, neuron)
                train = train[support.contains(train, np.zeros(train.size, np.int64))]
                counts.append(train.size)
                gammas.append(coincidence_factor(train, recorded, precision=PRECISION, duration=duration))
                silent = van_rossum([], recorded, tau=TAU)
                distances.append((van_rossum(train, recorded, tau=TAU) / silent) ** 2 if silent else np.nan)
        number = sum(_train(theirs, trial, neuron).size for neuron in neurons.tolist())
        simulated_number = sum(counts) / task.repeats
        found[trial] = {
            "recorded": float(number),
            "simulated": simulated_number,
            "count_error": (simulated_number - number) / number if number else float("nan"),
            "gamma": _mean(gammas),
            "van_rossum": _mean(distances),
        }
    return found


def _rates(task: Task, recording: Recording, part: Part, population: str) -> dict[str, float]:
    """Return how well the rate over the repeats predicts the recorded spikes, beyond a constant one."""
    mine, theirs, covered = _counts(task, recording, part, population)
    width = SMOOTH / BIN
    expected = expected_counts(torch.from_numpy(mine), width, FLOOR).numpy()
    rows = (covered > 0.5).all(2).reshape(-1)
    flat = [values.reshape(-1, values.shape[2])[rows] for values in (theirs, expected)]
    bits = bits_per_spike(*flat)
    # recorded spikes are smoothed over what a neuron may listen to; the mean rate has a correlation of 0
    decay = TAU / BIN / 5
    smooth = [smoothed(torch.from_numpy(values), decay).numpy().reshape(-1, values.shape[2])[rows]
              for values in (theirs, mine)]  # fmt: skip
    together = [
        float(np.corrcoef(smooth[0][:, neuron], smooth[1][:, neuron])[0, 1])
        for neuron in range(smooth[0].shape[1])
        if smooth[0][:, neuron].std() > 0 and smooth[1][:, neuron].std() > 0
    ]
    return {"bits_per_spike": _mean(bits.tolist()), "correlation": _mean(together)}


def _counts(task: Task, recording: Recording, part: Part, population: str) -> tuple[Floats, Floats, Floats]:
    """Return mean simulated counts, recorded ones, and which share of each bin counts: (bin, trial, neuron)."""
    trains = task.recording.spikes[task.pairs[population]].restrict(part.support)
    neurons = part.neurons[task.pairs[population]]
    trials = part.trials
    bins = int(np.ceil(task.n_steps(part) * task.dt / BIN - 1e-6))
    mine, theirs, covered = (np.zeros((bins, trials.size, trains.n)) for _ in range(3))
    spikes = recording.spikes[population]
    places = np.floor(spikes.times / BIN + 1e-6).astype(np.int64)
    np.add.at(mine, (places, spikes.trials // task.repeats, spikes.neurons), 1.0 / task.repeats)
    rank = np.full(trains.n_trials, -1)
    rank[trials] = np.arange(trials.size)
    places = np.floor(trains.times / BIN + 1e-6).astype(np.int64)
    np.add.at(theirs, (places, rank[trains.trials], trains.neurons), 1.0)
    middle = np.asarray((np.arange(bins) + 0.5) * BIN)
    for place, trial in enumerate(trials.tolist()):
        covered[:, place] = part.support.contains(middle, np.full(bins, trial))[:, np.newaxis]
    return np.asarray(mine[..., neurons]), np.asarray(theirs[..., neurons]), np.asarray(covered[..., neurons])


def _train(trains: SpikeTrains, trial: int, neuron: int) -> Floats:
    found: Floats = trains.times[(trains.trials == trial) & (trains.neurons == neuron)]
    return found


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
