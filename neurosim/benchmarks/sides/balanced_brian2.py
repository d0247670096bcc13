"""The balanced network as a user of Brian2 writes it, on the edges and initial values of the file of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target

EQUATIONS = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
NAMESPACE = {"taum": 20 * b2.ms, "taue": 5 * b2.ms, "taui": 10 * b2.ms, "El": -49 * b2.mV}
OUTPUT = {"exc": "ge_post += 1.62*mV", "inh": "gi_post -= 9*mV"}


class Side(Runs):
    """The network."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target(settings)
        arrays = np.load(settings["arrays"])
        b2.defaultclock.dt = settings["dt"] * b2.second
        groups, synapses = {}, []
        for name in ("exc", "inh"):
            initial = arrays[f"{name}.v"]
            groups[name] = b2.NeuronGroup(
                initial.size, EQUATIONS, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b2.ms,
                method="exact", namespace=NAMESPACE, name=name,
            )  # fmt: skip
            groups[name].v = initial * b2.volt
        for pre in groups:
            for post in groups:
                edges = b2.Synapses(groups[pre], groups[post], on_pre=OUTPUT[pre], name=f"{pre}_to_{post}")
                edges.connect(i=arrays[f"{pre}_to_{post}.i"], j=arrays[f"{pre}_to_{post}.j"])
                synapses.append(edges)
        monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
        network = b2.Network(*groups.values(), *synapses, *monitors.values())
        super().__init__(network, settings["duration"], monitors, settings["dt"], settings["cache"])
