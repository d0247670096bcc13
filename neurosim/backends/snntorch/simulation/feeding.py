"""What a compiled simulation is fed, chunk by chunk: inputs, background pulses, spikes of sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.simulator import Run
from neurosim.backends.snntorch.simulation.drawing import count_tables
from neurosim.backends.snntorch.simulation.plan import Plan, terms_of
from neurosim.backends.snntorch.simulation.trial import Trial
from neurosim.circuit.sources import PoissonSource
from neurosim.program.step_program import PoissonProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.simulation.carried import Carried

#: Numbers that a chunk may be fed.
MOST_NUMBERS = 2**21
Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """How the counts of a Poisson input are drawn (see :func:`count_tables`), and the weight of each neuron.

    `chosen` are the neurons, ``None`` where it is all of them.
    """

    tables: NDArray[np.float64]
    coarse: NDArray[np.int32]
    which: NDArray[np.int32]
    weights: NDArray[np.float64]
    chosen: NDArray[np.int64] | None


@dataclass(frozen=True)
class Drawn:
    """What is drawn inside the loop over steps.

    Parameters
    ----------
    noise
        Populations with noise.
    counts
        By Poisson input.
    sources
        Chances of a spike in a step, by Poisson source.
    """

    noise: list[str]
    counts: dict[str, Counts]
    sources: dict[str, Rows]


class Feed:
    """Computes what drives a run.

    Parameters
    ----------
    run, stepper
        What is simulated, with which inputs, and the values of the run.
    """

    def __init__(self, run: Run, stepper: Carried) -> None:
        self.circuit, self.run, self.stepper = stepper.simulated.circuit, run, stepper
        program, populations = stepper.program, stepper.populations
        #: What the loop over steps draws by itself.
        self.drawn = Drawn(
            noise=[name for name in program.noisy if name in populations],
            counts={item.name: found for item in program.poisson if (found := self._steady_counts(item)) is not None},
            sources={name: chances for name in populations if (chances := self._steady_chances(name)) is not None},
        )
        self.sources = [
            name for name, item in populations.items() if item.kind == "spikes" and name not in self.drawn.sources
        ]
        self.poisson = [item for item in program.poisson if item.name not in self.drawn.counts]
        inputs: list[tuple[str, str, list[str]]] = [
            (name, "signal", [name]) for name, item in populations.items() if item.kind == "signal"
        ]
        for name, item in populations.items():
            for variable, terms in item.inputs.items():
                sources = [term.source for term in terms if term.kind == "injection"]
                if len(sources) == len(terms):
                    inputs.append((name, variable, sources))
                    continue
                places = zip(terms, terms_of(item, variable), strict=True)
                inputs += [(name, place, [term.source]) for term, place in places if term.kind == "injection"]
        steady = [all(run.inputs.constant(source) is not None for source in terms) for *_, terms in inputs]
        self.steady = [item for item, same in zip(inputs, steady, strict=True) if same]
        self.varying = [item for item, same in zip(inputs, steady, strict=True) if not same]
        #: Whether everything is the circuit's own, and so the same in any run.
        self.of_circuit = run.inputs.of_circuit
        #: Whether nothing has to be computed for each step.
        self.free = not (self.sources or self.poisson or self.varying)
        numbers = [program.populations[name].n for name in self.sources]
        numbers += [program.populations[item.post].n for item in self.poisson]
        numbers += [program.populations[name].n for name, *_ in self.varying]
        #: Steps of a chunk at most.
        self.most = max(1, min(1024, MOST_NUMBERS // max(1, sum(numbers) * run.trials)))

    def _steady_counts(self, item: PoissonProgram) -> Counts | None:
        """Return how the counts of a Poisson input are drawn, ``None`` where they must be fed."""
        n = len(item.index)
        rates = self.run.inputs.steady_rates(item.name)
        if rates is None or not n:
            return None
        means = rates * (self.circuit.poisson_inputs[item.name].count * self.circuit.dt)
        tables = count_tables(np.broadcast_to(means.reshape(-1), (n,)))
        if tables is None:
            return None
        weights = np.broadcast_to(self.stepper.background[item.name], (n,))
        everyone = n == self.stepper.populations[item.post].n and np.array_equal(item.index, np.arange(n))
        chosen = None if everyone else np.ascontiguousarray(item.index, np.int64)
        return Counts(*tables, np.ascontiguousarray(weights), chosen)

    def _steady_chances(self, name: str) -> Rows | None:
        """Return the chances of the neurons of a Poisson source in a step, ``None`` where they change."""
        part = self.circuit.populations[name]
        if not isinstance(part.model, PoissonSource):
            return None
        rates = self.run.inputs.steady_rates(name)
        if rates is None:
            return None
        return np.ascontiguousarray(np.broadcast_to(self.run.inputs.chances(name, rates).reshape(-1), (part.n,)))

    def write_constants(self, trial: Trial, plan: Plan) -> None:
        """Put the inputs that stay the same into memory."""
        for name, variable, terms in self.steady:
            first = self.run.start
            row = self._summed(name, terms, first, first + 1)[0, trial.number]
            plan.homes[name].write(trial.memory, variable, row)

    def chunk(self, first: int, last: int) -> tuple[dict[tuple[str, ...], Rows], dict[str, NDArray[np.bool]]]:
        """Return what some steps are fed.

        Returns
        -------
        tuple
            Numbers by ``("fill", population, variable)`` and ``("add", Poisson input)``, each (steps, trials, n or 1),
            and spikes of sources, bool (steps, trials, n).
        """
        fed: dict[tuple[str, ...], Rows] = {}
        for name, variable, terms in self.varying:
            fed["fill", name, variable] = self._summed(name, terms, first, last)
        for item in self.poisson:
            weight = self.stepper.background[item.name]
            n = self.stepper.populations[item.post].n
            fed["add", item.name] = _spread(self.run.inputs.rows(item.name, first, last) * weight, item.index, n)
        return fed, {name: np.asarray(self.run.inputs.rows(name, first, last)) != 0 for name in self.sources}

    def _summed(self, name: str, terms: list[str], first: int, last: int) -> Rows:
        """Return the sum of some injections, added left to right."""
        n = self.stepper.populations[name].n
        total: Rows | None = None
        for source in terms:
            rows = self.run.inputs.rows(source, first, last)
            chosen = self.circuit.injections[source].indices if source in self.circuit.injections else range(n)
            values = _spread(rows, np.asarray(chosen), n)
            total = values if total is None else total + values
        if total is None:
            raise TypeError("an input has at least one term")
        total = np.ascontiguousarray(total)
        whole = total.view(np.int64)
        return total if (whole[1:] != whole[:1]).any() else total[:1]


def _spread(rows: NDArray[np.float64], index: NDArray[np.int64], n: int) -> Rows:
    """Return rows for some neurons, (steps, trials, chosen), for all, 0 elsewhere; one number where all are alike."""
    if len(index) == n and np.array_equal(index, np.arange(n)):
        shared = rows.strides[2] == 0 or n == 1
        return np.ascontiguousarray(rows[:, :, :1] if shared else rows)
    whole = np.zeros((*rows.shape[:2], n))
    whole[:, :, index] = rows
    return whole
