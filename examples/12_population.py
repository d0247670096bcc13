"""Half of a population predicts the other half: a recurrent network is fitted to recorded spikes.

What is recorded here are integrate-and-fire neurons that two slow signals lead, which nobody sees. A network of rates
sees the spikes of some of them and is fitted to the rates of the others, by the Poisson likelihood, on the first three
quarters of the time. The last quarter decides: in bits a spike, beside what each neuron's own past knows and what a
ridge regression knows from the same bin. The network then does the same in Brian2.

Run it: ``python examples/12_population.py [FIGURE] [FOLDER]``; with the folder of the recording
``macaque-m1-reaching`` half of its 171 units of motor cortex predict the other half, which takes a minute or two.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import neurosim as ns
from neurosim.datasets import recordings
from neurosim.fitting import PopulationFit, fit_population, rate_network
from neurosim.units import Mohm, ms, mV, nA, second

BIN = 50 * ms


def recorded() -> ns.Recording:
    """Return 60 s of 24 neurons that slow signals lead, each in its own way."""
    draw = np.random.default_rng(1)
    slow = np.zeros((1200, 2))
    for k, noise in enumerate(draw.normal(0, 0.35, slow.shape)[1:], start=1):
        slow[k] = 0.92 * slow[k - 1] + noise
    circuit = ns.Circuit("cortex", dt=1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV, tau_ref=3 * ms,
    )  # fmt: skip
    circuit.population("cells", 24, cell)
    circuit.inject("drive", "cells", "i_ext")
    drive = 0.09 + 0.02 * slow @ draw.normal(size=(2, 24)) + draw.normal(0, 0.03, (1200, 24))
    return ns.simulate(
        circuit, 1200 * BIN, inputs={"drive": ns.Signal(drive * nA, every=BIN)}, record={"cells": "spikes"}
    )


def fit(session: ns.Recording, name: str, some: int, **options: int) -> PopulationFit:
    """Fit a network that sees some neurons of a population, drawn at random, to the others."""
    order = np.random.default_rng(0).permutation(session.spikes[name].n)
    seen, others = (session.select(name, neurons=np.sort(part)) for part in (order[:some], order[some:]))
    start, stop = others.support.start, others.support.stop
    rates = others.restrict((start, start + 0.75 * (stop - start))).spikes[name].rates()
    network = rate_network(some, rates.values.mean(0), dt=BIN, hidden=options.pop("hidden"))
    return fit_population(
        network, others, {"out.rate": name}, inputs={"seen": seen}, latency=BIN, show_progress=False, **options
    )


def main(figure: Path, folder: Path | None) -> None:
    """Fit, print, draw."""
    if folder is None:
        found = fit(recorded(), "cells", 12, hidden=16, epochs=12, window=20, lead=5, batch_size=8)
    else:
        session = recordings.load("macaque-m1-reaching", folder=folder)
        found = fit(session.select("m1"), "m1", 86, hidden=64)
    print(found)
    print(f"the network knows more than the own past of most neurons: {found.gain('own past').value > 0}")
    drive = np.random.default_rng(2).normal(size=(40, found.circuit.populations["seen"].n))
    runs = [
        ns.simulate(found.circuit, 40 * BIN, inputs={"seen": drive}, record={"out": "rate"}, backend=name)
        for name in ("brian2", "snntorch")
    ]
    rates = [run["out"]["rate"].values for run in runs]
    print(f"the same rates in Brian2 and in torch: {np.array_equal(rates[0], rates[1])}")

    _, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=(3, 2))
    found.plot_activity(duration=12 * second, ax=left)
    found.plot_bits(ax=right)
    for panel in (left, right):
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    given = [Path(text) for text in sys.argv[1:]]
    main(given[0] if given else Path(tempfile.gettempdir()) / "12_population.png", given[1] if given[1:] else None)
