"""All steps of a population that hears nothing of itself, in one compiled loop, differentiable.

The loops do what :class:`~neurosim.backends.snntorch.stepper.Stepper` does, operation by operation; it is their
reference, and takes over wherever they do not reach. Each thread owns whole trials, and derivatives of parameters are
summed trial by trial in one order, so that no result depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.compiled_modules import compiled
from neurosim.backends.snntorch.scan_source import ScanSource
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Scan(Frozen):
    """The loops of one population and what they are run with.

    Parameters
    ----------
    source
        The loops.
    loops
        The same, compiled.
    spike_gradient
        The surrogate, where its derivative is not in the loops.
    spiking, refractory
        Whether the population fires, and whether it rests afterwards.
    traced
        Variables whose traces are wanted.
    workspace
        Lends the arrays.
    """

    source: ScanSource
    loops: Mapping[str, Callable[..., Any]]
    spike_gradient: Callable[[Tensor], Tensor] | None
    spiking: bool
    refractory: bool
    traced: tuple[str, ...]
    workspace: Workspace


@dataclass(frozen=True)
class Scanned:
    """What a population did: (time, batch, neuron), and the state that it ends in, (batch, neuron)."""

    spikes: Tensor | None
    traces: dict[str, Tensor]
    final: dict[str, Tensor]
    last: Tensor | None
    active: Tensor | None


def typed(text: str, dtype: torch.dtype) -> str:
    """Return the text of loops for a precision."""
    return text.replace("np.REAL", "np.float32" if dtype == torch.float32 else "np.float64")


def make_scan(
    source: ScanSource,
    dtype: torch.dtype,
    spike_gradient: Any,
    *,
    spiking: bool,
    refractory: bool,
    traced: Sequence[str],
    workspace: Workspace,
) -> Scan:
    """Return a scan, its loops compiled when they are first run."""
    loops = compiled(typed(source.text, dtype))
    return Scan(source, loops, spike_gradient, spiking, refractory, tuple(traced), workspace)


def run_scan(
    scan: Scan, start: Tensors, fixed: Tensors, driven: Tensors, last: Tensor | None, step: int, dt: float, steps: int
) -> Scanned:
    """Run all steps.

    Parameters
    ----------
    scan
        The loops.
    start
        The variables at the start, (batch, neuron).
    fixed
        Values of the run, numbers or (neuron,).
    driven
        Inputs of every step, (time, batch, neuron).
    last
        The step in which each neuron fired last, (batch, neuron); ``None`` where it does not matter.
    step, dt
        The first step and how long one takes, in seconds.
    steps
        How many.
    """
    source = scan.source
    batch, n = next(iter(start.values())).shape
    like = next(iter(start.values()))
    values = [_per_neuron(fixed[key], n, like) for key in source.fixed]
    tensors = (*(start[key] for key in source.state), *values, *(driven[key] for key in source.driven))
    outputs = _Loops.apply(scan, last, step, dt, (steps, batch, n), *tensors)  # type: ignore[no-untyped-call]
    spikes, last_after, active, *rest = outputs
    count = len(source.state)
    return Scanned(
        spikes=spikes if scan.spiking else None,
        final=dict(zip(source.state, rest[:count], strict=True)),
        traces=dict(zip(scan.traced, rest[count:], strict=True)),
        last=last_after if scan.refractory else None,
        active=active if scan.refractory else None,
    )


def _per_neuron(value: Any, n: int, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=like.dtype).expand(n)


class _Loops(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, scan: Scan, last: Tensor | None, step: int, dt: float, sizes: tuple[int, int, int], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Run forward; keep the states of every step and what drove them."""
        steps, batch, n = sizes
        source = scan.source
        dtype = tensors[0].detach().numpy().dtype
        count = len(source.state)
        lent = scan.workspace
        states = [lent.empty((steps + 1, batch, n), dtype) for _ in source.state]
        for kept, initial in zip(states, tensors, strict=False):
            kept[0] = initial.detach().numpy()
        others = [np.ascontiguousarray(tensor.detach().numpy()) for tensor in tensors[count:]]
        whole, none = (steps, batch, n), (0, 0, 0)
        spikes = lent.empty(whole if scan.spiking else none, dtype)
        distance = lent.empty(whole if scan.spike_gradient is not None else none, dtype)
        active = lent.empty(whole if scan.refractory else none, np.bool_)
        since = np.zeros((0, 0), np.int64) if last is None else last.detach().numpy().copy()
        arrays = (*states, *others, spikes, distance, since, active)
        in_parts(scan.loops["forward"], batch, torch.get_num_threads(), step, dt, steps, n, *arrays)
        ctx.scan, ctx.step, ctx.dt, ctx.sizes = scan, step, dt, sizes
        ctx.arrays = arrays
        results = [torch.from_numpy(spikes), torch.from_numpy(since)]
        # What was still resting in the last step, apart from those that fired in it.
        results.append(torch.from_numpy(active[-1] & (spikes[-1] == 0) if scan.refractory else active))
        results += [torch.from_numpy(kept[-1].copy()) for kept in states]
        results += [torch.from_numpy(states[source.state.index(key)][1:]) for key in scan.traced]
        ctx.mark_non_differentiable(results[1], results[2])
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run backward from the last step to the first."""
        scan, (steps, batch, n) = ctx.scan, ctx.sizes
        source = scan.source
        dtype = ctx.arrays[0].dtype
        count = len(source.state)
        upstream = [None if gradient is None else np.ascontiguousarray(gradient.numpy()) for gradient in gradients]
        whole = (steps, batch, n)
        of_spikes, slope = np.zeros((0, 0, 0), dtype), np.zeros((0, 0, 0), dtype)
        if scan.spiking:
            of_spikes = scan.workspace.zeros(whole, dtype) if upstream[0] is None else upstream[0]
        if scan.spike_gradient is not None:
            slope = _slope(scan.spike_gradient, ctx.arrays[-3])
        carried = [np.zeros((batch, n), dtype) if g is None else g.copy() for g in upstream[3 : 3 + count]]
        traces = [scan.workspace.zeros(whole, dtype) if g is None else g for g in upstream[3 + count :]]
        of_fixed = [np.zeros((batch, n), dtype) for _ in source.fixed]
        of_driven = [scan.workspace.empty(whole, dtype) for _ in source.driven]
        in_parts(
            scan.loops["backward"], batch, torch.get_num_threads(), ctx.step, ctx.dt, steps, n, *ctx.arrays,
            of_spikes, slope, *carried, *traces, *of_fixed, *of_driven,
        )  # fmt: skip
        found = [*carried, *(array.sum(0) for array in of_fixed), *of_driven]
        return (None, None, None, None, None, *(torch.from_numpy(array) for array in found))


def _slope(spike_gradient: Any, distance: np.ndarray) -> np.ndarray:
    """Return the derivative of the surrogate at every step, whatever function it is."""
    with torch.enable_grad():
        argument = torch.from_numpy(distance).requires_grad_()
        (slope,) = torch.autograd.grad(spike_gradient(argument).sum(), argument)
    return np.ascontiguousarray(slope.to(argument.dtype).numpy())
