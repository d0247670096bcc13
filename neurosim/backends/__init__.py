"""From a circuit to something that runs: Brian2, the reference, or a torch module built on snnTorch."""

from neurosim.backends.compile import compile, simulate
from neurosim.backends.interruption import RunInterrupted

__all__ = ["RunInterrupted", "compile", "simulate"]
