"""Ready-made equations: spiking neurons, graded neurons and their synapses, maps, rate units, receptors."""

from neurosim.models.adaptive_exponential import adaptive_exponential
from neurosim.models.adaptive_threshold import generalised_if, multi_timescale_threshold
from neurosim.models.graded import gap_junction, graded, graded_synapse
from neurosim.models.hodgkin_huxley import hodgkin_huxley
from neurosim.models.homeostatic import synaptic_scaling
from neurosim.models.izhikevich import izhikevich, izhikevich_physical
from neurosim.models.izhikevich_types import izhikevich_physical_type, izhikevich_type
from neurosim.models.leaky_integrator import leaky_integrator
from neurosim.models.lif import lif
from neurosim.models.maps import izhikevich_map, rulkov
from neurosim.models.morris_lecar import morris_lecar
from neurosim.models.nonlinear import exponential_if, quadratic_if
from neurosim.models.pyramidal import pyramidal
from neurosim.models.rate import rate_unit
from neurosim.models.receptors import NMDA, Alpha, Delta, DoubleExponential, Exponential
from neurosim.models.short_term import stochastic_release, tsodyks_markram
from neurosim.models.stdp import pair_stdp, triplet_stdp
from neurosim.models.stochastic import stochastic_lif
from neurosim.models.three_factor import reward_stdp, three_factor

__all__ = [
    "NMDA", "Alpha", "Delta", "DoubleExponential", "Exponential", "adaptive_exponential", "exponential_if",
    "gap_junction", "generalised_if", "graded", "graded_synapse", "hodgkin_huxley", "izhikevich",
    "izhikevich_map", "izhikevich_physical", "izhikevich_physical_type", "izhikevich_type", "leaky_integrator",
    "lif", "morris_lecar", "multi_timescale_threshold", "pair_stdp", "pyramidal", "quadratic_if", "rate_unit",
    "reward_stdp", "rulkov", "stochastic_lif", "stochastic_release", "synaptic_scaling", "three_factor",
    "triplet_stdp", "tsodyks_markram",
]  # fmt: skip
