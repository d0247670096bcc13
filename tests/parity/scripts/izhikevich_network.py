"""The network of Izhikevich (2003) in plain Brian2: its published 1 ms scheme, and plain Euler. Only brian2 and numpy.

``python izhikevich_network.py`` draws six networks with numpy's generator, simulates 1 s and prints the rates.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

VARIABLES = """
I : 1
a : 1
b : 1
c : 1
d : 1
"""
EULER = (
    """
dv/dt = (0.04*v**2 + 5*v + 140 - u + I + I_noise)/ms : 1
du/dt = a*(b*v - u)/ms : 1
I_noise : 1
"""
    + VARIABLES
)
PUBLISHED = (
    """
v : 1
u : 1
"""
    + VARIABLES
)
# net.m after its test for spikes: the input of this millisecond, v twice by half a millisecond, u once from the new v.
TWO_HALF_STEPS = """
drive = I + sigma*noise(t, i)
middle = v + 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
last = middle + 0.5*(0.04*middle**2 + 5*middle + 140 - u + drive)
u_last = u + a*(b*last - u)
v = last
u = u_last
I = 0
"""


def run(
    scheme: str,
    steps: int,
    parameters: dict[str, dict[str, np.ndarray | float]],
    noise: dict[str, np.ndarray],
    edges: dict[str, tuple[np.ndarray, ...]],
    dt: float = 1e-3,
) -> dict:
    """Simulate; the published scheme is a map, whose step may have any length.

    Parameters
    ----------
    scheme
        ``"published"`` or ``"euler"``.
    steps
        Number of steps.
    parameters
        a, b, c, d of ``"exc"`` and ``"inh"``.
    noise
        Standard normal numbers of each, (step, neuron).
    edges
        By name (``"exc_to_inh"``): pre, post, weight, delay in seconds, each (edge,).
    dt
        Time step in seconds.
    """
    b2.prefs.codegen.target = "numpy"
    # Sums as they are written. Brian2 would move -u to the end in TWO_HALF_STEPS, and the published scheme, in which v
    # runs to hundreds, amplifies that last bit: with some noise the rasters part within a second.
    b2.prefs.codegen.loop_invariant_optimisations = False
    b2.defaultclock.dt = dt * b2.second

    groups = {}
    for name, normal in noise.items():
        namespace = {"noise": b2.TimedArray(normal, dt=dt * b2.second), "sigma": {"exc": 5.0, "inh": 2.0}[name]}
        group = b2.NeuronGroup(
            normal.shape[1], EULER if scheme == "euler" else PUBLISHED, threshold="v >= 30", reset="v = c; u += d",
            method="euler", namespace=namespace, name=name,
        )  # fmt: skip
        for parameter, value in parameters[name].items():
            setattr(group, parameter, value)
        group.v = -65
        group.u = "b*v"
        if scheme == "euler":
            group.run_regularly("I_noise = sigma*noise(t, i)", when="start")
            group.run_regularly("I = 0", when="groups", order=1)  # after the integration
        else:
            group.run_regularly(TWO_HALF_STEPS, when="groups", order=1)
        groups[name] = group

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source, target = name.split("_to_")
        connection = b2.Synapses(groups[source], groups[target], "w : 1", on_pre="I_post += w", name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    network = b2.Network(*groups.values(), *synapses, *monitors.values())
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {name: (np.rint(m.t / b2.second / dt).astype(int), np.array(m.i)) for name, m in monitors.items()},
        "state": {name: {x: np.array(getattr(group, x)) for x in ("v", "u", "I")} for name, group in groups.items()},
    }


def rates(scheme: str, seed: int, steps: int = 1000) -> list[float]:
    """Draw a network of 1,000 neurons as net.m does and return the rates of both populations in Hz."""
    rng = np.random.default_rng(seed)
    r, q = rng.random(800), rng.random(200)
    parameters = {
        "exc": {"a": 0.02, "b": 0.2, "c": -65 + 15 * r**2, "d": 8 - 6 * r**2},
        "inh": {"a": 0.02 + 0.08 * q, "b": 0.25 - 0.05 * q, "c": -65, "d": 2},
    }
    sizes = {"exc": 800, "inh": 200}
    edges = {}
    for source in sizes:
        for target in sizes:
            pre, post = (index.ravel() for index in np.indices((sizes[source], sizes[target])))
            weight = 0.5 * rng.random(pre.size) if source == "exc" else -rng.random(pre.size)
            edges[f"{source}_to_{target}"] = (pre, post, weight, np.zeros(pre.size))
    noise = {name: rng.standard_normal((steps, size)) for name, size in sizes.items()}
    found = run(scheme, steps, parameters, noise, edges)
    return [1000 * found["spikes"][name][0].size / sizes[name] / steps for name in sizes]


if __name__ == "__main__":
    for chosen in ("published", "euler"):
        found = np.array([rates(chosen, seed) for seed in range(6)])
        mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(6)
        print(f"{chosen}: exc {mean[0]:.2f} +- {error[0]:.2f} Hz, inh {mean[1]:.2f} +- {error[1]:.2f} Hz, six networks")
