r"""The tempotron: a neuron that learns to fire, or not to, at patterns of spike times.

A neuron's distance above threshold is a sum over the spikes that it hears, each weighted and spread by the response K
of its membrane (a difference of two exponentials where a leaky membrane filters an exponential current). After a wrong
decision each weight moves by what its spikes did to the highest point of that sum, up where the neuron should have
fired and down where it should not:

.. math:: \Delta w_i = \pm\lambda \sum_{t_i < t_{max}} K(t_{max} - t_i)

References
----------
R. Gütig, H. Sompolinsky: The tempotron: a neuron that learns spike timing-based decisions. Nature Neuroscience 9,
420-428 (2006), doi:10.1038/nn1643.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends import compile as compiled
from neurosim.backends.snntorch.projection import is_weight_times
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.values import Trainable
from neurosim.errors import CircuitError, TrainingError, UnsupportedError, nearest
from neurosim.program.step_program import ProjectionProgram, StepProgram
from neurosim.random import Stream
from neurosim.training.local.linear import above_threshold
from neurosim.units import quantity

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TempotronRun:
    """What learning came to.

    Parameters
    ----------
    circuit
        With the learned weights.
    errors
        Part of the decisions that were wrong in each epoch, as they came up. Learning ends with an epoch without any,
        and the circuit then takes every decision right.
    """

    circuit: Circuit
    errors: tuple[float, ...]

    @property
    def learned(self) -> bool:
        """Whether every decision is right."""
        return bool(self.errors) and self.errors[-1] == 0.0


class Tempotron:
    """Teaches the neurons of a population to fire at some patterns and to stay silent at others.

    Parameters
    ----------
    circuit
        Any circuit in which a spike source drives the population, and nothing else does.
    projection
        From the source to the population, by name.

    Raises
    ------
    CircuitError
        If there is no such projection.
    UnsupportedError
        With the whole list, if the neurons hear other things, draw random numbers, or are not linear below threshold.

    Notes
    -----
    The response K is that of the circuit's own neurons on its own grid: receptors, delays and unequal neurons included,
    so that a simulation of the circuit takes the decisions that were learned. Bounds and sign of a weight that is
    marked trainable are kept.
    """

    def __init__(self, circuit: Circuit, projection: str) -> None:
        if projection not in circuit.projections:
            hint = nearest(projection, circuit.projections)
            raise CircuitError(f"Tempotron: the circuit has no projection {projection!r}.{hint}")
        self.circuit, self.projection = circuit, projection
        self._module = compiled(circuit, "snntorch", dtype="float64", training=False)
        program: StepProgram = self._module.program
        self._item = program.projections[projection]
        mark = circuit.trainables().get(f"{projection}.weight")
        problems = _problems(circuit, program, self._item, mark)
        if problems:
            raise UnsupportedError(f"a tempotron cannot learn {projection!r}:\n- " + "\n- ".join(problems))
        self._target = self._item.additions[0].target
        self._low, self._high = _limits(mark)
        above_threshold(self._module, self._item.post, self._target, 1)  # refuses what is not linear

    def learn(
        self,
        patterns: Any,
        labels: Any,
        *,
        epochs: int = 200,
        rate: float = 3e-4,
        momentum: float = 0.99,
        seed: int = 0,
    ) -> TempotronRun:
        r"""Show the patterns, in a new order in each epoch, until every decision is right or the epochs are over.

        Parameters
        ----------
        patterns
            Spikes of the source, (time, pattern, \*shape): 0 or 1.
        labels
            Whether to fire, (pattern,), or for each neuron (pattern, neuron).
        epochs
            How often each pattern is shown at most.
        rate
            How far a weight moves for a spike at the best time, relative to the weight by which one spike alone would
            reach the threshold.
        momentum
            How much of its last change a weight repeats with the next, between 0 and 1.
        seed
            Fixes the orders; they do not depend on the machine.

        Raises
        ------
        TrainingError
            If shapes do not fit, or a neuron fires without any spike.
        """
        spikes = self._checked(patterns)
        wanted = self._labels(labels, spikes.shape[1])
        if epochs < 1 or not rate > 0 or not 0 <= momentum < 1:
            raise TrainingError(
                f"Tempotron: epochs={epochs}, rate={rate}, momentum={momentum}; expected epochs >= 1, rate > 0 and "
                "0 <= momentum < 1."
            )
        neurons = self._neurons(len(spikes))
        weight = self._weight()
        change = np.zeros_like(weight)
        errors = []
        for epoch in range(epochs):
            wrong = 0
            for pattern in Stream(seed, f"{self.projection}/tempotron/{epoch}").permutation(spikes.shape[1]):
                for index, neuron in enumerate(neurons):
                    arrivals = neuron.arrivals(spikes[:, pattern])
                    above = neuron.above(arrivals, weight[neuron.edges])
                    best = int(np.argmax(above))
                    if (above[best] > 0) == wanted[pattern, index]:
                        continue
                    wrong += 1
                    sign = 1.0 if wanted[pattern, index] else -1.0
                    moved = sign * rate * neuron.scale * neuron.blame(arrivals, best)
                    change[neuron.edges] = moved + momentum * change[neuron.edges]
                    weight[neuron.edges] = np.clip(weight[neuron.edges] + change[neuron.edges], self._low, self._high)
            errors.append(wrong / wanted.size)
            if not wrong:
                break
        address = f"{self.projection}.weight"
        return TempotronRun(self.circuit.replace({address: quantity(weight, self._item.units["w"])}), tuple(errors))

    def fires(self, patterns: Any) -> NDArray[np.bool_]:
        r"""Return whether each neuron fires at each pattern, with the circuit's weights, (pattern, neuron).

        Parameters
        ----------
        patterns
            Spikes of the source, (time, pattern, \*shape).
        """
        spikes, weight = self._checked(patterns), self._weight()
        neurons = self._neurons(len(spikes))
        found = [
            [neuron.above(neuron.arrivals(spikes[:, pattern]), weight[neuron.edges]).max() > 0 for neuron in neurons]
            for pattern in range(spikes.shape[1])
        ]
        return np.array(found, dtype=bool).reshape(-1, len(neurons))

    def _weight(self) -> Floats:
        return np.array(np.broadcast_to(self._item.values["w"], (self._item.n,)), dtype=np.float64)

    def _neurons(self, steps: int) -> list[_Neuron]:
        rest, kernel = above_threshold(self._module, self._item.post, self._target, steps)
        return [_Neuron(self._item, index, rest[:, index], kernel[:, index]) for index in range(rest.shape[1])]

    def _checked(self, patterns: Any) -> Floats:
        spikes = np.asarray(patterns, dtype=np.float64)
        source = self.circuit.populations[self._item.pre]
        if spikes.ndim != 2 + len(source.shape) or spikes.shape[2:] != source.shape or not spikes.shape[0]:
            expected = ", ".join(map(str, source.shape))
            raise TrainingError(f"Tempotron: patterns have shape {spikes.shape}; expected (time, pattern, {expected}).")
        return spikes.reshape(*spikes.shape[:2], source.n)

    def _labels(self, labels: Any, count: int) -> NDArray[np.bool_]:
        wanted = np.asarray(labels).astype(bool)
        n = self._module.program.populations[self._item.post].n
        wanted = np.repeat(wanted[:, None], n, axis=1) if wanted.ndim == 1 and n == 1 else wanted
        if wanted.shape != (count, n):
            raise TrainingError(f"Tempotron: labels have shape {wanted.shape}; expected ({count}, {n}).")
        return wanted


class _Neuron:
    """One neuron's edges, and its distance above threshold as a function of what arrives."""

    def __init__(self, item: ProjectionProgram, index: int, rest: Floats, kernel: Floats) -> None:
        self.edges = np.flatnonzero(item.post_index == index)
        self._pre, self._delay = item.pre_index[self.edges], item.delay[self.edges]
        self._rest, self._kernel = rest, kernel
        gap, peak = -float(rest.max()), float(kernel.max(initial=0.0))
        if not gap > 0:
            raise TrainingError(f"Tempotron: neuron {index} of {item.post!r} fires without any spike.")
        #: A weight that reaches the threshold with one spike, over the peak that a weight of 1 reaches.
        self.scale = gap / peak**2 if peak > 0 else 0.0

    def arrivals(self, spikes: Floats) -> Floats:
        """Return what arrives over each edge, (time, edge), from the spikes of the source, (time, neuron)."""
        if not self._delay.any():
            return spikes[:, self._pre]
        rows = np.arange(len(spikes))[:, None] - self._delay
        return np.where(rows >= 0, spikes[rows, self._pre], 0.0)

    def above(self, arrivals: Floats, weight: Floats) -> Floats:
        """Return the distance above threshold in each step, (time,)."""
        found: Floats = self._rest + np.convolve(arrivals @ weight, self._kernel)[: len(arrivals)]
        return found

    def blame(self, arrivals: Floats, step: int) -> Floats:
        """Return what each edge's spikes would do to the distance in a step with a weight of 1, (edge,)."""
        found: Floats = self._kernel[step::-1] @ arrivals[: step + 1]
        return found


def _problems(circuit: Circuit, program: StepProgram, item: ProjectionProgram, mark: Trainable | None) -> list[str]:
    post = program.populations[item.post]
    problems = []
    if program.populations[item.pre].kind != "spikes":
        problems.append(f"{item.pre!r} is no spike source")
    if post.threshold is None:
        problems.append(f"{item.post!r} has no threshold")
    if item.graded or not is_weight_times(item):
        problems.append("its pulses do not just add their weight to one variable")
    if post.noise:
        problems.append(f"{item.post!r} draws random numbers")
    others = [name for name, other in program.projections.items() if other.post == item.post and name != item.name]
    others += [name for name, part in circuit.injections.items() if part.population == item.post]
    others += [drive.name for drive in program.poisson if drive.post == item.post]
    if others:
        problems.append(f"{item.post!r} also hears {', '.join(others)}")
    if mark is not None and mark.per not in (None, "edge"):
        problems.append(f"its edges share weights (per={mark.per!r})")
    return problems


def _limits(mark: Trainable | None) -> tuple[float, float]:
    """Return the least and the largest weight, in SI."""
    low, high = (None, None) if mark is None else (mark.bounds or (None, None))
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    if mark is not None and mark.sign is not None:
        low, high = (max(low, 0.0), high) if mark.sign > 0 else (low, min(high, 0.0))
    return float(low), float(high)
