"""Learning rules that use what each synapse knows by itself: e-prop, forward in time, and the tempotron."""

from neurosim.training.local.e_prop import EProp, EPropRun, cross_entropy, squared_error
from neurosim.training.local.tempotron import Tempotron, TempotronRun

__all__ = ["EProp", "EPropRun", "Tempotron", "TempotronRun", "cross_entropy", "squared_error"]
