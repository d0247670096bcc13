"""A double exponential conductance under the block of magnesium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.circuit.values import as_value
from neurosim.errors import CircuitError, UnitError
from neurosim.models.receptors.base import ReceptorUnits
from neurosim.models.receptors.double_exponential import DoubleExponential
from neurosim.units import DIMENSIONLESS, quantity

_CONCENTRATION = "mole/meter**3"  # one millimole per litre


@dataclass(frozen=True, eq=False)
class NMDA(DoubleExponential):
    r"""A double exponential conductance that magnesium blocks at low voltage.

    .. math:: I = g\,B(v)\,(E - v), \qquad B(v) = \frac{1}{1 + \frac{[Mg]}{3.57\,mM}\, e^{-v/16.13\,mV}}

    ``exponential_euler`` takes the block from the voltage at the start of a step.

    Parameters
    ----------
    tau_rise, tau_decay
        Time constants, the first shorter.
    reversal
        Reversal potential, with its unit: the block is a function of v in millivolts.
    magnesium
        Concentration outside; ``None`` for 1 mM.

    Raises
    ------
    CircuitError
        If `tau_rise` is not shorter than `tau_decay`, or there is no reversal potential.
    UnitError
        If the concentration has no unit.

    Notes
    -----
    With 1 mM, half of the conductance is open at -20.5 mV, and 4.4 % at -70 mV.

    References
    ----------
    C. E. Jahr, C. F. Stevens: Voltage dependence of NMDA-activated macroscopic conductances predicted by
    single-channel kinetics. Journal of Neuroscience 10, 3178-3182 (1990), doi:10.1523/JNEUROSCI.10-09-03178.1990.
    """

    magnesium: Any = None

    def __post_init__(self) -> None:
        """Check the time constants, the reversal potential and the concentration."""
        super().__post_init__()
        if self.reversal is None:
            raise CircuitError("NMDA: give reversal= (0*mV is usual); the block acts on a conductance.")
        if self.magnesium is not None:
            as_value(self.magnesium, _CONCENTRATION, "NMDA: magnesium")

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constants and the concentration."""
        magnesium = quantity(1.0, _CONCENTRATION) if self.magnesium is None else self.magnesium
        return {**super().parameters(name), f"magnesium_{name}": magnesium}

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return the current through the open channels."""
        if units.voltage == DIMENSIONLESS:
            raise UnitError(
                f"{where}: receptor {name!r} (NMDA) needs voltages in volt; the block depends on millivolts."
            )
        return f"{name}*(reversal_{name} - {membrane})/(1 + magnesium_{name}/(3.57*mmolar)*exp(-0.062*{membrane}/mV))"
