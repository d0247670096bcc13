"""Every neuron of the library, as a population of one small circuit each."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import neurosim as ns
from neurosim.program.lowering import lower
from neurosim.program.step_program import PopulationProgram
from neurosim.units import Mohm, ms, mV

VOLTAGES = {"v_threshold": -50 * mV, "v_reset": -60 * mV, "v_leak": -60 * mV}
CONDUCTANCES = {"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(10 * ms, reversal=-80 * mV)}
CURRENTS = {"ampa": ns.Exponential(5 * ms), "gaba": ns.Alpha(10 * ms)}
NMDA = ns.NMDA(tau_rise=2 * ms, tau_decay=100 * ms, reversal=0 * mV)
RISE = ns.DoubleExponential(tau_rise=2 * ms, tau_decay=10 * ms, reversal=0 * mV)
LIF = {"tau_mem": 20 * ms, "r": 100 * Mohm, **VOLTAGES}

#: What the models of the library that have no defaults need.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "izhikevich_physical_type": {"kind": "RS"},
    "izhikevich_type": {"kind": "RS"},
    "leaky_integrator": {"tau_mem": 100 * ms, "receptors": {"x": 5 * ms}},
    "lif": {**LIF, "receptors": CURRENTS},
    "stochastic_lif": {**LIF, "softness": 1 * mV},
}
#: Other ways to make them.
VARIANTS: dict[str, ns.NeuronModel] = {
    "lif, refractory": ns.models.lif(**LIF, receptors=CURRENTS, tau_ref=2 * ms),
    "lif, conductances": ns.models.lif(**LIF, receptors=CONDUCTANCES, tau_ref=2 * ms),
    "lif, equal time constants": ns.models.lif(**LIF, receptors={"ampa": 20 * ms, "gaba": ns.Alpha(20 * ms)}),
    "lif, every receptor": ns.models.lif(**LIF, receptors={**CONDUCTANCES, "nmda": NMDA, "rise": RISE}),
    "izhikevich_map, noise": ns.models.izhikevich_map(noise_std=5.0),
    "izhikevich_map, euler": ns.models.izhikevich_map(scheme="euler"),
    "adaptive_exponential, refractory": ns.models.adaptive_exponential(receptors=CONDUCTANCES, tau_ref=2 * ms),
    "hodgkin_huxley, conductances": ns.models.hodgkin_huxley(receptors=CONDUCTANCES),
    "rate_unit, relu": ns.models.rate_unit(nonlinearity="relu"),
}


def _neurons() -> dict[str, ns.NeuronModel]:
    made = {}
    for name in ns.models.__all__:
        maker = getattr(ns.models, name)
        if not isinstance(maker, type) and name not in SYNAPSES:
            with suppress(TypeError):  # a test says which are missing
                made[name] = maker(**ARGUMENTS.get(name, {}))
    return made | VARIANTS


#: Functions of the library that make synapses.
SYNAPSES = (
    "gap_junction", "graded_synapse", "pair_stdp", "reward_stdp", "stochastic_release", "synaptic_scaling",
    "three_factor", "triplet_stdp", "tsodyks_markram",
)  # fmt: skip
MODELS = _neurons()


def population(model: ns.NeuronModel, *, dt: Any = 0.1 * ms, n: int = 3, **options: Any) -> PopulationProgram:
    """Return the program of a population of a model."""
    circuit = ns.Circuit("library", dt=dt)
    circuit.population("p", n, model, **options)
    return lower(circuit).populations["p"]
