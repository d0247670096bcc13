"""Random numbers a second: the noise of a run, against the same generator in numpy and numpy's own.

All draw the same count in turn: `noise` as runs call it, on one thread and on all; the same generator in numpy, as
circuits are built from it (`neurosim.random.Stream`); and `numpy.random.Generator(Philox)`, which draws number after
number and cannot say which one a given neuron has in a given step. The fastest of the repeats counts.

    python benchmarks/random_numbers.py
    python benchmarks/random_numbers.py --neurons 4000 --steps 256 --repeats 9 --json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial

import numba
import numpy as np

from neurosim import philox
from neurosim.random import Stream, noise


def on_threads(count: int, draw: Callable[[], object]) -> None:
    """Draw with a number of threads."""
    before, numba.config.NUMBA_NUM_THREADS = numba.config.NUMBA_NUM_THREADS, count
    try:
        draw()
    finally:
        numba.config.NUMBA_NUM_THREADS = before


def measure(neurons: int, steps: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return draws a second by kind and by who draws."""
    count = neurons * steps
    cores = numba.config.NUMBA_NUM_THREADS
    generator, stream = np.random.Generator(np.random.Philox(1)), Stream(1, "benchmark")
    found: dict[str, dict[str, float]] = {}
    for kind in ("uniform", "normal"):
        ours = partial(noise, 1, "exc", trials=(0, 1), steps=(0, steps), neurons=neurons, kind=kind)
        ways: dict[str, Callable[[], object]] = {
            "compiled, 1 thread": partial(on_threads, 1, ours),
            "the same in numpy": partial(getattr(stream, kind), count),
            "numpy's Philox": partial(generator.random if kind == "uniform" else generator.standard_normal, count),
        }
        if cores > 1:
            ways[f"compiled, {cores} threads"] = partial(on_threads, cores, ours)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for repeat in range(repeats + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                if repeat:  # the first round compiles
                    times[name].append(time.perf_counter() - start)
        found[kind] = {name: count / min(seconds) for name, seconds in times.items()}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=4000, help="(default: 4000)")
    parser.add_argument("--steps", type=int, default=256, help="drawn at once, as a run does (default: 256)")
    parser.add_argument("--repeats", type=int, default=5, help="of each way (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = measure(arguments.neurons, arguments.steps, arguments.repeats)
    if arguments.json:
        print(json.dumps(found))
        return
    least = philox.DRAWS_OF_A_THREAD
    print(f"{arguments.neurons} neurons x {arguments.steps} steps; a thread for {least} draws at least")
    for kind, ways in found.items():
        for name, rate in sorted(ways.items(), key=lambda item: -item[1]):
            print(f"{kind:8s} {name:22s} {rate / 1e6:7.1f} million a second")


if __name__ == "__main__":
    main()
