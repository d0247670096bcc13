"""Neurons that do not spike, and the synapses between them: graded chemical transmission and gap junctions."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.models.arguments import checked_arguments
from neurosim.units import Hz, mV, pF, psiemens

#: Steady opening of a synapse at the voltage v: one half at v_half.
_OPENING = "1/(1 + exp(-beta*(v - v_half)))"


def graded(
    *,
    C: Any = 1 * pF,
    g_leak: Any = 10 * psiemens,
    v_leak: Any = -35 * mV,
    v_half: Any = -35 * mV,
    beta: Any = 0.125 / mV,
    a_r: Any = 1 * Hz,
    a_d: Any = 5 * Hz,
    method: str | None = "exponential_euler",
    name: str = "graded",
) -> NeuronModel:
    r"""Return a non-spiking neuron whose output is the activation s of its synapses.

    .. math::

        C \dot v = g_{leak}(v_{leak} - v) + \sum_j w_j s_j (E_j - v) + \sum_k w_k (v_k - v) + i_{ext}, \qquad
        \dot s = a_r\,\phi(v)(1 - s) - a_d\, s, \qquad \phi(v) = \frac{1}{1 + e^{-\beta (v - v_{half})}}

    The sums over chemical synapses and gap junctions arrive as two inputs each, a conductance g and the current i that
    it would carry at v = 0: :math:`i - g v`. So the equation stays linear in v with every conductance in its rate, and
    ``exponential_euler`` is stable at every step: the new v lies between the old one and the voltages that pull at it.
    Summed as currents, 1 nS of gap junctions on 1 pF would already ask for steps below 2 ms, and 100 nS below 20 us.

    Parameters
    ----------
    C, g_leak, v_leak
        Capacitance, leak conductance, leak potential.
    v_half, beta
        Voltage of half opening and steepness of the transmitter release.
    a_r, a_d
        Rates at which the synaptic activation rises and decays.
    method
        Integrator.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v`` (volt) and ``s``; the inputs ``g_syn`` and ``i_syn`` for
        :func:`~neurosim.models.graded_synapse`, ``g_gap`` and ``i_gap`` for :func:`~neurosim.models.gap_junction`, and
        ``i_ext``. It starts at rest, uncoupled.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.

    Notes
    -----
    The defaults are those of the worm's neurons in Kunert et al.; there ``v_half`` is each neuron's equilibrium in the
    network. Where v = v_half the activation rests at ``a_r/(a_r + 2*a_d)``, 0.0909.

    References
    ----------
    S. R. Wicks, C. J. Roehrig, C. H. Rankin: A dynamic network simulation of the nematode tap withdrawal circuit.
    Journal of Neuroscience 16, 4017-4031 (1996), doi:10.1523/JNEUROSCI.16-12-04017.1996.

    J. Kunert, E. Shlizerman, J. N. Kutz: Low-dimensional functionality of complex network dynamics: neurosensory
    integration in the Caenorhabditis elegans connectome. Physical Review E 89, 052805 (2014),
    doi:10.1103/PhysRevE.89.052805.
    """
    parameters = checked_arguments(
        {
            "C": (C, "farad"), "g_leak": (g_leak, "siemens"), "v_leak": (v_leak, "volt"), "v_half": (v_half, "volt"),
            "beta": (beta, "volt**-1"), "a_r": (a_r, "hertz"), "a_d": (a_d, "hertz"),
        },
        f"model {name!r}",
    )  # fmt: skip
    return NeuronModel(
        f"""
        dv/dt = (g_leak*(v_leak - v) + (i_syn - g_syn*v) + (i_gap - g_gap*v) + i_ext)/C : volt
        ds/dt = a_r*phi*(1 - s) - a_d*s : 1
        phi = {_OPENING} : 1
        g_syn : siemens
        i_syn : amp
        g_gap : siemens
        i_gap : amp
        i_ext : amp
        """,
        method=method,
        parameters=parameters,
        initial={"v": "v_leak", "s": f"a_r*{_OPENING}/(a_r*{_OPENING} + a_d)"},
        name=name,
    )


def graded_synapse(*, reversal: Any, name: str = "graded_synapse") -> SynapseModel:
    r"""Return a graded chemical synapse: :math:`\sum w\, s_{pre}\,(E - v_{post})`.

    Parameters
    ----------
    reversal
        Reversal potential E; one value, or one per edge: 0 mV excites, -48 mV inhibits in Kunert et al.
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        From neurons with ``s`` to neurons with ``g_syn`` and ``i_syn``, such as :func:`~neurosim.models.graded`.
        Weights are in siemens.

    Notes
    -----
    A synapse of 1 nS, half activated, with E = 0 mV sends 17.5 pA into a neuron at -35 mV.

    References
    ----------
    S. R. Wicks, C. J. Roehrig, C. H. Rankin: A dynamic network simulation of the nematode tap withdrawal circuit.
    Journal of Neuroscience 16, 4017-4031 (1996), doi:10.1523/JNEUROSCI.16-12-04017.1996.
    """
    return SynapseModel(
        "g_syn_post = w*s_pre : siemens (summed)\ni_syn_post = w*s_pre*reversal : amp (summed)",
        parameters=checked_arguments({"reversal": (reversal, "volt")}, f"synapse {name!r}"),
        name=name,
    )


def gap_junction(*, name: str = "gap_junction") -> SynapseModel:
    r"""Return one side of a gap junction: :math:`\sum w\,(v_{pre} - v_{post})`.

    Parameters
    ----------
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        From neurons with ``v`` to neurons with ``g_gap`` and ``i_gap``. Weights are in siemens; list each junction in
        both directions.

    Notes
    -----
    A junction of 1 nS from a neuron at -30 mV sends 10 pA into one at -40 mV.

    References
    ----------
    S. R. Wicks, C. J. Roehrig, C. H. Rankin: A dynamic network simulation of the nematode tap withdrawal circuit.
    Journal of Neuroscience 16, 4017-4031 (1996), doi:10.1523/JNEUROSCI.16-12-04017.1996.
    """
    return SynapseModel("g_gap_post = w : siemens (summed)\ni_gap_post = w*v_pre : amp (summed)", name=name)
