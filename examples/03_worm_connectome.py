"""The worm: 302 graded neurons on the real wiring of C. elegans, driven at the command neurons of crawling.

AVB is the command neuron of crawling forward, AVA of crawling backward. Nothing in the model says which motor neurons
they drive; the wiring does.

Run it: ``python examples/03_worm_connectome.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import neurosim as ns
from neurosim.circuits.celegans_connectome.circuit import notes
from neurosim.circuits.celegans_connectome.figure import motor_neurons, plot
from neurosim.units import second


def main(figure: Path) -> None:
    """Run the worm on both backends, print how each class of motor neuron answers, draw it."""
    print(notes(), end="\n\n")
    worm = ns.circuits.build("celegans-connectome")
    record = {"worm": "v"}
    runs = {name: ns.simulate(worm, 3 * second, backend=name, record=record) for name in ("brian2", "snntorch")}
    v = {name: recording["worm"]["v"].values[0] for name, recording in runs.items()}

    rise = 1e3 * (v["brian2"] - worm.parameter("worm", "v_th"))  # over rest, mV, (time, neuron)
    classes = motor_neurons(worm.populations["worm"].labels)
    print("depolarisation at the end of each stimulus (mV)")
    print(f"{'':10s}" + "".join(f"{name:>7s}" for name in classes))
    for name, injection in worm.injections.items():
        last = round(injection.signal.stop / worm.dt) - 1
        means = [rise[last, members].mean() for members in classes.values()]
        print(f"{name:10s}" + "".join(f"{mean:7.2f}" for mean in means))
    print("the same traces, bit for bit:", np.array_equal(v["brian2"], v["snntorch"]))

    plot(runs["brian2"], worm).figure.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "03_worm_connectome.png")
