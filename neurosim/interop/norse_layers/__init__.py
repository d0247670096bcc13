"""A circuit as a ``SequentialState`` of Norse."""

from neurosim.interop.norse_layers.export import export_norse, to_norse

__all__ = ["export_norse", "to_norse"]
