"""What holds while values are trained, beyond the bounds and signs of :class:`neurosim.circuit.values.Trainable`."""

from neurosim.training.constraints.projections import Constraint, dale, hold, keep_signs, keep_zeros, max_norm
from neurosim.training.constraints.reparametrisation import reparametrise

__all__ = ["Constraint", "dale", "hold", "keep_signs", "keep_zeros", "max_norm", "reparametrise"]
