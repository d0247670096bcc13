"""Brunel's network as sparxml brings it, compiled once; its own `simulate` would compile again in every call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from sparx.graph import SpikeRaster
from sparx.graph.models import brunel

#: Milliseconds that one compiled call simulates, as sparxml's own `simulate` has them.
CHUNK = 100.0


class Side:
    """The network, in sparxml's float32."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        network = brunel(settings["n_inh"], g=settings["inhibition"], eta=settings["external"], dt=settings["dt"] * 1e3)
        self.variables = dict(network.init(jax.random.key(0)))
        steps = round(CHUNK / (settings["dt"] * 1e3))
        self.calls = round(settings["duration"] * 1e3 / CHUNK)
        monitors = {"exc": SpikeRaster("e"), "inh": SpikeRaster("i")}

        def advance(fixed: Any, state: Any, key: Any) -> Any:
            records, updates = network.apply(
                {**fixed, "state": state}, {}, steps=steps, monitors=monitors, rngs={"noise": key}, mutable=["state"]
            )
            return records, updates["state"]

        self.advance = jax.jit(advance)
        self.records: list[dict[str, Any]] = []

    def run(self) -> float:
        """Run from the initial state."""
        fixed = {name: value for name, value in self.variables.items() if name != "state"}
        state = self.variables["state"]
        key = jax.random.key(1)
        found = []
        start = time.perf_counter()
        for _ in range(self.calls):
            records, state = self.advance(fixed, state, key)
            found.append(jax.device_get(records))
        spent = time.perf_counter() - start
        self.records = found
        return spent

    def result(self) -> dict[str, Any]:
        """Return the steps and neurons of all spikes, by population."""
        found: dict[str, Any] = {}
        for name in ("exc", "inh"):
            fired = np.concatenate([np.asarray(records[name]) for records in self.records])
            found[f"{name}.step"], found[f"{name}.neuron"] = np.nonzero(fired)
        return found
