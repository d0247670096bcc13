"""The machine's limits, and how far from them a measurement stays.

A loop over synaptic events and neurons in every step moves bytes and computes little. The time that its bytes take at
the measured bandwidth of the memory that holds them is a bound from below (S. Williams, A. Waterman, D. Patterson:
Roofline. Communications of the ACM 52, 65-76 (2009), doi:10.1145/1498765.1498785); what a kernel does with them comes
on top.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from neurosim.benchmarks.benchmark import Figure, Side
from neurosim.benchmarks.interpreters import interpreter_of
from neurosim.benchmarks.process import SideProcess

PROBE = Side("machine", "machine_limits", module="numba", distributions=("numba", "torch"))


def probe(threads: int) -> Mapping[str, float]:
    """Return what this machine can do with so many threads.

    Returns
    -------
    Mapping
        Of arrays that are updated in place: ``"cache_bandwidth"``, bytes per second read from the second cache while
        as many are written back, and ``"memory_bandwidth"``, bytes per second read from memory and written to it;
        ``"flops"`` of a product of matrices, float32; empty without numba.

    Raises
    ------
    SideFailed
        If it cannot be measured.
    """
    python, _ = interpreter_of(PROBE, {})
    if python is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="neurosim.") as folder:
        with SideProcess(PROBE, python, {}, Path(folder), threads=threads) as process:
            process.run()
            arrays, _ = process.result()
    return {name: float(values) for name, values in arrays.items()}


def distance(
    seconds: float, machine: Mapping[str, float], *, cached: float, streamed: float = 0.0, operations: float = 0.0
) -> tuple[Figure, ...]:
    """Return the least time that the machine needs, and how many times as long it took.

    Parameters
    ----------
    seconds
        That it took.
    machine
        What :func:`probe` returned.
    cached, streamed
        Bytes read from the second cache (those written back go at the same time), and bytes read from memory and
        written to it.
    operations
        Floating-point operations of a dense product, float32.
    """
    if not machine:
        return ()
    times = {
        "bytes": cached / machine["cache_bandwidth"] + streamed / machine["memory_bandwidth"],
        "operations": operations / machine["flops"],
    }
    bound = max(times, key=lambda name: times[name])
    return (
        Figure(f"least time on this machine, bound by its {bound}", times[bound], "s"),
        Figure("neurosim's time over the least", seconds / times[bound], "x"),
    )
