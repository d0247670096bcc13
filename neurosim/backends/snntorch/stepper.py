"""The step contract in torch: graded input, integrate, threshold, deliver, reset; nothing is changed in place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.delivery import Delivery
from neurosim.backends.snntorch.edge_dynamics import EdgeStates
from neurosim.backends.snntorch.events import dense, indices
from neurosim.backends.snntorch.population import Tensors, fixed_values
from neurosim.backends.snntorch.portion import Portion, portion_of
from neurosim.backends.snntorch.projection import EndReader
from neurosim.program.components import one_component
from neurosim.program.step_program import (
    Contribution,
    PopulationProgram,
    ProjectionProgram,
)
from neurosim.recording import NEVER, State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Step of the last spike of a neuron that has not fired: earlier than any refractory period could reach.
NEVER_STEP = -(2**62)
#: What projections bring that are computed ahead of the steps: by projection and target, (batch, neuron).
Arrivals = Mapping[str, Mapping[str, Tensor]]


class Stepper:
    """Carries a module's values from step to step.

    Parameters
    ----------
    module
        The compiled circuit.
    state
        Where to start; its arrays may be numpy's or tensors with gradients.
    exact
        Use numpy's functions (CPU, float64, no gradients).
    events
        Deliver spikes as events (no gradients) instead of through differentiable sums.
    portion
        What of the program to carry; by default all.
    """

    def __init__(
        self, module: CircuitModule, state: State, *, exact: bool, events: bool, portion: Portion | None = None
    ) -> None:
        if whole := portion is None:
            module.check_whole()
            portion = portion_of(module.program, one_component(module.program))
        self.module = module
        self.program = module.program
        self.portion = portion
        self.populations, self.projections = portion.populations, portion.projections
        self.plastic, self.poisson = portion.plastic, portion.poisson
        self.graded_schedule, self.deliveries = portion.graded_schedule, portion.deliveries
        self.exact, self.events = exact, events
        self.dtype, self.device = module.torch_dtype, module.device
        self.batch = state.trials
        self.step_number = state.step
        self.dt = state.dt
        items = self.populations
        self.dynamics = {
            name: (module.part(name).exact_dynamics if exact else module.part(name).dynamics) for name in items
        }
        dynamics, dt = self.dynamics, self.dt  # and not the stepper itself, which would be a circle
        self.fixed = _AsAsked(lambda name: fixed_values(module.part(name), dynamics[name], dt))
        self.edges = _AsAsked(lambda name: module.part(name).current(by_edge=exact or events))
        if whole:  # parameters are read when a run starts, whatever becomes of them later
            self.fixed.ask_all(items)
            self.edges.ask_all(self.projections)
        self.background = {item.name: module.part(item.name).pulse_weight() for item in self.poisson}
        self.values: dict[str, Tensors] = {
            name: {key: self._tensor(array) for key, array in state.variables.get(name, {}).items()}
            for name in (*items, *self.plastic)
        }
        self.totals: dict[str, Tensors] = {name: {} for name in items}
        self.active = {
            name: self._tensor(array, torch.bool) for name, array in state.not_refractory.items() if name in items
        }
        self.last = {name: self._steps(array) for name, array in state.last_spike.items() if name in items}
        self._now: tuple[int, Tensor] | None = None
        self.spikes: dict[str, Tensor] = {}
        self.inputs: dict[str, Tensor] = {}
        self.noise: Mapping[str, Mapping[str, Tensor]] = {}
        self.arrivals: Arrivals = {}
        self.history: dict[str, deque[Any]] = {
            name: self._past(rows) for name, rows in state.spikes.items() if name in items
        }
        self.delivery = Delivery(self)
        self.edge_states = {name: EdgeStates(self, name) for name in self.plastic}

    @cached_property
    def _dt(self) -> Tensor:
        return torch.tensor(self.dt, dtype=self.dtype, device=self.device)

    def _tensor(self, array: Any, dtype: torch.dtype | None = None) -> Tensor:
        return writable(array).to(device=self.device, dtype=dtype or self.dtype)

    def _steps(self, times: Any) -> Tensor:
        seconds = writable(times).to(self.device)
        steps = torch.floor(seconds.to(torch.float64) / self.dt + 0.5).to(torch.int64)
        return torch.where(seconds <= NEVER, NEVER_STEP, steps)

    def _past(self, rows: Any) -> deque[Any]:
        if not len(rows):
            return deque()
        if not self.events:
            return deque(self._tensor(row) for row in rows)
        return deque(indices(writable(row).to(self.device) != 0) for row in rows)

    # -- one step ------------------------------------------------------------------------------------------------

    def step(
        self,
        rows: Mapping[str, Tensor],
        noise: Mapping[str, Mapping[str, Tensor]],
        arrivals: Arrivals = MappingProxyType({}),
    ) -> None:
        """Execute one step.

        Parameters
        ----------
        rows
            Input of each source and injection, (batch, neuron).
        noise
            Random numbers by population and symbol, (batch, neuron).
        arrivals
            What the projections that come from outside the component bring.
        """
        self.inputs, self.noise, self.arrivals = dict(rows), noise, arrivals
        for name, item in self.populations.items():
            if item.kind == "signal":
                self.values[name] = {"signal": rows[name]}
        self._graded_input()
        for edges in self.edge_states.values():
            edges.integrate()
        for name, item in self.populations.items():
            if item.kind == "neurons":
                self._integrate(name, item)
        for name, item in self.populations.items():
            if item.spiking:
                self._threshold(name, item, rows)
        self._deliver()
        for name, item in self.populations.items():
            if item.reset:
                self._reset(name)
        for name in self.history:
            self._forget(name)
        self.step_number += 1

    def remember(self, name: str, spikes: Tensor) -> None:
        """Count spikes, (batch, neuron), as the latest of a population."""
        self.history[name].appendleft(indices(spikes) if self.events else spikes.to(self.dtype))
        self._forget(name)

    def remember_all(self, name: str, spikes: Tensor) -> None:
        """Count the spikes of some steps, (time, batch, neuron), as the latest of a population."""
        if depth := self.program.history_depth.get(name, 0):  # taking rows out of a tensor makes many small ones
            for row in spikes[-depth:].unbind(0):
                self.remember(name, row)

    def _forget(self, name: str) -> None:
        """Drop the spikes that no projection can still be waiting for."""
        past = self.history[name]
        if len(past) > self.program.history_depth[name]:
            past.pop()

    def _graded_input(self) -> None:
        terms: dict[tuple[str, str], Tensor] = {}
        for action in self.graded_schedule:
            if isinstance(action, ProjectionProgram):
                ends, part = self.reader(action.name), self.module.part(action.name)
                for target in dict.fromkeys(addition.target for addition in action.additions):
                    terms[action.name, target] = part.total(
                        target, self.edges[action.name], ends, self.batch, exact=self.exact
                    )
            else:
                name, variable = action
                self.totals[name][variable] = self._sum(variable, self.populations[name].inputs[variable], terms)

    def _sum(self, variable: str, sources: tuple[Contribution, ...], terms: Mapping[tuple[str, str], Tensor]) -> Tensor:
        """Add the contributions to an input, left to right in the order of the circuit."""
        values = [
            terms[source.source, variable]
            if source.kind == "projection"
            else self.module.spread_injection(source.source, self.inputs[source.source])
            for source in sources
        ]
        return self.summed(values)

    @staticmethod
    def summed(values: Sequence[Tensor]) -> Tensor:
        """Return a sum, added left to right."""
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def reader(self, name: str) -> EndReader:
        """Return what reads, for the edges of a projection, their values and those of the neurons at their ends."""
        item = self.projections[name]
        values = {**self.edges[name], "t": self._time()} if item.reads_time else self.edges[name]
        if item.dynamics is not None:
            values = {**values, **self.values[name], **self.noise.get(name, {}), "dt": self._dt}
        return EndReader(
            self.module.part(name), values, self._readable(item.pre), self._readable(item.post), self.dtype
        )

    def _readable(self, population: str) -> Tensors:
        return {**self.fixed[population], **self.totals[population], **self.values[population]}

    def _time(self) -> Tensor:
        if self._now is None or self._now[0] != self.step_number:  # every part asks for it several times a step
            # Filled where it is wanted: a copy from the host would hold up a GPU in every step.
            now = torch.full((), self.step_number * self.dt, dtype=self.dtype, device=self.device)
            self._now = (self.step_number, now)
        return self._now[1]

    def _names(self, name: str) -> Tensors:
        names = {**self._readable(name), **self.noise.get(name, {}), "t": self._time()}
        if name in self.active:
            names["not_refractory"] = self.active[name]
            if self.populations[name].reads_last_spike:
                names["lastspike"] = self._times(self.last[name]).to(self.dtype)
        return names

    def _integrate(self, name: str, item: PopulationProgram) -> None:
        dynamics = self.dynamics[name]
        if dynamics.refractory is not None and item.refractory is not None:
            limit = dynamics.refractory(self._names(name))["value"]
            if item.refractory.kind == "time":
                self.active[name] = (self.step_number - self.last[name]) >= limit
            else:
                self.active[name] = self.active[name] | torch.logical_not(torch.as_tensor(limit, device=self.device))
        for program in (dynamics.integrate, dynamics.update):
            if program.writes:
                self._write(name, item, program(self._names(name)))

    def _write(self, name: str, item: PopulationProgram, new: Mapping[str, Any]) -> None:
        values = dict(self.values[name])
        for variable, value in new.items():
            old = values[variable]
            value = value.expand_as(old) if isinstance(value, Tensor) else torch.full_like(old, value)
            values[variable] = torch.where(self.active[name], value, old) if variable in item.masked else value
        self.values[name] = values

    def _threshold(self, name: str, item: PopulationProgram, rows: Mapping[str, Tensor]) -> None:
        if item.kind == "spikes":
            spikes = rows[name] != 0 if self.events else rows[name]
        else:
            names = self._names(name)
            spikes = self.module.part(name).fire(names, self.active.get(name), self.dynamics[name])
            spikes = spikes.to(self.device).expand(self.batch, item.n)
            if name in self.active:
                fired = spikes.detach() > 0.5 if spikes.dtype != torch.bool else spikes
                self.active[name] = self.active[name] & ~fired
                self.last[name] = torch.where(fired, self.step_number, self.last[name])
        self.spikes[name] = spikes
        self.history[name].appendleft(indices(spikes) if self.events else spikes.to(self.dtype))

    def _deliver(self) -> None:
        self.delivery.deliver()

    # -- reset --------------------------------------------------------------------------------------------------------

    def _reset(self, name: str) -> None:
        dynamics = self.dynamics[name]
        if not dynamics.reset.writes:
            return
        spikes = self.spikes[name]
        fired = spikes if spikes.dtype == torch.bool else spikes.detach() > 0.5
        if self.events and not bool(fired.any()):
            return
        new = dynamics.reset(self._names(name))
        values = dict(self.values[name])
        for variable, value in new.items():
            old = values[variable]
            value = value.expand_as(old) if isinstance(value, Tensor) else torch.full_like(old, value)
            values[variable] = self.chosen(spikes, value, old)
        self.values[name] = values

    def chosen(self, spikes: Tensor, value: Tensor, old: Tensor) -> Tensor:
        """Return the new value where there is a spike and the old elsewhere, differentiable in all three."""
        if self.module.relaxed:
            return old + spikes * (value - old)
        fired = spikes if spikes.dtype == torch.bool else spikes.detach() > 0.5
        result = torch.where(fired, value, old)
        if spikes.dtype != torch.bool and spikes.requires_grad:
            # The chosen branch carries its own gradient; this carries the one through the choice, adding 0.
            result = result + (spikes - spikes.detach()) * (value - old)
        return result

    # -- what others read ----------------------------------------------------------------------------------------

    def value(self, name: str, variable: str) -> Tensor:
        """Return a variable at the end of the last step, (batch, neuron) or (batch, edge)."""
        if variable in self.values.get(name, {}):
            value = self.values[name][variable]
            return value.clone() if self.events and name in self.edge_states else value
        if name in self.projections:
            per_edge: Tensor = self.module.part(name).edge_value(variable, self.edges[name])
            return per_edge.expand(self.batch, -1)
        item = self.populations[name]
        if variable in self.totals[name]:
            return self.totals[name][variable]
        names = self._names(name)
        names["t"] = torch.full((), (self.step_number - 1) * self.dt, dtype=self.dtype, device=self.device)
        printed = self.dynamics[name].subexpressions[variable]
        return torch.as_tensor(printed(names)["value"], dtype=self.dtype).expand(self.batch, item.n)

    def _times(self, steps: Tensor) -> Tensor:
        return torch.where(steps == NEVER_STEP, NEVER, steps.to(torch.float64) * self.dt)

    def state(self, seed: int) -> State:
        """Return the state after the last step; tensors keep their gradients."""
        return State(
            step=self.step_number, dt=self.dt, trials=self.batch, circuit_digest=self.program.digest, seed=seed,
            **self.arrays(),
        )  # fmt: skip

    def arrays(self) -> dict[str, dict[str, Any]]:
        """Return the arrays of the state after the last step, as :class:`State` takes them."""
        spikes = {}
        for name, past in self.history.items():
            n = self.populations[name].n
            rows = [dense(item, self.batch, n, self.device) if self.events else item for item in past]
            if rows:
                spikes[name] = torch.stack(rows)
            else:
                spikes[name] = torch.empty((0, self.batch, n), dtype=self.dtype, device=self.device)
        return {
            "variables": {name: self._kept(name) for name in self.values if self._carried(name)},
            "spikes": spikes,
            "last_spike": {name: self._times(steps) for name, steps in self.last.items()},
            "not_refractory": dict(self.active),
        }

    def _carried(self, name: str) -> bool:
        if name in self.edge_states:
            return bool(self.values[name])
        return self.populations[name].kind == "neurons"

    def _kept(self, name: str) -> Tensors:
        """Return the variables of a part as this step leaves them; events change those of edges in place."""
        in_place = self.events and name in self.edge_states
        return {key: value.clone() if in_place else value for key, value in self.values[name].items()}


class _AsAsked(dict[str, Tensors]):
    """Values by name that are computed when they are first asked for: compiled loops do without many of them."""

    def __init__(self, compute: Callable[[str], Tensors]) -> None:
        self._compute = compute

    def __missing__(self, name: str) -> Tensors:
        self[name] = found = self._compute(name)
        return found

    def ask_all(self, names: Iterable[str]) -> None:
        """Compute the values of some names."""
        for name in names:
            self[name]


def writable(array: Any) -> Tensor:
    """Return a tensor of a state's array; torch wants memory of its own where numpy's is read-only."""
    return array if isinstance(array, Tensor) else torch.from_numpy(np.array(array))
