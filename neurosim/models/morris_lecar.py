"""The Morris-Lecar neuron: calcium that opens at once, potassium that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import Hz, mV, nS, pF

_OPEN = "0.5*(1 + tanh((v - v1)/v2))"
_STEADY = "0.5*(1 + tanh((v - v3)/v4))"


def morris_lecar(
    *,
    C: Any = 20 * pF,
    g_leak: Any = 2 * nS,
    g_ca: Any = 4.4 * nS,
    g_k: Any = 8 * nS,
    v_leak: Any = -60 * mV,
    v_ca: Any = 120 * mV,
    v_k: Any = -84 * mV,
    v1: Any = -1.2 * mV,
    v2: Any = 18 * mV,
    v3: Any = 2 * mV,
    v4: Any = 30 * mV,
    phi: Any = 40 * Hz,
    v_spike: Any = 0 * mV,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "rk4",
    name: str = "morris_lecar",
) -> NeuronModel:
    r"""Return a Morris-Lecar neuron.

    .. math::

        C \dot v &= g_{leak}(v_{leak} - v) + g_{ca} m_\infty(v)(v_{ca} - v) + g_k n\,(v_k - v) + I, \qquad
        \dot n = \phi \cosh\frac{v - v_3}{2 v_4}\,(n_\infty(v) - n) \\
        m_\infty &= \tfrac12\left(1 + \tanh\frac{v - v_1}{v_2}\right), \qquad
        n_\infty = \tfrac12\left(1 + \tanh\frac{v - v_3}{v_4}\right)

    Each upward crossing of `v_spike` is one spike: there is no reset, and the neuron is refractory while it is above.

    Parameters
    ----------
    C, g_leak, g_ca, g_k
        Capacitance and peak conductances.
    v_leak, v_ca, v_k
        Reversal potentials.
    v1, v2, v3, v4
        Half activation and slope of the calcium channels, and of the potassium channels.
    phi
        Rate of the potassium channels at `v3`.
    v_spike
        Where a crossing counts as a spike.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt), ``n``, ``m_open`` and ``n_open`` as sub-expressions, the input ``i_ext`` and those of
        the receptors. It starts at ``v_leak`` with n at its steady state there.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    The defaults are the first parameter set of Rinzel and Ermentrout (there per square centimetre, 20 uF). It rests at
    -60.855 mV, n = 0.014915; rest gives way to oscillation (a Hopf bifurcation) at 93.86 pA.

    References
    ----------
    C. Morris, H. Lecar: Voltage oscillations in the barnacle giant muscle fiber. Biophysical Journal 35, 193-213
    (1981), doi:10.1016/S0006-3495(81)84782-0.

    J. Rinzel, G. B. Ermentrout: Analysis of neural excitability and oscillations. In C. Koch, I. Segev (eds.), Methods
    in Neuronal Modeling, 2nd edition. MIT Press (1998), chapter 7.
    """
    where = f"model {name!r}"
    own = {
        "C": (C, "farad"), "g_leak": (g_leak, "siemens"), "g_ca": (g_ca, "siemens"), "g_k": (g_k, "siemens"),
        "v_leak": (v_leak, "volt"), "v_ca": (v_ca, "volt"), "v_k": (v_k, "volt"), "v1": (v1, "volt"),
        "v2": (v2, "volt"), "v3": (v3, "volt"), "v4": (v4, "volt"), "phi": (phi, "hertz"), "v_spike": (v_spike, "volt"),
    }  # fmt: skip
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PHYSICAL, taken={"n", "m_open", "n_open", *own}, where=where)
    lines = [
        f"dv/dt = (g_leak*(v_leak - v) + g_ca*m_open*(v_ca - v) + g_k*n*(v_k - v) + {found.drive})/C : volt",
        "dn/dt = phi*cosh((v - v3)/(2*v4))*(n_open - n) : 1",
        f"m_open = {_OPEN} : 1",
        f"n_open = {_STEADY} : 1",
        *found.lines,
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold="v > v_spike",
        refractory="v > v_spike",
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": "v_leak", "n": _STEADY},
        receptors=found.targets,
        name=name,
    )
