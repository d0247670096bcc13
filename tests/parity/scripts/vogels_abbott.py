"""Benchmarks 1 and 2 of Brette et al. (2007), COBA and CUBA, in plain Brian2. Imports only brian2 and numpy.

``python vogels_abbott.py`` draws ten networks of each with numpy's generator and prints their rates.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

SIZES = {"exc": 3200, "inh": 800}
EQUATIONS = {
    "conductance": """
        dv/dt = (x*(0*mV - v) + y*(-80*mV - v) - (v + 60*mV))/(20*ms) : volt (unless refractory)
        dx/dt = -x/(5*ms) : 1
        dy/dt = -y/(10*ms) : 1
    """,
    "current": """
        dv/dt = (x + y - (v + 49*mV))/(20*ms) : volt (unless refractory)
        dx/dt = -x/(5*ms) : volt
        dy/dt = -y/(10*ms) : volt
    """,
}
METHODS = {"conductance": "exponential_euler", "current": "exact"}
#: What an excitatory spike adds to x and an inhibitory one to y: leak conductances (of 10 nS), or volts.
WEIGHTS = {"conductance": (6 / 10, 67 / 10), "current": (60 * 0.27 / 10 * 1e-3, -20 * 4.5 / 10 * 1e-3)}


def run(
    kind: str,
    dt: float,
    steps: int,
    initial: dict[str, dict[str, np.ndarray]],
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    kind
        ``"conductance"`` or ``"current"``.
    dt, steps
        Time step in seconds, number of steps.
    initial
        v, x and y of ``"exc"`` and ``"inh"`` at the start, SI.
    edges
        By name (``"exc_to_inh"``): pre, post, weight, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second
    unit = "volt" if kind == "current" else "1"

    groups = {}
    for name, values in initial.items():
        group = b2.NeuronGroup(
            len(values["v"]), EQUATIONS[kind], threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b2.ms,
            method=METHODS[kind], name=name,
        )  # fmt: skip
        for variable, value in values.items():
            getattr(group, variable + "_")[:] = value
        groups[name] = group

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source, target = name.split("_to_")
        arrival = "x_post += w" if source == "exc" else "y_post += w"
        connection = b2.Synapses(groups[source], groups[target], f"w : {unit}", on_pre=arrival, name=name)
        connection.connect(i=pre, j=post)
        connection.w_[:] = weight
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    b2.Network(*groups.values(), *synapses, *monitors.values()).run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {name: (np.rint(m.t / b2.second / dt).astype(int), np.array(m.i)) for name, m in monitors.items()},
        "state": {name: {x: np.array(getattr(group, x)) for x in "vxy"} for name, group in groups.items()},
    }


def rates(kind: str, seed: int, seconds: float = 1.1, scale: float = 1.0, after: float = 0.1) -> list[float]:
    """Draw a network as the benchmark says, and return the rates of both populations in Hz from `after` on."""
    rng = np.random.default_rng(seed)
    sizes = {name: round(scale * n) for name, n in SIZES.items()}
    initial, edges = {}, {}
    for name, n in sizes.items():
        if kind == "conductance":
            initial[name] = {"v": rng.normal(-65e-3, 5e-3, n), "x": rng.normal(4, 1.5, n), "y": rng.normal(20, 12, n)}
        else:
            initial[name] = {"v": rng.uniform(-60e-3, -50e-3, n), "x": np.zeros(n), "y": np.zeros(n)}
        for target, m in sizes.items():
            pre, post = np.nonzero(rng.random((n, m)) < min(1.0, 0.02 / scale))
            weight = np.full(pre.size, WEIGHTS[kind][name != "exc"])
            edges[f"{name}_to_{target}"] = (pre, post, weight, np.zeros(pre.size))
    found = run(kind, 1e-4, round(seconds * 1e4), initial, edges)
    first = round(after * 1e4)
    return [np.sum(found["spikes"][name][0] >= first) / n / (seconds - after) for name, n in sizes.items()]


if __name__ == "__main__":
    for chosen in EQUATIONS:
        drawn = np.array([rates(chosen, number) for number in range(10)])
        for column, name in enumerate(SIZES):
            print(f"{chosen}, {name}: {drawn[:, column].min():.2f} to {drawn[:, column].max():.2f} Hz")
