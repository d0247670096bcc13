"""The leaky integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.membrane import leaky_membrane


def lif(
    *,
    tau_mem: Any,
    v_threshold: Any,
    v_reset: Any,
    v_leak: Any,
    r: Any = None,
    tau_ref: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = None,
    name: str = "lif",
) -> NeuronModel:
    r"""Return a leaky integrate-and-fire neuron with any set of receptors.

    .. math:: \tau_{mem}\,\dot v = v_{leak} - v + r\,(\textstyle\sum_k I_k + i_{ext})

    with :math:`I_k = g_k` for a current receptor and :math:`g_k (E_k - v)` for a conductance. It spikes where
    ``v > v_threshold``, then ``v = v_reset``, and v stands still for `tau_ref`.

    Parameters
    ----------
    tau_mem
        Membrane time constant.
    v_threshold, v_reset, v_leak
        Threshold, reset and resting potential: all with a unit, or all plain numbers (a dimensionless neuron).
    r
        Membrane resistance; currents are in ampere and conductances in siemens. ``None``: currents are in volt (the
        shift of v that they would hold) and conductances relative to the leak.
    tau_ref
        Refractory period; ``None`` for none.
    receptors
        By name: :class:`~neurosim.models.Exponential`, :class:`~neurosim.models.Alpha`, or a time (an exponential
        current). Pulses are sent to them by ``connect(..., receptor=name)``.
    method
        Integrator; ``"exact"`` for currents and ``"exponential_euler"`` with conductances by default.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v``, the input ``i_ext``, one per receptor (two for alpha functions). It starts at rest.

    Raises
    ------
    UnitError
        If plain and dimensional voltages are mixed.

    Notes
    -----
    A constant current I from rest makes it fire every ``tau_ref + tau_mem*log(r*I/(r*I - (v_threshold - v_leak)))``
    where ``v_reset = v_leak``: 20 ms, 100 Mohm, 10 mV, 150 pA give 22.0 ms plus the refractory period.

    References
    ----------
    A. N. Burkitt: A review of the integrate-and-fire neuron model: I. Homogeneous synaptic input. Biological
    Cybernetics 95, 1-19 (2006), doi:10.1007/s00422-006-0068-6.

    Examples
    --------
    >>> from neurosim.units import ms, mV
    >>> print(lif(tau_mem=20*ms, v_threshold=-50*mV, v_reset=-60*mV, v_leak=-60*mV, receptors={"ampa": 5*ms}))
    dv/dt = (v_leak - v + ampa + i_ext)/tau_mem : volt
    i_ext : volt
    dampa/dt = -ampa/tau_ampa : volt
    threshold: v > v_threshold
    reset: v = v_reset
    """
    refractory = {} if tau_ref is None else checked_arguments({"tau_ref": (tau_ref, "second")}, f"model {name!r}")
    membrane = leaky_membrane(
        tau_mem=tau_mem,
        r=r,
        receptors=receptors,
        voltages={"v_threshold": v_threshold, "v_reset": v_reset, "v_leak": v_leak},
        refractory=bool(refractory),
        where=f"model {name!r}",
    )
    return NeuronModel(
        membrane.equations,
        threshold="v > v_threshold",
        reset="v = v_reset",
        refractory="tau_ref" if refractory else None,
        method=method or membrane.method,
        parameters={**membrane.parameters, **refractory},
        initial={"v": "v_leak"},
        receptors=membrane.targets,
        name=name,
    )
