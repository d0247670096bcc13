"""Named cells of the simple model of Izhikevich."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import CircuitError, nearest
from neurosim.models.izhikevich import Recovery, izhikevich, physical_cell
from neurosim.units import ms, mV, nS, pA, pF

#: a, b, c, d of the plain form.
_PLAIN = {
    "RS": (0.02, 0.2, -65.0, 8.0), "IB": (0.02, 0.2, -55.0, 4.0), "CH": (0.02, 0.2, -50.0, 2.0),
    "FS": (0.1, 0.2, -65.0, 2.0), "LTS": (0.02, 0.25, -65.0, 2.0), "TC": (0.02, 0.25, -65.0, 0.05),
    "RZ": (0.1, 0.26, -65.0, 2.0),
}  # fmt: skip
#: C (pF), k (nS/mV), v_rest, v_t, v_peak (mV), a (1/ms), b (nS), c (mV), d (pA); what a cell does not have is None.
_PHYSICAL: dict[str, tuple[float | None, ...]] = {
    "RS": (100, 0.7, -60, -40, 35, 0.03, -2, -50, 100),
    "IB": (150, 1.2, -75, -45, 50, 0.01, 5, -56, 130),
    "CH": (50, 1.5, -60, -40, 25, 0.03, 1, -40, 150),
    "LTS": (100, 1.0, -56, -42, 40, 0.03, 8, -53, 20),
    "FS": (20, 1.0, -55, -40, 25, 0.2, None, -45, None),
    "TC": (200, 1.6, -60, -50, 35, 0.01, 15, -60, 10),
    "RTN": (40, 0.25, -65, -45, 0, 0.015, 10, -55, 50),
    "reservoir": (250, 2.5, -60, -20, 30, 0.01, 0, -65, 200),
}
#: Where a cell has its own recovery or reset; slopes are those of peak and reset with u.
_RECOVERIES = {
    "LTS": Recovery(
        threshold="v >= v_peak - peak_slope*u",
        reset="v = c + reset_slope*u; u = int(u + d < u_max)*(u + d) + int(u + d >= u_max)*u_max",
        units={"peak_slope": "ohm", "reset_slope": "ohm", "u_max": "amp"},
    ),
    "FS": Recovery(
        target="int(v > v_bend)*bend*(v - v_bend)**3",
        reset="v = c",
        units={"v_bend": "volt", "bend": "amp/volt**3"},
    ),
    "TC": Recovery(
        target="int(v <= v_bend)*b*(v - v_bend)",
        threshold="v >= v_peak + peak_slope*u",
        reset="v = c - reset_slope*u; u += d",
        units={"v_bend": "volt", "peak_slope": "ohm", "reset_slope": "ohm"},
    ),
    "RTN": Recovery(
        target="(int(v <= v_bend)*b + int(v > v_bend)*b_high)*(v - v_bend)",
        units={"v_bend": "volt", "b_high": "siemens"},
    ),
}
_OWN: dict[str, dict[str, Any]] = {
    "LTS": {"peak_slope": 0.1 * mV / pA, "reset_slope": 0.04 * mV / pA, "u_max": 670 * pA},
    "FS": {"v_bend": -55 * mV, "bend": 0.025 * pA / mV**3},
    "TC": {"v_bend": -65 * mV, "peak_slope": 0.1 * mV / pA, "reset_slope": 0.1 * mV / pA},
    "RTN": {"v_bend": -65 * mV, "b_high": 2 * nS},
}


def izhikevich_type(kind: str, **options: Any) -> NeuronModel:
    r"""Return a named cell of the dimensionless simple model (2003).

    .. math:: \dot v = 0.04 v^2 + 5 v + 140 - u + I, \qquad \dot u = a\,(b v - u)

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
    r"""Return a named cell of the simple model in physical units (2007).

    .. math:: C \dot v = k (v - v_{rest})(v - v_t) - u + I, \qquad \dot u = a\,(U(v) - u)

    with :math:`U = b (v - v_{rest})`, and :math:`v \leftarrow c,\; u \leftarrow u + d` where ``v >= v_peak``. Some
    cells differ, with :math:`w = v - v_{bend}`. FS: U is 0 below `v_bend` and `bend` :math:`w^3` above, u does not
    jump. TC: U is b w below `v_bend` and 0 above; it peaks at ``v_peak + peak_slope*u`` and resets to ``c -
    reset_slope*u``. RTN: U is b w below `v_bend` and `b_high` w above. LTS: it peaks at ``v_peak - peak_slope*u`` and
    resets to ``c + reset_slope*u``, and u is at most `u_max`.

    Parameters
    ----------
    kind
        ``"RS"`` (regular spiking), ``"IB"`` (intrinsically bursting), ``"CH"`` (chattering), ``"LTS"`` (low-threshold
        spiking), ``"FS"`` (fast spiking), ``"TC"`` (thalamo-cortical), ``"RTN"`` (reticular thalamic); or
        ``"reservoir"`` of the networks that Nicola and Clopath (2017) train.
    options
        Further arguments of :func:`~neurosim.models.izhikevich_physical`, and `v_bend`, ... of the cells that have
        them; they override what the kind sets.

    Returns
    -------
    NeuronModel
        As :func:`~neurosim.models.izhikevich_physical` returns it, named after its kind.

    Raises
    ------
    CircuitError
        For an unknown kind, or an option that the cell does not have.
    UnitError
        If an option lacks its unit.

    Notes
    -----
    Rest is lost at 51.4 pA (RS), 114.75 pA (LTS), 73.7 pA (FS), 40 pA (TC) and 47.04 pA (RTN). The reservoir cell is
    silent up to 1000 pA and fires at 10 Hz at 1200 pA.

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
    named = zip(units.items(), _PHYSICAL[kind], strict=True)
    values: dict[str, Any] = {name: value * unit for (name, unit), value in named if value is not None}
    values |= _OWN.get(kind, {})
    common: dict[str, Any] = {"receptors": None, "method": "euler", "name": f"izhikevich_physical_{kind}"}
    for option in options:
        if option not in values and option not in common:
            raise CircuitError(
                f"izhikevich_physical_type({kind!r}) has no {option!r}.{nearest(option, [*values, *common])}"
            )
    values |= {name: value for name, value in options.items() if name in values}
    common |= {name: value for name, value in options.items() if name in common}
    return physical_cell(values, _RECOVERIES.get(kind, Recovery()), **common)
