"""Training of compiled modules: what is minimised, what is held, and how sequences are cut."""

from neurosim.training import local, losses, readouts, stochastic
from neurosim.training.chunks import chunked, chunks

__all__ = [
    "chunked",
    "chunks",
    "local",
    "losses",
    "readouts",
    "stochastic",
]
