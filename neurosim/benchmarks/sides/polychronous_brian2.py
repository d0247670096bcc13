"""The network of simple neurons with delays and learning as a user of Brian2 writes it.

The rule lets both traces lose a twentieth in a millisecond, in every step, or as the exponential decay that this is, so
that a trace is looked at only when a spike comes. A spike reads the trace of its target as it was before the last loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target

NEURON = """
v : 1
u : 1
I : 1
a : 1 (constant)
d : 1 (constant)
"""
STEP = """
drive = I + 20*int(i == chosen(t))
v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
u += a*(0.2*v - u)
I = 0
"""
ON_PRE = "I_post += w; sd -= 1.2*o; r = 0.1"
EVENT_DRIVEN = """
w : 1
sd : 1
dr/dt = -r/tau : 1 (event-driven)
do/dt = -o/tau : 1 (event-driven)
"""
IN_STEPS = """
w : 1
sd : 1
r : 1
o : 1
seen : 1
"""
LOSSES = """
seen = r
r *= 0.95
o *= 0.95
"""
#: Once a second, not yet at the start.
WEIGHTS = """
w = clip(w + int(t > 0*second)*(0.01 + sd), 0, 10)
sd *= 1 - 0.1*int(t > 0*second)
"""


class Side(Runs):
    """The network, driven as the array ``chosen`` says."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target(settings)
        b2.defaultclock.dt = 1 * b2.ms
        arrays = np.load(settings["arrays"])
        namespace = {"chosen": b2.TimedArray(arrays["chosen"], dt=1 * b2.ms), "tau": -1 / np.log(0.95) * b2.ms}
        cells = b2.NeuronGroup(
            arrays["v"].size, NEURON, threshold="v >= 30", reset="v = -65; u += d", namespace=namespace
        )
        cells.run_regularly(STEP, when="groups")
        for name in ("v", "u", "a", "d"):
            setattr(cells, name, arrays[name])
        if settings.get("event_driven"):
            model, on_post = EVENT_DRIVEN, "sd += r/0.95; o = 0.1"
        else:
            model, on_post = IN_STEPS, "sd += seen; o = 0.1"
        excitation = b2.Synapses(cells, cells, model, on_pre=ON_PRE, on_post=on_post, namespace=namespace)
        excitation.connect(i=arrays["excitation.i"], j=arrays["excitation.j"])
        excitation.w = arrays["excitation.w"]
        excitation.pre.delay = arrays["excitation.delay"] * b2.second
        excitation.post.order = -1  # in a common step the spike of the target first
        inhibition = b2.Synapses(cells, cells, on_pre="I_post -= 5", name="inhibition")
        inhibition.connect(i=arrays["inhibition.i"], j=arrays["inhibition.j"])
        monitor = b2.SpikeMonitor(cells)
        network = b2.Network(cells, excitation, inhibition, monitor)
        if not settings.get("event_driven"):
            excitation.run_regularly(LOSSES, when="groups")
        excitation.run_regularly(WEIGHTS, dt=1 * b2.second)
        self.excitation = excitation
        super().__init__(network, settings["duration"], {"cells": monitor}, 1e-3)

    def result(self) -> dict[str, Any]:
        """Return all spikes, and the tendencies of all synapses at the end."""
        return {**super().result(), "tendency": np.asarray(self.excitation.sd)}
