"""Integrate-and-fire neurons with conductances, refractoriness and a delay per synapse, in plain Brian2.

Excitatory and inhibitory neurons receive spikes from outside and from each other. Imports only brian2 and numpy.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (El - v + R*(ge*(Ee - v) + gi*(Ei - v)))/taum : volt (unless refractory)
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
"""
CONSTANTS = {
    "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -60 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV,
    "taue": 5 * b2.ms, "taui": 10 * b2.ms, "Ee": 0 * b2.mV, "Ei": -80 * b2.mV,
}  # fmt: skip


def run(
    dt: float,
    steps: int,
    v: dict[str, np.ndarray],
    spikes: tuple[np.ndarray, np.ndarray],
    n_inputs: int,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    v
        Initial potentials in volt of ``"exc"`` and ``"inh"``, each (neuron,).
    spikes
        Steps and neurons of the spikes from outside, each (spike,).
    n_inputs
        Number of neurons that send them.
    edges
        By name (``"in_to_exc"``): pre, post, weight in siemens, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    groups = {}
    for name, initial in v.items():
        groups[name] = b2.NeuronGroup(
            len(initial), EQUATIONS, threshold="v > Vt", reset="v = Vr", refractory=5 * b2.ms,
            method="exponential_euler", namespace=CONSTANTS, name=name,
        )  # fmt: skip
        groups[name].v = initial * b2.volt
    sources = {"in": b2.SpikeGeneratorGroup(n_inputs, spikes[1], spikes[0] * dt * b2.second, name="in_"), **groups}

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source, target = name.split("_to_")
        on_pre = "gi_post += w" if source == "inh" else "ge_post += w"
        connection = b2.Synapses(sources[source], groups[target], "w : siemens", on_pre=on_pre, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * b2.siemens
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    network = b2.Network(*sources.values(), *synapses, *monitors.values())
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {name: (np.rint(m.t / b2.second / dt).astype(int), np.array(m.i)) for name, m in monitors.items()},
        "state": {name: {x: np.array(getattr(group, x)) for x in ("v", "ge", "gi")} for name, group in groups.items()},
    }
