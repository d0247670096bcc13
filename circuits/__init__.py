"""Ready-made circuits, a folder each."""

from neurosim.circuits.registry import CircuitEntry, build, describe, names

__all__ = ["CircuitEntry", "build", "describe", "names"]
