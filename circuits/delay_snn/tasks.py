"""What the networks are trained on: times between spikes, synthetic spoken digits, and recorded ones where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.circuits.delay_snn.schedule import FLOOR, NARROW
from neurosim.circuits.delay_snn.sizes import Size
from neurosim.circuits.delay_snn.study import Task
from neurosim.circuits.delay_snn.training import Rates
from neurosim.units import ms

if TYPE_CHECKING:
    from neurosim.datasets.spoken_digits.loading import Split

#: Length of a synthetic and of a recorded digit, in steps of 10 ms.
DIGITS_STEPS, SHD_STEPS = 84, 140


def timing_task(quick: bool = False) -> Task:
    """Return the task in which nothing but times between spikes of different channels tells classes apart.

    No two channels of a class fire together, so that a network without delays, whose membranes forget within a step,
    can do little better than guess. There are no hidden neurons: what a readout can tell is what the delays before it
    let meet. The networks have equal numbers of neurons: the same, with its delays trained or not.
    """
    from neurosim.datasets.timing import DelayPatterns

    # Of the seeds from 0 on the first whose classes have no two channels at the same time.
    settings: dict[str, Any] = {"n_classes": 8, "n_channels": 6, "period": 40, "cycles": 2, "span": 20, "seed": 212}
    sets = [DelayPatterns(**settings, size=n, split=split) for n, split in ((480, "train"), (400, "test"))]
    return Task(
        "timing", sets[0], sets[1], Size(6, (), 8), longest=20, epochs=12 if quick else 30, batch_size=48,
        rates=Rates(weights=2e-2, delays=0.5), equal="neurons",
    )  # fmt: skip


def deployed_task(step: float, quick: bool = False) -> Task:
    """Return the timing task for two hidden layers at some time step, in seconds, without settling of delays."""
    task = timing_task()
    size = replace(task.size, hidden=(24, 24))
    return replace(task, name="deployed", size=size, step=step, tau_mem=0.015, epochs=2 if quick else 6, settle=0.0)


def digits_task(width: int = 48, epochs: int = 12, *, sample: bool = False, test: Split = "test") -> Task:
    """Return synthetic spoken digits, 140 channels in steps of 10 ms; voices of the test never speak in training.

    Parameters
    ----------
    width
        Neurons of each of the two hidden layers of the network with learned delays.
    epochs
        Of training.
    sample
        The small set that comes with neurosim.
    test
        The split that the network is tested on.
    """
    from neurosim.datasets.spoken_digits import load_spoken_digits

    splits: tuple[Split, Split] = ("train", test)
    sets = [load_spoken_digits(split, sample=sample).binned(10 * ms, n_steps=DIGITS_STEPS) for split in splits]
    return Task(
        "digits", sets[0], sets[1], Size(140, (width, width), 20), longest=24, epochs=epochs, batch_size=64,
        dropout=0.1, rates=Rates(weights=1e-2, delays=0.5),
    )  # fmt: skip


def direct_digits_task(kernels: int = 7, *, sample: bool = False) -> Task:
    """Return the synthetic digits for a network without hidden neurons: random delays, several a pair, and weights.

    So does the memory of D'Agostino et al. (Nature Communications 15:3446, 2024) tell spoken digits apart, with 16
    delays a pair. Here as many numbers are trained as in the other networks.
    """
    task = digits_task(sample=sample)
    size = replace(task.size, hidden=(), kernels=kernels)
    return replace(task, name="digits-direct", size=size, equal="neurons")


def shd_task(study: Path | None = None) -> Task:
    """Return the recorded digits with the published network and recipe; they must be in the cache.

    Parameters
    ----------
    study
        The folder that notes each time that the test set is read; by default one in the cache.
    """
    from neurosim.cache_folder import cache_folder
    from neurosim.datasets import load_shd

    place = cache_folder() / "delay-snn" if study is None else study
    # Again, for another network or a run that goes on: each is tested once, at its end, and nothing is chosen by it.
    sets = [load_shd("train"), load_shd("test", study=place, again=True)]
    binned = [events.binned(10 * ms, n_steps=SHD_STEPS) for events in sets]
    return Task(
        "shd", binned[0], binned[1], Size(140, (256, 256), 20), longest=24, epochs=150, batch_size=256, dropout=0.4,
        counts=True, narrowest=NARROW + FLOOR, settle=0.0, equal="neurons",
    )  # fmt: skip
