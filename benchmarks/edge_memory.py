"""Bytes that an edge takes in a circuit and its simulation.

The same as `neurosim bench edge-memory`, with its options.

    python benchmarks/edge_memory.py
    python benchmarks/edge_memory.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "edge-memory", *sys.argv[1:]]))
