"""A Hodgkin-Huxley neuron with the channels of Traub and Miles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import mV, nS, pF, uS

#: Opening and closing rates of the gates. The published form x/(exp(x) - 1) is 0/0 at x = 0; 1/exprel(x) is 1 there.
RATES = {
    "alpha_m": "1.28/exprel((13*mV - v + v_t)/(4*mV))/ms",
    "beta_m": "1.4/exprel((v - v_t - 40*mV)/(5*mV))/ms",
    "alpha_h": "0.128*exp((17*mV - v + v_t)/(18*mV))/ms",
    "beta_h": "4/(1 + exp((40*mV - v + v_t)/(5*mV)))/ms",
    "alpha_n": "0.16/exprel((15*mV - v + v_t)/(5*mV))/ms",
    "beta_n": "0.5*exp((10*mV - v + v_t)/(40*mV))/ms",
}


def hodgkin_huxley(
    *,
    C: Any = 200 * pF,
    g_leak: Any = 10 * nS,
    g_na: Any = 20 * uS,
    g_k: Any = 6 * uS,
    v_leak: Any = -65 * mV,
    v_na: Any = 50 * mV,
    v_k: Any = -90 * mV,
    v_t: Any = -63 * mV,
    v_spike: Any = -20 * mV,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = "exponential_euler",
    name: str = "hodgkin_huxley",
) -> NeuronModel:
    r"""Return a Hodgkin-Huxley neuron, as in the third benchmark of Brette et al. (2007).

    .. math::

        C \dot v = g_{leak}(v_{leak} - v) - g_{na} m^3 h\,(v - v_{na}) - g_k n^4 (v - v_k) + I, \qquad
        \dot x = \alpha_x(v)(1 - x) - \beta_x(v)\, x \quad (x = m, h, n)

    Each upward crossing of `v_spike` is one spike: there is no reset, and the neuron is refractory while it is above.

    Parameters
    ----------
    C, g_leak, g_na, g_k
        Capacitance and peak conductances; the defaults are those of 20,000 square micrometres of membrane.
    v_leak, v_na, v_k
        Reversal potentials.
    v_t
        Shifts the voltage dependence of the gates.
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
        Variables ``v`` (volt), ``m``, ``h``, ``n``, their rates as sub-expressions, the input ``i_ext`` and one per
        receptor (two for alpha functions). It starts at ``v_leak`` with the gates at their steady state there.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    It rests at -64.76 mV. The benchmark sets ``v_leak=-60*mV``, with which it fires at 14 Hz without any input.

    References
    ----------
    R. Brette et al.: Simulation of networks of spiking neurons: a review of tools and strategies. Journal of
    Computational Neuroscience 23, 349-398 (2007), doi:10.1007/s10827-007-0038-6.

    R. D. Traub, R. Miles: Neuronal Networks of the Hippocampus. Cambridge University Press (1991),
    doi:10.1017/CBO9780511895401.
    """
    where = f"model {name!r}"
    own = {
        "C": (C, "farad"), "g_leak": (g_leak, "siemens"), "g_na": (g_na, "siemens"), "g_k": (g_k, "siemens"),
        "v_leak": (v_leak, "volt"), "v_na": (v_na, "volt"), "v_k": (v_k, "volt"), "v_t": (v_t, "volt"),
        "v_spike": (v_spike, "volt"),
    }  # fmt: skip
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PHYSICAL, taken={"m", "h", "n", *RATES, *own}, where=where)
    lines = [
        f"dv/dt = (g_leak*(v_leak - v) - g_na*m*m*m*h*(v - v_na) - g_k*n*n*n*n*(v - v_k) + {found.drive})/C : volt",
        *(f"d{gate}/dt = alpha_{gate}*(1 - {gate}) - beta_{gate}*{gate} : 1" for gate in "mhn"),
        *(f"{rate} = {expression} : hertz" for rate, expression in RATES.items()),
        *found.lines,
    ]
    opening, closing = ({gate: f"({RATES[f'{rate}_{gate}']})" for gate in "mhn"} for rate in ("alpha", "beta"))
    steady = {gate: f"{opening[gate]}/({opening[gate]} + {closing[gate]})" for gate in "mhn"}
    return NeuronModel(
        "\n".join(lines),
        threshold="v > v_spike",
        refractory="v > v_spike",
        method=method,
        parameters={**parameters, **found.parameters},
        initial={"v": "v_leak", **steady},
        receptors=found.targets,
        name=name,
    )
