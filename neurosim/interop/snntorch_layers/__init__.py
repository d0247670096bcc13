"""A circuit as plain layers of snnTorch."""

from neurosim.interop.snntorch_layers.export import export_snntorch, to_snntorch

__all__ = ["export_snntorch", "to_snntorch"]
