"""Everything that a run needs to go on: the same value for every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.times import positive_step
from neurosim.recording.values import Deferred, Named, read_only, to_numpy

NEVER = -1e4  # s: the time of the last spike of a neuron that has not fired, as in Brian2
Array = Any  # numpy's, or another library's with the same shape and indexing (a torch tensor)
Make = Callable[[], Array]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class State:
    """The state of a circuit between two steps.

    Arrays may be numpy's or torch tensors, and are not copied: give a state arrays that nothing else writes to.

    Parameters
    ----------
    step : int
        The next global step: a run that begins here computes step `step` first.
    dt : float
        The step in seconds.
    trials : int
        Number of trials.
    variables : mapping of str to mapping of str to array, shape (trial, neuron) or (trial, edge)
        Variables of every population (per neuron) and projection (per edge), in SI units.
    spikes : mapping of str to array of bool, shape (depth, trial, neuron)
        The latest spikes of each population or source that emits any: row 0 is the last step done (``step - 1``), row 1
        the one before. Depth is the largest outgoing delay in steps, and may be 0.
    last_spike : mapping of str to array, shape (trial, neuron)
        Time of the last spike in seconds, -1e4 where there was none.
    not_refractory : mapping of str to array of bool, shape (trial, neuron)
        False while a neuron is refractory.
    circuit_digest : str
        Digest of the circuit that this is a state of.
    seed : int
        Seed of the run's noise.

    Raises
    ------
    RecordError
        If an array has another shape.
    """

    step: int
    dt: float
    trials: int = 1
    variables: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    spikes: Mapping[str, Array] = field(default_factory=dict)
    last_spike: Mapping[str, Array] = field(default_factory=dict)
    not_refractory: Mapping[str, Array] = field(default_factory=dict)
    circuit_digest: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Freeze the mappings and arrays, and check the shapes."""
        positive_step(self.dt)
        if self.step < 0 or self.trials < 1:
            raise RecordError(f"A state needs step >= 0 and trials >= 1; got {self.step} and {self.trials}.")
        for name in ("step", "trials", "seed"):
            object.__setattr__(self, name, int(getattr(self, name)))  # a numpy scalar would not be JSON
        object.__setattr__(self, "dt", float(self.dt))
        variables = {
            name: Named(
                {variable: read_only(array) for variable, array in group.items()},
                "variable",
                f"in the state of {name!r}",
            )
            for name, group in self.variables.items()
        }
        object.__setattr__(self, "variables", Named(variables, "object", "in this state"))
        for kind in ("spikes", "last_spike", "not_refractory"):
            arrays = {name: read_only(array) for name, array in getattr(self, kind).items()}
            object.__setattr__(self, kind, Named(arrays, "population", f"in this state's {kind}"))
        for address, array in self.arrays():
            deep = address.endswith(".spikes")
            shape = tuple(array.shape)
            if len(shape) != (3 if deep else 2) or shape[-2] != self.trials:
                expected = f"(depth, {self.trials}, neuron)" if deep else f"({self.trials}, neuron)"
                raise RecordError(f"State: {address} must have the shape {expected}, got {shape}.")

    @classmethod
    def deferred(
        cls,
        source: object,
        *,
        step: int,
        dt: float,
        trials: int,
        variables: Mapping[str, Callable[[], Mapping[str, Make]]],
        spikes: Mapping[str, Make],
        last_spike: Mapping[str, Make],
        not_refractory: Mapping[str, Make],
        circuit_digest: str,
        seed: int,
    ) -> State:
        """Return a state whose arrays are made when they are first asked for.

        Parameters
        ----------
        source
            What they are made from, which never changes (see `source`).
        variables, spikes, last_spike, not_refractory
            What makes each array: numpy's, read-only, of the shape and type that a state's has. For `variables`, what
            returns the makers of an object.
        step, dt, trials, circuit_digest, seed
            As in the constructor.
        """
        state = object.__new__(cls)  # no array is there to be checked
        groups = {name: partial(_later, name, makers) for name, makers in variables.items()}
        vars(state).update(
            step=int(step), dt=float(dt), trials=int(trials), circuit_digest=circuit_digest, seed=int(seed),
            variables=Deferred(groups, "object", "in this state"), _source=source,
            spikes=Deferred(spikes, "population", "in this state's spikes"),
            last_spike=Deferred(last_spike, "population", "in this state's last_spike"),
            not_refractory=Deferred(not_refractory, "population", "in this state's not_refractory"),
        )  # fmt: skip
        return state

    @property
    def source(self) -> Any:
        """What the arrays of a state are made from, whose maker can go on from there; None where it holds them."""
        return vars(self).get("_source")

    def __getstate__(self) -> dict[str, Any]:
        """Copy, or send to another process, the arrays and not what they are made from."""
        return {name: value for name, value in vars(self).items() if name != "_source"}

    def reseeded(self, seed: int) -> State:
        """Return this state, arrays shared, as one of a run with another seed."""
        other = object.__new__(State)
        vars(other).update({**vars(self), "seed": int(seed)})
        return other

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Iterate over every array with its address: ``"exc.v"``, ``"exc.spikes"``, ``"exc.last_spike"``, ..."""
        for name, group in self.variables.items():
            for variable, array in group.items():
                yield f"{name}.{variable}", array
        for kind in ("spikes", "last_spike", "not_refractory"):
            for name, array in getattr(self, kind).items():
                yield f"{name}.{kind}", array

    def map(self, function: Callable[[Array], Array], trials: int | None = None) -> State:
        """Return this state with `function` applied to every array (to move it to a device, for instance).

        Parameters
        ----------
        function
            Takes and returns an array.
        trials
            How many trials its results have, where it changes that.
        """

        def each(arrays: Mapping[str, Array]) -> dict[str, Array]:
            return {name: function(array) for name, array in arrays.items()}

        return replace(
            self,
            trials=self.trials if trials is None else trials,
            variables={name: each(group) for name, group in self.variables.items()},
            spikes=each(self.spikes),
            last_spike=each(self.last_spike),
            not_refractory=each(self.not_refractory),
        )

    def trial(self, index: int) -> State:
        """Return the state of one trial, as a single trial."""
        if not 0 <= index < self.trials:
            raise RecordError(f"No trial {index}: there are {self.trials}, numbered from 0.")
        return self.map(lambda array: array[..., index : index + 1, :], trials=1)

    def max_differences(self, other: State) -> dict[str, tuple[float, float]]:
        """Compare array by array.

        Parameters
        ----------
        other
            A state with the same arrays.

        Returns
        -------
        dict of str to (float, float)
            For each address the largest absolute difference, and that difference relative to the largest magnitude
            of the array in either state. The second figure of a ``last_spike`` is in steps. NaN equals NaN; a value
            that is NaN or infinite on one side only differs by infinity.

        Raises
        ------
        RecordError
            If the states do not hold the same arrays, or arrays differ in shape.
        """
        left, right = dict(self.arrays()), dict(other.arrays())
        if left.keys() != right.keys():
            odd = ", ".join(sorted(left.keys() ^ right.keys()))
            raise RecordError(f"The two states do not hold the same arrays; only one of them has: {odd}.")
        differences = {}
        for address, array in left.items():
            if tuple(array.shape) != tuple(right[address].shape):
                raise RecordError(
                    f"{address} has shape {tuple(array.shape)} in one state and {tuple(right[address].shape)} in the "
                    "other."
                )
            scale = self.dt if address.endswith(".last_spike") else None
            differences[address] = largest_difference(array, right[address], scale)
        return differences

    def equal(self, other: State, tolerance: float = 0.0) -> bool:
        """Tell whether two states are equal within a tolerance relative to each array's largest magnitude.

        Clock, seed and circuit must be equal in any case.
        """
        if any(
            getattr(self, name) != getattr(other, name) for name in ("step", "dt", "trials", "circuit_digest", "seed")
        ):
            return False
        try:
            differences = self.max_differences(other)
        except RecordError:
            return False
        return all(relative <= tolerance for _, relative in differences.values())

    def __eq__(self, other: object) -> bool:
        """Compare by value, without tolerance."""
        return self.equal(other) if isinstance(other, State) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return what the state holds, not its arrays."""
        held = ", ".join(f"{address} {tuple(array.shape)}" for address, array in list(self.arrays())[:8])
        rest = ", ..." if len(list(self.arrays())) > 8 else ""
        return f"State(step {self.step} at dt {self.dt:g} s, {self.trials} trials: {held}{rest})"

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write to a zarr store: a folder (``.zarr``) or one file (``.zarr.zip``). See `Recording.save`."""
        from neurosim.recording.files import save_state

        save_state(self, path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> State:
        """Read what `save` wrote; arrays are numpy's.

        Raises
        ------
        FileFormatError
            If the store is missing, truncated, edited, or of another kind or version.
        """
        from neurosim.recording.files import load_state

        return load_state(path)


def _later(name: str, makers: Callable[[], Mapping[str, Make]]) -> Named[Array]:
    return Deferred(makers(), "variable", f"in the state of {name!r}")


def largest_difference(left: Array, right: Array, scale: float | None = None) -> tuple[float, float]:
    """Return the largest absolute difference of two arrays of one shape, and the same divided by a scale.

    Parameters
    ----------
    left, right : array
        Numbers or booleans.
    scale : float, optional
        By default the largest finite magnitude in either array.
    """
    first, second = np.asarray(to_numpy(left), np.float64), np.asarray(to_numpy(right), np.float64)
    differs = ~((first == second) | (np.isnan(first) & np.isnan(second)))
    if not differs.any():
        return 0.0, 0.0
    first, second = first[differs], second[differs]
    with np.errstate(invalid="ignore"):
        absolute = np.abs(first - second)
    absolute = float(np.where(np.isnan(absolute), np.inf, absolute).max())
    if scale is None:
        scale = _magnitude(left, right)
    return absolute, absolute / scale if scale > 0 else float("inf")


def _magnitude(*arrays: Array) -> float:
    largest = 0.0
    for array in arrays:
        values = np.abs(np.asarray(to_numpy(array), np.float64))
        largest = max(largest, float(values[np.isfinite(values)].max(initial=0.0)))
    return largest
