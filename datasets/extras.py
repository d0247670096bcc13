"""Packages that only a data set needs, and that may not be installed."""

from functools import partial

from neurosim.errors import BackendError
from neurosim.extras import optional

#: Called as ``extra(module, purpose)``.
extra = partial(optional, extra="datasets", error=BackendError)
