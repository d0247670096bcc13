"""The command line for ``python -m neurosim.cli``."""

import sys

from neurosim.cli.application import main

if __name__ == "__main__":
    sys.exit(main())
