"""Plasticity that waits for a third factor: eligibility traces, reward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.synapse_model import SynapseModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.weights import PAIRINGS, amplitudes, bounds, chosen, count_spike
from neurosim.units import DIMENSIONLESS, Hz, ms, second


def three_factor(
    *,
    pre_term: str = "0",
    post_term: str = "r",
    modulator: str = "reward",
    w_max: Any,
    w_min: Any = 0,
    rate: Any = 1 * Hz,
    tau_eligibility: Any = 1 * second,
    tau_plus: Any = 20 * ms,
    tau_minus: Any = 20 * ms,
    pairing: str = "all",
    parameters: Mapping[str, Any] | None = None,
    post_first: bool = False,
    name: str = "three_factor",
) -> SynapseModel:
    r"""Return a rule that remembers what two neurons did together until a third factor turns it into weight.

    .. math::

        \dot c = -c/\tau_c, \qquad \text{pre:}\; c \mathrel{+}= f, \quad \text{post:}\; c \mathrel{+}= g, \qquad
        w \leftarrow w + \eta\, c\, M(t)\, dt \;\text{ in every step}

    with the weight kept within its bounds. M is a variable of the postsynaptic neuron: one of its own, or an input that
    a run gives through :meth:`~neurosim.Circuit.inject`.

    Parameters
    ----------
    pre_term, post_term
        What a presynaptic and a postsynaptic spike add to the eligibility c: plain numbers, in ``r`` and ``o`` (traces
        of presynaptic and postsynaptic spikes, read before the spike itself is added), ``w``, `parameters`, and
        variables of the neurons such as ``v_post``.
    modulator
        Name of the postsynaptic variable M, a plain number.
    w_max, w_min
        Bounds of the weight.
    rate
        :math:`\eta`: a weight of `w_max` per unit of c and M and time.
    tau_eligibility, tau_plus, tau_minus
        Time constants of the eligibility and of the traces r and o.
    pairing
        Whether traces count ``"all"`` spikes or the ``"nearest"``.
    parameters
        Constants that the terms name.
    post_first, name
        As in :func:`~neurosim.models.pair_stdp`.

    Returns
    -------
    SynapseModel
        Variables ``w``, ``c``, ``r``, ``o``, all clock-driven but the traces; give ``receptor=`` to ``connect``.

    Raises
    ------
    CircuitError, UnitError
        For an unknown option or a value in another unit.

    Notes
    -----
    An eligibility of 1 under a constant M = 1 adds ``rate*tau_eligibility*w_max`` in the end (up to the step of dt).

    References
    ----------
    N. Frémaux, W. Gerstner: Neuromodulated spike-timing-dependent plasticity, and theory of three-factor learning
    rules. Frontiers in Neural Circuits 9:85 (2016), doi:10.3389/fncir.2015.00085.
    """
    where = f"synapse {name!r}"
    chosen(pairing, PAIRINGS, "pairing", where)
    _, limits = bounds(w_min, w_max, where)
    constants = checked_arguments(
        {
            "rate": (rate, "hertz"), "tau_eligibility": (tau_eligibility, "second"), "tau_plus": (tau_plus, "second"),
            "tau_minus": (tau_minus, "second"),
        },
        where,
    )  # fmt: skip
    return SynapseModel(
        "dc/dt = -c/tau_eligibility : 1 (clock-driven)\n"
        "dr/dt = -r/tau_plus : 1 (event-driven)\n"
        "do/dt = -o/tau_minus : 1 (event-driven)",
        on_pre=f"receptor_post += w; c += {pre_term}; {count_spike('r', pairing)}",
        on_post=f"c += {post_term}; {count_spike('o', pairing)}",
        update=f"w = clip(w + w_max*rate*c*{modulator}_post*dt, w_min, w_max)",
        parameters={**constants, **limits, **(parameters or {})},
        post_first=post_first,
        name=name,
    )


def reward_stdp(
    *,
    a_plus: Any = 1.0,
    a_minus: Any = 1.0,
    modulator: str = "reward",
    w_max: Any,
    w_min: Any = 0,
    rate: Any = 1 * Hz,
    tau_eligibility: Any = 1 * second,
    tau_plus: Any = 20 * ms,
    tau_minus: Any = 20 * ms,
    pairing: str = "all",
    post_first: bool = False,
    name: str = "reward_stdp",
) -> SynapseModel:
    r"""Return reward-modulated spike-timing-dependent plasticity.

    .. math::

        \text{pre:}\; c \mathrel{-}= A_- o, \quad \text{post:}\; c \mathrel{+}= A_+ r, \qquad \dot c = -c/\tau_c, \quad
        w \leftarrow w + \eta\, c\, M(t)\, dt

    The window of :func:`~neurosim.models.pair_stdp` goes into an eligibility trace, and the weight follows it only
    while there is reward: :func:`three_factor` with these two terms.

    Parameters
    ----------
    a_plus, a_minus
        Heights of the two sides of the window, plain numbers, both positive.
    modulator, w_max, w_min, rate, tau_eligibility, tau_plus, tau_minus, pairing, post_first, name
        As in :func:`three_factor`.

    Returns
    -------
    SynapseModel
        See :func:`three_factor`.

    Raises
    ------
    CircuitError, UnitError
        For an unknown option or a value in another unit.

    Notes
    -----
    A postsynaptic spike 10 ms after a presynaptic one leaves an eligibility of exp(-0.5) = 0.60653 with the defaults.

    References
    ----------
    E. M. Izhikevich: Solving the distal reward problem through linkage of STDP and dopamine signaling. Cerebral Cortex
    17, 2443-2452 (2007), doi:10.1093/cercor/bhl152.
    """
    _, heights = amplitudes({"a_plus": a_plus, "a_minus": a_minus}, "relative", DIMENSIONLESS, f"synapse {name!r}")
    return three_factor(
        pre_term="-a_minus*o",
        post_term="a_plus*r",
        modulator=modulator,
        w_max=w_max,
        w_min=w_min,
        rate=rate,
        tau_eligibility=tau_eligibility,
        tau_plus=tau_plus,
        tau_minus=tau_minus,
        pairing=pairing,
        parameters=heights,
        post_first=post_first,
        name=name,
    )
