"""The simple model of Izhikevich, in plain numbers (2003) and in physical units (2007)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, PLAIN, receptor_equations
from neurosim.units import ms, mV, nS, pA, pF


def izhikevich(
    *,
    a: Any = 0.02,
    b: Any = 0.2,
    c: Any = -65.0,
    d: Any = 8.0,
    v_peak: Any = 30.0,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "izhikevich",
) -> NeuronModel:
    r"""Return the dimensionless simple model (2003), v in mV and time in ms without their units.

    .. math:: \dot v = 0.04 v^2 + 5 v + 140 - u + I, \qquad \dot u = a\,(b v - u)

    with :math:`v \leftarrow c,\; u \leftarrow u + d` where ``v >= v_peak``.

    Parameters
    ----------
    a, b, c, d
        Rate and sensitivity of the recovery u, reset of v, jump of u. The defaults are a regular spiking cell.
    v_peak
        Cut-off. It and dt are parameters of the model: the jump of u depends on how far v runs past the cut-off.
    receptors
        By name, as in :func:`~neurosim.models.lif`; plain numbers, their sum is added to I.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v``, ``u``, the input ``i_ext`` and one per receptor (two for alpha functions). It starts at
        v = -65, u = b*v, as published.

    Raises
    ------
    UnitError
        If something that is a plain number here has a unit.

    Notes
    -----
    At rest (b = 0.2) v = -70; rest is lost at i_ext = 3.7975 (a = 0.02). The scheme that the 2003 paper simulates its
    network with is :func:`~neurosim.models.izhikevich_map`; the two fire at different rates.

    References
    ----------
    E. M. Izhikevich: Simple model of spiking neurons. IEEE Transactions on Neural Networks 14, 1569-1572 (2003),
    doi:10.1109/TNN.2003.820440.
    """
    where = f"model {name!r}"
    own = {key: (value, "1") for key, value in {"a": a, "b": b, "c": c, "d": d, "v_peak": v_peak}.items()}
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PLAIN, taken={"u", *own}, where=where)
    lines = [
        f"dv/dt = (0.04*v**2 + 5*v + 140 - u + {found.drive})/ms : 1",
        "du/dt = a*(b*v - u)/ms : 1",
        *found.lines,
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold="v >= v_peak",
        reset="v = c; u += d",
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": -65.0, "u": "b*v"},
        receptors=found.targets,
        name=name,
    )


def izhikevich_physical(
    *,
    C: Any = 100 * pF,
    k: Any = 0.7 * nS / mV,
    v_rest: Any = -60 * mV,
    v_t: Any = -40 * mV,
    v_peak: Any = 35 * mV,
    a: Any = 0.03 / ms,
    b: Any = -2 * nS,
    c: Any = -50 * mV,
    d: Any = 100 * pA,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "izhikevich_physical",
) -> NeuronModel:
    r"""Return the simple model in physical units (2007).

    .. math:: C \dot v = k (v - v_{rest})(v - v_t) - u + I, \qquad \dot u = a\,(b (v - v_{rest}) - u)

    with :math:`v \leftarrow c,\; u \leftarrow u + d` where ``v >= v_peak``.

    Parameters
    ----------
    C, k
        Capacitance, and the curvature of the current-voltage relation.
    v_rest, v_t, v_peak
        Resting potential, instantaneous threshold, cut-off.
    a, b, c, d
        Rate and conductance of the recovery u, reset of v, jump of u.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt), ``u`` (amp), the input ``i_ext`` and one per receptor (two for alpha functions). It
        starts at rest. The defaults are a regular spiking cell of layer 5.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    Rest is lost at ``i_ext = (k*(v_t - v_rest) + b)**2/(4*k)``, 51.4 pA for the defaults, unless the recovery makes it
    oscillate before (b > 0).

    References
    ----------
    E. M. Izhikevich: Dynamical Systems in Neuroscience. MIT Press (2007), chapter 8.
    """
    own = {"C": C, "k": k, "v_rest": v_rest, "v_t": v_t, "v_peak": v_peak, "a": a, "b": b, "c": c, "d": d}
    return physical_cell(own, Recovery(), receptors=receptors, method=method, name=name)


@dataclass(frozen=True)
class Recovery:
    """What the recovery of a physical cell follows, and what a spike does; the named cells have their own.

    Parameters
    ----------
    target
        The current that u approaches at rate a.
    threshold, reset
        As of a :class:`NeuronModel`.
    units
        Unit of each parameter that these name beside the usual ones.
    """

    target: str = "b*(v - v_rest)"
    threshold: str = "v >= v_peak"
    reset: str = "v = c; u += d"
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def physical_cell(
    values: Mapping[str, Any],
    recovery: Recovery,
    *,
    receptors: Mapping[str, Any] | None,
    method: str | None,
    name: str,
) -> NeuronModel:
    """Return a cell whose v is that of :func:`izhikevich_physical`.

    Parameters
    ----------
    values
        Of the parameters that its equations name.
    recovery
        The rest of its equations.
    receptors, method, name
        As of :func:`izhikevich_physical`.
    """
    where = f"model {name!r}"
    units = {**_UNITS, **recovery.units}
    parameters = checked_arguments({key: (value, units[key]) for key, value in values.items()}, where)
    found = receptor_equations(receptors, PHYSICAL, taken={"u", *values}, where=where)
    lines = [
        f"dv/dt = (k*(v - v_rest)*(v - v_t) - u + {found.drive})/C : volt",
        f"du/dt = a*({recovery.target} - u) : amp",
        *found.lines,
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold=recovery.threshold,
        reset=recovery.reset,
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": "v_rest"},
        receptors=found.targets,
        name=name,
    )


_UNITS = {
    "C": "farad", "k": "siemens/volt", "v_rest": "volt", "v_t": "volt", "v_peak": "volt", "a": "hertz", "b": "siemens",
    "c": "volt", "d": "amp",
}  # fmt: skip
