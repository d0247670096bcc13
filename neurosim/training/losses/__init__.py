"""Losses: what a module's outputs are compared with, and how (see :class:`neurosim.training.terms.Term`)."""

from neurosim.training.losses.classification import (
    every_step,
    last_value,
    latency,
    max_over_time,
    mean_over_time,
    rate,
    softmax_over_time,
)
from neurosim.training.losses.comparison import events, rate_error, spike_time_error, trace_error
from neurosim.training.losses.poisson import poisson
from neurosim.training.losses.van_rossum import van_rossum
from neurosim.training.losses.wrapped import custom, from_snntorch
from neurosim.training.terms import Sum, Term

__all__ = [
    "Sum",
    "Term",
    "custom",
    "events",
    "every_step",
    "from_snntorch",
    "last_value",
    "latency",
    "max_over_time",
    "mean_over_time",
    "poisson",
    "rate",
    "rate_error",
    "softmax_over_time",
    "spike_time_error",
    "trace_error",
    "van_rossum",
]
