"""A network of Brian2 as a circuit."""

from neurosim.interop.brian2_network.importing import ImportedNetwork, from_brian2

__all__ = ["ImportedNetwork", "from_brian2"]
