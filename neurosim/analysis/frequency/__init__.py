"""How circuits pass frequencies, over time and over space, measured and in closed form."""

from neurosim.analysis.frequency.circuit_response import CircuitResponse, measure_response
from neurosim.analysis.frequency.depth import Bias, DepthProfile, bias_of, through_depth
from neurosim.analysis.frequency.drives import Drive, broadband, line_frequencies, multi_sine
from neurosim.analysis.frequency.estimate import transfer_function
from neurosim.analysis.frequency.feature_maps import maps_of
from neurosim.analysis.frequency.leaky_theory import (
    leaky_cut_off,
    leaky_decay,
    leaky_high_frequency_ratio,
    leaky_response,
    leaky_variance_ratio,
)
from neurosim.analysis.frequency.linearity import Linearity, linearity
from neurosim.analysis.frequency.plots import plot_coherence, plot_gain, plot_phase, plot_spatial
from neurosim.analysis.frequency.responses import Response, response_of
from neurosim.analysis.frequency.spatial import SpatialSpectrum, spatial_spectrum
from neurosim.analysis.frequency.spiking_theory import (
    leaky_fire_response,
    leaky_rate,
    perfect_response,
    population_coherence,
    shifted_threshold,
)
from neurosim.analysis.frequency.transfer import Facts, TransferFunction

__all__ = [
    "Bias", "CircuitResponse", "DepthProfile", "Drive", "Facts", "Linearity", "Response", "SpatialSpectrum",
    "TransferFunction", "bias_of", "broadband", "leaky_cut_off", "leaky_decay", "leaky_fire_response",
    "leaky_high_frequency_ratio", "leaky_rate", "leaky_response", "leaky_variance_ratio", "line_frequencies",
    "linearity", "maps_of", "measure_response", "multi_sine", "perfect_response", "plot_coherence", "plot_gain",
    "plot_phase", "plot_spatial", "population_coherence", "response_of", "shifted_threshold", "spatial_spectrum",
    "through_depth", "transfer_function",
]  # fmt: skip
