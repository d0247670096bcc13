"""What the Brian2 backend costs over a plain Brian2 script of the same network.

The same as `neurosim bench brian2-overhead`, with its options.

    python benchmarks/brian2_overhead.py
    python benchmarks/brian2_overhead.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "brian2-overhead", *sys.argv[1:]]))
