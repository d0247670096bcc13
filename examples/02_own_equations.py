"""Your own neuron, in Brian2's equation language, on Brian2 and in torch.

The neuron leaks, integrates and has a threshold that every spike raises and that decays back, so that it adapts. A
hundred of them get a hundred currents.

Run it: ``python examples/02_own_equations.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.units import Mohm, ms, mV, nA

ADAPTIVE = ns.NeuronModel(
    """
    dv/dt = (v_leak - v + r*i_ext)/tau : volt (unless refractory)
    dtheta/dt = (theta_rest - theta)/tau_theta : volt
    i_ext : amp
    """,
    threshold="v > theta",
    reset="v = v_leak; theta += jump",
    refractory=2 * ms,
    parameters={
        "tau": 20 * ms, "r": 100 * Mohm, "v_leak": -65 * mV,
        "tau_theta": 150 * ms, "theta_rest": -50 * mV, "jump": 3 * mV,
    },
    initial={"v": "v_leak", "theta": "theta_rest"},
    name="adaptive_threshold",
)  # fmt: skip


def rates(trains: ns.SpikeTrains) -> np.ndarray:
    """Return the inverse of the first and of the last interval between spikes, in hertz, shape (2, neuron)."""
    found = np.full((2, trains.n), np.nan)
    for neuron in range(trains.n):
        intervals = np.diff(trains.times[trains.neurons == neuron])
        if len(intervals):
            found[:, neuron] = 1 / intervals[0], 1 / intervals[-1]
    return found


def main(figure: Path) -> None:
    """Give each neuron its own current, on both backends, and draw how they answer."""
    currents = np.linspace(0.1, 0.6, 100)
    circuit = ns.Circuit("own", dt=0.1 * ms)
    neurons = circuit.population("neurons", len(currents), ADAPTIVE)
    circuit.inject("current", neurons, "i_ext", ns.Step(currents * nA, start=50 * ms))

    report = ns.verify(circuit, 600 * ms)
    print(report, end="\n\n")

    record = {"neurons": ["spikes", "v", "theta"]}
    runs = {name: ns.simulate(circuit, 600 * ms, backend=name, record=record) for name in ("brian2", "snntorch")}
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=[1.5, 1], layout="constrained")
    shown = 60
    trace = runs["brian2"]["neurons"]
    left.plot(trace["v"].time * 1e3, trace["v"][0, :, shown] * 1e3, linewidth=0.9, label="v")
    left.plot(trace["theta"].time * 1e3, trace["theta"][0, :, shown] * 1e3, linewidth=1.4, label="threshold")
    left.set(xlabel="time (ms)", ylabel=f"at {currents[shown]:.1f} nA (mV)", xlim=(0, 600), ylim=(-67, -27))
    left.legend(frameon=False, ncols=2, loc="upper left")
    for (name, recording), style in zip(runs.items(), ({"linewidth": 5, "alpha": 0.35}, {"linewidth": 1}), strict=True):
        first, last = rates(recording.spikes["neurons"])
        right.plot(currents, first, color="tab:red", label=f"first interval, {name}", **style)
        right.plot(currents, last, color="tab:green", label=f"last interval, {name}", **style)
    right.set(xlabel="current (nA)", ylabel="rate (Hz)")
    right.legend(frameon=False, fontsize="small")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "02_own_equations.png")
