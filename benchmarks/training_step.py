"""One training step of a feed-forward network, against snnTorch, SpikingJelly, Norse and its matrix products alone.

The same as `neurosim bench training-step`, with its options.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "training-step", *sys.argv[1:]]))
