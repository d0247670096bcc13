"""Integrate-and-fire neurons whose threshold moves: with the voltage, and with their own spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.membrane import leaky_membrane
from neurosim.models.receptors import PHYSICAL, receptor_equations
from neurosim.units import Hz, Mohm, ms, mV, nS, pA, pF


def generalised_if(
    *,
    C: Any = 100 * pF,
    g_leak: Any = 5 * nS,
    v_leak: Any = -70 * mV,
    v_reset: Any = -70 * mV,
    theta_rest: Any = -50 * mV,
    theta_reset: Any = -60 * mV,
    a: Any = 5 * Hz,
    b: Any = 10 * Hz,
    rate1: Any = 200 * Hz,
    rate2: Any = 20 * Hz,
    keep1: Any = 0.0,
    keep2: Any = 1.0,
    jump1: Any = 0 * pA,
    jump2: Any = 0 * pA,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = None,
    name: str = "generalised_if",
) -> NeuronModel:
    r"""Return the generalised integrate-and-fire neuron of Mihalas and Niebur.

    .. math::

        C \dot v = I + I_1 + I_2 - g_{leak}(v - v_{leak}), \quad \dot\theta = a\,(v - v_{leak})
        - b\,(\theta - \theta_{rest}), \quad \dot I_j = -k_j I_j

    It spikes where ``v >= theta``, then :math:`I_j \leftarrow R_j I_j + A_j`, ``v = v_reset`` and theta is raised to
    `theta_reset` if it lies below.

    Parameters
    ----------
    C, g_leak, v_leak, v_reset
        Capacitance, leak conductance, resting and reset potential.
    theta_rest, theta_reset
        Threshold at rest, and the least threshold after a spike.
    a, b
        How fast the threshold follows the voltage, and how fast it returns.
    rate1, rate2, keep1, keep2, jump1, jump2
        Decay rates k, kept parts R and jumps A of the two spike-induced currents.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator; ``"exact"`` for currents and ``"exponential_euler"`` with conductances by default.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` and ``theta`` (volt), ``i1`` and ``i2`` (amp), the input ``i_ext`` and those of the receptors.
        It starts at rest.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    With ``a = 0`` and no jumps the period is ``C/g_leak*log(I/(I - g_leak*(theta_rest - v_leak)))`` (where ``v_reset =
    v_leak``): 21.97 ms at 150 pA. With the default `a`, 150 pA give five spikes and then silence.

    References
    ----------
    S. Mihalas, E. Niebur: A generalized linear integrate-and-fire neural model produces diverse spiking behaviors.
    Neural Computation 21, 704-718 (2009), doi:10.1162/neco.2008.12-07-680.
    """
    where = f"model {name!r}"
    own = {
        "C": (C, "farad"), "g_leak": (g_leak, "siemens"), "v_leak": (v_leak, "volt"), "v_reset": (v_reset, "volt"),
        "theta_rest": (theta_rest, "volt"), "theta_reset": (theta_reset, "volt"), "a": (a, "hertz"), "b": (b, "hertz"),
        "rate1": (rate1, "hertz"), "rate2": (rate2, "hertz"), "keep1": (keep1, "1"), "keep2": (keep2, "1"),
        "jump1": (jump1, "amp"), "jump2": (jump2, "amp"),
    }  # fmt: skip
    parameters = checked_arguments(own, where)
    found = receptor_equations(receptors, PHYSICAL, taken={"theta", "i1", "i2", *own}, where=where)
    lines = [
        f"dv/dt = (i1 + i2 - g_leak*(v - v_leak) + {found.drive})/C : volt",
        "dtheta/dt = a*(v - v_leak) - b*(theta - theta_rest) : volt",
        "di1/dt = -rate1*i1 : amp",
        "di2/dt = -rate2*i2 : amp",
        *found.lines,
    ]
    reset = (
        "i1 = keep1*i1 + jump1",
        "i2 = keep2*i2 + jump2",
        "v = v_reset",
        "theta = int(theta >= theta_reset)*theta + int(theta < theta_reset)*theta_reset",
    )
    return NeuronModel(
        "\n".join(lines),
        threshold="v >= theta",
        reset="\n".join(reset),
        method=method or ("exponential_euler" if found.conductance else "exact"),
        parameters={**parameters, **found.parameters},
        initial={"v": "v_leak", "theta": "theta_rest"},
        receptors=found.targets,
        name=name,
    )


def multi_timescale_threshold(
    *,
    tau_mem: Any = 5 * ms,
    r: Any = 50 * Mohm,
    v_leak: Any = -70 * mV,
    omega: Any = 19 * mV,
    alpha1: Any = 37 * mV,
    alpha2: Any = 2 * mV,
    tau1: Any = 10 * ms,
    tau2: Any = 200 * ms,
    tau_ref: Any = 2 * ms,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = None,
    name: str = "multi_timescale_threshold",
) -> NeuronModel:
    r"""Return the neuron with a multi-timescale adaptive threshold (MAT): its voltage is never reset.

    .. math::

        \tau_{mem} \dot v = v_{leak} - v + r I, \qquad
        \theta(t) = v_{leak} + \omega
        + \sum_k \left(\alpha_1 e^{-(t - t_k)/\tau_1} + \alpha_2 e^{-(t - t_k)/\tau_2}\right)

    over its spikes :math:`t_k`. It spikes where ``v >= theta``, at most once in `tau_ref`.

    Parameters
    ----------
    tau_mem, r, v_leak
        Membrane time constant, resistance, resting potential.
    omega
        Threshold without spikes, above `v_leak`.
    alpha1, alpha2, tau1, tau2
        Jumps of the threshold at a spike, and their decay. The defaults are regular spiking; in the paper (alpha1,
        alpha2, omega) are 37, 2, 19 mV there, 1.7, 2, 26 for intrinsic bursting, 10, 0.2, 11 for fast spiking and -0.5,
        0.4, 26 for chattering.
    tau_ref
        Refractory period, in which v goes on.
    receptors
        By name, as in :func:`~neurosim.models.lif`: currents in ampere, conductances in siemens.
    method
        Integrator; ``"exact"`` for currents and ``"exponential_euler"`` with conductances by default.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v``, ``h1`` and ``h2`` (volt), the threshold ``theta``, the input ``i_ext`` and those of the
        receptors. It starts at rest.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    A constant current settles at the period T where
    ``r*I = omega + alpha1/(exp(T/tau1) - 1) + alpha2/(exp(T/tau2) - 1)``: 16.92 ms at 1 nA.

    References
    ----------
    R. Kobayashi, Y. Tsubo, S. Shinomoto: Made-to-order spiking neuron model equipped with a multi-timescale adaptive
    threshold. Frontiers in Computational Neuroscience 3, 9 (2009), doi:10.3389/neuro.10.009.2009.
    """
    where = f"model {name!r}"
    times = {"tau1": (tau1, "second"), "tau2": (tau2, "second"), "tau_ref": (tau_ref, "second")}
    own = checked_arguments(times | {"r": (r, "ohm")}, where)
    membrane = leaky_membrane(
        tau_mem=tau_mem,
        r=r,
        receptors=receptors,
        voltages={"v_leak": v_leak, "omega": omega, "alpha1": alpha1, "alpha2": alpha2},
        refractory=False,
        where=where,
        taken={"h1", "h2", "theta", *times},
    )
    lines = [
        membrane.equations,
        "dh1/dt = -h1/tau1 : volt",
        "dh2/dt = -h2/tau2 : volt",
        "theta = v_leak + omega + h1 + h2 : volt",
    ]
    return NeuronModel(
        "\n".join(lines),
        threshold="v >= theta",
        reset="h1 += alpha1; h2 += alpha2",
        refractory="tau_ref",
        method=method or membrane.method,
        parameters={**membrane.parameters, **own},
        initial={"v": "v_leak"},
        receptors=membrane.targets,
        name=name,
    )
