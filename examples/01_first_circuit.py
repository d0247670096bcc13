"""Your first circuit: excitation and inhibition, a stimulus, and the same spikes from two simulators.

Run it: ``python examples/01_first_circuit.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import neurosim as ns
from neurosim.recording import plots
from neurosim.units import Mohm, ms, mV, nA, nS


def build() -> ns.Circuit:
    """Return 320 excitatory and 80 inhibitory neurons with conductance synapses, and an input for some of them."""
    circuit = ns.Circuit("first", dt=0.1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=20 * ms,
        r=100 * Mohm,
        v_leak=-60 * mV,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        tau_ref=5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(5 * ms, reversal=-80 * mV)},
    )
    exc = circuit.population("exc", 320, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    inh = circuit.population("inh", 80, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    delay = ns.Uniform(1 * ms, 3 * ms)  # one for each synapse, drawn from the circuit's seed
    for target in (exc, inh):
        circuit.connect(exc, target, ns.FixedProbability(0.1), receptor="ampa", weight=0.8 * nS, delay=delay)
        circuit.connect(inh, target, ns.FixedProbability(0.1), receptor="gaba", weight=8 * nS, delay=delay)
    circuit.inject("stimulus", exc[:160], "i_ext")  # a slice is a view, usable wherever a population is
    return circuit


def main(figure: Path) -> None:
    """Run it on both backends, compare, draw."""
    circuit = build()
    print(circuit, end="\n\n")
    inputs = {"stimulus": ns.Step(0.15 * nA, start=50 * ms, stop=250 * ms)}
    record = {"exc": ["spikes", ns.Record("v", neurons=[0, 1])], "inh": "spikes"}
    runs = {
        backend: ns.simulate(circuit, 300 * ms, backend=backend, inputs=inputs, record=record)
        for backend in ("brian2", "snntorch")
    }
    for backend, recording in runs.items():
        rates = {name: f"{trains.mean_rate():.1f} Hz" for name, trains in recording.spikes.items()}
        print(backend, rates)
    print("the same spikes:", runs["brian2"].spikes == runs["snntorch"].spikes)

    _, (above, below) = plt.subplots(2, figsize=(7.2, 5), height_ratios=[2, 1], sharex=True, layout="constrained")
    plots.raster(runs["brian2"], ax=above)
    plots.traces(runs["brian2"], "exc", "v", ax=below)
    above.set_xlabel("")
    for axes in (above, below):
        axes.axvspan(50, 250, color="0.93", zorder=-1)
        axes.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "01_first_circuit.png")
