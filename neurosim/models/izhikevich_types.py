"""Named cells of the simple model of Izhikevich."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import CircuitError, nearest
from neurosim.models.izhikevich import izhikevich, izhikevich_physical
from neurosim.units import ms, mV, nS, pA, pF

#: a, b, c, d of the plain form.
_PLAIN = {
    "RS": (0.02, 0.2, -65.0, 8.0), "IB": (0.02, 0.2, -55.0, 4.0), "CH": (0.02, 0.2, -50.0, 2.0),
    "FS": (0.1, 0.2, -65.0, 2.0), "LTS": (0.02, 0.25, -65.0, 2.0), "TC": (0.02, 0.25, -65.0, 0.05),
    "RZ": (0.1, 0.26, -65.0, 2.0),
}  # fmt: skip
#: C (pF), k (nS/mV), v_rest, v_t, v_peak (mV), a (1/ms), b (nS), c (mV), d (pA).
_PHYSICAL = {
    "RS": (100, 0.7, -60, -40, 35, 0.03, -2, -50, 100),
    "IB": (150, 1.2, -75, -45, 50, 0.01, 5, -56, 130),
    "CH": (50, 1.5, -60, -40, 25, 0.03, 1, -40, 150),
    "reservoir": (250, 2.5, -60, -20, 30, 0.01, 0, -65, 200),
}


def izhikevich_type(kind: str, **options: Any) -> NeuronModel:
    """Return a named cell of the dimensionless simple model (2003).

    Parameters
    ----------
    kind
        ``"RS"`` (regular spiking), ``"IB"`` (intrinsically bursting), ``"CH"`` (chattering), ``"FS"`` (fast spiking),
        ``"LTS"`` (low-threshold spiking), ``"TC"`` (thalamo-cortical) or ``"RZ"`` (resonator).
    options
        Further arguments of :func:`~neurosim.models.izhikevich`; they override what the kind sets.

    Returns
    -------
    NeuronModel
        As :func:`~neurosim.models.izhikevich` returns it, named after its kind.

    Raises
    ------
    CircuitError
        For an unknown kind.
    UnitError
        If an option has a unit.

    Notes
    -----
    Rest is lost at a current of 3.7975 (RS), 3.9375 (FS), 0.685 (LTS, TC) and 0.2625 (RZ).

    References
    ----------
    E. M. Izhikevich: Simple model of spiking neurons. IEEE Transactions on Neural Networks 14, 1569-1572 (2003),
    doi:10.1109/TNN.2003.820440.
    """
    if kind not in _PLAIN:
        raise CircuitError(f"izhikevich_type: unknown kind {kind!r}.{nearest(str(kind), _PLAIN)}")
    given = dict(zip("abcd", _PLAIN[kind], strict=True))
    return izhikevich(**{**given, "name": f"izhikevich_{kind}", **options})


def izhikevich_physical_type(kind: str, **options: Any) -> NeuronModel:
    """Return a named cell of the simple model in physical units (2007).

    Parameters
    ----------
    kind
        ``"RS"``, ``"IB"`` or ``"CH"``, cells of cortex whose equations are the plain ones; ``"reservoir"`` of the
        networks that Nicola and Clopath (2017) train.
    options
        Further arguments of :func:`~neurosim.models.izhikevich_physical`; they override what the kind sets.

    Returns
    -------
    NeuronModel
        As :func:`~neurosim.models.izhikevich_physical` returns it, named after its kind.

    Raises
    ------
    CircuitError
        For an unknown kind.
    UnitError
        If an option lacks its unit.

    Notes
    -----
    The reservoir cell is silent up to 1000 pA and fires at 10 Hz at 1200 pA.

    References
    ----------
    E. M. Izhikevich: Dynamical Systems in Neuroscience. MIT Press (2007), chapter 8.

    W. Nicola, C. Clopath: Supervised learning in spiking neural networks with FORCE training. Nature Communications 8,
    2208 (2017), doi:10.1038/s41467-017-01827-3.
    """
    if kind not in _PHYSICAL:
        raise CircuitError(f"izhikevich_physical_type: unknown kind {kind!r}.{nearest(str(kind), _PHYSICAL)}")
    units = {
        "C": pF, "k": nS / mV, "v_rest": mV, "v_t": mV, "v_peak": mV, "a": 1 / ms, "b": nS, "c": mV, "d": pA,
    }  # fmt: skip
    given = {name: value * unit for (name, unit), value in zip(units.items(), _PHYSICAL[kind], strict=True)}
    return izhikevich_physical(**{**given, "name": f"izhikevich_physical_{kind}", **options})
