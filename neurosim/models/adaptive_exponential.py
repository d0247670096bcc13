"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import ms, mV, nA, nS, pF


def adaptive_exponential(
    *,
    C: Any = 281 * pF,
    g_leak: Any = 30 * nS,
    v_leak: Any = -70.6 * mV,
    v_t: Any = -50.4 * mV,
    delta_t: Any = 2 * mV,
    tau_w: Any = 144 * ms,
    a: Any = 4 * nS,
    b: Any = 0.0805 * nA,
    v_reset: Any = -70.6 * mV,
    v_cut: Any = None,
    tau_ref: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "adaptive_exponential",
) -> NeuronModel:
    r"""Return an adaptive exponential integrate-and-fire neuron.

    .. math::

        C \dot v = g_{leak}(v_{leak} - v) + g_{leak}\,\Delta_t\, e^{(v - v_t)/\Delta_t} - w + I, \qquad
        \tau_w \dot w = a\,(v - v_{leak}) - w

    It spikes where ``v > v_cut``, then ``v = v_reset`` and w grows by b.

    Parameters
    ----------
    C, g_leak, v_leak
        Capacitance, leak conductance, resting potential.
    v_t, delta_t
        Threshold and slope of the exponential.
    tau_w, a, b
        Time constant, subthreshold conductance and spike-triggered jump of the adaptation current.
    v_reset
        Reset potential.
    v_cut
        Where v is cut off; ``None`` for ``v_t + 5*delta_t``.
    tau_ref
        Refractory period; ``None`` for none.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator. With ``euler`` keep ``dt*g_leak/C`` small: v blows up between two steps near `v_cut`.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt), ``w_adapt`` (amp; ``w`` is the weight of a synapse), the input ``i_ext`` and one per
        receptor (two for alpha functions). It starts at ``v_leak``, which is rest but for the foot of the exponential.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    The defaults are the paper's regular spiking cell. Held against a slowly rising current it fires above
    ``(g_leak + a)*(v_t - v_leak - delta_t + delta_t*log(1 + tau_m/tau_w)) + delta_t*g_leak*(a/g_leak - tau_m/tau_w)``
    with ``tau_m = C/g_leak``: 0.627 nA, where rest gives way to an oscillation (a Hopf bifurcation).

    References
    ----------
    R. Brette, W. Gerstner: Adaptive exponential integrate-and-fire model as an effective description of neuronal
    activity. Journal of Neurophysiology 94, 3637-3642 (2005), doi:10.1152/jn.00686.2005.
    """
    where = f"model {name!r}"
    own = {
        "C": (C, "farad"), "g_leak": (g_leak, "siemens"), "v_leak": (v_leak, "volt"), "v_t": (v_t, "volt"),
        "delta_t": (delta_t, "volt"), "tau_w": (tau_w, "second"), "a": (a, "siemens"), "b": (b, "amp"),
        "v_reset": (v_reset, "volt"),
    }  # fmt: skip
    own |= {} if v_cut is None else {"v_cut": (v_cut, "volt")}
    own |= {} if tau_ref is None else {"tau_ref": (tau_ref, "second")}
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PHYSICAL, taken={"w_adapt", *own}, where=where)
    flag = "" if tau_ref is None else " (unless refractory)"
    lines = [
        "dv/dt = (g_leak*(v_leak - v) + g_leak*delta_t*exp((v - v_t)/delta_t) - w_adapt"
        f" + {found.drive})/C : volt{flag}",
        "dw_adapt/dt = (a*(v - v_leak) - w_adapt)/tau_w : amp",
        *found.lines,
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold="v > v_t + 5*delta_t" if v_cut is None else "v > v_cut",
        reset="v = v_reset; w_adapt += b",
        refractory=None if tau_ref is None else "tau_ref",
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": "v_leak"},
        receptors=found.targets,
        name=name,
    )
