"""The memory of one trial of a compiled simulation: values of neurons, spikes under way, samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.division import Division
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, LAST, LIMIT
from neurosim.backends.snntorch.simulation.plan import Home, Plan

if TYPE_CHECKING:
    from neurosim.backends.snntorch.simulation.carried import Carried

#: Spikes of a population that memory holds beside those of one step in which all neurons spike.
SPARE = 2**16
#: Bytes of a line of the cache.
LINE = 64


class SpikeBuffer:
    """The spikes of a population, step after step: those under way, then those of the chunk.

    Parameters
    ----------
    before
        Steps under way: a step of the chunk has its spikes between ``bounds[c]`` and ``bounds[c + 1]`` with c its
        number in the chunk plus `before`.
    steps
        Of a chunk at most.
    n
        Neurons.
    """

    def __init__(self, before: int, steps: int, n: int) -> None:
        self.before, self.n = before, n
        self.neurons = np.zeros(2 * n + SPARE, dtype=np.int32)
        self.bounds = np.zeros(before + steps + 1, dtype=np.int64)

    def begin(self, past: list[NDArray[Any]]) -> None:
        """Take the spikes of the last steps, the oldest first."""
        missing = self.before - len(past)
        counts = [0] * missing + [len(spikes) for spikes in past]
        self.bounds[: self.before + 1] = np.concatenate([[0], np.cumsum(counts)])
        self._hold(int(self.bounds[self.before]))
        if past:
            self.neurons[: self.bounds[self.before]] = np.concatenate(past)

    def reserve(self, more: int) -> None:
        """Make room for so many spikes of the chunk."""
        self._hold(int(self.bounds[self.before]) + more)

    def _hold(self, size: int) -> None:
        if size > self.neurons.size:
            # Where spikes may come but do not, the system never gives memory: nothing is written there.
            grown = np.zeros(2 * size, dtype=np.int32)
            grown[: self.neurons.size] = self.neurons
            self.neurons = grown

    def feed(self, steps: NDArray[Any], neurons: NDArray[Any], count: int) -> None:
        """Put spikes into a chunk beforehand: steps count from its first, ascending; `count` is their number."""
        first = int(self.bounds[self.before])
        self._hold(first + len(neurons))
        self.neurons[first : first + len(neurons)] = neurons
        marks = np.searchsorted(steps, np.arange(1, count + 1))
        self.bounds[self.before + 1 : self.before + count + 1] = first + marks

    def take(self, count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the spikes of the first steps of the chunk: neurons, and where each step begins."""
        bounds = self.bounds[self.before : self.before + count + 1].copy()
        return self.neurons[bounds[0] : bounds[-1]].copy(), bounds

    def drop(self, count: int) -> None:
        """Let a chunk begin some steps later."""
        if not self.before:
            return  # bounds begin with 0, and nothing is under way
        bounds = self.bounds[count : count + self.before + 1].copy()
        self.neurons[: bounds[-1] - bounds[0]] = self.neurons[bounds[0] : bounds[-1]].copy()
        self.bounds[: self.before + 1] = bounds - bounds[0]

    def under_way(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the spikes of the steps before the chunk: neurons, and where each step begins."""
        bounds = self.bounds[: self.before + 1].copy()
        return self.neurons[: bounds[-1]].copy(), bounds

    def set_under_way(self, neurons: NDArray[np.int32], bounds: NDArray[np.int64]) -> None:
        """Let a chunk begin behind such spikes."""
        self._hold(len(neurons))
        self.neurons[: len(neurons)] = neurons
        self.bounds[: self.before + 1] = bounds


class Found:
    """The spikes that parts of a population find within a window.

    Parameters
    ----------
    neurons
        (part, spike).
    bounds
        Where those of each step begin, (part, step); columns are those of a :class:`SpikeBuffer`.
    """

    def __init__(self, parts: int, most: int, columns: int) -> None:
        self.neurons = np.zeros((parts, most), dtype=np.int32)
        self.bounds = np.zeros((parts, columns), dtype=np.int64)


class Trial:
    """One trial.

    Parameters
    ----------
    plan
        Where everything lies.
    stepper
        Holds the values that the trial starts from.
    number
        Which trial.
    before, steps
        See :class:`SpikeBuffer`.
    division
        Parts of the network.
    """

    def __init__(
        self, plan: Plan, stepper: Carried, number: int, before: int, steps: int, division: Division
    ) -> None:  # fmt: skip
        self.number, self.before = number, before
        self.memory = _aligned(plan.size)
        self.spikes: dict[str, SpikeBuffer] = {}
        #: Where parts note their spikes, if there are several.
        self.found: dict[str, Found] = {}
        #: The values of the edges of plastic projections, (variable, edge), by name.
        self.edges: dict[str, NDArray[np.float64]] = {}
        for name, home in plan.homes.items():
            self._begin(name, home, stepper)
        for name, history in stepper.history.items():
            n = stepper.populations[name].n
            buffer = SpikeBuffer(before, steps, n)
            buffer.begin([neurons[trials == number] for trials, neurons in list(history)[::-1]])
            self.spikes[name] = buffer
            if division.parts > 1 and name in plan.homes:
                most = division.window * division.largest(plan.homes[name])
                self.found[name] = Found(division.parts, most, buffer.bounds.size)

    @property
    def room(self) -> int:
        """Bytes that spikes take."""
        return sum(buffer.neurons.nbytes for buffer in self.spikes.values())

    def arrays(self) -> Iterator[NDArray[Any]]:
        """Iterate over everything that the trial holds."""
        yield self.memory
        yield from self.edges.values()
        for buffer in self.spikes.values():
            yield from (buffer.neurons, buffer.bounds)
        for found in self.found.values():
            yield from (found.neurons, found.bounds)

    def begin(self, window: int) -> None:
        """Make room for the spikes of a window, whose first column is that of the chunk."""
        for buffer in self.spikes.values():
            buffer.reserve(window * buffer.n)
        for found in self.found.values():
            found.bounds[:, self.before] = 0

    def _begin(self, name: str, home: Home, stepper: Carried) -> None:
        item, fixed = stepper.populations[name], stepper.fixed[name]
        for variable in home.form.variables:
            if item.kind == "signal":
                continue  # which is fed
            if variable in item.state:
                home.write(self.memory, variable, stepper.values[name][variable][self.number])
            elif variable == LAST:
                home.write(self.memory, variable, stepper.last[name][self.number])
            elif variable == ACTIVE:
                home.write(self.memory, variable, stepper.active[name][self.number])
            elif variable == LIMIT:
                home.write(self.memory, variable, stepper.limit(name))
            elif variable in fixed:
                home.write(self.memory, variable, fixed[variable])


def _aligned(size: int) -> NDArray[np.float64]:
    """Return zeros that begin where a line of the cache does, so that no vector lies on two."""
    memory = np.zeros(size + LINE // 8)
    first = -memory.ctypes.data % LINE // 8
    return memory[first : first + size]
