"""How far apart operations of the memory of CA3 must be: wrong recalls in random programmes of 300 operations.

python benchmarks/ca3_recalls.py
python benchmarks/ca3_recalls.py --size 16 6 --spacing 14 20 --programmes 8 --seed 2
"""

from __future__ import annotations

import argparse
import time

from neurosim.circuits.ca3_memory.random_programmes import count_recalls


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(5, 10), metavar=("CUES", "BITS"))
    parser.add_argument("--spacing", type=int, nargs="+", default=(8, 10, 12, 14, 16, 17, 18, 20), metavar="MS")
    parser.add_argument("--operations", type=int, default=300)
    parser.add_argument("--programmes", type=int, default=32)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--backend", default="snntorch")
    given = parser.parse_args()
    print(f"{'cues x bits':>11} {'ms apart':>8} {'wrong by cue':>16} {'by content':>16} {'seconds':>8}")
    for spacing in given.spacing:
        start = time.perf_counter()
        found = count_recalls(
            *given.size, spacing, operations=given.operations, programmes=given.programmes, seed=given.seed,
            backend=given.backend,
        )  # fmt: skip
        size = f"{given.size[0]} x {given.size[1]}"
        by_cue = f"{found.by_cue_wrong} of {found.by_cue}"
        by_content = f"{found.by_content_wrong} of {found.by_content}"
        print(f"{size:>11} {spacing:8} {by_cue:>16} {by_content:>16} {time.perf_counter() - start:8.1f}", flush=True)


if __name__ == "__main__":
    main()
