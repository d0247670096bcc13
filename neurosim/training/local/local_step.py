"""Steps of a module in which each neuron answers for itself alone, and what each neuron's state then depends on.

The spikes that travel are taken as given, so that the graph of one step leads from a neuron's state to that same neuron
only: through its integration, its spike, its reset and its adaptation. Its derivatives are numbers per neuron, found by
torch from the circuit's own equations, and the graph is let go after each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import draw_noise, steps_at_once
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.program.step_program import PopulationProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule
    from neurosim.recording import State

Rows = Mapping[str, Tensor]
Noise = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Derivatives:
    """What the step of a population depends on, neuron by neuron; each tensor is (batch, neuron).

    Parameters
    ----------
    state
        ``state[k, l]``: of variable k after the step by variable l before it. What is missing is 0.
    arrival
        ``arrival[k, l]``: of variable k after the step by what arrives at variable l in it.
    spike
        ``spike[l]``: of the spike (its surrogate) by variable l before the step.
    """

    state: Mapping[tuple[str, str], Tensor]
    arrival: Mapping[tuple[str, str], Tensor]
    spike: Mapping[str, Tensor]


class LocalStepper(Stepper):
    """Carries a module's values from step to step, with the derivatives of some populations.

    Parameters
    ----------
    module
        The compiled circuit.
    state
        Where to start.
    targets
        The populations to follow, and for each the variables that learned pulses add to.
    """

    def __init__(self, module: CircuitModule, state: State, targets: Mapping[str, Iterable[str]]) -> None:
        with torch.no_grad():
            super().__init__(module, state, exact=False, events=False)
        self._targets = {name: tuple(found) for name, found in targets.items()}
        self._probes: dict[str, dict[str, Tensor]] = {}
        #: Spikes by age as they were when this step delivered them: ``past[name][d]``, (batch, neuron).
        self.past: dict[str, list[Tensor]] = {}

    def advance(self, rows: Rows, noise: Noise) -> dict[str, Derivatives]:
        """Execute one step; return the derivatives by population."""
        before: dict[str, dict[str, Tensor]] = {}
        with torch.enable_grad():
            for name, targets in self._targets.items():
                before[name] = {key: value.detach().requires_grad_() for key, value in self.values[name].items()}
                self.values[name] = dict(before[name])
                self._probes[name] = {
                    target: torch.zeros_like(before[name][target]).requires_grad_() for target in targets
                }
            self.step(rows, noise)
            found = {name: self._derivatives(name, before[name]) for name in self._targets}
        for name, values in self.values.items():
            self.values[name] = {key: value.detach() for key, value in values.items()}
        self.spikes = {name: spikes.detach() for name, spikes in self.spikes.items()}
        return found

    def _threshold(self, name: str, item: PopulationProgram, rows: Mapping[str, Tensor]) -> None:
        super()._threshold(name, item, rows)
        # Its own reset may know how a spike came about; whoever receives it may not.
        self.history[name][0] = self.history[name][0].detach()

    def _deliver(self) -> None:
        self.past = {name: list(rows) for name, rows in self.history.items()}
        for name, probes in self._probes.items():
            values = dict(self.values[name])
            for target, probe in probes.items():
                old = values[target]
                masked = target in self.program.populations[name].masked
                values[target] = torch.where(self.active[name], old + probe, old) if masked else old + probe
            self.values[name] = values
        super()._deliver()

    def _derivatives(self, name: str, before: Mapping[str, Tensor]) -> Derivatives:
        probes = self._probes[name]
        state: dict[tuple[str, str], Tensor] = {}
        arrival: dict[tuple[str, str], Tensor] = {}
        for key, value in self.values[name].items():
            slopes = _slopes(value, {**before, **{f"->{target}": probe for target, probe in probes.items()}})
            state |= {(key, other): slopes[other] for other in before if other in slopes}
            arrival |= {(key, target): slopes[f"->{target}"] for target in probes if f"->{target}" in slopes}
        fired = self.spikes.get(name)
        return Derivatives(state, arrival, {} if fired is None else _slopes(fired, before))


def _slopes(value: Tensor, by: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the derivatives of an elementwise function by what it depends on."""
    if not value.requires_grad:
        return {}
    found: tuple[Tensor | None, ...] = torch.autograd.grad(
        value, list(by.values()), torch.ones_like(value), retain_graph=True, allow_unused=True
    )
    return {name: slope for name, slope in zip(by, found, strict=True) if slope is not None}


def rows_of_steps(
    module: CircuitModule, given: Mapping[str, Tensor], state: State, n_steps: int, seed: int
) -> Iterator[tuple[Rows, Noise]]:
    """Yield the inputs and the noise of each step, a block of steps in memory at a time.

    Parameters
    ----------
    module
        The compiled circuit.
    given
        Checked inputs, (time, batch, neuron); the rest comes from the circuit.
    state
        Where the run starts.
    n_steps
        Number of steps.
    seed
        Fixes the noise.
    """
    batch = state.trials
    others = Inputs(module.circuit, None, start=state.step, n_steps=n_steps, trials=batch, seed=seed)
    block = steps_at_once(module.program, batch)
    for first in range(0, n_steps, block):
        last = min(first + block, n_steps)
        span = (state.step + first, state.step + last)
        rows: dict[str, Any] = {
            name: given[name][first:last] if name in given else module.tensor(others.rows(name, *span))
            for name in others.targets
        }
        noise: dict[str, dict[str, Tensor]] = {
            name: {
                symbol: module.tensor(values)
                for symbol, values in draw_noise(module.program, name, seed, batch, *span).items()
            }
            for name in module.program.noisy
        }
        for step in range(last - first):
            yield (
                {name: value[step] for name, value in rows.items()},
                {name: {symbol: values[step] for symbol, values in found.items()} for name, found in noise.items()},
            )
