"""The experiments of the oscillatory memory: what fragments bring up, and whether it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuits.oscillatory_memory.circuit import NAME, build
from neurosim.circuits.oscillatory_memory.protocol import HELD, PROTOCOLS, Protocol
from neurosim.experiments import Reproduction, Row, Skipped
from neurosim.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Of the two in turn that recall makes, one step each.
PERIOD = 2


def run(
    protocol: Protocol, *, backend: str = "brian2", options: Mapping[str, Any] | None = None, **constants: Any
) -> np.ndarray:
    """Run an experiment; return the spikes of the cells, bool (step, cell).

    Parameters
    ----------
    protocol
        Which.
    backend, options
        As for ``neurosim.compile``.
    constants
        Other arguments of :func:`~neurosim.circuits.oscillatory_memory.circuit.build`.
    """
    circuit = build(programme=protocol.presentations, **constants)
    recording = compile_circuit(circuit, backend=backend, **(options or {})).run(
        protocol.steps * ms, record={"cells": "spikes"}
    )
    trains = recording.spikes["cells"]
    spikes = np.zeros((protocol.steps, trains.n), dtype=bool)
    spikes[trains.to_steps(1e-3), trains.neurons] = True
    return spikes


def recalled(protocol: Protocol, spikes: np.ndarray) -> list[frozenset[int]]:
    """Return what each fragment brought up: the cells that fire in the last two steps before the next comes."""
    ends = (*protocol.starts[1:], protocol.steps)
    return [
        frozenset(np.flatnonzero(spikes[end - PERIOD : end].any(axis=0)).tolist())
        for end in ends[len(protocol.learned) :]
    ]


def goes_on(protocol: Protocol, spikes: np.ndarray) -> int:
    """Return how many recalls still fire in every step between the end of the fragment and what comes next."""
    ends = (*protocol.starts[1:], protocol.steps)
    first = len(protocol.learned)
    return sum(
        bool(spikes[start + HELD + 1 : end].any(axis=1).all())
        for start, end in zip(protocol.starts[first:], ends[first:], strict=True)
    )


def right(protocol: Protocol, spikes: np.ndarray) -> int:
    """Return how many fragments brought up exactly their pattern."""
    found = recalled(protocol, spikes)
    return sum(cells == protocol.learned[place] for cells, (place, _) in zip(found, protocol.cues, strict=True))


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any]) -> Reproduction:
    """Run the experiments with orthogonal patterns; they take seconds, so `quick` changes nothing."""
    spikes = {name: run(item, backend=backend, options=options) for name, item in PROTOCOLS.items()}
    rows = []
    for name in ("two", "three"):
        item, n = PROTOCOLS[name], len(PROTOCOLS[name].learned)
        rows.append(Row(f"{item.title}: brought up by four of five cells", n, right(item, spikes[name])))
        rows.append(Row(f"{item.title}: recalls that go on oscillating", n, goes_on(item, spikes[name])))
    overlapping = PROTOCOLS["overlapping"]
    skipped = Skipped(
        f"{overlapping.title}: what their fragments bring up",
        "what the paper reports of it; here "
        f"{right(overlapping, spikes['overlapping'])} of 2 come alone, the other comes up with them",
    )

    def draw() -> Figure:
        return figure(spikes)

    return Reproduction(NAME, tuple(rows), (skipped,), draw)


def figure(spikes: Mapping[str, np.ndarray]) -> Figure:
    """Draw what is presented (pale) and what the cells do (dark) in each experiment."""
    from matplotlib.figure import Figure

    from neurosim.circuits.oscillatory_memory.protocol import drive

    drawn = Figure(figsize=(11.0, 3.4), layout="constrained")
    axes = drawn.subplots(1, len(spikes), sharey=True)
    for ax, (name, fired) in zip(axes, spikes.items(), strict=True):
        item = PROTOCOLS[name]
        fed = drive(item.presentations, fired.shape[1], len(fired))
        for cells, colour, size in ((fed, "#b9cfe6", 22.0), (fired, "#1d3f66", 7.0)):
            ax.scatter(*np.nonzero(cells), c=colour, s=size, marker="s", linewidths=0)
        ax.set_title(item.title, fontsize="medium", loc="left")
        ax.set_xlabel("time (ms)")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("cell")
    return drawn
