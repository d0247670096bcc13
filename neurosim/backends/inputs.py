"""What is fed into a circuit at run time, checked once and read in blocks of steps by every backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.backends.poisson import poisson_counts
from neurosim.backends.streaming import digest
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, PoissonInput, Population
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.errors import CircuitError, nearest
from neurosim.random import noise
from neurosim.recording import SpikeTrains
from neurosim.units import is_quantity, to_si

#: Where signals draw, beside the pulses of a Poisson source whose rate they may be.
SIGNAL_SITE = 1

Target = Population | Injection | PoissonInput


class Inputs:
    """The inputs of one run.

    Parameters
    ----------
    circuit
        Whose sources and injections are fed.
    given
        By name: :class:`SpikeTrains` (times from the start of the simulation), a dense array ``(time, neuron)`` or
        ``(time, trial, neuron)`` (rows from the start of this run), a signal, or one value held throughout.
    start, n_steps
        The global steps of the run.
    trials
        Number of trials; inputs without a trial axis are the same in each.

    Raises
    ------
    CircuitError, UnitError
        If a name is unknown, or a shape or unit does not fit.
    """

    def __init__(
        self, circuit: Circuit, given: Mapping[str, Any] | None, *, start: int, n_steps: int, trials: int, seed: int = 0
    ) -> None:
        self.circuit = circuit
        self.start = start
        self.trials = trials
        self.n_steps = n_steps
        self.seed = seed
        targets: dict[str, Target] = {
            name: part for name, part in circuit.populations.items() if not isinstance(part.model, NeuronModel)
        }
        targets.update({**circuit.injections, **circuit.poisson_inputs})
        self.targets = targets
        #: Whether nothing was given, so that all is the circuit's own.
        self.of_circuit = not given
        for name in given or {}:
            self._check_name(name)
        self._values = {name: self._checked(name, part, (given or {}).get(name)) for name, part in targets.items()}

    def constant(self, name: str) -> float | None:
        """Return the one value of an input in all steps, neurons and trials; None if it may change."""
        value, part = self._values[name], self.targets[name]
        random = isinstance(part, PoissonInput) or (
            isinstance(part, Population) and isinstance(part.model, PoissonSource)
        )
        return None if random or not (value is None or isinstance(value, float)) else value or 0.0

    def digest(self) -> str:
        """Return a checksum of everything that is fed."""
        arrays: dict[str, np.ndarray] = {}
        facts: dict[str, Any] = {}
        for name, value in self._values.items():
            if isinstance(value, AnalogueSignal):
                facts[name] = value.to_dict(arrays, name)
            elif isinstance(value, tuple):
                columns = zip(("steps", "trials", "neurons"), value, strict=False)
                arrays.update({f"{name}/{column}": np.asarray(array) for column, array in columns})
            elif value is not None:
                arrays[name] = np.asarray(value)
        return digest(arrays, facts)

    def held(self, given: Mapping[str, Any], *, start: int, n_steps: int) -> Inputs:
        """Return the inputs of some steps of a closed loop: of what is given only, single rows held throughout.

        Parameters
        ----------
        given
            As for a run; moreover one row for all steps, ``(neuron,)``, ``(1, neuron)`` or ``(1, trial, neuron)``.
        start, n_steps
            The global steps.
        """
        inputs = object.__new__(Inputs)  # a closed loop does this in every step, and copy() takes several times as long
        inputs.__dict__.update(self.__dict__)
        inputs.start, inputs.n_steps = start, n_steps
        inputs._values = {name: inputs._row_or_rows(name, value) for name, value in given.items()}
        return inputs

    def _row_or_rows(self, name: str, value: Any) -> Any:
        self._check_name(name)
        part, n_steps = self.targets[name], self.n_steps
        if isinstance(value, SpikeTrains | AnalogueSignal) or (shape := np.shape(value)) == ():
            return self._checked(name, part, value)
        own = part.shape if isinstance(part, Population) else (part.n,)
        if shape != own and (shape[0] != 1 or len(shape) == len(own)):
            return self._checked(name, part, value)
        spikes = isinstance(part, Population) and isinstance(part.model, SpikeSource)
        if n_steps > 1 and spikes:
            raise CircuitError(
                f"inputs: one row of spikes for {name!r}, but {n_steps} steps: spikes are not held; give {n_steps} "
                "rows."
            )
        self.n_steps = 1
        numbers = np.asarray(value) if spikes else self._in_si(name, value, self._unit(part))
        row = self._dense(name, part.n, numbers[np.newaxis] if shape == own else numbers)
        row = row != 0 if spikes else row.astype(np.float64, copy=False)
        self.n_steps = n_steps
        return row if n_steps == 1 else np.broadcast_to(row, (n_steps, *row.shape[1:]))

    def _check_name(self, name: str) -> None:
        if name not in self.targets:
            raise CircuitError(
                f"inputs: {name!r} is no source or injection of the circuit.{nearest(name, self.targets)}"
            )

    def _checked(self, name: str, part: Target, value: Any) -> Any:
        if isinstance(part, Population) and isinstance(part.model, SpikeSource):
            return self._spikes(name, part.n, value)
        unit = self._unit(part)
        if value is None and isinstance(part, Injection):
            value = part.signal
        elif value is None and unit == "hertz" and not self._is_signal(part):
            return np.asarray(self.circuit.rate(name))
        if value is None or isinstance(value, AnalogueSignal):
            if value is not None and value.unit != unit:
                raise CircuitError(f"inputs: {name!r} must be in {unit}, the signal is in {value.unit}.")
            if value is not None:
                self._check_size(name, part.n, value)
            return value
        array = self._in_si(name, value, unit)
        if array.ndim == 0:
            return float(array)
        if unit == "hertz" and array.shape == (part.n,):
            return array.astype(np.float64)
        return self._dense(name, part.n, array.astype(np.float64, copy=False))

    @staticmethod
    def _is_signal(part: Target) -> bool:
        return isinstance(part, Population) and isinstance(part.model, SignalSource)

    @staticmethod
    def _unit(part: Target) -> str:
        """Return the unit of what is fed into a part that takes no spikes."""
        if isinstance(part, Injection):
            return part.unit
        if isinstance(part, Population) and isinstance(part.model, SignalSource):
            return part.model.unit
        return "hertz"

    @staticmethod
    def _in_si(name: str, value: Any, unit: str) -> np.ndarray:
        return np.asarray(to_si(value, unit, f"inputs: {name!r}") if is_quantity(value) or unit != "1" else value)

    @staticmethod
    def _check_size(name: str, n: int, signal: AnalogueSignal) -> None:
        try:
            signal.check(n)
        except CircuitError as error:
            raise CircuitError(f"inputs: {name!r}: {error}") from None

    def _spikes(self, name: str, n: int, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, SpikeTrains):
            if value.n != n:
                raise CircuitError(f"inputs: {name!r} has {n} neurons, the spike trains have {value.n}.")
            if value.n_trials not in (1, self.trials):
                raise CircuitError(f"inputs: {name!r}: {value.n_trials} trials of spikes for a run of {self.trials}.")
            return (
                value.to_steps(self.circuit.dt),
                np.asarray(value.trials),
                np.asarray(value.neurons),
                value.n_trials,
            )
        return self._dense(name, n, np.asarray(value)) != 0

    def _dense(self, name: str, n: int, array: np.ndarray) -> np.ndarray:
        part = self.targets[name]
        shape = part.shape if isinstance(part, Population) else (n,)
        if len(shape) > 1 and array.shape[-len(shape) :] == shape:
            array = array.reshape(*array.shape[: -len(shape)], n)
        if array.ndim == 2:
            array = array[:, None, :]
        if array.ndim != 3 or array.shape[2] != n or array.shape[1] not in (1, self.trials):
            raise CircuitError(
                f"inputs: {name!r} has shape {array.shape}; expected (time, {n}) or (time, {self.trials}, {n})."
            )
        if array.shape[0] != self.n_steps:
            raise CircuitError(f"inputs: {name!r} has {array.shape[0]} rows, the run has {self.n_steps} steps.")
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise CircuitError(f"inputs: {name!r} holds NaN; every value must be a number.")
        return array

    def rows(self, name: str, first: int, last: int) -> np.ndarray:
        """Return the input of global steps ``first <= k < last``, shape (time, trial, neuron)."""
        value = self._values[name]
        part = self.targets[name]
        shape = (last - first, self.trials, part.n)
        if isinstance(part, Population) and isinstance(part.model, SpikeSource):
            if isinstance(value, tuple):
                return self._spike_rows(value, first, shape)
            dense = False if value is None else value[first - self.start : last - self.start]
            return np.broadcast_to(dense, shape)
        if isinstance(part, Population) and isinstance(part.model, PoissonSource):
            return self._poisson_rows(name, part.n, first, last)
        if isinstance(part, PoissonInput):
            mean = self.rates(name, first, last) * (part.count * self.circuit.dt)
            return poisson_counts(self._uniform(name, part.n, first, last), mean)
        if value is None or isinstance(value, float):
            return np.broadcast_to(np.float64(value or 0.0), shape)
        if isinstance(value, AnalogueSignal):
            return np.broadcast_to(self._signal_rows(name, value, first, last), shape)
        dense = value[first - self.start : last - self.start]
        return dense if dense.shape == shape else np.broadcast_to(dense, shape)

    def _signal_rows(self, name: str, signal: AnalogueSignal, first: int, last: int) -> np.ndarray:
        """Return a signal in a shape that broadcasts to (time, trial, neuron)."""

        def normals(begin: int, end: int, n: int) -> np.ndarray:
            span = (0, self.trials)
            return noise(self.seed, name, trials=span, steps=(begin, end), neurons=n, site=SIGNAL_SITE)

        return signal.rows(first, last, self.circuit.dt, self.targets[name].n, normals)

    def rates(self, name: str, first: int, last: int) -> np.ndarray:
        """Return the rates of a Poisson source or input in hertz, in a shape that broadcasts to (time, trial, neuron).

        Raises
        ------
        CircuitError
            If one is negative.
        """
        value = self._values[name]
        if isinstance(value, AnalogueSignal):
            rates = self._signal_rows(name, value, first, last)
        elif isinstance(value, np.ndarray) and value.ndim == 3:
            rates = value[first - self.start : last - self.start]
        else:
            rates = np.asarray(value)
        if np.any(rates < 0) or not np.all(np.isfinite(rates)):
            raise CircuitError(f"{name!r}: rates must be finite and not negative, got {np.min(rates):g} Hz at least.")
        return rates

    def steady_rates(self, name: str) -> np.ndarray | None:
        """Return the rates of a Poisson source or input where they do not change: one, or (neuron,), in hertz."""
        value = self._values[name]
        if isinstance(value, AnalogueSignal) or np.ndim(value) > 1:
            return None
        return self.rates(name, self.start, self.start + 1)

    def chances(self, name: str, rates: np.ndarray) -> np.ndarray:
        """Return the chances of a spike in a step from the rates of a Poisson source.

        Raises
        ------
        CircuitError
            If one is above 1.
        """
        chance: np.ndarray = rates * self.circuit.dt
        if np.any(chance > 1):
            raise CircuitError(
                f"source {name!r}: rates must not exceed one spike a step ({1 / self.circuit.dt:g} Hz), got "
                f"{np.max(chance) / self.circuit.dt:g} Hz. Use a smaller dt, or more neurons."
            )
        return chance

    def _uniform(self, name: str, n: int, first: int, last: int) -> np.ndarray:
        return noise(self.seed, name, trials=(0, self.trials), steps=(first, last), neurons=n, kind="uniform")

    def _poisson_rows(self, name: str, n: int, first: int, last: int) -> np.ndarray:
        chance = self.chances(name, self.rates(name, first, last))
        return self._uniform(name, n, first, last) < chance

    @staticmethod
    def _spike_rows(value: tuple[Any, ...], first: int, shape: tuple[int, ...]) -> np.ndarray:
        steps, trials, neurons, n_trials = value
        chosen = (steps >= first) & (steps < first + shape[0])
        dense = np.zeros((shape[0], n_trials, shape[2]), dtype=bool)
        dense[steps[chosen] - first, trials[chosen], neurons[chosen]] = True
        return np.broadcast_to(dense, shape)
