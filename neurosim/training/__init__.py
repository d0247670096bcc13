"""Training of compiled modules: what is minimised, what is held, and how sequences are cut."""

from neurosim.training import losses, readouts, stochastic

__all__ = ["losses", "readouts", "stochastic"]
