"""Closed loops in Brian2: a prepared network for each trial, advanced in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.backends.brian2.prepared import Prepared
from neurosim.backends.brian2.states import join_trials, recent_spikes
from neurosim.backends.session import Session
from neurosim.circuit.circuit import Circuit
from neurosim.program.step_program import StepProgram
from neurosim.recording import State


class Brian2Session(Session):
    """A session of the Brian2 backend.

    Every trial has a network of its own: to put the spikes under way back into Brian2's queues at each step would cost
    more than the step.

    Parameters
    ----------
    circuit, program
        What is simulated.
    target
        Brian2's code generation target.
    seed, trials, state, record
        See :meth:`neurosim.backends.simulator.Simulator.session`.
    """

    def __init__(
        self,
        circuit: Circuit,
        program: StepProgram,
        target: str,
        *,
        seed: int,
        trials: int,
        state: State | None,
        record: Any,
    ) -> None:
        self._target = target
        self._networks: list[Prepared] = []
        # What is still under way: (step, neurons) of each population with outgoing delays, by trial.
        self._recent: list[dict[str, deque[tuple[int, np.ndarray]]]] = []
        super().__init__(circuit, program, seed=seed, trials=trials, state=state, record=record)

    def _restore(self, state: State) -> None:
        if not self._networks:
            self._networks = [Prepared(self.circuit, self.program, self._target) for _ in range(self.trials)]
        for trial, network in enumerate(self._networks):
            network.restore(state, trial)
        delayed = [name for name, depth in self.program.history_depth.items() if depth]
        self._recent = [{name: deque() for name in delayed} for _ in self._networks]

    def _convert(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def _advance(self, rows: Mapping[str, Any], noise: Mapping[str, Mapping[str, Any]]) -> None:
        depths = self.program.history_depth
        for trial, network in enumerate(self._networks):
            for name, row in rows.items():
                network.feed(name, row[trial])
            for name, symbols in noise.items():
                for symbol, values in symbols.items():
                    network.noise_array(name, symbol)[:] = values[trial]
            network.advance()
            for name, recent in self._recent[trial].items():
                neurons = network.spikes(name)
                if len(neurons):
                    recent.append((self._step, neurons.copy()))
                while recent and recent[0][0] <= self._step - depths[name]:
                    recent.popleft()

    def _mark_spikes(self, name: str, spikes: np.ndarray) -> None:
        for trial, network in enumerate(self._networks):
            spikes[trial, network.spikes(name)] = True

    def _read(self, name: str, variable: str) -> np.ndarray:
        return np.stack([network.read(name, variable, self._step - 1) for network in self._networks])

    def _state(self) -> State:
        origin, step = self._origin, self._step
        states = []
        for trial, (network, recent) in enumerate(zip(self._networks, self._recent, strict=True)):
            history = {
                name: recent_spikes(np.asarray(rows)[:, trial], recent.get(name, ()), step, step - origin.step)
                for name, rows in origin.spikes.items()
            }
            states.append(network.state(origin, step, self.seed, history))
        return join_trials(states)
