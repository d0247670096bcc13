"""A neuron is fitted to steps of current; the step that was held out decides.

A patched neuron answered three steps of current (here a drawn one, in the form of real files). An integrate-and-fire
neuron, fed with the very current that was measured, is fitted to two of them by evolution: each generation is one
simulation, of a circuit that holds all candidates. What it does at the step in between is held against what was
recorded there: the number of spikes, and how many come together beyond chance. The fitted neuron is the same in Brian2.

Run it: ``python examples/13_fitting.py [FIGURE] [FOLDER]``; with the folder of the recording ``cortex-patch`` an
adaptive exponential neuron is fitted to four sweeps of a cortical cell, which takes a minute.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.datasets import recordings
from neurosim.fitting import Fit, Trials, losses
from neurosim.units import Mohm, ms, mV, nS, pA, pF, quantity, second


def free(value: Any, low: Any, high: Any) -> ns.Trainable:
    """Return a value that is searched between limits."""
    return ns.Trainable(value, bounds=(low, high))


def neuron(*, adaptive: bool) -> ns.Circuit:
    """Return the neuron, with what is to be found marked."""
    if adaptive:
        model = ns.models.adaptive_exponential(
            C=free(100 * pF, 20 * pF, 400 * pF), g_leak=free(6 * nS, 2 * nS, 20 * nS), v_leak=-70 * mV,
            v_t=free(-50 * mV, -60 * mV, -40 * mV), delta_t=2 * mV, v_cut=0 * mV, tau_ref=2 * ms,
            tau_w=free(150 * ms, 20 * ms, 1000 * ms), a=free(1 * nS, 0 * nS, 10 * nS),
            b=free(20 * pA, 0 * pA, 150 * pA), v_reset=free(-58 * mV, -70 * mV, -46 * mV),
        )  # fmt: skip
    else:
        model = ns.models.lif(
            tau_mem=free(20 * ms, 3 * ms, 100 * ms), r=free(150 * Mohm, 50 * Mohm, 500 * Mohm), v_leak=-70 * mV,
            v_threshold=free(-45 * mV, -60 * mV, -35 * mV), v_reset=free(-60 * mV, -75 * mV, -52 * mV),
            tau_ref=free(2 * ms, 0.5 * ms, 10 * ms),
        )  # fmt: skip
    circuit = ns.Circuit("patched", dt=(0.1 if adaptive else 0.25) * ms)
    circuit.population("cell", 1, model)
    circuit.inject("electrode", "cell", "i_ext")
    return circuit


def draw(found: Fit, recording: ns.Recording, held_out: int, figure: Path) -> None:
    """Draw recorded and simulated spikes of every sweep, and how the loss went."""
    runs = [
        ns.simulate(
            found.circuit, 3 * second, backend=name, trials=recording.n_trials,
            inputs={"electrode": held(recording, found.circuit)},
        )
        for name in ("brian2", "snntorch")
    ]  # fmt: skip
    print(f"the same spikes in Brian2 and in torch: {runs[0].spikes['cell'] == runs[1].spikes['cell']}")
    _, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=(3, 2))
    for row, (source, colour) in enumerate(((recording, "0.3"), (runs[0], "C0"))):
        spikes = source.spikes["cell"]
        label = ("recorded", "simulated")[row]
        left.plot(spikes.times, spikes.trials + 0.2 - 0.4 * row, "|", ms=10, color=colour, label=label)
    levels = recording.intervals["step"]["current"].to_numpy() * 1e12
    names = [f"{level:.0f} pA" + (" (held out)" if k == held_out else "") for k, level in enumerate(levels)]
    left.set_yticks(range(len(names)), names)
    left.set(xlabel="time (s)", xlim=(0.6, 2.8), ylim=(-0.6, len(names) - 0.2))
    left.legend(frameon=False, ncols=2, loc="upper right")
    found.plot(ax=right)
    right.set_xlabel("generation")
    for panel in (left, right):
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


def held(recording: ns.Recording, circuit: ns.Circuit) -> Any:
    """Return the measured current on the circuit's steps, (time, trial, neuron)."""
    trace = recording["cell"]["i_ext"]
    times = np.arange(round(3 / circuit.dt)) * circuit.dt
    place = np.searchsorted(trace["time"].values, times + 1e-9, side="right") - 1
    return quantity(trace.values[:, place].transpose(1, 0, 2), "amp")


def main(figure: Path, folder: Path | None) -> None:
    """Fit, print, draw."""
    real = folder is not None
    recording = recordings.load("cortex-patch", **({"folder": folder} if real else {"sample": True}))
    held_out = recording.n_trials // 2
    found = ns.fit(
        neuron(adaptive=real), recording, inputs={"electrode": "cell.i_ext"}, method="cma-es",
        loss=losses.counts() + losses.counts(bin=250 * ms) + 0.05 * losses.van_rossum(20 * ms),
        held_out=Trials([held_out]), steps=100 if real else 40, candidates=16,
    )  # fmt: skip
    print(found)
    error = found.held_out[0].measures["count_error"]
    print(f"the held-out step has the right count within 15 %: {abs(error) < 0.15}")
    draw(found, recording, held_out, figure)


if __name__ == "__main__":
    given = [Path(text) for text in sys.argv[1:]]
    main(given[0] if given else Path(tempfile.gettempdir()) / "13_fitting.png", given[1] if given[1:] else None)
