"""How long it takes until neurosim is there, over an interpreter that does nothing.

Each command runs in a process of its own; they take turns.

python benchmarks/start_up.py
python benchmarks/start_up.py --repeats 31 --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "neurosim")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import neurosim": [sys.executable, "-c", "import neurosim"],
    "neurosim --help": [PROGRAM, "--help"],
    "neurosim list": [PROGRAM, "list"],
}


def measure(repeats: int) -> dict[str, float]:
    """Return the median seconds of each command; the first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for repeat in range(repeats + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="runs of each command (default: 15)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    medians = measure(arguments.repeats)
    if arguments.json:
        print(json.dumps(medians))
        return
    nothing, *others = medians
    print(f"median of {arguments.repeats} runs, seconds over {nothing!r} ({medians[nothing]:.3f} s)")
    for name in others:
        print(f"{name:18s} {medians[name] - medians[nothing]:6.3f}")


if __name__ == "__main__":
    main()
