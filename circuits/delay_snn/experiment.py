"""The experiments of the delay network: published sizes and schedule, what delays alone do, spoken digits, Brian2.

References
----------
I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.circuits.delay_snn import order_detection
from neurosim.circuits.delay_snn.circuit import NAME, build
from neurosim.circuits.delay_snn.schedule import NARROW, cosine, width
from neurosim.circuits.delay_snn.sizes import PUBLISHED
from neurosim.circuits.delay_snn.study import Accuracies, compare
from neurosim.circuits.delay_snn.tasks import deployed_task, digits_task, direct_digits_task, shd_task, timing_task
from neurosim.circuits.delay_snn.trained_in_brian2 import deploy
from neurosim.circuits.delay_snn.training import prepared
from neurosim.experiments import Measured, Reproduction, Row, Skipped

logger = logging.getLogger(__name__)

#: Seeds of the runs.
SEEDS = (0, 1, 2)
#: First width of kernels, epochs, and factor from epoch to epoch, by data set.
WIDTHS = {"SHD": (12, 150, 0.8986), "SSC": (15, 60, 0.7569), "GSC": (15, 100, 0.8461)}
#: Accuracies on SHD in percent by one read of the test set, after runs of the authors' program by others.
SHD = {"learned": 93.8, "none": 90.4}


def reproduce(
    *, quick: bool, backend: str, options: Mapping[str, Any], folder: Path | None = None, data: bool = False
) -> Reproduction:
    """Run all but SHD, or with `data` SHD too.

    Parameters
    ----------
    quick
        Leave out the spoken digits, and train the others with one seed, for less time.
    backend, options
        What runs trained networks, as for ``neurosim.compile``.
    folder
        Where runs are kept, and gone on with.
    data
        Train the published networks on SHD, which must be in the cache: hours.
    """
    rows = [*_sizes(), *_schedule(), *_order()]
    measured = []
    for milliseconds in (10, 1):
        found_rows, found = _deployed(milliseconds, quick, backend, options)
        rows += found_rows
        measured.append(found)
    timing = compare(timing_task(quick), SEEDS[:1] if quick else SEEDS, folder=folder, say=logger.info)
    rows += _ordered(timing)
    measured += [Measured(f"timing task, {_called(kind)}", str(found)) for kind, found in timing.items()]
    skipped = []
    if quick:
        skipped.append(Skipped("synthetic digits", "a run without --quick"))
    else:
        digits = compare(digits_task(), SEEDS, folder=folder, say=logger.info)
        measured += [Measured(f"synthetic digits, {_called(kind)}", str(found)) for kind, found in digits.items()]
        direct = compare(direct_digits_task(), SEEDS, kinds=("random",), folder=folder, say=logger.info)
        measured.append(Measured("synthetic digits, no hidden neurons, 7 random delays a pair", str(direct["random"])))
    if data:
        shd = compare(shd_task(folder), SEEDS[:1], kinds=tuple(SHD), folder=folder, say=logger.info)
        rows += [Row(f"SHD, {_called(kind)} (%)", SHD[kind], 100 * found.mean, 1.0) for kind, found in shd.items()]
    else:
        listed = ", ".join(f"{value} % with {_called(kind)}" for kind, value in SHD.items())
        skipped.append(Skipped(f"SHD, speakers held out for validation: {listed}", "the data set, and --data"))
    skipped.append(
        Skipped("SHD, no hidden neurons, 16 random delays a pair (D'Agostino et al. 2024): 90.1 %", "the data set")
    )
    skipped.append(Skipped("directions of motion: about 91 %", "neurosim reproduce motion-detection"))
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
            f"timing task: mean with {_called(better)} against {_called(worse)}",
            "better",
            "better" if _mean(found, better) > _mean(found, worse) else "not better",
        )
        for better, worse in (("learned", "random"), ("random", "none"))
    ]


def _called(kind: str) -> str:
    return "no delays" if kind == "none" else f"{kind} delays"


def _mean(found: Mapping[str, Accuracies], kind: str) -> float:
    return found[kind].mean
