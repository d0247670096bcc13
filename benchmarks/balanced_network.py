"""The balanced network of 4,000 neurons, against Brian2 and NEST.

The same as `neurosim bench balanced-network`, with its options.

    python benchmarks/balanced_network.py
    python benchmarks/balanced_network.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "balanced-network", *sys.argv[1:]]))
