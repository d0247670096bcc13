"""What plastic synapses cost: time per run and memory per synapse, beside the same rule in a plain Brian2 script.

A recurrent network of integrate-and-fire neurons whose every connection follows pair-based plasticity (event-driven
traces, a delay per synapse). All sides simulate the same edges, weights, delays and initial values, and must end with
the same number of spikes. They take turns in one process; memory is that of a process of its own for each side, after a
short run and above what importing takes and the drawn edges.

    python benchmarks/plasticity.py
    python benchmarks/plasticity.py --target cython --neurons 2000 --duration 500 --repeats 9 --json
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from brian2_overhead import target_of

import neurosim as ns
from neurosim.circuit import Circuit
from neurosim.units import Mohm, ms, mV, pA

PAGE = 4096
SIDES = ("plain", "neurosim", "neurosim, torch")
W_MAX, A_PLUS, A_MINUS = 2e-12, 0.02e-12, 0.021e-12


def network(n: int, probability: float) -> Circuit:
    """Return n driven neurons, all of whose connections learn."""
    circuit = Circuit("plastic", dt=0.1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-48 * mV, tau_ref=2 * ms,
        receptors={"syn": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    rule = ns.models.pair_stdp(
        a_plus=A_PLUS * 1e12 * pA, a_minus=A_MINUS * 1e12 * pA, w_max=W_MAX * 1e12 * pA, amplitude="absolute"
    )
    circuit.connect(
        cells, cells, ns.FixedProbability(probability, autapses=False), receptor="syn", synapse=rule,
        weight=ns.Uniform(0 * pA, W_MAX * 1e12 * pA), delay=ns.Uniform(0.1 * ms, 10 * ms), name="edges",
    )  # fmt: skip
    return circuit


class Plain:
    """The network as a Brian2 user would write it."""

    def __init__(self, circuit: Circuit, _: str) -> None:
        import brian2 as b2

        clock = b2.Clock(dt=circuit.dt * b2.second, name="plain_clock")
        constants = {
            "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -48 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV,
            "taus": 5 * b2.ms, "tau": 20 * b2.ms, "ap": A_PLUS * b2.amp, "am": A_MINUS * b2.amp,
            "wmax": W_MAX * b2.amp, "nothing": 0 * b2.amp,
        }  # fmt: skip
        group = b2.NeuronGroup(
            circuit.populations["cells"].n,
            "dv/dt = (El - v + R*I)/taum : volt (unless refractory)\ndI/dt = -I/taus : amp",
            threshold="v > Vt", reset="v = Vr", refractory=2 * b2.ms, method="exact", namespace=constants,
            clock=clock, name="plain_cells",
        )  # fmt: skip
        group.v = circuit.initial("cells", "v") * b2.volt
        synapses = b2.Synapses(
            group, group,
            "w : amp\ndapre/dt = -apre/tau : 1 (event-driven)\ndapost/dt = -apost/tau : 1 (event-driven)",
            on_pre="I_post += w\nw = clip(w - am*apost, nothing, wmax)\napre += 1",
            on_post="w = clip(w + ap*apre, nothing, wmax)\napost += 1",
            namespace=constants, clock=clock, name="plain_edges",
        )  # fmt: skip
        edges = circuit.edges("edges")
        synapses.connect(i=edges.pre, j=edges.post)
        synapses.w = edges.weight * b2.amp
        synapses.pre.delay = edges.delay * b2.second
        self.monitor = b2.SpikeMonitor(group, name="plain_spikes")
        self.network = b2.Network(group, synapses, self.monitor)
        self.network.store()
        self.run(circuit.dt)

    def run(self, duration: float) -> float:
        """Run from the initial state; return the seconds that the steps took, without preparing them."""
        import brian2 as b2

        times: list[float] = []
        self.network.restore()
        self.network.run(
            duration * b2.second, report=lambda *_: times.append(time.perf_counter()), report_period=1e6 * b2.second
        )
        return times[-1] - times[0]

    @property
    def spikes(self) -> int:
        """Number of spikes of the last run."""
        return int(self.monitor.num_spikes)


class Ours:
    """The same through neurosim."""

    def __init__(self, circuit: Circuit, target: str, backend: str = "brian2") -> None:
        options = {"target": target} if backend == "brian2" else {"dtype": "float64", "training": False}
        self.simulator = ns.compile(circuit, backend=backend, **options)
        self.simulator.run(circuit.dt * 1e3 * ms)
        self.spikes = 0

    def run(self, duration: float) -> float:
        """Run from the initial state; return the seconds that the whole call took."""
        start = time.perf_counter()
        recording = self.simulator.run(duration * 1e3 * ms)
        elapsed = time.perf_counter() - start
        self.spikes = len(recording.spikes["cells"])
        return elapsed


def side(name: str, circuit: Circuit, target: str) -> Any:
    """Return one of the sides, ready to run."""
    if name == "plain":
        return Plain(circuit, target)
    return Ours(circuit, target, "snntorch" if name.endswith("torch") else "brian2")


def measure(circuit: Circuit, target: str, duration: float, repeats: int) -> dict[str, Any]:
    """Return the seconds of the runs of every side, taken in turn, and their spikes."""
    with target_of(target):
        sides = {name: side(name, circuit, target) for name in SIDES}
        runs: dict[str, list[float]] = {name: [] for name in SIDES}
        for repeat in range(repeats + 1):
            for name in SIDES if repeat % 2 else reversed(SIDES):
                seconds = sides[name].run(duration)
                if repeat:  # the first round warms up
                    runs[name].append(seconds)
    spikes = {name: item.spikes for name, item in sides.items()}
    if len(set(spikes.values())) > 1:
        raise SystemExit(f"the sides do not do the same: {spikes} spikes")
    return {"spikes": spikes["plain"], "runs": runs, "median": {name: statistics.median(t) for name, t in runs.items()}}


def memory(name: str, arguments: argparse.Namespace) -> float:
    """Return the bytes per synapse of a side, from a process of its own."""
    command = [sys.executable, __file__, "--memory", name, "--neurons", str(arguments.neurons)]
    done = subprocess.run([*command, "--target", arguments.target], capture_output=True, text=True, check=True)
    return float(done.stdout)


def own_memory(name: str, arguments: argparse.Namespace) -> float:
    """Return by how many bytes per synapse this process grows by one side."""
    small = network(100, 0.02)  # loads everything that is loaded once
    with target_of(arguments.target):
        side(name, small, arguments.target).run(1e-3)
        circuit = network(arguments.neurons, arguments.probability)
        edges = circuit.edges("edges").pre.size
        before = resident()
        kept = side(name, circuit, arguments.target)
        kept.run(5e-3)
        return (resident() - before) / edges


def resident() -> int:
    """Return the bytes of memory that this process holds now (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=("numpy", "cython"), default="numpy", help="Brian2's target")
    parser.add_argument("--neurons", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--probability", type=float, default=0.1, help="of a connection (default: 0.1)")
    parser.add_argument("--duration", type=float, default=300, help="of each run, in milliseconds (default: 300)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--memory", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print(own_memory(arguments.memory, arguments))
        return
    circuit = network(arguments.neurons, arguments.probability)
    found = measure(circuit, arguments.target, arguments.duration / 1e3, arguments.repeats)
    found["bytes per synapse"] = {name: memory(name, arguments) for name in SIDES}
    plain = found["median"]["plain"]
    found["ratio"] = {name: seconds / plain for name, seconds in found["median"].items()}
    edges = circuit.edges("edges").pre.size
    if arguments.json:
        print(json.dumps({"edges": edges, **vars(arguments), **found}))
        return
    events = found["spikes"] * 2 * edges / arguments.neurons
    print(
        f"{arguments.neurons:,} neurons, {edges:,} plastic synapses, {arguments.duration:g} ms, {found['spikes']:,} "
        f"spikes, target {arguments.target}, median of {arguments.repeats}"
    )
    print(f"{'':18s} {'run':>10s} {'ratio':>8s} {'ns per event':>14s} {'bytes per synapse':>19s}")
    for name in SIDES:
        seconds = found["median"][name]
        print(
            f"{name:18s} {seconds:8.3f} s {found['ratio'][name]:8.3f} {seconds / events * 1e9:14.0f} "
            f"{found['bytes per synapse'][name]:19.0f}"
        )


if __name__ == "__main__":
    main()
