"""The benchmarks by name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from neurosim.benchmarks.benchmark import Benchmark
from neurosim.errors import CircuitError, nearest

#: Modules in :mod:`neurosim.benchmarks.rows`, in the order in which they are listed.
ROWS = (
    "balanced_network", "scaling", "brunel", "izhikevich_network", "polychronous", "training_step",
    "recurrent_training_step", "gpu_training_step", "saved_memory", "delay_layer", "brian2_overhead", "plasticity",
    "fly_brain", "edge_memory",
)  # fmt: skip


@cache
def catalogue() -> dict[str, Benchmark]:
    """Return all benchmarks by name."""
    found = [import_module(f"neurosim.benchmarks.rows.{name}").BENCHMARK for name in ROWS]
    return {benchmark.name: benchmark for benchmark in found}


def benchmark_of(name: str) -> Benchmark:
    """Return the benchmark of a name.

    Raises
    ------
    CircuitError
        If there is none.
    """
    known = catalogue()
    if name not in known:
        raise CircuitError(f"unknown benchmark {name!r}.{nearest(name, [*known, 'all'])}")
    return known[name]
