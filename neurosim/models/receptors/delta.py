"""A jump of the membrane potential itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.models.receptors.base import Receptor, ReceptorUnits


@dataclass(frozen=True, eq=False)
class Delta(Receptor):
    r"""A pulse makes v jump by its weight, a voltage: :math:`v \leftarrow v + w`. It has no variable of its own.

    While v stands still in the refractory period, pulses are lost.

    Notes
    -----
    A pulse that finds a leaky neuron at rest leaves it ``w*exp(-t/tau_mem)`` above after the time t; pulses of rate f
    hold it ``f*tau_mem*w`` above rest on average: 10 mV for 1 kHz, 20 ms and 0.5 mV.

    References
    ----------
    N. Brunel: Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons. Journal of
    Computational Neuroscience 8, 183-208 (2000), doi:10.1023/A:1008925309027.
    """

    @property
    def reversal(self) -> None:
        """No reversal potential."""
        return None

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return no equation."""
        return ()

    def parameters(self, name: str) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def target(self, name: str, membrane: str) -> str:
        """Return the membrane potential."""
        return membrane

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return no current."""
        return ""
