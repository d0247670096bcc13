"""The four regimes of Brunel's network at full size, beside what the paper reports.

python benchmarks/brunel_regimes.py
python benchmarks/brunel_regimes.py --scale 0.2 --seeds 3 --json
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from typing import Any

import neurosim as ns
from neurosim.circuits.brunel.activity import measure
from neurosim.circuits.brunel.circuit import REGIMES
from neurosim.circuits.brunel.theory import stationary_rate
from neurosim.units import ms, second

#: Table 1 of the paper: rate and frequency of the summed activity in its simulations, in hertz.
PUBLISHED = {"fast": (60.7, 180.0), "asynchronous": (37.7, None), "slow": (5.5, 22.0)}
#: Simulated time in seconds; few spikes need longer, and the synchronous network shows its period at once.
DURATIONS = {"synchronous-regular": 0.4, "slow": 2.2}


def run(regime: str, scale: float, seed: int) -> dict[str, Any]:
    """Simulate one network; return its measures, the paper's, and the seconds that it took."""
    circuit = ns.circuits.build("brunel", regime=regime, scale=scale, seed=seed)
    start = time.perf_counter()
    recording = ns.simulate(circuit, DURATIONS.get(regime, 1.2) * second, seed=seed)
    spent = time.perf_counter() - start
    found = measure(recording, start=200 * ms)
    rate, frequency = PUBLISHED.get(regime, (None, None))
    return {
        "regime": regime, "seed": seed, **asdict(found), "told": found.regime, "paper_rate": rate,
        "paper_frequency": frequency, "theory": stationary_rate(*REGIMES[regime]), "seconds": spent,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--regimes", nargs="+", choices=tuple(REGIMES), default=tuple(REGIMES))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.json:
        print(f"{'regime':20} {'rate':>7} {'paper':>6} {'theory':>6} {'cv':>6} {'synchrony':>9} {'rhythm':>6}", end=" ")
        print(f"{'frequency':>9} {'paper':>6}  told as")
    for regime in arguments.regimes:
        for seed in range(arguments.seeds):
            row = run(regime, arguments.scale, seed)
            if arguments.json:
                print(json.dumps(row), flush=True)
                continue
            rate, frequency = (f"{row[key] or '':>6}" for key in ("paper_rate", "paper_frequency"))
            print(f"{regime:20} {row['rate']:7.2f} {rate} {row['theory']:6.1f} {row['cv']:6.3f}", end=" ")
            print(f"{row['synchrony']:9.2f} {row['rhythm']:6.2f} {row['frequency']:9.1f} {frequency}", end="  ")
            print(f"{row['told']} ({row['seconds']:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
