"""Packages that only training needs, and that may not be installed."""

from functools import partial

from neurosim.errors import TrainingError
from neurosim.extras import optional

#: Called as ``extra(module, purpose, package=...)``. Quiet, since Lightning imports torchmetrics where it is installed,
#: and with it all that warns of deprecations of its own.
extra = partial(optional, extra="training", error=TrainingError, quiet=True)
