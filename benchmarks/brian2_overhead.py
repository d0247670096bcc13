"""What the Brian2 backend costs over a plain Brian2 script of the same network.

Both sides simulate `balanced-network` (4,000 neurons) from the same edges, weights and initial values, on the same code
generation target, and record every spike. They take turns in one process. Compared is the time from the first step to
the last; preparation (making objects, generating and compiling code) is timed apart.

    python benchmarks/brian2_overhead.py
    python benchmarks/brian2_overhead.py --target cython --duration 1000 --repeats 9 --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import neurosim as ns
from neurosim.circuit import Circuit
from neurosim.units import ms

NAME = "balanced-network"


@contextmanager
def target_of(name: str) -> Iterator[None]:
    """Set Brian2's code generation target for a while."""
    import brian2 as b2

    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = name
    try:
        yield
    finally:
        b2.prefs.codegen.target = before


class Plain:
    """The network as a Brian2 user would write it; make and run it within :func:`target_of`."""

    def __init__(self, circuit: Circuit, _: str) -> None:
        import brian2 as b2

        clock = b2.Clock(dt=circuit.dt * b2.second, name="plain_clock")  # names are part of the compiled code
        namespace = {"taum": 20 * b2.ms, "taue": 5 * b2.ms, "taui": 10 * b2.ms, "El": -49 * b2.mV}
        equations = """
        dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt
        """
        groups = {}
        objects: list[Any] = []
        for name, part in circuit.populations.items():
            groups[name] = b2.NeuronGroup(
                part.n, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b2.ms, method="exact",
                namespace=namespace, clock=clock, name=f"plain_{name}",
            )  # fmt: skip
            groups[name].v = circuit.initial(name, "v") * b2.volt
        self.monitors = [b2.SpikeMonitor(group, name=f"{group.name}_spikes") for group in groups.values()]
        for name, projection in circuit.projections.items():
            edges = circuit.edges(name)
            target_variable = "ge" if projection.pre == "exc" else "gi"
            synapses = b2.Synapses(
                groups[projection.pre], groups[projection.post], on_pre=f"{target_variable}_post += w",
                namespace={"w": float(edges.weight[0]) * b2.volt}, clock=clock, name=f"plain_{name}",
            )  # fmt: skip
            synapses.connect(i=edges.pre, j=edges.post)
            objects.append(synapses)
        self.network = b2.Network(*groups.values(), *self.monitors, *objects)
        self.network.store()
        self.run(circuit.dt)  # generates the code

    def run(self, duration: float) -> float:
        """Run from the initial state; return the seconds that the steps took, without preparing them."""
        import brian2 as b2

        times: list[float] = []

        def report(*_: Any) -> None:
            times.append(time.perf_counter())  # called after preparing and after the last step

        self.network.restore()
        self.network.run(duration * b2.second, report=report, report_period=1e6 * b2.second)
        return times[-1] - times[0]

    @property
    def spikes(self) -> int:
        """Number of spikes of the last run."""
        return sum(int(monitor.num_spikes) for monitor in self.monitors)


class Ours:
    """The same through neurosim."""

    def __init__(self, circuit: Circuit, target: str) -> None:
        self.simulator = ns.compile(circuit, backend="brian2", target=target)
        self.simulator.run(circuit.dt * 1e3 * ms)  # generates the code
        self.spikes = 0

    def run(self, duration: float) -> float:
        """Run from the initial state; return the seconds that the whole call took."""
        start = time.perf_counter()
        recording = self.simulator.run(duration * 1e3 * ms)
        elapsed = time.perf_counter() - start
        self.spikes = sum(len(trains) for trains in recording.spikes.values())
        return elapsed


def measure(
    circuit: Circuit, target: str, duration: float, repeats: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Time both sides in turn.

    Parameters
    ----------
    circuit
        The network.
    target
        Brian2's code generation target, for both.
    duration
        Of each run, s.
    repeats
        Runs of each side.
    progress
        Told what happens.

    Returns
    -------
    dict
        Seconds and ratios (neurosim/plain) of runs and preparation: medians and the fastest run; spikes; every time.
    """
    kinds: dict[str, Any] = {"plain": Plain, "neurosim": Ours}
    preparation: dict[str, list[float]] = {name: [] for name in kinds}
    sides: dict[str, Any] = {}
    for repeat in range(4):
        for name, kind in kinds.items():
            start = time.perf_counter()
            with target_of(target):
                sides[name] = kind(circuit, target)
            seconds = time.perf_counter() - start
            if repeat:  # the first round imports, compiles and draws the edges
                preparation[name].append(seconds)
            progress(f"prepared {name}: {seconds:.2f} s")
    runs: dict[str, list[float]] = {name: [] for name in kinds}
    for repeat in range(repeats + 1):
        order = list(kinds) if repeat % 2 else list(reversed(kinds))
        for name in order:
            with target_of(target):
                seconds = sides[name].run(duration)
            if repeat:  # the first round warms up
                runs[name].append(seconds)
                progress(f"run {repeat} of {repeats}, {name}: {seconds:.3f} s")
    found = {
        "run": {name: statistics.median(times) for name, times in runs.items()},
        "fastest run": {name: min(times) for name, times in runs.items()},  # says more on a busy machine
        "preparation": {name: statistics.median(times) for name, times in preparation.items()},
    }
    return {
        "circuit": circuit.name, "target": target, "duration": duration, "dt": circuit.dt, "repeats": repeats,
        "spikes": {name: side.spikes for name, side in sides.items()},
        "seconds": found,
        "ratio": {what: seconds["neurosim"] / seconds["plain"] for what, seconds in found.items()},
        "runs": runs, "preparations": preparation,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--target", choices=("numpy", "cython"), default="numpy", help="Brian2's code generation target"
    )
    parser.add_argument("--duration", type=float, default=300, help="of each run, in milliseconds (default: 300)")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each side (default: 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    def progress(text: str) -> None:
        if not arguments.json:
            print(text, flush=True)

    circuit = ns.circuits.build(NAME)
    found = measure(circuit, arguments.target, arguments.duration / 1e3, arguments.repeats, progress)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{NAME}, {arguments.duration:g} ms, target {arguments.target}, median of {arguments.repeats} runs")
    print(f"{'':12s} {'plain Brian2':>14s} {'neurosim':>12s} {'ratio':>8s}")
    for what, seconds in found["seconds"].items():
        print(f"{what:12s} {seconds['plain']:12.3f} s {seconds['neurosim']:10.3f} s {found['ratio'][what]:8.3f}")
    print(f"{'spikes':12s} {found['spikes']['plain']:14,d} {found['spikes']['neurosim']:12,d}")


if __name__ == "__main__":
    main()
