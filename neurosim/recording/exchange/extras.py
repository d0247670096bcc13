"""Packages that only an exchange needs, and that may not be installed."""

from functools import partial

from neurosim.errors import RecordError
from neurosim.extras import optional

#: Called as ``extra(module, purpose)``.
extra = partial(optional, extra="exchange", error=RecordError)
