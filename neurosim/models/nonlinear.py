"""Integrate-and-fire neurons whose spike begins by itself: quadratic and exponential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import Mohm, ms, mV


def quadratic_if(
    *,
    tau_mem: Any = 12 * ms,
    r: Any = 20 * Mohm,
    v_leak: Any = -65 * mV,
    v_critical: Any = -50 * mV,
    curvature: Any = 0.07 / mV,
    v_peak: Any = -30 * mV,
    v_reset: Any = -60 * mV,
    tau_ref: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "quadratic_if",
) -> NeuronModel:
    r"""Return a quadratic integrate-and-fire neuron.

    .. math:: \tau_{mem}\,\dot v = a_0\,(v - v_{leak})(v - v_{critical}) + r I

    It spikes where ``v > v_peak``, then ``v = v_reset``.

    Parameters
    ----------
    tau_mem, r
        Time constant, resistance.
    v_leak, v_critical
        Stable and unstable equilibrium without input.
    curvature
        The factor :math:`a_0`, per volt.
    v_peak, v_reset
        Where v is cut off, and where it starts again.
    tau_ref
        Refractory period; ``None`` for none.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt), the input ``i_ext`` and those of the receptors. It starts at ``v_leak``, its rest.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    It fires above ``curvature*(v_critical - v_leak)**2/(4*r)``, 196.9 pA for the defaults. With
    ``q = curvature*(r*I - curvature*(v_critical - v_leak)**2/4)`` and ``m = (v_leak + v_critical)/2`` the period is
    ``tau_mem/sqrt(q)`` times the difference of ``arctan((v - m)*curvature/sqrt(q))`` at `v_peak` and at `v_reset`:
    57.08 ms at 300 pA.

    References
    ----------
    P. E. Latham, B. J. Richmond, P. G. Nelson, S. Nirenberg: Intrinsic dynamics in neuronal networks. I. Theory.
    Journal of Neurophysiology 83, 808-827 (2000), doi:10.1152/jn.2000.83.2.808.
    """
    own = {
        "tau_mem": (tau_mem, "second"), "r": (r, "ohm"), "v_leak": (v_leak, "volt"), "v_critical": (v_critical, "volt"),
        "curvature": (curvature, "1/volt"), "v_peak": (v_peak, "volt"), "v_reset": (v_reset, "volt"),
    }  # fmt: skip
    return _escaping(own, "curvature*(v - v_leak)*(v - v_critical)", tau_ref, receptors, method, name)


def exponential_if(
    *,
    tau_mem: Any = 12 * ms,
    r: Any = 20 * Mohm,
    v_leak: Any = -65 * mV,
    v_t: Any = -55 * mV,
    delta_t: Any = 2 * mV,
    v_peak: Any = -30 * mV,
    v_reset: Any = -60 * mV,
    tau_ref: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "exponential_if",
) -> NeuronModel:
    r"""Return an exponential integrate-and-fire neuron: a leak, and a sodium current that rises exponentially.

    .. math:: \tau_{mem}\,\dot v = v_{leak} - v + \Delta_t\, e^{(v - v_t)/\Delta_t} + r I

    It spikes where ``v > v_peak``, then ``v = v_reset``.

    Parameters
    ----------
    tau_mem, r, v_leak
        Time constant, resistance, reversal potential of the leak.
    v_t, delta_t
        Threshold and slope of the exponential.
    v_peak, v_reset
        Where v is cut off, and where it starts again. With ``euler`` a step of dt near `v_peak` must not overflow:
        keep ``v_peak - v_t`` below some 20 `delta_t`.
    tau_ref
        Refractory period; ``None`` for none.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt), the input ``i_ext`` and those of the receptors. It starts at ``v_leak``, which is rest
        but for the foot of the exponential.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    It fires above ``(v_t - v_leak - delta_t)/r``, 400 pA for the defaults, where rest and threshold meet at `v_t`.

    References
    ----------
    N. Fourcaud-Trocme, D. Hansel, C. van Vreeswijk, N. Brunel: How spike generation mechanisms determine the neuronal
    response to fluctuating inputs. Journal of Neuroscience 23, 11628-11640 (2003),
    doi:10.1523/JNEUROSCI.23-37-11628.2003.
    """
    own = {
        "tau_mem": (tau_mem, "second"), "r": (r, "ohm"), "v_leak": (v_leak, "volt"), "v_t": (v_t, "volt"),
        "delta_t": (delta_t, "volt"), "v_peak": (v_peak, "volt"), "v_reset": (v_reset, "volt"),
    }  # fmt: skip
    return _escaping(own, "v_leak - v + delta_t*exp((v - v_t)/delta_t)", tau_ref, receptors, method, name)


def _escaping(
    own: dict[str, tuple[Any, str]],
    slope: str,
    tau_ref: Any,
    receptors: Mapping[str, Any] | None,
    method: str | None,
    name: str,
) -> NeuronModel:
    where = f"model {name!r}"
    own |= {} if tau_ref is None else {"tau_ref": (tau_ref, "second")}
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PHYSICAL, taken=own, where=where)
    flag = "" if tau_ref is None else " (unless refractory)"
    return NeuronModel(
        "\n".join([f"dv/dt = ({slope} + r*({found.drive}))/tau_mem : volt{flag}", *found.lines]),
        threshold="v > v_peak",
        reset="v = v_reset",
        refractory=None if tau_ref is None else "tau_ref",
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": "v_leak"},
        receptors=found.targets,
        name=name,
    )
