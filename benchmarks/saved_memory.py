"""What is kept between forward and backward, beside snnTorch and SpikingJelly.

The same as `neurosim bench saved-memory`, with its options.

    python benchmarks/saved_memory.py
    python benchmarks/saved_memory.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "saved-memory", *sys.argv[1:]]))
