"""Receptors of library neurons: what a presynaptic pulse does to the postsynaptic membrane over time."""

from neurosim.models.receptors.alpha import Alpha
from neurosim.models.receptors.base import PHYSICAL, PLAIN, Receptor, ReceptorUnits
from neurosim.models.receptors.delta import Delta
from neurosim.models.receptors.double_exponential import DoubleExponential
from neurosim.models.receptors.equations import (
    ReceptorEquations,
    as_receptor,
    checked_receptors,
    receptor_equations,
    reversals,
)
from neurosim.models.receptors.exponential import Exponential
from neurosim.models.receptors.nmda import NMDA

__all__ = [
    "NMDA",
    "PHYSICAL",
    "PLAIN",
    "Alpha",
    "Delta",
    "DoubleExponential",
    "Exponential",
    "Receptor",
    "ReceptorEquations",
    "ReceptorUnits",
    "as_receptor",
    "checked_receptors",
    "receptor_equations",
    "reversals",
]
