"""A layer whose every synapse learns its delay, against a convolution with a dense kernel of delays.

The dense kernel is how I. Hammouamri, I. Khalfaoui-Hassani and T. Masquelier train (Learning delays in spiking neural
networks using dilated convolutions with learnable spacings, ICLR 2024): two taps around each delay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.benchmarks.checks import close_arrays

#: Relative to the largest magnitude; float32 sums in another order.
TOLERANCE = 1e-3
PEER = "conv1d, dense kernel"


def write(settings: Settings, file: Path) -> None:
    """Write spikes (time, batch, n_pre), weights and delays of all edges, and the gradient from above."""
    random = np.random.default_rng(1)
    n_pre, n_post = settings["sizes"]
    taps, steps, batch = settings["taps"], settings["steps"], settings["batch"]
    arrays: dict[str, Any] = {
        "train": random.random((taps - 1 + steps, batch, n_pre)) < settings["density"],
        "weight": random.normal(size=n_pre * n_post),
        # None lies on a step, where the slope jumps.
        "delay": random.integers(0, taps - 1, n_pre * n_post) + random.uniform(0.01, 0.99, n_pre * n_post),
        "upstream": random.normal(size=(steps, batch, n_post)),
    }
    np.savez(file, **{name: array.astype(np.float32) for name, array in arrays.items()})


def check(found: Measured) -> Sequence[Check]:
    """Hold output and gradients against ours."""
    names = ["output", "weight", "delay", *(["train"] if found.settings["gradient_of_spikes"] else [])]
    return close_arrays(found, PEER, names, TOLERANCE)


def compare(cases: Mapping[str, Measured]) -> Sequence[Figure]:
    """Return how our cost grows with the longest delay."""
    figures = []
    for spikes, what in ((False, "without the gradient of spikes"), (True, "with the gradient of spikes")):
        times = {
            measured.settings["taps"]: measured.medians[OURS]
            for measured in cases.values()
            if measured.settings["gradient_of_spikes"] == spikes and OURS in measured.medians
        }
        if len(times) > 1:
            ratio = times[max(times)] / times[min(times)]
            figures.append(Figure(f"neurosim's time at the longest delays over the shortest, {what}", ratio, "x", 1.3))
    return figures


def case(taps: int, *, spikes: bool, steps: int = 100, batch: int = 32) -> Case:
    """Return the layer with delays of 0 to ``taps - 1`` steps."""
    settings = {
        "sizes": [140, 256], "taps": taps, "steps": steps, "batch": batch, "density": 0.05,
        "gradient_of_spikes": spikes,
    }  # fmt: skip
    small = f", {steps} steps, batch {batch}" if (steps, batch) != (100, 32) else ""
    return Case(f"delays of 0 to {taps - 1} steps{', gradient of spikes too' if spikes else ''}{small}", settings)


CASES = tuple(case(taps, spikes=spikes) for taps in (25, 101) for spikes in (False, True))
BENCHMARK = Benchmark(
    "delay-layer",
    "a layer of 140 to 256 neurons whose every synapse learns its weight and its delay, 5 % spikes, 100 steps, batch "
    "32, forward and backward, float32",
    cases=CASES,
    quick=(case(25, spikes=False, steps=20, batch=4),),
    sides=(
        Side(OURS, "delays_neurosim", distributions=("torch", "numba", "numpy")),
        Side(
            PEER, "delays_conv1d", "torch", ("torch",),
            at_least={item.label: 6.0 if item.settings["taps"] == 25 else 25.0 for item in CASES},
        ),
    ),
    write=write,
    check=check,
    compare=compare,
    repeats=9,
    patience=12.0,
    first_results=False,
    notes=("A turn is four steps, one after another as in training; the time is that of one.",),
)  # fmt: skip
