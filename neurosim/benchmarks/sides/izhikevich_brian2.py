"""The network of a thousand simple neurons as a user of Brian2 writes it: one group, one dense set of synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target

VARIABLES = """
v : 1
u : 1
I : 1
a : 1 (constant)
b : 1 (constant)
c : 1 (constant)
d : 1 (constant)
noise : 1 (constant)
"""
#: Two half steps of v and one of u in a millisecond, as published.
STEP = """
drive = I + noise*randn()
v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
u += a*(b*v - u)
I = 0
"""


class Side(Runs):
    """The network; its noise is Brian2's own."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target(settings)
        b2.seed(1)
        b2.defaultclock.dt = 1 * b2.ms
        arrays = np.load(settings["arrays"])
        n = arrays["v"].size
        cells = b2.NeuronGroup(n, VARIABLES, threshold="v >= 30", reset="v = c; u += d")
        cells.run_regularly(STEP, when="groups")
        for name in ("v", "u", "a", "b", "c", "d", "noise"):
            setattr(cells, name, arrays[name])
        synapses = b2.Synapses(cells, cells, "w : 1", on_pre="I_post += w")
        synapses.connect()
        synapses.w = arrays["w"].ravel()
        monitor = b2.SpikeMonitor(cells)
        super().__init__(b2.Network(cells, synapses, monitor), settings["duration"], {"cells": monitor}, 1e-3)
