"""What was measured, in the form in which runs end: a session with tones, and a neuron at steps of current.

The session is drawn, goes to a file of Neurodata Without Borders and comes back equal; trials are cut around its tones.
A neuron was driven by steps of current: the same current, sample by sample, drives a model on both backends, and its
spikes lie beside those of the neuron. Give a folder with the files of `cortex-patch` to see a real one: it adapts,
which a leaky neuron does not.

Run it: ``python examples/10_recordings.py [FIGURE] [FOLDER]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.datasets import recordings
from neurosim.units import Mohm, amp, ms, mV, second

BIN = 0.02


def through_nwb(session: ns.Recording) -> ns.Recording:
    """Return a recording as it comes back from an NWB file."""
    with tempfile.TemporaryDirectory() as folder:
        session.to_nwb(Path(folder) / "session.nwb")
        return ns.Recording.from_nwb(Path(folder) / "session.nwb")


def answers(session: ns.Recording, neuron: int) -> dict[str, np.ndarray]:
    """Return the rate of a neuron of the cortex around tones of each pitch, in hertz, shape (bin,)."""
    trials = session.per_trial("tone", (-0.2, 0.5))
    pitch = trials.intervals["trials"]["pitch"].to_numpy()
    rates = {}
    for name in ("low", "high"):
        alike = trials.select("cortex", neurons=[neuron], trials=np.flatnonzero(pitch == name))
        rates[name] = np.nanmean(alike.population_rate("cortex", BIN).values, axis=0)
    return rates


def modelled(measured: ns.Recording) -> tuple[ns.Recording, bool]:
    """Drive a leaky neuron with the current that was measured; return its run, and whether both backends agree."""
    trace = measured["cell"]["i_ext"]
    times = trace["time"].values
    circuit = ns.Circuit("patched", dt=float(times[1]) * second)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=200 * Mohm, v_leak=-70 * mV, v_threshold=-50 * mV, v_reset=-65 * mV, tau_ref=2 * ms
    )
    circuit.population("cell", 1, cell)
    circuit.inject("electrode", "cell", "i_ext")
    current = np.moveaxis(trace.values, 0, 1) * amp  # (step, trial, neuron)
    duration, trials = times.size * circuit.dt * second, trace.sizes["trial"]
    runs = [
        ns.simulate(circuit, duration, backend=backend, trials=trials, inputs={"electrode": current})
        for backend in ("brian2", "snntorch")
    ]
    return runs[0], runs[0].spikes["cell"] == runs[1].spikes["cell"]


def main(figure: Path, folder: str | None = None) -> None:
    """Draw the session's answers, its calcium, and the neuron beside its model."""
    session = recordings.drawn_session()
    print(session)
    print(f"the same from an NWB file: {through_nwb(session) == session}")

    measured = recordings.load("cortex-patch", folder=folder, sample=folder is None)
    print(f"neuron: {measured.metadata['citation']} ({measured.metadata['licence']})")
    run, agree = modelled(measured)
    counts = {name: one.spikes["cell"].counts().values[:, 0] for name, one in (("neuron", measured), ("model", run))}
    steps = measured.intervals["step"]["current"].to_numpy() * 1e12
    for step, recorded, model in zip(steps, counts["neuron"], counts["model"], strict=True):
        print(f"{step:4.0f} pA: {recorded} spikes, {model} of the model")
    print(f"both backends hear the measured current alike: {agree}")

    drawing, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    for name, rate in answers(session, 4).items():
        left.step(-0.2 + BIN * np.arange(rate.size), rate, where="post", label=f"{name} tones")
    left.axvline(0, color="0.7", zorder=0)
    left.set(xlabel="time from the tone (s)", ylabel="rate (Hz)", title="a neuron of the session")
    left.legend(frameon=False)
    calcium = session["cortex"]["fluorescence"].sel(time=slice(0, 10))
    middle.plot(calcium["time"], calcium.values[0, :, 4], color="tab:green")
    trains = session.spikes["cortex"]
    mine = trains.times[(trains.neurons == 4) & (trains.times < 10)]
    middle.plot(mine, np.full(mine.size, 0.9), "|", color="black")
    middle.set(xlabel="time (s)", ylabel="fluorescence", title="its calcium, and its spikes")
    for name, number in counts.items():
        right.plot(steps, number, "o-", label=name)
    right.set(xlabel="current (pA)", ylabel="spikes in 2 s", title="a neuron and its model")
    right.legend(frameon=False)
    drawing.savefig(figure, dpi=100)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "10_recordings.png"), sys.argv[2] if len(sys.argv) > 2 else None)
