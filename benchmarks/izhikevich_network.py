"""A thousand simple neurons coupled all to all, against Brian2.

The same as `neurosim bench izhikevich-network`, with its options.

    python benchmarks/izhikevich_network.py
    python benchmarks/izhikevich_network.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "izhikevich-network", *sys.argv[1:]]))
