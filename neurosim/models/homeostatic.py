"""Synapses that keep their neuron's rate: homeostatic scaling."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.synapse_model import SynapseModel
from neurosim.models.arguments import checked_arguments
from neurosim.units import Hz, second


def synaptic_scaling(
    *,
    target: Any = 5 * Hz,
    tau_rate: Any = 1 * second,
    tau_scaling: Any = 100 * second,
    name: str = "synaptic_scaling",
) -> SynapseModel:
    r"""Return a synapse that scales its weight until the postsynaptic neuron fires at a target rate.

    .. math::

        \tau_r\,\dot\nu = -\nu, \quad \text{post:}\; \nu \mathrel{+}= 1/\tau_r, \qquad
        \tau_s\,\dot s = s\,(1 - \nu/\nu_0), \qquad \text{transmit } w\,s

    All synapses of a neuron see the same rate and scale by the same factor, so that the ratios of weights stay.

    Parameters
    ----------
    target
        :math:`\nu_0`: the rate that is kept.
    tau_rate
        Over what time the rate is measured.
    tau_scaling
        How slowly the factor follows; longer than `tau_rate`, else the rate swings.
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        Variables ``nu`` and ``s``, integrated in every step; the weight stays as it is. Give ``receptor=`` to
        ``connect``.

    Raises
    ------
    UnitError
        If a value has another unit.

    Notes
    -----
    While the neuron is silent, s grows by e = 2.71828 in `tau_scaling`; at twice the target it falls by e in that time.

    References
    ----------
    M. C. W. van Rossum, G. Q. Bi, G. G. Turrigiano: Stable Hebbian learning from spike timing-dependent plasticity.
    Journal of Neuroscience 20, 8812-8821 (2000), doi:10.1523/JNEUROSCI.20-23-08812.2000. G. G. Turrigiano: The
    self-tuning neuron: synaptic scaling of excitatory synapses. Cell 135, 422-435 (2008),
    doi:10.1016/j.cell.2008.10.008.
    """
    where = f"synapse {name!r}"
    parameters = checked_arguments(
        {"target": (target, "hertz"), "tau_rate": (tau_rate, "second"), "tau_scaling": (tau_scaling, "second")}, where
    )
    return SynapseModel(
        "ds/dt = s*(1 - nu/target)/tau_scaling : 1 (clock-driven)\ndnu/dt = -nu/tau_rate : hertz (clock-driven)",
        on_pre="receptor_post += w*s",
        on_post="nu += 1/tau_rate",
        parameters=parameters,
        initial={"s": 1.0},
        method="exponential_euler",
        name=name,
    )
