"""Learning rules that use what each synapse knows by itself, forward in time."""

from neurosim.training.local.e_prop import EProp, EPropRun, cross_entropy, squared_error

__all__ = ["EProp", "EPropRun", "cross_entropy", "squared_error"]
