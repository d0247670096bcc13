"""Circuits in the forms of other software, and from them."""

from neurosim.interop.brian2_network import ImportedNetwork, from_brian2
from neurosim.interop.brian2_script import export_brian2_script
from neurosim.interop.nir_graph import NirReport, from_nir, from_nir_data, to_nir, to_nir_data
from neurosim.interop.norse_layers import export_norse, to_norse
from neurosim.interop.snntorch_layers import export_snntorch, to_snntorch

__all__ = [
    "ImportedNetwork", "NirReport", "export_brian2_script", "export_norse", "export_snntorch", "from_brian2",
    "from_nir", "from_nir_data", "to_nir", "to_nir_data", "to_norse", "to_snntorch",
]  # fmt: skip
