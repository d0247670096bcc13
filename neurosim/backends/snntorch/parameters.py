"""The values of a module: trainable ones as scaled ``nn.Parameter``, the rest as buffers.

A parameter holds value / scale, the scale a power of two near the typical initial magnitude, so that an Adam step of
1e-3 makes sense for 6 nS and for 20 ms, and so that scaling back is exact. Scales are saved beside the parameters
(``"in_to_hidden.values.scale_w"``): a state dict means the same values in a module that started from others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Trainable
from neurosim.errors import CircuitError, UnsupportedError
from neurosim.program.step_program import ProjectionProgram


def power_of_two_near(values: np.ndarray) -> float:
    """Return the power of two nearest to the root mean square of the values (1 where they are all 0)."""
    size = float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else 0.0
    return 1.0 if size == 0 or not math.isfinite(size) else float(2.0 ** round(math.log2(size)))


class _Memory:
    """What numpy takes for an array that may be written to: torch warns of those that may not."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def fixed_tensor(array: np.ndarray, dtype: torch.dtype) -> Tensor:
    """Return numbers as a tensor that nothing writes to: where they are, if nothing else does either, else a copy."""
    held = array.ndim == 1 and array.flags.c_contiguous and not array.flags.writeable
    if held and dtype == torch.float64 and array.dtype == np.float64:
        return torch.from_numpy(np.asarray(_Memory(array)))
    return torch.tensor(array, dtype=dtype)


@dataclass(frozen=True)
class Tie:
    """A parameter that several values share, and the SI values that all of them start from."""

    parameter: nn.Parameter
    initial: np.ndarray


@dataclass(frozen=True)
class Entry:
    """One trainable value of a part: its parameter's name, limits in SI, and how it spreads over neurons or edges."""

    name: str
    low: float | None
    high: float | None
    spread: str  # "as is", "pre", "post" or "matrix"


class Values(nn.Module):
    """The values of one population or projection.

    Parameters
    ----------
    values
        SI value by name: a number, or one per neuron or edge.
    trainable
        Which are trainable.
    ties
        Parameters shared by name across the module.
    where
        The part's name, for messages.
    dtype
        Compute dtype.
    edges
        The program of a projection, whose edges share values by neuron.
    matrix
        ``(n_post, n_pre)`` where the edges are all pairs in order; the weight is then kept as that matrix.
    unscaled
        Values whose parameter is the value itself.
    """

    def __init__(
        self,
        owner: nn.Module,
        values: Mapping[str, float | np.ndarray],
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        where: str,
        dtype: torch.dtype,
        edges: ProjectionProgram | None = None,
        matrix: tuple[int, int] | None = None,
        unscaled: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self._unscaled = unscaled
        self.entries: dict[str, Entry] = {}
        self._owner = [owner]  # in a list, so that it is no submodule of its own child
        self._names = list(values)
        self._dtype = dtype
        for name, value in values.items():
            if name in trainable:
                self._add_parameter(
                    name, np.asarray(value, dtype=np.float64), trainable[name], ties, where, edges, matrix
                )
            else:
                array = np.asarray(value, dtype=np.float64)
                if matrix is not None and array.ndim:
                    array = array.reshape(matrix[1], matrix[0]).T
                self.register_buffer(f"fixed_{name}", fixed_tensor(array, dtype), persistent=False)
        if edges is not None and any(entry.spread in ("pre", "post") for entry in self.entries.values()):
            self.register_buffer("pre_index", torch.tensor(edges.pre_index), persistent=False)
            self.register_buffer("post_index", torch.tensor(edges.post_index), persistent=False)

    def _add_parameter(
        self,
        name: str,
        value: np.ndarray,
        mark: Trainable,
        ties: dict[str, Tie],
        where: str,
        edges: ProjectionProgram | None,
        matrix: tuple[int, int] | None,
    ) -> None:
        spread = "as is"
        if mark.per in ("pre", "post"):
            if edges is None:
                raise CircuitError(f"{where}.{name}: per={mark.per!r} is for projections; use 'neuron' or 'all'.")
            spread = mark.per
            ends = edges.pre_index if mark.per == "pre" else edges.post_index
            value = _one_per_end(value, ends, f"{where}.{name}", mark.per)
        elif mark.per == "all":
            if value.size and np.any(value != value.reshape(-1)[0]):
                raise CircuitError(f"{where}.{name}: per='all' needs one initial value; it holds different ones.")
            value = value.reshape(-1)[:1].reshape(())
        elif matrix is not None and value.ndim:
            spread, value = "matrix", value.reshape(matrix[1], matrix[0]).T
        scale = 1.0 if name in self._unscaled else power_of_two_near(value)
        low, high = mark.bounds or (None, None)
        if mark.sign is not None:
            low, high = (max(low or 0.0, 0.0), high) if mark.sign > 0 else (low, min(high or 0.0, 0.0))
        parameter = nn.Parameter(torch.tensor(np.array(value / scale, order="C"), dtype=self._dtype))
        if mark.tie is not None:
            shared = ties.setdefault(mark.tie, Tie(parameter, np.array(value)))
            if shared.initial.shape != value.shape:
                raise CircuitError(
                    f"{where}.{name}: tie={mark.tie!r} joins shapes {shared.initial.shape} and {value.shape}."
                )
            if not np.array_equal(shared.initial, value):
                raise CircuitError(
                    f"{where}.{name}: tie={mark.tie!r} joins values that start out different; give them the same "
                    "initial value (numbers or one array: a distribution is drawn for each part)."
                )
            parameter = shared.parameter
        key = "weight" if name == WEIGHT and edges is not None else name
        if key == "values" or hasattr(self._owner[0], key):
            raise UnsupportedError(
                f"{where}.{name}: a torch module has an attribute of that name, so it cannot be trained; rename it in "
                "the model."
            )
        self._owner[0].register_parameter(key, parameter)
        self.register_buffer(f"scale_{name}", torch.tensor(scale, dtype=self._dtype))
        self.entries[name] = Entry(key, low, high, spread)

    def scale(self, name: str) -> float:
        """Return the scale of a trainable value: SI value / parameter."""
        return float(getattr(self, f"scale_{name}"))

    def current(self) -> dict[str, Tensor]:
        """Return every value in SI, differentiable in the parameters."""
        found = {}
        for name in self._names:
            entry = self.entries.get(name)
            if entry is None:
                found[name] = getattr(self, f"fixed_{name}")
                continue
            value = getattr(self._owner[0], entry.name) * getattr(self, f"scale_{name}")
            if entry.spread == "pre":
                value = value[self.pre_index]
            elif entry.spread == "post":
                value = value[self.post_index]
            found[name] = value
        return found

    def scaled(self, name: str) -> tuple[Tensor, float]:
        """Return a value, one per neuron or edge or a matrix of them, as it is kept, and what makes it SI.

        Together they are what :meth:`current` returns, for those who need not make the product.
        """
        entry = self.entries.get(name)
        if entry is None:
            return getattr(self, f"fixed_{name}"), 1.0
        if entry.spread in ("pre", "post"):
            return self.current()[name], 1.0
        return getattr(self._owner[0], entry.name), self.scale(name)

    @torch.no_grad()
    def project(self) -> None:
        """Put every parameter back into its bounds and sign."""
        for name, entry in self.entries.items():
            if entry.low is not None or entry.high is not None:
                scale = self.scale(name)
                low = None if entry.low is None else entry.low / scale
                high = None if entry.high is None else entry.high / scale
                getattr(self._owner[0], entry.name).clamp_(low, high)

    def trained(self) -> dict[str, np.ndarray]:
        """Return the trainable values in SI as numpy arrays, in the order of neurons or edges."""
        arrays = {}
        for name, entry in self.entries.items():
            value = self.current()[name].detach().cpu().double().numpy()
            arrays[name] = value.T.reshape(-1) if entry.spread == "matrix" else value
        return arrays


def _one_per_end(value: np.ndarray, index: np.ndarray, where: str, per: str) -> np.ndarray:
    count = int(index.max()) + 1 if len(index) else 0
    if value.ndim == 0:
        return np.full(count, float(value))
    ends = np.zeros(count)
    ends[index] = value
    if np.any(ends[index] != value):
        raise CircuitError(f"{where}: per={per!r} needs equal initial values on all edges of one neuron.")
    return ends
