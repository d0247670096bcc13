"""A neuron that spikes by chance, the likelier the higher its voltage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.models.arguments import checked_arguments
from neurosim.models.membrane import leaky_membrane
from neurosim.units import Hz


def stochastic_lif(
    *,
    tau_mem: Any,
    v_threshold: Any,
    v_reset: Any,
    v_leak: Any,
    softness: Any,
    rate: Any = 100 * Hz,
    r: Any = None,
    tau_ref: Any = None,
    receptors: Mapping[str, Any] | None = None,
    method: str | None = None,
    name: str = "stochastic_lif",
) -> NeuronModel:
    r"""Return a leaky integrate-and-fire neuron with a stochastic threshold (escape noise).

    .. math::

        \tau_{mem}\,\dot v = v_{leak} - v + r\,(\textstyle\sum_k I_k + i_{ext}), \qquad
        h(v) = h_0\, e^{(v - v_{threshold})/\Delta}

    In a step it spikes with probability :math:`1 - e^{-h\,dt}`, one random number of the run's seed per neuron and
    step; then ``v = v_reset``, and v stands still for `tau_ref`.

    Parameters
    ----------
    tau_mem
        Membrane time constant.
    v_threshold, v_reset, v_leak
        Soft threshold, reset and resting potential: all with a unit, or all plain numbers.
    softness
        How far v must rise for e times the hazard; the threshold is hard as it goes to 0. A voltage, or a plain number.
    rate
        Hazard at the threshold.
    r
        Membrane resistance, as in :func:`~neurosim.models.lif`.
    tau_ref
        Refractory period; ``None`` for none.
    receptors
        By name, as in :func:`~neurosim.models.lif`.
    method
        Integrator; ``"exact"`` for currents and ``"exponential_euler"`` with conductances by default.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Variables ``v``, the hazard as a sub-expression, the input ``i_ext`` and those of the receptors. It starts at
        rest.

    Raises
    ------
    UnitError
        If plain and dimensional voltages are mixed.

    Notes
    -----
    With ``v_reset = v_leak = v_threshold`` and no input it is a Poisson process of `rate` with dead time `tau_ref`: the
    mean interval is ``tau_ref - dt + dt/(1 - exp(-rate*dt))``.

    References
    ----------
    H. E. Plesser, W. Gerstner: Noise in integrate-and-fire neurons: from stochastic input to escape rates. Neural
    Computation 12, 367-384 (2000), doi:10.1162/089976600300015835.
    """
    where = f"model {name!r}"
    own = {"rate": (rate, "hertz")} | ({} if tau_ref is None else {"tau_ref": (tau_ref, "second")})
    parameters = checked_arguments(own, where)
    membrane = leaky_membrane(
        tau_mem=tau_mem,
        r=r,
        receptors=receptors,
        voltages={"v_threshold": v_threshold, "v_reset": v_reset, "v_leak": v_leak, "softness": softness},
        refractory=tau_ref is not None,
        where=where,
        taken={"hazard", "rate"},
    )
    return NeuronModel(
        f"{membrane.equations}\nhazard = rate*exp((v - v_threshold)/softness) : hertz",
        threshold="rand() < 1 - exp(-hazard*dt)",
        reset="v = v_reset",
        refractory=None if tau_ref is None else "tau_ref",
        method=method or membrane.method,
        parameters={**membrane.parameters, **parameters},
        initial={"v": "v_leak"},
        receptors=membrane.targets,
        name=name,
    )
