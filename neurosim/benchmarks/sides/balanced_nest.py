"""The balanced network as a user of NEST writes it: iaf_psc_exp, which is integrated exactly, on the same edges.

A jump by w of the potential's drive is a current of w*C/tau. NEST has no delay of zero: a spike arrives a step later.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import nest
import numpy as np

C, TAU = 200.0, 20.0  # pF, ms
WEIGHTS = {"exc": 1.62 * C / TAU, "inh": -9.0 * C / TAU}  # pA


class Side:
    """The network."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.step = settings["dt"] * 1e3
        self.duration = settings["duration"] * 1e3
        self.threads = settings["threads"]
        self.arrays = dict(np.load(settings["arrays"]))
        nest.set_verbosity("M_ERROR")
        self.build()

    def build(self) -> None:
        """Make the network anew: NEST cannot set its currents back."""
        nest.ResetKernel()
        nest.SetKernelStatus({"resolution": self.step, "local_num_threads": self.threads})
        arrays = self.arrays
        parameters = {
            "C_m": C, "tau_m": TAU, "t_ref": 5.0, "E_L": -49.0, "V_reset": -60.0, "V_th": -50.0, "tau_syn_ex": 5.0,
            "tau_syn_in": 10.0, "I_e": 0.0,
        }  # fmt: skip
        self.groups = {}
        for name in WEIGHTS:
            initial = arrays[f"{name}.v"] * 1e3
            self.groups[name] = nest.Create("iaf_psc_exp", initial.size, params=parameters)
            self.groups[name].set({"V_m": initial})
        for pre, weight in WEIGHTS.items():
            senders = np.asarray(self.groups[pre].global_id)
            for post, group in self.groups.items():
                i, j = (arrays[f"{pre}_to_{post}.{end}"] for end in "ij")
                nest.Connect(
                    senders[i], np.asarray(group.global_id)[j], "one_to_one",
                    {"weight": np.full(i.size, weight), "delay": np.full(i.size, self.step)},
                )  # fmt: skip
        self.recorder = nest.Create("spike_recorder")
        for group in self.groups.values():
            nest.Connect(group, self.recorder)
        self.fresh = True

    def run(self) -> float:
        """Run from the initial state; return the seconds of the steps."""
        if not self.fresh:
            self.build()
        self.fresh = False
        nest.Prepare()
        start = time.perf_counter()
        nest.Run(self.duration)
        spent = time.perf_counter() - start
        nest.Cleanup()
        return spent

    def result(self) -> dict[str, Any]:
        """Return the steps and neurons of all spikes, by population; a step is labelled by its end."""
        events = self.recorder.get("events")
        steps = np.rint(events["times"] / self.step).astype(np.int64) - 1
        found: dict[str, Any] = {}
        for name, group in self.groups.items():
            ids = np.asarray(group.global_id)
            own = (events["senders"] >= ids[0]) & (events["senders"] <= ids[-1])
            found |= {f"{name}.step": steps[own], f"{name}.neuron": events["senders"][own] - ids[0]}
        return found
