"""The alpha function: a rise and a decay of one time constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.models.receptors.base import Receptor, check_time


@dataclass(frozen=True, eq=False)
class Alpha(Receptor):
    r"""The alpha function :math:`w\,(t/\tau)\,e^{1 - t/\tau}`: a pulse of weight w peaks at w, at t = tau.

    The pulse adds to a second variable, ``<name>_rise``. ``method="exact"`` (current-based neurons) reproduces the
    function on the grid; ``exponential_euler`` (conductances) holds the rise variable over a step, and its peak is off
    by a fraction of order dt/tau.

    Parameters
    ----------
    tau
        Time constant; the peak comes after it.
    reversal
        Reversal potential of a conductance; ``None`` for a current.

    Notes
    -----
    The area of a pulse of weight w is ``e*w*tau``: 13.6 pA ms for 1 pA and 5 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constant."""
        check_time(self.tau, "Alpha: tau")

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the alpha function and of the variable that drives it."""
        return (
            f"d{name}/dt = (e*{name}_rise - {name})/tau_{name} : {unit}",
            f"d{name}_rise/dt = -{name}_rise/tau_{name} : {unit}",
        )

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constant."""
        return {f"tau_{name}": self.tau}

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return f"{name}_rise"
