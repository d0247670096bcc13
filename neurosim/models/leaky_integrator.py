"""The leaky integrator: a membrane that never spikes, as a readout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.membrane import leaky_membrane


def leaky_integrator(
    *,
    tau_mem: Any,
    v_leak: Any = 0.0,
    r: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = None,
    name: str = "leaky_integrator",
) -> NeuronModel:
    r"""Return a leaky integrator.

    .. math:: \tau_{mem}\,\dot v = v_{leak} - v + r\,(\textstyle\sum_k I_k + i_{ext})

    Parameters
    ----------
    tau_mem
        Time constant.
    v_leak
        Value at rest; a plain number makes the neuron dimensionless.
    r
        Resistance, as in :func:`~neurosim.models.lif`.
    receptors
        By name, as in :func:`~neurosim.models.lif`.
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
    A pulse of weight w on ``v`` leaves ``w*exp(-t/tau_mem)``: 0.3679 w after one time constant.

    References
    ----------
    A. N. Burkitt: A review of the integrate-and-fire neuron model: I. Homogeneous synaptic input. Biological
    Cybernetics 95, 1-19 (2006), doi:10.1007/s00422-006-0068-6 (the membrane, without its threshold).

    Examples
    --------
    >>> from neurosim.units import ms
    >>> print(leaky_integrator(tau_mem=100*ms))
    dv/dt = (v_leak - v + i_ext)/tau_mem : 1
    i_ext : 1
    """
    membrane = leaky_membrane(
        tau_mem=tau_mem,
        r=r,
        receptors=receptors,
        voltages={"v_leak": v_leak},
        refractory=False,
        where=f"model {name!r}",
    )
    return NeuronModel(
        membrane.equations,
        method=method or membrane.method,
        parameters=membrane.parameters,
        initial={"v": "v_leak"},
        receptors=membrane.targets,
        name=name,
    )
