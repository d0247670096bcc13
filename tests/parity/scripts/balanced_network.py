"""The balanced network in plain Brian2, after the example CUBA of its documentation. Imports only brian2 and numpy.

``python balanced_network.py`` draws the network with numpy's generator, simulates 300 ms and prints the rates.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt  = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
CONSTANTS = {
    "taum": 20 * b2.ms, "taue": 5 * b2.ms, "taui": 10 * b2.ms, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV, "El": -49 * b2.mV,
}  # fmt: skip


def run(dt: float, steps: int, v: dict[str, np.ndarray], edges: dict[str, tuple[np.ndarray, ...]]) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    v
        Initial potentials in volt of ``"exc"`` and ``"inh"``, each (neuron,).
    edges
        By name (``"exc_to_inh"``): pre, post, weight in volt, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    groups = {}
    for name, initial in v.items():
        groups[name] = b2.NeuronGroup(
            len(initial), EQUATIONS, threshold="v > Vt", reset="v = Vr", refractory=5 * b2.ms, method="exact",
            namespace=CONSTANTS, name=name,
        )  # fmt: skip
        groups[name].v = initial * b2.volt

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source, target = name.split("_to_")
        on_pre = "ge_post += w" if source == "exc" else "gi_post += w"
        connection = b2.Synapses(groups[source], groups[target], "w : volt", on_pre=on_pre, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * b2.volt
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    network = b2.Network(*groups.values(), *synapses, *monitors.values())
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {name: (np.rint(m.t / b2.second / dt).astype(int), np.array(m.i)) for name, m in monitors.items()},
        "state": {name: {x: np.array(getattr(group, x)) for x in ("v", "ge", "gi")} for name, group in groups.items()},
    }


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    sizes = {"exc": 3200, "inh": 800}
    drawn = {}
    for source in sizes:
        for target in sizes:
            pre, post = np.nonzero(rng.random((sizes[source], sizes[target])) < 0.02)
            weight = 60 * 0.27 / 10 * 1e-3 if source == "exc" else -20 * 4.5 / 10 * 1e-3
            drawn[f"{source}_to_{target}"] = (pre, post, np.full(pre.size, weight), np.zeros(pre.size))
    potentials = {name: rng.uniform(-0.06, -0.05, size) for name, size in sizes.items()}
    found = run(1e-4, 3000, potentials, drawn)
    for name, (spike_steps, _) in found["spikes"].items():
        print(f"{name}: {spike_steps.size} spikes, {spike_steps.size / sizes[name] / 0.3:.1f} Hz")
