"""The values of the trials of a compiled simulation, by the names of the step program, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.simulated import Simulated
from neurosim.backends.snntorch.step_parts import StepParts
from neurosim.program.exact_numbers import exact_number, exact_numbers
from neurosim.program.step_program import PopulationProgram
from neurosim.recording import NEVER, State

#: Step of the last spike of a neuron that has not fired: earlier than any refractory period could reach.
NEVER_STEP = -(2**62)
Numbers = NDArray[np.float64]


class Carried:
    """What a run starts from, and what it computes once; for expressions that no program computes, also how it stands.

    Parameters
    ----------
    simulated
        The circuit or module.
    state
        Where to start.
    """

    def __init__(self, simulated: Simulated, state: State) -> None:
        self.simulated, self.program = simulated, simulated.program
        self.step_number, self.dt, self.batch = state.step, state.dt, state.trials
        self.populations, self.projections = self.program.populations, self.program.projections
        self.plastic, self.deliveries = self.program.plastic, self.program.deliveries
        self.graded_schedule = self.program.graded_schedule
        self.fixed = {name: fixed_numbers(simulated, name) for name in self.populations}
        self.background = {item.name: simulated.pulse_weight(item.name) for item in self.program.poisson}
        self.edges: dict[str, Mapping[str, Numbers]] = {}
        self.read_edges()
        #: Of neurons (trial, neuron), of plastic edges (trial, edge).
        self.values: dict[str, Mapping[str, NDArray[Any]]] = {
            name: dict(state.variables.get(name, {})) for name in (*self.populations, *self.plastic)
        }
        self.totals: dict[str, Mapping[str, Numbers]] = {}
        self.active: dict[str, NDArray[np.bool]] = dict(state.not_refractory)
        self.last = {name: self._steps(times) for name, times in state.last_spike.items()}
        #: The trials and neurons of earlier spikes, the latest step first.
        self.history = {
            name: [(trials, neurons) for trials, neurons in map(np.nonzero, rows)]
            for name, rows in state.spikes.items()
        }

    def read_edges(self) -> None:
        """Read the values of edges as they are now."""
        self.edges = {name: self.simulated.edge_values(name) for name in self.projections}

    def _steps(self, times: Numbers) -> NDArray[np.int64]:
        steps = np.floor(times / self.dt + 0.5)
        return np.where(times <= NEVER, NEVER_STEP, steps).astype(np.int64)

    def limit(self, name: str) -> Numbers | None:
        """Return for how many steps neurons are refractory, () or (neuron,); ``None`` where that changes."""
        return fixed_limit(self.populations[name], self.simulated.parts[name], self.fixed[name])

    def value(self, name: str, variable: str) -> NDArray[Any]:
        """Return a variable at the end of the last step, (trial, neuron) or (trial, edge)."""
        if variable in self.values.get(name, {}):
            return self.values[name][variable]
        if name in self.projections:
            size = self.projections[name].n
            return np.broadcast_to(self.edges[name][variable], (self.batch, size))
        if variable in self.totals.get(name, {}):
            return self.totals[name][variable]
        item, names = self.populations[name], {**self.fixed[name], **self.totals.get(name, {}), **self.values[name]}
        names["t"] = np.float64((self.step_number - 1) * self.dt)
        if name in self.active:
            names["not_refractory"] = self.active[name]
            last = self.last[name]
            names["lastspike"] = np.where(last == NEVER_STEP, NEVER, last * self.dt)
        found = exact_number(item.subexpressions[variable], names)
        return np.broadcast_to(np.asarray(found, dtype=np.float64), (self.batch, item.n))


def fixed_numbers(simulated: Simulated, name: str) -> dict[str, Any]:
    """Return what a run computes once for a population: the parameters, and everything that depends on them alone."""
    values = {**simulated.parameters(name), "dt": np.float64(simulated.program.dt)}
    return exact_numbers(simulated.parts[name].prologue, values)


def fixed_limit(item: PopulationProgram, parts: StepParts, fixed: Mapping[str, Any]) -> Numbers | None:
    """Return for how many steps neurons are refractory, one number or (n,); ``None`` where that changes."""
    if item.refractory is None or item.refractory.kind != "time":
        return None
    statements = parts.steps["refractory"]
    known = set(fixed)
    for statement in statements:
        if not statement.reads <= known:
            return None
        known.add(statement.target)
    return np.asarray(exact_numbers(statements, fixed)["value"], dtype=np.float64)
