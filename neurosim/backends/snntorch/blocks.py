"""The differentiable path over whole blocks of time: component after component, stepping only inside one.

What a projection brings from one component to the next is computed for all steps at once: one matrix product, one
convolution, or one delayed sum over the edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import steps_at_once
from neurosim.backends.snntorch import fused
from neurosim.backends.snntorch.gpu.components import run_in_recurrent_kernels
from neurosim.backends.snntorch.layers import LAYER, through_layer
from neurosim.backends.snntorch.loops.components import is_recurrent, run_in_loops
from neurosim.backends.snntorch.recorded import is_driven, read_for, values_recorded
from neurosim.backends.snntorch.sparse_linear import SparseProduct
from neurosim.backends.snntorch.stepper import Arrivals, Stepper, writable
from neurosim.circuit.sources import SIGNAL
from neurosim.program.components import Component
from neurosim.program.step_program import PopulationProgram
from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Values by (part, variable), (time, batch, neuron).
Collected = dict[tuple[str, str], Tensor]


class BlockRun:
    """One call of a module.

    Parameters
    ----------
    module
        The compiled circuit.
    given
        Inputs of this call by source or injection, (time, batch, neuron); the circuit's own serve for the others.
    start
        The state to begin from.
    n_steps
        How many steps.
    seed
        Of the noise.
    records
        What to collect, as (part, variable).
    """

    def __init__(
        self,
        module: CircuitModule,
        given: Mapping[str, Tensor],
        start: State,
        n_steps: int,
        seed: int,
        records: Iterable[tuple[str, str]],
    ) -> None:
        self.module, self.program = module, module.program
        self.given, self.start, self.n_steps, self.seed = given, start, n_steps, seed
        self.others = Inputs(module.circuit, None, start=start.step, n_steps=n_steps, trials=start.trials, seed=seed)
        self.records = list(records)
        self.projections = self.program.projections
        #: Populations that other components hear.
        self.sending = {self.projections[name].pre for component in module.schedule for name in component.ahead}
        self.trains: dict[str, Tensor] = {}
        #: Spikes as they were sent, as bits, and whose feel a gradient, where that is known. What is recorded is
        #: another tensor.
        self.bits: dict[str, tuple[np.ndarray | None, np.ndarray | None]] = {}
        self.collected: Collected = {}

    def run(self) -> tuple[Collected, State]:
        """Return what was to be collected, and the state after the last step."""
        ends: list[dict[str, dict[str, Any]]] = []
        schedule = self.module.schedule
        for place, component in enumerate(schedule):
            ends.append(self._advance(component))
            # What nobody reads any more is memory for those who come.
            read = {self.projections[name].pre for later in schedule[place + 1 :] for name in later.ahead}
            self.trains = {name: train for name, train in self.trains.items() if name in read}
        parts = {kind: {name: value for end in ends for name, value in end[kind].items()} for kind in ends[0]}
        step, digest = self.start.step + self.n_steps, self.program.digest
        return self.collected, State(
            step=step, dt=self.start.dt, trials=self.start.trials, circuit_digest=digest, seed=self.seed, **parts
        )

    def _advance(self, component: Component) -> dict[str, dict[str, Any]]:
        """Compute all steps of a component; return the arrays of its state."""
        portion = self.module.paths.portions[component]
        owned = {**portion.populations, **portion.projections}
        records = [key for key in self.records if key[0] in owned]
        sending = [name for name in portion.populations if name in self.sending]
        source = next(iter(portion.populations.values()))
        if source.kind == "spikes" and not component.ahead and len(component.populations) == 1:
            spikes = self._all_rows(source.name)
            for key in records:
                self.collected[key] = spikes
            self._send(source.name, spikes)
            return self._after_source(source.name, spikes)
        stepper = Stepper(self.module, self.start, exact=False, events=False, portion=portion)
        if self._fits_loops(stepper, component, records):
            fired = self._in_loops(stepper, component, records)
            for name in sending:
                self._send(name, fired[name])
            return stepper.arrays()
        arrivals = {
            name: {target: values.unbind(0) for target, values in self._arriving(stepper, name).items()}
            for name in component.ahead
        }
        series: dict[tuple[str, str], list[Tensor]] = {key: [] for key in records}
        series.update({(name, "spikes"): [] for name in sending})
        for first, last in self._spans():
            rows = {name: self._rows(name, first, last).unbind(0) for name in self._inputs_of(component)}
            noise = self._noise(owned, first, last)
            for step in range(first, last):
                stepper.step(_at(rows, step - first), _deep(noise, step - first), _deep(arrivals, step))
                for (name, variable), values in series.items():
                    values.append(stepper.spikes[name] if variable == "spikes" else stepper.value(name, variable))
        whole = {key: torch.stack(values) for key, values in series.items()}
        self.collected.update({key: whole[key] for key in records})
        for name in sending:
            self._send(name, whole[name, "spikes"])
        return stepper.arrays()

    # -- between components --------------------------------------------------------------------------------------

    def _send(self, name: str, spikes: Tensor) -> None:
        """Keep the spikes of this call behind those that may still be under way, oldest first, as they leave."""
        past, train = self.start.spikes[name], spikes.to(self.module.torch_dtype)
        if len(past):
            train = torch.cat([writable(past).to(device=train.device, dtype=train.dtype).flip(0), train])
        self.trains[name] = through_layer(self.module, name, train, self.seed)

    def _train(self, name: str) -> Tensor:
        """Return the spikes that a projection reads, from its longest delay before the first step."""
        pre = self.projections[name].pre
        early = self.program.history_depth[pre] - self.module.part(name).longest
        return self.trains[pre][early:] if early else self.trains[pre]

    def _arriving(self, stepper: Stepper, name: str) -> dict[str, Tensor]:
        """Return what a projection brings from another component, by target, (time, batch, neuron)."""
        brought = self.module.part(name).brings(self._train(name), stepper.edges[name], self.module.paths.workspace)
        return {target: through_layer(self.module, name, values, self.seed) for target, values in brought.items()}

    def _arriving_in_loops(self, stepper: Stepper, name: str) -> Mapping[str, Tensor | SparseProduct]:
        """Return the same; a weight matrix times few spikes is left to the loops."""
        part, pre = self.module.part(name), self.projections[name].pre
        if hasattr(part, LAYER):
            return self._arriving(stepper, name)
        # Bits are of this call alone: where earlier spikes may be under way, others arrive.
        bits, felt = self.bits.get(pre, (None, None)) if len(self.trains[pre]) == self.n_steps else (None, None)
        products: dict[str, SparseProduct] | None = part.along_spikes(
            self._train(name), self.module.paths.workspace, bits
        )
        if products is None:
            return self._arriving(stepper, name)
        if felt is None:
            return products
        return {target: product.where_felt(felt) for target, product in products.items()}

    def _fits_loops(self, stepper: Stepper, component: Component, records: Sequence[tuple[str, str]]) -> bool:
        """Tell whether a component can run in compiled loops, and whether that is worth it."""
        items = stepper.populations
        if not fused.worth_it(self.module, self.n_steps * self.start.trials):
            return False
        if not all(part in items and read_for(items[part], key) is not None for part, key in records):
            return False
        return self.module.stepped[component] is None

    def _in_loops(
        self, stepper: Stepper, component: Component, records: Sequence[tuple[str, str]]
    ) -> dict[str, Tensor]:
        """Run a component in compiled loops or kernels; return the spikes of its populations."""
        items = stepper.populations
        wanted = {name: [key for part, key in records if part == name and key != "spikes"] for name in items}
        read = {
            name: sorted({used for key in keys for used in read_for(items[name], key) or ()})
            for name, keys in wanted.items()
        }
        traced = {name: [key for key in keys if not is_driven(items[name], key)] for name, keys in read.items()}
        rows = {name: self._rows(name, 0, self.n_steps) for name in self._inputs_of(component)}
        driven = {name: self._driven(stepper, item, rows) for name, item in items.items()}
        if fused.by_triton(self.module) and is_recurrent(component):
            arriving = {name: self._arriving(stepper, name) for name in component.ahead}
            found = run_in_recurrent_kernels(stepper, arriving, rows, driven, traced, self.n_steps)
        elif fused.by_triton(self.module):
            (item,) = items.values()
            arriving = {name: self._arriving(stepper, name) for name in component.ahead}
            deliveries = fused.deliveries_of(stepper, arriving, rows)
            found = {
                item.name: fused.run_in_kernels(
                    stepper, item, deliveries, driven[item.name], traced[item.name], self.n_steps
                )
            }
        else:
            ahead = {name: self._arriving_in_loops(stepper, name) for name in component.ahead}
            found = run_in_loops(stepper, ahead, rows, driven, traced, self.n_steps, self._noise_of)
        for name, scanned in found.items():
            known = scanned.traces | {key: driven[name][key] for key in read[name] if is_driven(items[name], key)}
            values = values_recorded(stepper, name, wanted[name], known, self.start.step)
            self.collected.update({(name, key): trace for key, trace in values.items()})
            if not hasattr(self.module.part(name), LAYER):
                self.bits[name] = scanned.bits, scanned.felt
        spikes = {name: scanned.spikes for name, scanned in found.items() if scanned.spikes is not None}
        self.collected.update({(name, "spikes"): spikes[name] for name in spikes if (name, "spikes") in records})
        return spikes

    def _driven(self, stepper: Stepper, item: PopulationProgram, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the inputs of a population that have a value in every step, (time, batch, neuron)."""
        if item.kind == "signal":
            return {SIGNAL: rows[item.name]}
        driven = {
            variable: stepper.summed(
                [self.module.spread_injection(source.source, rows[source.source]) for source in sources]
            )
            for variable, sources in item.inputs.items()
            if all(source.kind == "injection" for source in sources)
        }
        driven.update(self._noise_of(item.name))
        return driven

    def _noise_of(self, name: str) -> dict[str, Tensor]:
        """Return the random numbers of a population in all steps, by symbol, (time, batch, neuron)."""
        start = self.start.step
        return self.module.noise_of(name, self.seed, self.start.trials, start, start + self.n_steps)

    # -- what a component is fed ---------------------------------------------------------------------------------

    def _spans(self) -> list[tuple[int, int]]:
        """Return (first, last) of the blocks in which inputs and noise are drawn."""
        block = steps_at_once(self.program, self.start.trials)
        return [(first, min(first + block, self.n_steps)) for first in range(0, self.n_steps, block)]

    def _inputs_of(self, component: Component) -> list[str]:
        circuit, names = self.module.circuit, component.populations
        owner = {item.name: item.post for item in self.program.poisson}
        owner.update({name: part.population for name, part in circuit.injections.items()})
        return [name for name in self.others.targets if owner.get(name, name) in names]

    def _rows(self, name: str, first: int, last: int) -> Tensor:
        if name in self.given:
            return self.given[name][first:last]
        start = self.start.step
        return self.module.tensor(self.others.rows(name, start + first, start + last))

    def _all_rows(self, name: str) -> Tensor:
        if name in self.given:
            return self.given[name]
        return torch.cat([self._rows(name, first, last) for first, last in self._spans()])

    def _noise(self, owned: Mapping[str, Any], first: int, last: int) -> dict[str, dict[str, tuple[Tensor, ...]]]:
        start = self.start.step
        return {
            name: {
                symbol: values.unbind(0)
                for symbol, values in self.module.noise_of(
                    name, self.seed, self.start.trials, start + first, start + last
                ).items()
            }
            for name in self.program.noisy
            if name in owned
        }

    def _after_source(self, name: str, spikes: Tensor) -> dict[str, dict[str, Any]]:
        """Return the arrays of the state of a lone source after its spikes, the latest first."""
        depth = self.program.history_depth[name]
        latest = spikes[max(len(spikes) - depth, 0) :].flip(0)
        if missing := depth - len(latest):
            earlier = writable(self.start.spikes[name])[:missing]
            latest = torch.cat([latest, earlier.to(device=latest.device, dtype=latest.dtype)])
        return {"variables": {}, "spikes": {name: latest}, "last_spike": {}, "not_refractory": {}}


def _at(rows: Mapping[str, Sequence[Tensor]], step: int) -> dict[str, Tensor]:
    return {name: values[step] for name, values in rows.items()}


def _deep(series: Mapping[str, Mapping[str, Sequence[Tensor]]], step: int) -> Arrivals:
    return {name: _at(values, step) for name, values in series.items()}
