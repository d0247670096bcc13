"""The run that every side of a comparison makes, whole or in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.signals import AnalogueSignal
from neurosim.errors import CircuitError
from neurosim.program.step_program import StepProgram
from neurosim.recording import Recording, SpikeTrains, State
from neurosim.units import quantity

Progress = Callable[[int, int], None]


class Runnable(Protocol):
    """What can be verified: any simulator, or something that runs like one."""

    circuit: Circuit
    program: StepProgram

    def run(
        self,
        duration: Any,
        *,
        inputs: Mapping[str, Any] | None = None,
        record: Any = None,
        state: State | None = None,
        seed: int = 0,
        trials: int = 1,
        progress: Progress | None = None,
    ) -> Recording:
        """Run the circuit (see `neurosim.backends.simulator.Simulator.run`)."""


@dataclass(frozen=True)
class Case:
    """What is run.

    Parameters
    ----------
    circuit
        The reference's circuit.
    n_steps
        Length of the run.
    inputs, state, seed, trials
        As of `neurosim.simulate`.
    """

    circuit: Circuit
    n_steps: int
    inputs: Mapping[str, Any]
    state: State | None
    seed: int
    trials: int

    @property
    def start(self) -> int:
        """The first global step."""
        return 0 if self.state is None else self.state.step

    def run(self, simulator: Runnable, record: Any, progress: Progress | None = None) -> Recording:
        """Make the whole run."""
        return self._run(simulator, self.state, 0, self.n_steps, record, progress)

    def part(self, simulator: Runnable, state: State | None, first: int, last: int) -> State:
        """Make the steps ``first <= k < last``, counted from the start of the run, and return the state after them."""
        return final_state(self._run(simulator, state, first, last, {}, None))

    def _run(
        self, simulator: Runnable, state: State | None, first: int, last: int, record: Any, progress: Progress | None
    ) -> Recording:
        return simulator.run(
            quantity((last - first) * self.circuit.dt, "second"),
            inputs={name: _rows(value, first, last) for name, value in self.inputs.items()},
            record=record,
            state=state,
            seed=self.seed,
            trials=self.trials,
            progress=progress,
        )


def final_state(recording: Recording) -> State:
    """Return the state at the end of a run.

    Raises
    ------
    CircuitError
        If the recording has none: it is not one of a simulation.
    """
    if recording.state is None:
        raise CircuitError("a simulator to verify must give recordings with the state at their end.")
    return recording.state


def _rows(value: Any, first: int, last: int) -> Any:
    """Return an input for some steps of the run: of a dense array the rows, everything else knows its own time."""
    if value is None or isinstance(value, (SpikeTrains, AnalogueSignal)) or np.ndim(value) == 0:
        return value
    return value[first:last]
