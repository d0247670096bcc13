"""Rate units without dynamics in plain Brian2: a signal runs through three layers within one step.

signal -> first (tanh) -> second (sigmoid) -> third (rectified) -> memory (a leaky integrator, which feeds back to
first). The layers are sub-expressions of their summed inputs; the sums must be computed in the order of the chain.
Imports only brian2 and numpy.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

FIRST = """
r = tanh(1.5*(x + z)) : 1
x : 1
z : 1
"""
SECOND = """
r = 1/(1 + exp(-2*x)) : 1
x : 1
"""
THIRD = """
r = x*int(x > 0) : 1
x : 1
"""
MEMORY = """
dv/dt = (I - v)/tau : 1
I : 1
"""


def run(
    dt: float, steps: int, signal: np.ndarray, sizes: dict[str, int], edges: dict[str, tuple[np.ndarray, ...]]
) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    signal
        (step, channel).
    sizes
        Number of neurons of ``"first"``, ``"second"``, ``"third"`` and ``"memory"``.
    edges
        ``"in_to_first"``, ``"first_to_second"``, ``"second_to_third"``, ``"third_to_memory"`` and
        ``"memory_to_first"``: pre, post, weight, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    groups = {
        "in": b2.NeuronGroup(
            signal.shape[1], "value : 1", name="in_", namespace={"samples": b2.TimedArray(signal, dt=dt * b2.second)}
        ),
        "first": b2.NeuronGroup(sizes["first"], FIRST, name="first"),
        "second": b2.NeuronGroup(sizes["second"], SECOND, name="second"),
        "third": b2.NeuronGroup(sizes["third"], THIRD, name="third"),
        "memory": b2.NeuronGroup(
            sizes["memory"], MEMORY, method="exact", name="memory", namespace={"tau": 20 * b2.ms}
        ),
    }  # fmt: skip
    groups["in"].run_regularly("value = samples(t, i)", when="start")
    sums = {
        "in_to_first": ("x", "value"), "memory_to_first": ("z", "v"), "first_to_second": ("x", "r"),
        "second_to_third": ("x", "r"), "third_to_memory": ("I", "r"),
    }  # fmt: skip
    synapses = []
    for order, (name, (target_variable, source_variable)) in enumerate(sums.items()):
        source, target = name.split("_to_")
        connection = b2.Synapses(
            groups[source], groups[target], f"w : 1\n{target_variable}_post = w*{source_variable}_pre : 1 (summed)",
            name=name,
        )  # fmt: skip
        pre, post, weight, _ = edges[name]
        connection.connect(i=pre, j=post)
        connection.w = weight
        connection.summed_updaters[f"{target_variable}_post"].order = order - len(
            sums
        )  # along the chain, before integration
        synapses.append(connection)

    layers = ("first", "second", "third")
    monitors = {name: b2.StateMonitor(groups[name], "r", record=True, when="end") for name in layers}
    network = b2.Network(*groups.values(), *synapses, *monitors.values())
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {},
        "state": {"memory": {"v": np.array(groups["memory"].v)}},
        "traces": {name: {"r": np.array(monitor.r).T} for name, monitor in monitors.items()},
    }
