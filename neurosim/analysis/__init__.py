"""What can be said about recordings, simulated or measured, and about the rules that made them."""

from neurosim.analysis import comparison, frequency, representation, sparsity, spikes
from neurosim.analysis.features import Features, features
from neurosim.analysis.plasticity import pair_protocol, plot_window, stdp_window
from neurosim.analysis.weights import weight_matrix

__all__ = [
    "Features",
    "comparison",
    "features",
    "frequency",
    "pair_protocol",
    "plot_window",
    "representation",
    "sparsity",
    "spikes",
    "stdp_window",
    "weight_matrix",
]
