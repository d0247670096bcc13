"""A jump, then exponential decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.models.receptors.base import Receptor, check_time


@dataclass(frozen=True, eq=False)
class Exponential(Receptor):
    r"""A jump by the weight, then exponential decay: :math:`w\,e^{-t/\tau}`.

    Parameters
    ----------
    tau
        Time constant of the decay.
    reversal
        Reversal potential of a conductance; ``None`` for a current.

    Notes
    -----
    The area of a pulse of weight w is ``w*tau``: 5 pA ms for 1 pA and 5 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constant."""
        check_time(self.tau, "Exponential: tau")

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equation of the decay."""
        return (f"d{name}/dt = -{name}/tau_{name} : {unit}",)

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constant."""
        return {f"tau_{name}": self.tau}
