"""A thousand simple neurons whose synapses have delays and learn, against Brian2.

The same as `neurosim bench polychronous`, with its options.

    python benchmarks/polychronous.py
    python benchmarks/polychronous.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "polychronous", *sys.argv[1:]]))
