"""A circuit in a closed loop: prepared once, then advanced by calls, each with the input of the moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import catalogue, draw_noise, positive_integer
from neurosim.backends.states import check_state, initial_state, plain_state
from neurosim.circuit.circuit import Circuit
from neurosim.errors import RecordError
from neurosim.program.step_program import StepProgram
from neurosim.recording import State, plan_recording
from neurosim.recording.builder import reduced
from neurosim.recording.request import SPIKES
from neurosim.recording.values import Named

#: Steps whose noise, and inputs that no call gives, are computed at once. Fewer than in a run: a loop waits for them.
BLOCK = 32

StepOutputs: TypeAlias = Named[Named[np.ndarray]]


class Session(ABC):
    """The one object of a simulator that changes: it stands at a step, and `step` takes it on from there.

    Made by `Simulator.session`. It equals a run with the same inputs bit for bit, however the steps are parted.

    Parameters
    ----------
    circuit, program
        What is simulated.
    seed, trials, state, record
        See :meth:`neurosim.backends.simulator.Simulator.session`.
    """

    def __init__(
        self, circuit: Circuit, program: StepProgram, *, seed: int, trials: int, state: State | None, record: Any
    ) -> None:
        self.circuit = circuit
        self.program = program
        self.seed = int(seed)
        self.trials = positive_integer(trials, "trials")
        if state is None:
            state = initial_state(circuit, program, self.seed, self.trials)
        else:
            check_state(state, circuit, program, self.trials)
        self._origin = plain_state(state)
        self._plan = plan_recording(
            record, catalogue(circuit, program), dt=circuit.dt, start_step=state.step, n_steps=0, trials=self.trials
        )
        if self._plan.rates:
            raise RecordError(
                f"session: {self._plan.rates[0].address} is asked for in bins, but a session returns values at each "
                "call of step(); record the spikes."
            )
        for trace in self._plan.traces:
            if trace.every_steps != 1:
                raise RecordError(
                    f"session: {trace.address} is asked for with every=, but a session returns values at each call of "
                    "step(); leave every= out."
                )
        self._inputs = Inputs(circuit, None, start=state.step, n_steps=0, trials=self.trials, seed=self.seed)
        self._noisy = list(program.noisy)
        self._blocks: dict[str, tuple[int, Any]] = {}
        self._noise: tuple[int, dict[str, dict[str, Any]]] | None = None
        self.reset()

    @property
    def step_number(self) -> int:
        """The next global step."""
        return self._step

    @property
    def time(self) -> float:
        """The time at which the next step begins, in seconds."""
        return self._step * self.circuit.dt

    @property
    def state(self) -> State:
        """The state before the next step, equal to that of a run; a run or a session of either backend can go on."""
        return self._state()

    def reset(self) -> None:
        """Go back to where the session began; the same inputs give the same again."""
        self._step = self._origin.step
        self._blocks.clear()
        self._noise = None
        self._restore(self._origin)

    def step(self, inputs: Mapping[str, Any] | None = None, n: int = 1) -> StepOutputs:
        """Advance by some steps.

        Parameters
        ----------
        inputs
            By name of a source or injection, for these steps only: one value or one row ``(neuron,)``,
            ``(1, trial, neuron)``, held over the steps; rows ``(n, neuron)`` or ``(n, trial, neuron)``; a signal or
            :class:`SpikeTrains`, whose times count from the start of the simulation. Spikes are truth values, never
            held. What is not given is as in a run without it: an injection's own signal, else 0.
        n
            Number of steps.

        Returns
        -------
        Named
            ``out[name]["spikes"]``, bool (n, trial, neuron), and ``out[name][variable]``, the value at the end of the
            last of these steps, (trial, neuron), (trial, edge), or (trial,) if reduced. The arrays are the caller's.

        Raises
        ------
        CircuitError, UnitError
            If an input does not fit; the session then stands where it stood.
        """
        n = positive_integer(n, "n, the number of steps,")
        fed = self._inputs.held(inputs or {}, start=self._step, n_steps=n)
        given = {name: self._convert(fed.rows(name, self._step, self._step + n)) for name in inputs or {}}
        unfed = [name for name in self._inputs.targets if name not in given]
        fired = {name: np.zeros((n, self.trials, size), dtype=bool) for name, size in self._plan.spikes.items()}
        for row in range(n):
            rows = {name: values[row] for name, values in given.items()}
            for name in unfed:
                rows[name] = self._unfed(name, self._step)
            self._advance(rows, self._noise_at(self._step))
            for name, spikes in fired.items():
                self._mark_spikes(name, spikes[row])
            self._step += 1
        outputs: dict[str, dict[str, np.ndarray]] = {name: {SPIKES: spikes} for name, spikes in fired.items()}
        for trace in self._plan.traces:
            values = self._read(trace.name, trace.variable)
            if trace.neurons is not None:
                values = values[:, trace.neurons]
            if trace.reduce is not None:
                values = reduced(values, trace.reduce)[:, 0]
            outputs.setdefault(trace.name, {})[trace.variable] = values
        where = "in what this session records"
        return Named({name: Named(held, "record", f"of {name!r}") for name, held in outputs.items()}, "object", where)

    def _unfed(self, name: str, step: int) -> Any:
        """Return the row of an input that is not given, (trial, neuron)."""
        first, rows = self._blocks.get(name, (-1, None))
        if rows is None or not first <= step < first + BLOCK:
            first, rows = step, self._convert(self._inputs.rows(name, step, step + BLOCK))
            self._blocks[name] = (first, rows)
        return rows[step - first]

    def _noise_at(self, step: int) -> dict[str, dict[str, Any]]:
        """Return the random numbers of a step by population and symbol, (trial, neuron)."""
        if not self._noisy:
            return {}
        if self._noise is None or step >= self._noise[0] + BLOCK:
            drawn = {
                name: {
                    symbol: self._convert(values)
                    for symbol, values in draw_noise(
                        self.program, name, self.seed, self.trials, step, step + BLOCK
                    ).items()
                }
                for name in self._noisy
            }
            self._noise = (step, drawn)
        first, drawn = self._noise
        return {
            name: {symbol: values[step - first] for symbol, values in symbols.items()}
            for name, symbols in drawn.items()
        }

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Stand where a state stands."""

    @abstractmethod
    def _convert(self, rows: np.ndarray) -> Any:
        """Return rows (time, trial, neuron) as `_advance` takes them."""

    @abstractmethod
    def _advance(self, rows: Mapping[str, Any], noise: Mapping[str, Mapping[str, Any]]) -> None:
        """Execute one step with the rows of all inputs and the noise."""

    @abstractmethod
    def _mark_spikes(self, name: str, spikes: np.ndarray) -> None:
        """Write True for each neuron that spiked in the last step; `spikes` is False throughout, (trial, neuron)."""

    @abstractmethod
    def _read(self, name: str, variable: str) -> np.ndarray:
        """Return a fresh array of a variable at the end of the last step, (trial, neuron) or (trial, edge)."""

    @abstractmethod
    def _state(self) -> State: ...
