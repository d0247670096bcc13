"""Training of compiled modules: what is minimised, what is held, and how sequences are cut."""

from neurosim.training import local, losses, readouts, stochastic

__all__ = ["local", "losses", "readouts", "stochastic"]
