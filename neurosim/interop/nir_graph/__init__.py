"""Circuits to and from graphs of NIR, the Neuromorphic Intermediate Representation."""

from neurosim.interop.nir_graph.data import from_nir_data, to_nir_data
from neurosim.interop.nir_graph.reading import from_nir
from neurosim.interop.nir_graph.writing import NirReport, to_nir

__all__ = ["NirReport", "from_nir", "from_nir_data", "to_nir", "to_nir_data"]
