"""Brunel's network as a user of Brian2 writes it, on our edges; the input from outside is drawn by `PoissonInput`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target


class Side(Runs):
    """The network."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target(settings)
        b2.seed(1)
        b2.defaultclock.dt = settings["dt"] * b2.second
        arrays = np.load(settings["arrays"])
        n_exc, n_inh, outside = settings["n_exc"], settings["n_inh"], settings["outside"]
        cells = b2.NeuronGroup(
            n_exc + n_inh, "dv/dt = -v/(20*ms) : volt (unless refractory)", threshold="v > 20*mV", reset="v = 10*mV",
            refractory=2 * b2.ms, method="exact",
        )  # fmt: skip
        groups = {"exc": cells[:n_exc], "inh": cells[n_exc:]}
        parts: list[Any] = [cells]
        for name, group in groups.items():
            weight = 0.1 if name == "exc" else -0.1 * settings["inhibition"]
            edges = b2.Synapses(group, cells, on_pre=f"v_post += {weight}*mV", delay=1.5 * b2.ms)
            edges.connect(i=arrays[f"{name}.i"], j=arrays[f"{name}.j"])
            parts.append(edges)
        parts.append(b2.PoissonInput(cells, "v", outside, settings["rate"] * b2.Hz, 0.1 * b2.mV))
        monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
        network = b2.Network(*parts, *monitors.values())
        super().__init__(network, settings["duration"], monitors, settings["dt"], settings["cache"])
