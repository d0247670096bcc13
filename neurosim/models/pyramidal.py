"""A pyramidal cell of two compartments: a soma that spikes, and a dendrite with a regenerative current."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import ms, mV, nS, pA, pF

# Counted in steps: the times themselves differ in their last bits from multiples of dt.
_BACK = (
    "int(timestep(t - lastspike, dt) >= timestep(back_start, dt))"
    "*int(timestep(t - lastspike, dt) < timestep(back_stop, dt))"
)


def pyramidal(
    *,
    C: Any = 370 * pF,
    tau_mem: Any = 16 * ms,
    g_soma: Any = 1300 * pA,
    b: Any = -200 * pA,
    tau_w: Any = 100 * ms,
    v_leak: Any = -70 * mV,
    v_threshold: Any = -50 * mV,
    v_reset: Any = -70 * mV,
    tau_ref: Any = 3 * ms,
    C_dend: Any = 170 * pF,
    tau_dend: Any = 7 * ms,
    g_dend: Any = 1200 * pA,
    c_dend: Any = 2600 * pA,
    a_dend: Any = -13 * nS,
    tau_w_dend: Any = 30 * ms,
    e_dend: Any = -38 * mV,
    delta_dend: Any = 6 * mV,
    back_start: Any = 0.5 * ms,
    back_stop: Any = 2.5 * ms,
    receptors: Mapping[str, Any] | None = None,
    dendrite_receptors: Mapping[str, Any] | None = None,
    method: str | None = "euler",
    name: str = "pyramidal",
) -> NeuronModel:
    r"""Return a two-compartment pyramidal cell with an active dendrite.

    .. math::

        \dot v &= \frac{v_{leak} - v}{\tau_{mem}} + \frac{g_{soma} f(v_d) + w + I}{C}, &
        \tau_w \dot w &= -w \\
        \dot v_d &= \frac{v_{leak} - v_d}{\tau_{dend}} + \frac{g_{dend} f(v_d) + c_{dend} K(t) + w_d + I_d}{C_{dend}}, &
        \tau_{w,d} \dot w_d &= a_{dend} (v_d - v_{leak}) - w_d

    with :math:`f(v_d) = 1/(1 + e^{-(v_d - e_{dend})/\Delta})`. It spikes where ``v > v_threshold``, then
    ``v = v_reset`` and w changes by b; K is 1 between `back_start` and `back_stop` after a spike (the spike that
    travels back), else 0.

    Parameters
    ----------
    C, tau_mem, v_leak
        Capacitance and time constant of the soma, leak potential of both compartments.
    g_soma
        Current that a fully active dendrite sends to the soma.
    b, tau_w
        Jump of the adaptation current of the soma, and its time constant.
    v_threshold, v_reset, tau_ref
        Threshold, reset, refractory period.
    C_dend, tau_dend
        Capacitance and time constant of the dendrite.
    g_dend, e_dend, delta_dend
        Largest regenerative current of the dendrite, half activation and slope.
    c_dend, back_start, back_stop
        Current of a spike that travels back, and when after the spike it flows.
    a_dend, tau_w_dend
        Conductance and time constant of the recovery current of the dendrite.
    receptors, dendrite_receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` and ``v_dend`` (volt), ``w_soma`` and ``w_dend`` (amp), ``active`` and ``back`` as
        sub-expressions, the inputs ``i_ext`` and ``i_dend`` and those of the receptors. It starts at ``v_leak``.

    Raises
    ------
    CircuitError
        If a receptor of the dendrite has the name of one of the soma.
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    The defaults are the paper's. It rests at -69.72 mV (soma) and -69.84 mV (dendrite). A dendritic input that alone
    gives no spike turns one spike of the soma into a burst.

    References
    ----------
    R. Naud, H. Sprekeler: Sparse bursts optimize information transmission in a multiplexed neural code. PNAS 115,
    E6329-E6338 (2018), doi:10.1073/pnas.1720995115.

    R. Naud, B. Bathellier, W. Gerstner: Spike-timing prediction in cortical neurons with active dendrites. Frontiers in
    Computational Neuroscience 8, 90 (2014), doi:10.3389/fncom.2014.00090.
    """
    where = f"model {name!r}"
    own = {
        "C": (C, "farad"), "tau_mem": (tau_mem, "second"), "g_soma": (g_soma, "amp"), "b": (b, "amp"),
        "tau_w": (tau_w, "second"), "v_leak": (v_leak, "volt"), "v_threshold": (v_threshold, "volt"),
        "v_reset": (v_reset, "volt"), "tau_ref": (tau_ref, "second"), "C_dend": (C_dend, "farad"),
        "tau_dend": (tau_dend, "second"), "g_dend": (g_dend, "amp"), "c_dend": (c_dend, "amp"),
        "a_dend": (a_dend, "siemens"), "tau_w_dend": (tau_w_dend, "second"), "e_dend": (e_dend, "volt"),
        "delta_dend": (delta_dend, "volt"), "back_start": (back_start, "second"), "back_stop": (back_stop, "second"),
    }  # fmt: skip
    parameters = checked_arguments(own, where)
    variables = {"v", "v_dend", "w_soma", "w_dend", "active", "back", "i_ext", "i_dend", *own}
    soma = receptor_equations(receptors, PHYSICAL, taken=variables, where=where)
    dendrite = receptor_equations(
        dendrite_receptors, PHYSICAL, taken=variables | set(receptors or {}), where=f"{where}, dendrite",
        membrane="v_dend", external="i_dend",
    )  # fmt: skip
    lines = [
        f"dv/dt = (v_leak - v)/tau_mem + (g_soma*active + w_soma + {soma.drive})/C : volt (unless refractory)",
        "dw_soma/dt = -w_soma/tau_w : amp",
        "dv_dend/dt = (v_leak - v_dend)/tau_dend"
        f" + (g_dend*active + c_dend*back + w_dend + {dendrite.drive})/C_dend : volt",
        "dw_dend/dt = (a_dend*(v_dend - v_leak) - w_dend)/tau_w_dend : amp",
        "active = 1/(1 + exp(-(v_dend - e_dend)/delta_dend)) : 1",
        f"back = {_BACK} : 1",
        *soma.lines,
        *dendrite.lines,
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold="v > v_threshold",
        reset="v = v_reset; w_soma += b",
        refractory="tau_ref",
        method=method,
        parameters={**parameters, **soma.parameters, **dendrite.parameters},
        initial={"v": "v_leak", "v_dend": "v_leak"},
        receptors={**soma.targets, **dendrite.targets},
        name=name,
    )
