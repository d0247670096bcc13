"""Small networks written in Brian2 alone, for what the step contract promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import brian2 as b2
import numpy as np


@contextmanager
def numpy_target() -> Iterator[None]:
    """Run Brian2 without a compiler, and put back what was set before."""
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    try:
        yield
    finally:
        b2.prefs.codegen.target = before


def simulate(
    equations: str, steps: int, dt: float, *, n: int = 1, initial: Mapping[str, Any], namespace: Any, **options: Any
) -> tuple[list[tuple[int, int]], dict[str, np.ndarray]]:
    """Return the spikes as (step, neuron), sorted, and the final values of a group of Brian2."""
    with numpy_target():
        clock = b2.Clock(dt=dt * b2.second)
        group = b2.NeuronGroup(n, equations, clock=clock, namespace=dict(namespace), **options)
        for name, value in initial.items():
            group.variables[name].set_value(np.broadcast_to(value, (n,)))
        monitor = b2.SpikeMonitor(group)
        b2.Network(group, monitor).run(steps * dt * b2.second)
        steps_of = [round(float(time) / dt) for time in monitor.t_]
        spikes = sorted(zip(steps_of, np.array(monitor.i).tolist(), strict=True))
        return spikes, {name: np.array(group.variables[name].get_value()) for name in initial}
