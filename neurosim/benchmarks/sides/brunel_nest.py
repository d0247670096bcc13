"""Brunel's network as a user of NEST writes it: iaf_psc_delta, fixed in-degrees, one Poisson generator for all.

A second run goes on where the first ended: to make the network takes as long as to run it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import nest
import numpy as np

PARAMETERS = {
    "C_m": 250.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_th": 20.0, "V_m": 0.0,
}  # fmt: skip


class Side:
    """The network."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.step, self.duration = settings["dt"] * 1e3, settings["duration"] * 1e3
        nest.set_verbosity("M_ERROR")
        nest.ResetKernel()
        nest.SetKernelStatus({"resolution": self.step, "local_num_threads": settings["threads"]})
        sizes = {"exc": settings["n_exc"], "inh": settings["n_inh"]}
        self.groups = {name: nest.Create("iaf_psc_delta", n, params=PARAMETERS) for name, n in sizes.items()}
        everyone = self.groups["exc"] + self.groups["inh"]
        for name, group in self.groups.items():
            weight = 0.1 if name == "exc" else -0.1 * settings["inhibition"]
            rule = {
                "rule": "fixed_indegree", "indegree": settings[f"inputs_{name}"], "allow_autapses": False,
                "allow_multapses": False,
            }  # fmt: skip
            nest.Connect(group, everyone, rule, {"weight": weight, "delay": 1.5})
        noise = nest.Create("poisson_generator", params={"rate": settings["outside"] * settings["rate"]})
        nest.Connect(noise, everyone, syn_spec={"weight": 0.1, "delay": 1.5})
        self.recorder = nest.Create("spike_recorder")
        nest.Connect(everyone, self.recorder)

    def run(self) -> float:
        """Run; return the seconds of the steps."""
        self.recorder.n_events = 0
        self.started = nest.GetKernelStatus("biological_time")
        nest.Prepare()
        start = time.perf_counter()
        nest.Run(self.duration)
        spent = time.perf_counter() - start
        nest.Cleanup()
        return spent

    def result(self) -> dict[str, Any]:
        """Return the steps and neurons of the last run's spikes, by population."""
        events = self.recorder.get("events")
        steps = np.rint((events["times"] - self.started) / self.step).astype(np.int64) - 1
        found: dict[str, Any] = {}
        for name, group in self.groups.items():
            ids = np.asarray(group.global_id)
            own = (events["senders"] >= ids[0]) & (events["senders"] <= ids[-1])
            found |= {f"{name}.step": steps[own], f"{name}.neuron": events["senders"][own] - ids[0]}
        return found
