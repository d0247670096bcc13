"""Brunel's network at full size on two threads, against NEST, Brian2 with OpenMP and sparxml.

The same as `neurosim bench brunel`, with its options.

    python benchmarks/brunel.py
    python benchmarks/brunel.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "brunel", *sys.argv[1:]]))
