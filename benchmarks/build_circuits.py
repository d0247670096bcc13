"""Time and memory to draw the edges of large circuits: 1e5 neurons, 1e7 edges, one rule at a time.

Each rule runs in a process of its own. "kept" is what the circuit holds for its edges, "peak" the most that was
allocated while they were drawn (tracemalloc, numpy's arrays), both in bytes for each edge.

python benchmarks/build_circuits.py
python benchmarks/build_circuits.py --neurons 10000 --edges 1000000 --json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tracemalloc

import numpy as np

import neurosim as ns
from neurosim.units import metre, ms, mV

RULES = (
    "FixedProbability", "FixedInDegree", "FixedOutDegree", "FixedTotalNumber", "Grouped", "Pairwise", "Edges",
    "values drawn",
)  # fmt: skip
#: Pairwise looks at every pair; it gets this many neurons at most.
PAIRWISE_NEURONS = 20_000


def rule_of(name: str, n: int, edges: int) -> ns.Edges | ns.FixedProbability:
    """Return a rule that gives about so many edges between n neurons."""
    k, p = edges // n, edges / n**2
    rules = {
        "FixedProbability": lambda: ns.FixedProbability(p),
        "values drawn": lambda: ns.FixedProbability(p),
        "FixedInDegree": lambda: ns.FixedInDegree(k),
        "FixedOutDegree": lambda: ns.FixedOutDegree(k),
        "FixedTotalNumber": lambda: ns.FixedTotalNumber(edges),
        "Grouped": lambda: ns.Grouped(10, ns.FixedProbability(5 * p), between=ns.FixedProbability(p * 5 / 9)),
        "Pairwise": lambda: ns.Pairwise("abs(x_pre - x_post) < half", {"half": edges / n / 2 * metre}),
        "Edges": lambda: ns.Edges(np.repeat(np.arange(n), k), np.arange(n * k) * 7919 % n),
    }
    return rules[name]()  # type: ignore[return-value]


def measure(name: str, neurons: int, edges: int) -> dict[str, float]:
    """Return seconds, and bytes for each edge, to draw the edges of one rule."""
    n = min(neurons, PAIRWISE_NEURONS) if name == "Pairwise" else neurons
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV)
    drawn = name == "values drawn"
    weight = ns.Normal(1 * mV, 0.1 * mV) if drawn else 1 * mV
    delay = ns.Uniform(1 * ms, 5 * ms) if drawn else 1 * ms
    numbers = []
    for n_edges in (10 * n, edges):  # the first is small: what is imported then is not counted
        circuit = ns.Circuit("large", dt=0.1 * ms, seed=1)
        circuit.population("cells", n, cell, positions=np.arange(n) * metre)
        circuit.connect("cells", "cells", rule_of(name, n, n_edges), receptor="v", weight=weight, delay=delay)
        if n_edges == edges:
            numbers = [_timed(circuit), *_traced(circuit.replace({"seed": 2}))]
        else:
            circuit.edges("cells_to_cells")
    seconds, count, kept, peak = numbers
    return {"neurons": n, "edges": count, "seconds": seconds, "kept": kept / count, "peak": peak / count}


def _timed(circuit: ns.Circuit) -> float:
    start = time.perf_counter()
    circuit.edges("cells_to_cells")
    return time.perf_counter() - start


def _traced(circuit: ns.Circuit) -> tuple[int, int, int]:
    tracemalloc.start()
    count = circuit.edges("cells_to_cells").pre.size
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return count, kept, peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--rules", nargs="+", default=RULES, choices=RULES, metavar="RULE")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.here, arguments.neurons, arguments.edges)))
        return
    results = {}
    for name in arguments.rules:
        sizes = ["--neurons", str(arguments.neurons), "--edges", str(arguments.edges)]
        command = [sys.executable, __file__, *sizes, "--here", name]
        results[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if not arguments.json:
            facts = results[name]
            print(
                f"{name:17s} {facts['neurons']:>7,} neurons {facts['edges']:>11,} edges {facts['seconds']:6.2f} s, "
                f"{facts['kept']:5.1f} bytes an edge kept, {facts['peak']:5.1f} at the peak",
                flush=True,
            )
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
