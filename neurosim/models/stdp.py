"""Plasticity by the timing of spikes: pairs, and triplets."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.synapse_model import SynapseModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.weights import PAIRINGS, TRANSMIT, amplitudes, bounds, chosen, clipped, count_spike, room
from neurosim.units import ms


def pair_stdp(
    *,
    a_plus: Any,
    a_minus: Any,
    w_max: Any,
    amplitude: str,
    w_min: Any = 0,
    tau_plus: Any = 20 * ms,
    tau_minus: Any = 20 * ms,
    dependence: str | float | tuple[float, float] = "additive",
    pairing: str = "all",
    transmit: str = "before",
    post_first: bool = False,
    name: str = "pair_stdp",
) -> SynapseModel:
    r"""Return spike-timing-dependent plasticity of pairs of spikes.

    .. math::

        \Delta w = A_+ \left(\frac{w_{max} - w}{w_{max} - w_{min}}\right)^{\mu_+} e^{-\Delta t/\tau_+}
        \;(\text{post after pre}), \qquad
        \Delta w = -A_- \left(\frac{w - w_{min}}{w_{max} - w_{min}}\right)^{\mu_-} e^{\Delta t/\tau_-}
        \;(\text{pre after post})

    with the weight kept within its bounds at every event. Times count where the spikes reach the synapse: presynaptic
    ones after ``delay=``, postsynaptic ones after ``post_delay=`` of ``connect``.

    Parameters
    ----------
    a_plus, a_minus
        Amplitudes of potentiation and depression, both positive; see `amplitude`.
    w_max, w_min
        Bounds of the weight; initial weights must lie within.
    amplitude
        What the amplitudes mean, on which simulators differ: ``"absolute"``, in the unit of the weight, or
        ``"relative"``, as parts of `w_max` (PyNN).
    tau_plus, tau_minus
        Time constants of the two sides of the window.
    dependence
        Exponents of the weight: ``"additive"`` (0), ``"multiplicative"`` (1), a number between, or two numbers
        ``(up, down)``.
    pairing
        ``"all"`` spikes, or the ``"nearest"`` before each (the symmetric scheme of Morrison et al. 2008).
    transmit
        Whether a presynaptic spike transmits the weight from ``"before"`` its own depression or from ``"after"``.
    post_first
        Who acts first where two spikes reach the synapse in one step: the presynaptic one, and the pair potentiates, or
        (True) the postsynaptic one, and it depresses.
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        Variables ``w`` and the traces ``r`` of presynaptic and ``o`` of postsynaptic spikes; give ``receptor=`` to
        ``connect`` as well.

    Raises
    ------
    CircuitError, UnitError
        For an unknown option, or an amplitude in another unit than it says.

    Notes
    -----
    One pair at an interval of 10 ms with ``tau_plus = 20 * ms`` and ``a_plus = 1`` adds exp(-0.5) = 0.60653.

    References
    ----------
    S. Song, K. D. Miller, L. F. Abbott: Competitive Hebbian learning through spike-timing-dependent synaptic
    plasticity. Nature Neuroscience 3, 919-926 (2000), doi:10.1038/78829. R. Gütig, R. Aharonov, S. Rotter,
    H. Sompolinsky: Learning input correlations through nonlinear temporally asymmetric Hebbian plasticity. Journal of
    Neuroscience 23, 3697-3714 (2003), doi:10.1523/JNEUROSCI.23-09-03697.2003. A. Morrison, M. Diesmann, W. Gerstner:
    Phenomenological models of synaptic plasticity based on spike timing. Biological Cybernetics 98, 459-478 (2008),
    doi:10.1007/s00422-008-0233-1.
    """
    where = f"synapse {name!r}"
    chosen(pairing, PAIRINGS, "pairing", where)
    chosen(transmit, TRANSMIT, "transmit", where)
    unit, limits = bounds(w_min, w_max, where)
    scale, heights = amplitudes({"a_plus": a_plus, "a_minus": a_minus}, amplitude, unit, where)
    up, down, exponents = room(dependence, where)
    times = checked_arguments({"tau_plus": (tau_plus, "second"), "tau_minus": (tau_minus, "second")}, where)
    depress = [clipped(f"- a_minus{scale}*o{down}"), count_spike("r", pairing)]
    pulse = "receptor_post += w"
    on_pre = [pulse, *depress] if transmit == "before" else [*depress, pulse]
    return SynapseModel(
        "dr/dt = -r/tau_plus : 1 (event-driven)\ndo/dt = -o/tau_minus : 1 (event-driven)",
        on_pre="; ".join(on_pre),
        on_post="; ".join([clipped(f"+ a_plus{scale}*r{up}"), count_spike("o", pairing)]),
        parameters={**times, **heights, **limits, **exponents},
        post_first=post_first,
        name=name,
    )


def triplet_stdp(
    *,
    w_max: Any,
    amplitude: str,
    a2_plus: Any = 5e-10,
    a3_plus: Any = 6.2e-3,
    a2_minus: Any = 7e-3,
    a3_minus: Any = 2.3e-4,
    w_min: Any = 0,
    tau_plus: Any = 16.8 * ms,
    tau_minus: Any = 33.7 * ms,
    tau_x: Any = 101 * ms,
    tau_y: Any = 125 * ms,
    pairing: str = "all",
    transmit: str = "before",
    post_first: bool = False,
    name: str = "triplet_stdp",
) -> SynapseModel:
    r"""Return plasticity of triplets of spikes, which grows with the rate of pairs.

    .. math::

        \text{pre:}\; \Delta w = -o_1\,(A_2^- + A_3^- r_2), \qquad
        \text{post:}\; \Delta w = r_1\,(A_2^+ + A_3^+ o_2)

    The traces :math:`r_1, r_2` of presynaptic spikes decay with :math:`\tau_+, \tau_x` and the traces
    :math:`o_1, o_2` of postsynaptic ones with :math:`\tau_-, \tau_y`; the second ones are read before the spike itself
    is added.

    Parameters
    ----------
    w_max, w_min
        Bounds of the weight.
    amplitude
        ``"absolute"``, in the unit of the weight, or ``"relative"``, as parts of `w_max`.
    a2_plus, a3_plus, a2_minus, a3_minus
        Amplitudes of pairs and triplets; the defaults fit visual cortex (relative).
    tau_plus, tau_minus, tau_x, tau_y
        Time constants of the traces.
    pairing
        ``"all"`` spikes, or the ``"nearest"`` alone.
    transmit, post_first, name
        As in :func:`pair_stdp`.

    Returns
    -------
    SynapseModel
        Variables ``w``, ``r1``, ``r2``, ``o1``, ``o2``; give ``receptor=`` to ``connect`` as well.

    Raises
    ------
    CircuitError, UnitError
        For an unknown option, or an amplitude in another unit than it says.

    Notes
    -----
    With the defaults, 60 pairs at +10 ms raise the weight by 13.2 % of `w_max` at 10 Hz and by 74.1 % at 50 Hz (bounds
    not reached), and not at all at 0.1 Hz.

    References
    ----------
    J.-P. Pfister, W. Gerstner: Triplets of spikes in a model of spike timing-dependent plasticity. Journal of
    Neuroscience 26, 9673-9682 (2006), doi:10.1523/JNEUROSCI.1425-06.2006, table 4.
    """
    where = f"synapse {name!r}"
    chosen(pairing, PAIRINGS, "pairing", where)
    chosen(transmit, TRANSMIT, "transmit", where)
    unit, limits = bounds(w_min, w_max, where)
    given = {"a2_plus": a2_plus, "a3_plus": a3_plus, "a2_minus": a2_minus, "a3_minus": a3_minus}
    scale, heights = amplitudes(given, amplitude, unit, where)
    times = checked_arguments(
        {
            "tau_plus": (tau_plus, "second"), "tau_minus": (tau_minus, "second"), "tau_x": (tau_x, "second"),
            "tau_y": (tau_y, "second"),
        },
        where,
    )  # fmt: skip
    depress = [
        clipped(f"- o1*(a2_minus + a3_minus*r2){scale}"),
        *(count_spike(trace, pairing) for trace in ("r1", "r2")),
    ]
    potentiate = [clipped(f"+ r1*(a2_plus + a3_plus*o2){scale}"), *(count_spike(t, pairing) for t in ("o1", "o2"))]
    pulse = "receptor_post += w"
    on_pre = [pulse, *depress] if transmit == "before" else [*depress, pulse]
    return SynapseModel(
        "dr1/dt = -r1/tau_plus : 1 (event-driven)\ndr2/dt = -r2/tau_x : 1 (event-driven)\n"
        "do1/dt = -o1/tau_minus : 1 (event-driven)\ndo2/dt = -o2/tau_y : 1 (event-driven)",
        on_pre="; ".join(on_pre),
        on_post="; ".join(potentiate),
        parameters={**times, **heights, **limits},
        post_first=post_first,
        name=name,
    )
