"""The same circuit on two simulators: identical, or where they part first, and how they compare beyond that.

*Identical* means that every spike is equal, and every final state (of populations that do not spike: every trace)
within a tolerance of that variable's largest magnitude: 0 where both sides use the same operations, 1e-9 otherwise.
"""

from neurosim.verification.comparison import Comparison, Divergence, PopulationSpikes, VariableDifference
from neurosim.verification.margin import Margin, threshold_margins
from neurosim.verification.report import VerifyReport
from neurosim.verification.verifying import DEFAULT_BACKENDS, verify, verify_pair

__all__ = [
    "DEFAULT_BACKENDS",
    "Comparison",
    "Divergence",
    "Margin",
    "PopulationSpikes",
    "VariableDifference",
    "VerifyReport",
    "threshold_margins",
    "verify",
    "verify_pair",
]
