r"""Long sequences in chunks: truncated back-propagation through time, and activation checkpointing.

A module's state is explicit, so a sequence may be cut anywhere: running the chunks one after another, each from the
state that the last one left, is running the whole. What differs is what is kept for the way back.

- Checkpointed, each chunk keeps only its input and its state, and is computed again on the way back: the gradients are
  those of the plain call, for twice the forward work, in the memory of one chunk and a state for each.
- Truncated, the gradient stops at the border between chunks: each chunk is done with when its gradient is computed.

References
----------
Chen, Xu, Zhang and Guestrin, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174 (2016); Williams and
Peng, An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories, Neural Computation 2
(1990).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.arguments import checked_input, extent
from neurosim.errors import TrainingError
from neurosim.recording import State
from neurosim.training.recomputation import recomputed

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule, Outputs


def chunks(
    module: CircuitModule,
    inputs: Mapping[str, Any] | None = None,
    state: State | None = None,
    *,
    steps_per_chunk: int,
    steps: int | None = None,
    record: Any = None,
    seed: int = 0,
    checkpoint: bool = False,
    truncate: bool = True,
) -> Iterator[tuple[Outputs, State]]:
    r"""Run a sequence chunk by chunk, and yield each as soon as it is computed.

    Parameters
    ----------
    module
        A compiled circuit.
    inputs, state, steps, record, seed
        As the module takes them, for the whole sequence.
    steps_per_chunk
        Number of steps of a chunk; the last one may be shorter.
    checkpoint
        Keep only the state between chunks, and compute each chunk again on the way back.
    truncate
        Stop the gradient between chunks.

    Yields
    ------
    outputs
        Of the chunk, ``outputs[population][variable]``, (time, batch, \*shape).
    state
        After its last step; with gradients, also where the next chunk starts without.

    Raises
    ------
    TrainingError
        If `steps_per_chunk` is below 1, or the module looks over all steps of a call while it trains (batch
        normalisation, learned delays with a width), so that the result would depend on where the sequence is cut.

    Examples
    --------
    A step of truncated back-propagation through time, which never holds more than one chunk::

        for outputs, state in chunks(module, inputs, steps_per_chunk=50, record=loss.records):
            loss(outputs, targets).backward()
        optimiser.step()
    """
    if steps_per_chunk < 1:
        raise TrainingError(f"steps_per_chunk must be 1 or more, got {steps_per_chunk}.")
    given = {
        name: checked_input(module.circuit, name, value, module.device, module.torch_dtype)
        for name, value in (inputs or {}).items()
    }
    n_steps, _ = extent(given, steps, state)
    cut = steps_per_chunk < n_steps
    if checkpoint or cut:
        _refuse_what_a_cut_changes(module, cut=cut)
    return _pieces(module, dict(inputs or {}), state, n_steps, steps_per_chunk, record, seed, checkpoint, truncate)


def chunked(
    module: CircuitModule,
    inputs: Mapping[str, Any] | None = None,
    state: State | None = None,
    *,
    steps_per_chunk: int,
    steps: int | None = None,
    record: Any = None,
    seed: int = 0,
    checkpoint: bool = True,
    truncate: bool = False,
) -> tuple[Outputs, State]:
    r"""Run a sequence in chunks, and return what the module would.

    Parameters
    ----------
    module
        A compiled circuit.
    inputs, state, steps, record, seed
        As the module takes them.
    steps_per_chunk
        Number of steps of a chunk. About the square root of the number of steps needs the least memory.
    checkpoint
        Keep only the state between chunks, and compute each chunk again on the way back; the gradients are those of
        ``module(inputs, ...)``.
    truncate
        Stop the gradient between chunks.

    Returns
    -------
    outputs
        ``outputs[population][variable]``, (time, batch, \*shape), of the whole sequence.
    state
        After the last step.

    Raises
    ------
    TrainingError
        See :func:`chunks`.
    """
    pieces = list(
        chunks(
            module, inputs, state, steps_per_chunk=steps_per_chunk, steps=steps, record=record, seed=seed,
            checkpoint=checkpoint, truncate=truncate,
        )
    )  # fmt: skip
    if not pieces:
        raise TrainingError("a sequence of no steps leaves no state; give one step at least.")
    first, last = pieces[0][0], pieces[-1][1]
    return {
        name: {key: torch.cat([outputs[name][key] for outputs, _ in pieces]) for key in variables}
        for name, variables in first.items()
    }, last


def _pieces(
    module: CircuitModule,
    inputs: dict[str, Any],
    state: State | None,
    n_steps: int,
    length: int,
    record: Any,
    seed: int,
    checkpoint: bool,
    truncate: bool,
) -> Iterator[tuple[Outputs, State]]:
    for first in range(0, n_steps, length):
        last = min(first + length, n_steps)
        rows = {name: value[first:last] for name, value in inputs.items()}
        call = recomputed if checkpoint and torch.is_grad_enabled() else _called
        outputs, after = call(module, rows, state, steps=last - first, record=record, seed=seed)
        yield outputs, after
        state = without_gradient(after) if truncate else after


def _called(
    module: CircuitModule, inputs: dict[str, Any], state: State | None, *, steps: int, record: Any, seed: int
) -> tuple[Outputs, State]:
    outputs, after = module(inputs, state, steps=steps, record=record, seed=seed)
    return outputs, after


def without_gradient(state: State) -> State:
    """Return a state that the gradient stops at."""
    return state.map(lambda array: array.detach() if isinstance(array, Tensor) else array)


def _refuse_what_a_cut_changes(module: CircuitModule, *, cut: bool) -> None:
    """Refuse what looks over all steps of a call; what only counts its calls must not be computed again."""
    norms = [
        name
        for name, part in module.named_modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and (part.training or not part.track_running_stats)
    ]
    if norms:
        raise TrainingError(
            f"chunks: {', '.join(norms)} take their mean over the steps of a call, so the result depends on where the "
            "sequence is cut, and computing a chunk again would count it twice. Run whole sequences, or put the "
            "normalisation into eval() first."
        )
    wide = [
        name
        for name, width in module.named_buffers()
        if name.endswith(".delay_width") and bool(width > 0) and module.part(name.partition(".")[0]).training
    ]
    if cut and wide:
        raise TrainingError(
            f"chunks: {', '.join(wide)} is above 0, and a wide kernel looks into the steps behind the cut. Run whole "
            "sequences, or set_delay_width(0)."
        )
