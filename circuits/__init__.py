"""Ready-made circuits, a folder each."""

from neurosim.circuits.registry import CircuitEntry, build, describe, experiments, names, recipe, recipes, reproduce

__all__ = ["CircuitEntry", "build", "describe", "experiments", "names", "recipe", "recipes", "reproduce"]
