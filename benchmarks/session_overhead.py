"""What a step of a closed loop costs over a step of one long run, on both backends.

A run and a session advance the same circuit over the same stretch in turn, the session one step a call with a fresh
current each time; both record every spike. On torch both are stepped: what compiled loops save a long run is another
matter. Preparation is not timed. Counted is the time that the process computes,
the fastest of the repeats on either side, so that what else the machine does matters little.

    python benchmarks/session_overhead.py
    python benchmarks/session_overhead.py --size 4000 --steps 500 --repeats 9 --json
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.units import Mohm, ms, mV, pA

#: Sessions go step by step; runs do here, too.
OPTIONS: dict[str, dict[str, Any]] = {
    "brian2": {}, "snntorch": {"dtype": "float64", "training": False, "fused": "never"},
}  # fmt: skip


def network(size: int) -> ns.Circuit:
    """Return a recurrent network of leaky neurons with delays, `size` of them, driven by an injected current."""
    circuit = ns.Circuit("loop", dt=0.1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=5 * ms,
        receptors={"fast": 5 * ms},
    )  # fmt: skip
    exc = circuit.population("exc", size, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    delay = ns.Uniform(0.1 * ms, 2 * ms)
    circuit.connect("exc", "exc", ns.FixedInDegree(min(size, 50)), receptor="fast", weight=2 * pA, delay=delay)
    circuit.inject("stimulus", exc, "i_ext")
    return circuit


def measure(size: int, backend: str, steps: int, repeats: int) -> dict[str, Any]:
    """Time both ways in turn; return the seconds of a step (fastest repeat), their ratio, and the spikes of both."""
    simulator = ns.compile(network(size), backend=backend, **OPTIONS[backend])
    currents = 200 + 50 * np.random.default_rng(0).random((steps, size))
    loop = simulator.session()
    times: dict[str, list[float]] = {"run": [], "session": []}
    spikes = {"run": 0, "session": 0}
    for repeat in range(repeats + 1):
        rows = [row * pA for row in currents]
        start = time.process_time()
        recording = simulator.run(steps * 0.1 * ms, inputs={"stimulus": currents * pA})
        middle = time.process_time()
        loop.reset()
        after_reset = time.process_time()
        counted = 0
        for row in rows:
            counted += int(loop.step({"stimulus": row})["exc"]["spikes"].sum())
        end = time.process_time()
        spikes = {"run": len(recording.spikes["exc"]), "session": counted}
        if repeat:  # the first round prepares and warms up
            times["run"].append((middle - start) / steps)
            times["session"].append((end - after_reset) / steps)
    seconds = {name: min(found) for name, found in times.items()}
    return {"seconds": seconds, "ratio": seconds["session"] / seconds["run"], "spikes": spikes}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[100, 4000], help="neurons (default: 100 4000)")
    parser.add_argument("--steps", type=int, default=500, help="of each run (default: 500)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each way (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = {
        backend: {str(size): measure(size, backend, arguments.steps, arguments.repeats) for size in arguments.size}
        for backend in OPTIONS
    }
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{'':10s} {'neurons':>8s} {'run':>12s} {'session':>12s} {'ratio':>7s} {'spikes':>16s}")
    for backend, sizes in found.items():
        for size, result in sizes.items():
            run, session = (1e6 * result["seconds"][name] for name in ("run", "session"))
            spikes = "{run:,d} / {session:,d}".format(**result["spikes"])
            print(f"{backend:10s} {size:>8s} {run:9.0f} us {session:9.0f} us {result['ratio']:7.2f} {spikes:>16s}")


if __name__ == "__main__":
    main()
