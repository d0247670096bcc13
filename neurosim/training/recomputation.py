"""A call of a module that keeps only what goes in, and is computed again on the way back.

``torch.utils.checkpoint`` without re-entry keeps a node for every operation of the call, which for a network that is
stepped a thousand times weighs about as much as what is saved. Here a call is one node: its parents are the module's
parameters, the inputs and the state before it (`benchmarks/training_memory.py` measures what that leaves).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule, Outputs


def recomputed(
    module: CircuitModule, inputs: dict[str, Any], state: State | None, *, steps: int, record: Any, seed: int
) -> tuple[Outputs, State]:
    """Return what ``module(inputs, state, ...)`` does, with the same gradients.

    Parameters
    ----------
    module, inputs, state, steps, record, seed
        The call.

    Notes
    -----
    The second time torch's own random numbers (a dropout's, say) and the precision of autocast are those of the first.
    There are no second derivatives.
    """
    call = _Call(module, inputs, state, steps, record, seed, _Surroundings.now(module.device))
    shape: list[Any] = []
    found: tuple[Tensor, ...] = _Recomputed.apply(call, shape, *call.given())  # type: ignore[no-untyped-call]
    names, after = shape
    outputs: Outputs = {}
    for (name, variable), value in zip(names, found, strict=False):
        outputs.setdefault(name, {})[variable] = value
    return outputs, _filled(after, iter(found[len(names) :]))


@dataclass(frozen=True)
class _Call:
    """A call of a module, taken apart into the tensors that a gradient may go to and the rest."""

    module: CircuitModule
    inputs: dict[str, Any]
    state: State | None
    steps: int
    record: Any
    seed: int
    surroundings: _Surroundings

    def given(self) -> list[Tensor]:
        """Return the module's parameters, then the tensors among inputs and state."""
        state = () if self.state is None else (array for _, array in self.state.arrays())
        return [*self.module.parameters(), *(value for value in (*self.inputs.values(), *state) if _is_tensor(value))]

    def leaves(self, given: Sequence[Tensor]) -> list[Tensor]:
        """Return the parameters as they are, and the rest cut off from how it came about."""
        count = len(list(self.module.parameters()))
        return [*given[:count], *(value.detach().requires_grad_(value.requires_grad) for value in given[count:])]

    def compute(self, leaves: Sequence[Tensor]) -> tuple[Outputs, State]:
        """Compute it from such leaves."""
        rest = iter(leaves[len(list(self.module.parameters())) :])
        rows = {key: next(rest) if _is_tensor(value) else value for key, value in self.inputs.items()}
        state = None if self.state is None else _filled(self.state, rest)
        # With gradients also where they are thrown away: what is computed first is then what is computed again.
        with torch.enable_grad():
            outputs, after = self.module(rows, state, steps=self.steps, record=self.record, seed=self.seed)
        return outputs, after


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, shape: list[Any], *given: Tensor) -> tuple[Tensor, ...]:
        ctx.call = call
        ctx.save_for_backward(*given)
        ctx.set_materialize_grads(False)
        outputs, after = call.compute(call.leaves(given))
        found = _flat(outputs, after)
        results = tuple(value.detach() for value in found)
        ctx.mark_non_differentiable(*(r for r, value in zip(results, found, strict=True) if not value.requires_grad))
        shape += [[(name, variable) for name in outputs for variable in outputs[name]], after.map(Tensor.detach)]
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        leaves = ctx.call.leaves(ctx.saved_tensors)
        with ctx.call.surroundings.restored():
            found = _flat(*ctx.call.compute(leaves))
        ends = [(value, slope) for value, slope in zip(found, slopes, strict=True) if slope is not None]
        sought = [leaf for leaf in leaves if leaf.requires_grad]
        values, weights = zip(*ends, strict=True)
        back = iter(torch.autograd.grad(values, sought, weights, allow_unused=True))
        return None, None, *(next(back) if leaf.requires_grad else None for leaf in leaves)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _flat(outputs: Outputs, state: State) -> list[Tensor]:
    found = [value for variables in outputs.values() for value in variables.values()]
    return [*found, *(array for _, array in state.arrays())]


def _filled(state: State, tensors: Iterator[Tensor]) -> State:
    """Return a state with its tensors replaced, in the order of :meth:`State.arrays`."""
    return state.map(lambda array: next(tensors) if _is_tensor(array) else array)


@dataclass(frozen=True)
class _Surroundings:
    """What a computation depends on beside its arguments: torch's generators, and autocast."""

    device: torch.device
    generators: tuple[Tensor, ...]
    autocast: dict[str, Any]

    @classmethod
    def now(cls, device: torch.device) -> _Surroundings:
        """Return them as they are."""
        cuda = (torch.cuda.get_rng_state(device),) if device.type == "cuda" else ()
        autocast = {
            "device_type": device.type,
            "enabled": torch.is_autocast_enabled(device.type),
            "dtype": torch.get_autocast_dtype(device.type),
            "cache_enabled": torch.is_autocast_cache_enabled(),
        }
        return cls(device, (torch.get_rng_state(), *cuda), autocast)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore them for a while."""
        with (
            torch.random.fork_rng([self.device] if self.device.type == "cuda" else []),
            torch.autocast(**self.autocast),
        ):
            torch.set_rng_state(self.generators[0])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(self.generators[1], self.device)
            yield
