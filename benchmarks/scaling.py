"""The balanced network from 4,000 to 100,000 neurons.

The same as `neurosim bench scaling`, with its options.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "scaling", *sys.argv[1:]]))
