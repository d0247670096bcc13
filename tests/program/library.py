"""Every neuron of the library, as a population of one small circuit each."""

from __future__ import annotations

from typing import Any

import neurosim as ns
from neurosim.program.lowering import lower
from neurosim.program.step_program import PopulationProgram
from neurosim.units import Mohm, ms, mV

VOLTAGES = {"v_threshold": -50 * mV, "v_reset": -60 * mV, "v_leak": -60 * mV}
CONDUCTANCES = {"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(10 * ms, reversal=-80 * mV)}
CURRENTS = {"ampa": ns.Exponential(5 * ms), "gaba": ns.Alpha(10 * ms)}
LIF = {"tau_mem": 20 * ms, "r": 100 * Mohm, **VOLTAGES}

MODELS: dict[str, ns.NeuronModel] = {
    "lif": ns.models.lif(**LIF, receptors=CURRENTS),
    "lif, refractory": ns.models.lif(**LIF, receptors=CURRENTS, tau_ref=2 * ms),
    "lif, conductances": ns.models.lif(**LIF, receptors=CONDUCTANCES, tau_ref=2 * ms),
    "lif, equal time constants": ns.models.lif(**LIF, receptors={"ampa": 20 * ms, "gaba": ns.Alpha(20 * ms)}),
    "leaky_integrator": ns.models.leaky_integrator(tau_mem=100 * ms, receptors={"x": 5 * ms}),
    "izhikevich": ns.models.izhikevich(),
    "izhikevich_physical": ns.models.izhikevich_physical(receptors=CURRENTS),
    "izhikevich_map": ns.models.izhikevich_map(noise_std=5.0),
    "izhikevich_map, euler": ns.models.izhikevich_map(scheme="euler"),
    "adaptive_exponential": ns.models.adaptive_exponential(receptors=CONDUCTANCES, tau_ref=2 * ms),
    "hodgkin_huxley": ns.models.hodgkin_huxley(receptors=CONDUCTANCES),
    "graded": ns.models.graded(),
    "rate_unit": ns.models.rate_unit(),
    "rate_unit, relu": ns.models.rate_unit(nonlinearity="relu"),
    "rulkov": ns.models.rulkov(),
}
#: What of `neurosim.models` is no neuron.
OTHERS = {"Alpha", "Exponential", "gap_junction", "graded_synapse"}


def population(model: ns.NeuronModel, *, dt: Any = 0.1 * ms, n: int = 3, **options: Any) -> PopulationProgram:
    """Return the program of a population of a model."""
    circuit = ns.Circuit("library", dt=dt)
    circuit.population("p", n, model, **options)
    return lower(circuit).populations["p"]


__all__ = ["CONDUCTANCES", "CURRENTS", "LIF", "MODELS", "OTHERS", "population"]
