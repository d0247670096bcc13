"""Time and memory to draw the edges of large circuits: 1e5 neurons, 1e7 edges, one rule at a time.

Each rule runs in a process of its own. "kept" is what the circuit holds for its edges, "peak" the most that was
allocated while they were drawn (tracemalloc, numpy's arrays), both in bytes for each edge. With ``--compile`` it prints
instead what a simulator adds to that when it is made and has run one step: growth of the process and its highest peak
(Linux). Weights and delays are drawn for every edge, but for the convolution, which shares its weights.

python benchmarks/build_circuits.py
python benchmarks/build_circuits.py --neurons 10000 --edges 1000000 --json
python benchmarks/build_circuits.py --neurons 10000 --edges 1000000 --compile
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

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


#: What is compiled: by name the backend, its options, and whether edges are a convolution.
SIMULATORS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "brian2": ("brian2", {}, False),
    "snntorch run": ("snntorch", {"dtype": "float64", "training": False}, False),
    "snntorch training": ("snntorch", {}, False),
    "brian2 convolution": ("brian2", {}, True),
    "snntorch convolution": ("snntorch", {}, True),
}


def network(neurons: int, edges: int, *, convolution: bool) -> ns.Circuit:
    """Return a circuit of about so many edges, with or without a kernel."""
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV)
    circuit = ns.Circuit("large", dt=0.1 * ms, seed=1)
    if convolution:
        side = round((edges / (16 * 16 * 9)) ** 0.5)
        for name in ("first", "cells"):
            circuit.population(name, (16, side, side), cell)
        rule, weight = ns.Convolution(3, padding="same"), ns.Trainable(ns.Normal(1 * mV, 0.1 * mV))
        circuit.connect("first", "cells", rule, receptor="v", weight=weight, name="edges")
        return circuit
    circuit.population("cells", neurons, cell)
    weight, delay = ns.Trainable(ns.Normal(1 * mV, 0.1 * mV)), ns.Uniform(1 * ms, 5 * ms)
    rule = ns.FixedProbability(edges / neurons**2)
    circuit.connect("cells", "cells", rule, receptor="v", weight=weight, delay=delay, name="edges")
    return circuit


def measure_compiling(name: str, neurons: int, edges: int) -> dict[str, float]:
    """Return seconds, and bytes for each edge beside the edges themselves, to make a simulator and run a step."""
    backend, options, convolution = SIMULATORS[name]
    by_edges = not (convolution and backend == "snntorch")  # training by a kernel makes none

    def run(circuit: ns.Circuit) -> Any:
        simulator = ns.compile(circuit, backend=backend, **options)
        if backend == "snntorch" and options.get("training", True):
            simulator(steps=1, record={"cells": "v"})[0]["cells"]["v"].sum().backward()
        else:
            simulator.run(0.1 * ms)
        return simulator

    run(network(100, 1000, convolution=convolution))  # imports what it needs
    circuit = network(neurons, edges, convolution=convolution)
    count = circuit.edges("edges").pre.size if by_edges else network(1, edges, convolution=True).edges("edges").pre.size
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    start = time.perf_counter()
    simulator = run(circuit)
    seconds = time.perf_counter() - start
    kept, peak = _resident("VmRSS") - before, _resident("VmHWM") - before
    del simulator
    return {"neurons": neurons, "edges": count, "seconds": seconds, "kept": kept / count, "peak": peak / count}


def _resident(what: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--rules", nargs="+", default=RULES, choices=RULES, metavar="RULE")
    parser.add_argument("--compile", action="store_true", help="measure what simulators add")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        measured = measure_compiling if arguments.compile else measure
        print(json.dumps(measured(arguments.here, arguments.neurons, arguments.edges)))
        return
    results = {}
    for name in SIMULATORS if arguments.compile else arguments.rules:
        sizes = ["--neurons", str(arguments.neurons), "--edges", str(arguments.edges)]
        command = [sys.executable, __file__, *sizes, "--here", name, *(["--compile"] if arguments.compile else [])]
        results[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if not arguments.json:
            facts = results[name]
            print(
                f"{name:21s} {facts['neurons']:>7,} neurons {facts['edges']:>11,} edges {facts['seconds']:6.2f} s, "
                f"{facts['kept']:5.1f} bytes an edge kept, {facts['peak']:5.1f} at the peak",
                flush=True,
            )
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
