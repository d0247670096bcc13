"""Circuits fitted to recorded populations."""

from neurosim.fitting.population.fit import fit_population
from neurosim.fitting.population.network import rate_network
from neurosim.fitting.population.result import PopulationFit

__all__ = ["PopulationFit", "fit_population", "rate_network"]
