"""A layer of learned delays, forward and backward, against a convolution with a dense kernel of delays.

The same as `neurosim bench delay-layer`, with its options.

    python benchmarks/delay_layer.py
    python benchmarks/delay_layer.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "delay-layer", *sys.argv[1:]]))
