"""The experiments of the delay network: published sizes and schedule, what delays alone do, spoken digits, Brian2.

References
----------
I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from neurosim.circuits.delay_snn import order_detection
from neurosim.circuits.delay_snn.circuit import NAME, build
from neurosim.circuits.delay_snn.schedule import NARROW, cosine, width
from neurosim.circuits.delay_snn.sizes import PUBLISHED, Size
from neurosim.circuits.delay_snn.study import Accuracies, Task, compare
from neurosim.circuits.delay_snn.trained_in_brian2 import deploy
from neurosim.circuits.delay_snn.training import Rates, prepared
from neurosim.experiments import Measured, Reproduction, Row, Skipped

logger = logging.getLogger(__name__)

#: Seeds of the runs.
SEEDS = (0, 1, 2)
#: First width of kernels, epochs, and factor from epoch to epoch, by data set.
WIDTHS = {"SHD": (12, 150, 0.8986), "SSC": (15, 60, 0.7569), "GSC": (15, 100, 0.8461)}
#: Length of a spoken digit in steps.
DIGITS_STEPS = 84
#: Reported on SHD: by learned delays, and by the same program without delays.
SHD = "93.8 % with learned delays, 90.4 % without, one test read after a split of its own for validation"


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any]) -> Reproduction:
    """Run all; `quick` leaves out the spoken digits and trains the others with one seed, for less time."""
    rows = [*_sizes(), *_schedule(), *_order()]
    measured = []
    for milliseconds in (10, 1):
        found_rows, found = _deployed(milliseconds, quick, backend, options)
        rows += found_rows
        measured.append(found)
    timing = compare(timing_task(quick), SEEDS[:1] if quick else SEEDS, say=logger.info)
    rows += _ordered(timing)
    measured += [Measured(f"timing task, {kind} delays", str(found)) for kind, found in timing.items()]
    skipped = [Skipped(f"SHD: {SHD}", "the data set, which is not embedded; what follows is on synthetic digits")]
    if quick:
        skipped.append(Skipped("synthetic digits", "a run without --quick"))
    else:
        digits = compare(digits_task(), SEEDS, say=logger.info)
        measured += [Measured(f"synthetic digits, {kind} delays", str(found)) for kind, found in digits.items()]
    return Reproduction(NAME, tuple(rows), tuple(skipped), measured=tuple(measured))


def _sizes() -> list[Row]:
    """Return the published numbers of parameters beside ours; of the smallest network those of the module itself."""
    rows = [Row(f"trained parameters: {name}", trained, size.trained) for name, (size, trained) in PUBLISHED.items()]
    module = prepared(build())
    counted = sum(parameter.numel() for parameter in module.parameters())
    return [*rows, Row("trained parameters of the module: SHD, 2 layers of 256", 214_016, counted)]


def _schedule() -> list[Row]:
    rows = []
    for name, (start, epochs, factor) in WIDTHS.items():
        ratio = width(1, epochs, start) / width(0, epochs, start)
        rows.append(Row(f"width of kernels, {name}: factor an epoch", factor, round(ratio, 4)))
        rows.append(
            Row(f"width of kernels, {name}: after a quarter of the epochs", NARROW, width(epochs // 4, epochs, start))
        )
    rows.append(
        Row("rate of delays at the start and at the end", "0.1, 0.0", f"{cosine(0, 150, 0.1)}, {cosine(150, 150, 0.1)}")
    )
    return rows


def _order() -> list[Row]:
    learned, frozen = order_detection.train(), order_detection.train(updates=1, rate=0.0)
    return [
        Row("order of two spikes: loss before training", 0.6931, learned.losses[0], 1e-4),
        Row("order of two spikes: right with learned delays, rounded (%)", 100, 100 * learned.accuracy),
        Row("order of two spikes: right with delays frozen at 0 (%)", 50, 100 * frozen.accuracy),
    ]


def _deployed(milliseconds: int, quick: bool, backend: str, options: Mapping[str, Any]) -> tuple[list[Row], Measured]:
    step = f"trained at {milliseconds} ms"
    found = deploy(deployed_task(milliseconds / 1000, quick), 0, backend=backend, options=options)
    rows = [
        Row(f"{step}: spikes that differ from a script of Brian2", 0, found.by_script),
        Row(f"{step}: spikes that differ from the module that was trained", 0, found.by_module),
        Row(f"{step}: a script that delivers too early", "differs", "differs" if found.by_wrong_script else "is equal"),
    ]
    text = (
        f"{found.spikes:,} hidden spikes, {found.by_wrong_script:,} differing in the wrong order; margin "
        f"{found.margin:.1e} of the largest membrane; delays moved by {found.moved:.2f} steps when rounded"
    )
    return rows, Measured(step, text)


def _ordered(found: Mapping[str, Accuracies]) -> list[Row]:
    return [
        Row(
            f"timing task: {better} delays against {worse}",
            "better",
            "better" if _mean(found, better) > _mean(found, worse) else "not better",
        )
        for better, worse in (("learned", "random"), ("random", "none"))
    ]


def _mean(found: Mapping[str, Accuracies], kind: str) -> float:
    return found[kind].mean


def timing_task(quick: bool = False) -> Task:
    """Return the task in which nothing but times between spikes of different channels tells classes apart.

    No two channels of a class fire together, so that a network without delays, whose membranes forget within a step,
    can do no better than guess. The networks have equal numbers of neurons: the same, with its delays trained or not.
    """
    from neurosim.datasets.timing import DelayPatterns

    # Of the seeds from 0 on the first whose classes have no two channels at the same time.
    settings: dict[str, Any] = {"n_classes": 8, "n_channels": 6, "period": 40, "cycles": 2, "span": 20, "seed": 212}
    sets = [DelayPatterns(**settings, size=n, split=split) for n, split in ((480, "train"), (400, "test"))]
    return Task(
        "timing", sets[0], sets[1], Size(6, (6,), 8), longest=20, epochs=12 if quick else 30, batch_size=48,
        rates=Rates(weights=2e-2, delays=0.5), equal="neurons",
    )  # fmt: skip


def deployed_task(step: float, quick: bool = False) -> Task:
    """Return the timing task for two hidden layers at some time step, in seconds, without settling of delays."""
    from dataclasses import replace

    task = timing_task()
    size = replace(task.size, hidden=(24, 24))
    return replace(task, name="deployed", size=size, step=step, tau_mem=0.015, epochs=2 if quick else 6, settle=0.0)


def digits_task(width_of_layers: int = 48, epochs: int = 16) -> Task:
    """Return synthetic spoken digits, 140 channels in steps of 10 ms; voices of the test never speak in training."""
    from neurosim.datasets.spoken_digits import load_spoken_digits
    from neurosim.units import ms

    sets = [load_spoken_digits(split).binned(10 * ms, n_steps=DIGITS_STEPS) for split in ("train", "test")]
    size = Size(140, (width_of_layers, width_of_layers), 20)
    return Task(
        "digits", sets[0], sets[1], size, longest=24, epochs=epochs, batch_size=64, dropout=0.2,
        rates=Rates(weights=5e-3, delays=0.3),
    )  # fmt: skip
