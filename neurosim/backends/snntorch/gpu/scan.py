"""All steps of a population that hears nothing of itself, in kernels of Triton, differentiable.

What :mod:`neurosim.backends.snntorch.loops.scan` does in compiled loops on a CPU; that and the steps of
:class:`~neurosim.backends.snntorch.stepper.Stepper` are what the kernels are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.gpu.modules import kernels, on
from neurosim.backends.snntorch.gpu.source import KernelSource
from neurosim.backends.snntorch.scanned import Scanned, slope_of
from neurosim.program.frozen import Frozen

Tensors = Mapping[str, Tensor]
#: Neurons of a program, one a thread.
BLOCK = 64


@dataclass(frozen=True)
class TritonScan(Frozen):
    """The kernels of one population and what they are run with.

    Parameters
    ----------
    source
        The kernels.
    kernels
        The same, compiled.
    spike_gradient
        The surrogate, where its derivative is not in the kernels.
    spiking, refractory
        Whether the population fires, and whether it rests afterwards.
    traced
        Variables whose traces are wanted.
    """

    source: KernelSource
    kernels: Mapping[str, Any]
    spike_gradient: Callable[[Tensor], Tensor] | None
    spiking: bool
    refractory: bool
    traced: tuple[str, ...]


def make_triton_scan(
    source: KernelSource, spike_gradient: Any, *, spiking: bool, refractory: bool, traced: Sequence[str]
) -> TritonScan:
    """Return a scan, its kernels compiled when they are first run."""
    return TritonScan(source, kernels(source.text), spike_gradient, spiking, refractory, tuple(traced))


def run_triton_scan(
    scan: TritonScan,
    start: Tensors,
    fixed: Tensors,
    driven: Tensors,
    last: Tensor | None,
    step: int,
    dt: float,
    steps: int,
) -> Scanned:
    """Run all steps.

    Parameters
    ----------
    scan
        The kernels.
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
    like = start[source.state[0]]
    values = [torch.as_tensor(fixed[key]).to(like).expand(like.shape[1]) for key in source.fixed]
    tensors = (*(start[key] for key in source.state), *values, *(driven[key] for key in source.driven))
    outputs = _Kernels.apply(scan, last, step, dt, steps, *tensors)  # type: ignore[no-untyped-call]
    spikes, last_after, active, *rest = outputs
    count = len(source.state)
    return Scanned(
        spikes=spikes if scan.spiking else None,
        final=dict(zip(source.state, rest[:count], strict=True)),
        traces=dict(zip(scan.traced, rest[count:], strict=True)),
        last=last_after if scan.refractory else None,
        active=active if scan.refractory else None,
    )


class _Kernels(torch.autograd.Function):
    """The kernels, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, scan: TritonScan, last: Tensor | None, step: int, dt: float, steps: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Run forward; keep the states of every step and what drove them."""
        source, like = scan.source, tensors[0]
        batch, n = like.shape
        count = len(source.state)
        states = [like.new_empty((steps + 1, batch, n)) for _ in source.state]
        for kept, initial in zip(states, tensors, strict=False):
            kept[0] = initial
        # Under autocast a product may come in half precision.
        others = [tensor.to(like.dtype).contiguous() for tensor in tensors[count:]]
        whole, none = (steps, batch, n), (0, batch, n)
        spikes = like.new_empty(whole if scan.spiking else none)
        distance = like.new_empty(whole if scan.spike_gradient is not None else none)
        active = torch.empty(whole if scan.refractory else none, dtype=torch.int8, device=like.device)
        since = torch.zeros(none[1:], dtype=torch.int64, device=like.device) if last is None else copied(last)
        arrays = (*states, *others, spikes, distance, active)
        _launch(scan, "forward", (steps, batch, n), step, dt, 0, *arrays, since)
        ctx.scan, ctx.step, ctx.dt, ctx.sizes = scan, step, dt, (steps, batch, n)
        ctx.save_for_backward(*arrays)
        # What was still resting in the last step, apart from those that fired in it.
        rested = (active[-1] != 0) & (spikes[-1] == 0) if scan.refractory else active != 0
        results = [spikes, since, rested, *(kept[-1].clone() for kept in states)]
        results += [states[source.state.index(key)][1:] for key in scan.traced]
        ctx.mark_non_differentiable(since, rested)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run backward from the last step to the first."""
        scan, (steps, batch, n) = ctx.scan, ctx.sizes
        source, arrays = scan.source, ctx.saved_tensors
        like, count = arrays[0], len(source.state)
        whole, none = (steps, batch, n), (0, batch, n)

        def given(gradient: Tensor | None, shape: tuple[int, ...]) -> Tensor:
            return like.new_zeros(shape) if gradient is None else gradient.contiguous()

        of_spikes = given(gradients[0], whole if scan.spiking else none)
        slope = like.new_empty(none)
        if scan.spike_gradient is not None:
            slope = slope_of(scan.spike_gradient, arrays[-2])
        carried = [copied(given(gradient, (batch, n))) for gradient in gradients[3 : 3 + count]]
        traces = [given(gradient, whole) for gradient in gradients[3 + count :]]
        of_fixed = [like.new_zeros((batch, n)) for _ in source.fixed]
        of_driven = [like.new_zeros(whole) for _ in source.driven]
        _launch(
            scan, "backward", whole, ctx.step, ctx.dt, (steps - 1) * batch * n, *arrays, of_spikes, slope, *carried,
            *traces, *of_fixed, *of_driven,
        )  # fmt: skip
        return (None, None, None, None, None, *carried, *(array.sum(0) for array in of_fixed), *of_driven)


def copied(tensor: Tensor) -> Tensor:
    """Return a copy whose elements lie side by side."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def _launch(
    scan: TritonScan, name: str, sizes: tuple[int, int, int], step: int, dt: float, start: int, *arrays: Tensor
) -> None:
    """Run a kernel over the neurons of all trials."""
    steps, batch, n = sizes
    width = batch * n
    if not width:
        return
    with on(arrays[0].device):
        scan.kernels[name][(-(-width // BLOCK),)](
            step, steps, start, n, width, *arrays, DT=dt, BLOCK=BLOCK, num_warps=max(1, BLOCK // 32),
            enable_fp_fusion=False,
        )  # fmt: skip
