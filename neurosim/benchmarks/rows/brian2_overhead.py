"""What the Brian2 backend costs over a plain Brian2 script of the same network, on the same target."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Check, Measured, Side
from neurosim.benchmarks.checks import same_spikes
from neurosim.benchmarks.rows.balanced_network import POPULATIONS, case, write

PLAIN = "plain Brian2"


def check(found: Measured) -> Sequence[Check]:
    """Hold every spike of the plain script against ours."""
    return same_spikes(found, PLAIN, POPULATIONS)


CASES = tuple(
    case(f"{target}, 0.3 s", 0.3, target=target, backend="brian2") for target in ("numpy", "cython")
)  # fmt: skip
BENCHMARK = Benchmark(
    "brian2-overhead",
    "the balanced network of 4,000 neurons on neurosim's Brian2 backend and in a plain Brian2 script, float64",
    cases=CASES,
    quick=(case("numpy, 50 ms", 0.05, target="numpy", backend="brian2"),),
    sides=(
        Side(OURS, "network_neurosim", "brian2", ("brian2", "numpy")),
        Side(PLAIN, "balanced_brian2", "brian2", ("brian2", "numpy")),
    ),
    write=write,
    check=check,
    repeats=15,
    patience=20.0,
    notes=("Of neurosim the whole call counts, of plain Brian2 the steps alone.",),
)
