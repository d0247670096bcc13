"""Plastic synapses on both backends, beside the same rule in a plain Brian2 script.

The same as `neurosim bench plasticity`, with its options.

    python benchmarks/plasticity.py
    python benchmarks/plasticity.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "plasticity", *sys.argv[1:]]))
