"""One training step of a network with a recurrent layer, against snnTorch's `RLeaky`.

The same as `neurosim bench recurrent-training-step`, with its options.

    python benchmarks/recurrent_training_step.py
    python benchmarks/recurrent_training_step.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "recurrent-training-step", *sys.argv[1:]]))
