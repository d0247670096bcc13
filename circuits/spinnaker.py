"""The neuron that the memories built for the machine SpiNNaker share.

The machine has a clock of 1 ms. In a step it adds what arrives, scaled so that a pulse carries its charge although it
decays from step to step, integrates with currents standing still, and looks at the threshold. Here arrivals are added
after the threshold, so a delay is one step shorter than on the machine, and a refractory period, which blocks as many
steps as it lasts there, is one step longer.

Its plasticity is :func:`neurosim.models.pair_stdp` with absolute amplitudes, the weight transmitted after depression,
and the postsynaptic spike first, which comes back over the delay of the synapse (``post_delay=``). It is published in
``plasticity/stdp/synapse_dynamics_stdp_mad_impl.c`` of github.com/SpiNNakerManchester/sPyNNaker.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.circuit import NeuronModel
from neurosim.units import ms

#: What pulses are sent to: the synaptic current, in the unit of published weights.
RECEPTOR = "i_syn"


def current_exponential(
    *,
    v_rest: Any,
    v_threshold: Any,
    tau_m: Any,
    c: Any,
    tau_syn: Any,
    tau_ref: Any,
    scaling: float | None = None,
    name: str = "if_curr_exp",
) -> NeuronModel:
    """Return the machine's integrate-and-fire neuron with exponential currents (``IF_curr_exp``), for steps of 1 ms.

    Parameters
    ----------
    v_rest, v_threshold
        Resting potential, which is also the reset, and threshold.
    tau_m, c
        Membrane time constant and capacitance.
    tau_syn
        Time constant of synaptic currents, excitatory and inhibitory.
    tau_ref
        Refractory period as published, in whole milliseconds.
    scaling
        Factor of all synaptic input; by default the machine's, ``(tau_syn/dt)*(1 - exp(-dt/tau_syn))``.
    name
        What the model is called in listings.

    References
    ----------
    ``models/neuron_model_lif_impl.h`` and ``synapse_types/exp_synapse_utils.h`` of
    github.com/SpiNNakerManchester/sPyNNaker.
    """
    ratio = float(tau_syn / ms)
    return NeuronModel(
        f"dv/dt = (v_rest - v + r*scaling*{RECEPTOR})/tau_m : volt (unless refractory)\n"
        f"d{RECEPTOR}/dt = -{RECEPTOR}/tau_syn : amp",
        threshold="v >= v_threshold",
        reset="v = v_rest",
        refractory="hold",
        method="exponential_euler",  # currents stand still during a step
        parameters={
            "v_rest": v_rest,
            "v_threshold": v_threshold,
            "tau_m": tau_m,
            "r": tau_m / c,
            "tau_syn": tau_syn,
            "hold": tau_ref + 1 * ms,
            "scaling": float(-ratio * np.expm1(-1 / ratio)) if scaling is None else scaling,
        },
        initial={"v": "v_rest"},
        name=name,
    )
