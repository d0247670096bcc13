"""A rise and a decay, each with a time constant of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.values import Distribution, as_value, plain
from neurosim.errors import CircuitError
from neurosim.models.receptors.base import Receptor, check_time

#: The program takes constants that differ by less for equal.
_NEARLY_EQUAL = 1e-6


@dataclass(frozen=True, eq=False)
class DoubleExponential(Receptor):
    r"""A rise and a decay of their own: :math:`w\,s\,(e^{-t/\tau_d} - e^{-t/\tau_r})`, scaled to peak at w.

    The pulse adds to a second variable, ``<name>_rise``, as with :class:`Alpha`, and the integrators do the same to it.

    Parameters
    ----------
    tau_rise, tau_decay
        Time constants, the first shorter. Where they are equal the course is that of :class:`Alpha`; it divides by
        their difference, so equal ones are refused.
    reversal
        Reversal potential of a conductance; ``None`` for a current.

    Raises
    ------
    CircuitError
        If `tau_rise` is not shorter than `tau_decay`.

    Notes
    -----
    It peaks at ``tau_rise*tau_decay/(tau_decay - tau_rise)*log(tau_decay/tau_rise)`` after the pulse: 5.12 ms for 2 and
    20 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau_rise: Any
    tau_decay: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constants."""
        kind = type(self).__name__
        check_time(self.tau_rise, f"{kind}: tau_rise")
        check_time(self.tau_decay, f"{kind}: tau_decay")
        rise, decay = (plain(as_value(tau, "second", kind)) for tau in (self.tau_rise, self.tau_decay))
        drawn = isinstance(rise, Distribution) or isinstance(decay, Distribution)
        if not drawn and not np.all(np.asarray(rise) < np.asarray(decay) * (1 - _NEARLY_EQUAL)):
            raise CircuitError(
                f"{kind}: tau_rise ({self.tau_rise}) must be shorter than tau_decay ({self.tau_decay}); for equal ones "
                "take Alpha(tau)."
            )

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the course and of the variable that drives it."""
        rise, decay = f"tau_rise_{name}", f"tau_decay_{name}"
        peak = f"({decay}/{rise})**({decay}/({decay} - {rise}))"
        return (
            f"d{name}/dt = ({peak}*{name}_rise - {name})/{decay} : {unit}",
            f"d{name}_rise/dt = -{name}_rise/{rise} : {unit}",
        )

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constants."""
        return {f"tau_rise_{name}": self.tau_rise, f"tau_decay_{name}": self.tau_decay}

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return f"{name}_rise"
