"""Ready-made equations: spiking neurons, graded neurons and their synapses, maps, rate units, receptors."""

from neurosim.models.adaptive_exponential import adaptive_exponential
from neurosim.models.graded import gap_junction, graded, graded_synapse
from neurosim.models.hodgkin_huxley import hodgkin_huxley
from neurosim.models.izhikevich import izhikevich, izhikevich_physical
from neurosim.models.leaky_integrator import leaky_integrator
from neurosim.models.lif import lif
from neurosim.models.maps import izhikevich_map, rulkov
from neurosim.models.rate import rate_unit
from neurosim.models.receptors import NMDA, Alpha, Delta, DoubleExponential, Exponential

__all__ = [
    "NMDA", "Alpha", "Delta", "DoubleExponential", "Exponential", "adaptive_exponential", "gap_junction", "graded",
    "graded_synapse", "hodgkin_huxley", "izhikevich", "izhikevich_map", "izhikevich_physical", "leaky_integrator",
    "lif", "rate_unit", "rulkov",
]  # fmt: skip
