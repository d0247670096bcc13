"""Training of compiled modules: what is minimised, what is held, and how sequences are cut."""

from neurosim.training import constraints, local, losses, readouts, regularisers, stochastic
from neurosim.training.chunks import chunked, chunks

__all__ = [
    "chunked",
    "chunks",
    "constraints",
    "local",
    "losses",
    "readouts",
    "regularisers",
    "stochastic",
]
