"""The fly's brain as the authors of the model write it for Brian2, on our edges; kicks are drawn by `PoissonInput`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target

EQUATIONS = """
dv/dt = (v_0 - v + g)/t_mbr : volt (unless refractory)
dg/dt = -g/tau : volt (unless refractory)
rfc : second
"""
NAMESPACE = {"v_0": -52 * b2.mV, "t_mbr": 20 * b2.ms, "tau": 5 * b2.ms}


class Side(Runs):
    """The network; ``openmp`` in the settings is a number of threads in place of the benchmark's."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target({**settings, "threads": settings.get("openmp", settings["threads"])})
        b2.seed(1)
        b2.defaultclock.dt = settings["dt"] * b2.second
        arrays = np.load(settings["arrays"])
        cells = b2.NeuronGroup(
            int(arrays["n"]), EQUATIONS, threshold="v > -45*mV", reset="v = -52*mV; g = 0*mV", refractory="rfc",
            method="exact", namespace=NAMESPACE,
        )  # fmt: skip
        driven = arrays["driven"]
        periods = np.full(int(arrays["n"]), 2.2e-3)
        periods[driven] = 0.0
        cells.v = -52 * b2.mV
        cells.rfc = periods * b2.second
        edges = b2.Synapses(cells, cells, "w : volt", on_pre="g_post += w", delay=1.8 * b2.ms)
        edges.connect(i=arrays["i"], j=arrays["j"])
        edges.w = arrays["weight"] * b2.volt
        # A drawn wiring has its driven neurons first, one after another.
        kicks = b2.PoissonInput(cells[: driven.size], "v", 1, 200 * b2.Hz, 68.75 * b2.mV)
        monitor = b2.SpikeMonitor(cells)
        network = b2.Network(cells, edges, kicks, monitor)
        super().__init__(network, settings["duration"], {"brain": monitor}, settings["dt"])
