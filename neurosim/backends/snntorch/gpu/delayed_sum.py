"""Delayed sums on a GPU, in kernels of Triton, differentiable in everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.gpu.modules import on

if TYPE_CHECKING:
    from neurosim.backends.snntorch.delayed_sum import EdgePlan

#: Numbers of a row that a program computes, two a thread.
BLOCK = 256
WARPS = 4


def delayed_sum_of_triton(train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan) -> Tensor:
    """Compute :func:`neurosim.backends.snntorch.delayed_sum.delayed_sum` in kernels of Triton."""
    result: Tensor = _DelayedSum.apply(train, weight, delay, plan)  # type: ignore[no-untyped-call]
    return result


def edge_gradients(spikes: Tensor, g: Tensor, pre: Tensor, post: Tensor, delay: Tensor, past: int) -> Tensor:
    """Return the gradient of what each edge adds for a spike, (edge,).

    Parameters
    ----------
    spikes
        Oldest first, (past + time, batch, n_pre).
    g
        Gradients of what arrives in every step, (time, batch, n_post).
    pre, post, delay
        Of each edge, int64, (edge,); no delay is longer than `past` steps.
    past
        From how many steps before the first the spikes are known.
    """
    from neurosim.backends.snntorch.gpu import delay_kernels as kernels

    steps, batch, _ = g.shape
    amounts, late = (g.new_zeros(len(pre)) for _ in range(2))
    if not len(pre) or not steps * batch:
        return amounts
    # One step more in front: the far tap of the longest delay looks there, though it counts for nothing.
    rows = spikes.new_zeros((spikes.shape[2], len(spikes) + 1, batch))
    rows[:, 1:] = spikes.permute(2, 0, 1)
    sizes = (steps * batch, rows.shape[1] * batch, (past + 1) * batch, batch)
    felt, whole = g.permute(2, 0, 1).contiguous(), delay.contiguous()
    with on(g.device):
        kernels.edge_gradients[(len(pre),)](
            amounts, late, felt, pre, post, whole, torch.zeros_like(amounts), torch.zeros_like(amounts), rows, *sizes,
            BLOCK=BLOCK, num_warps=WARPS, enable_fp_fusion=False,
        )  # fmt: skip
    return amounts


class _DelayedSum(torch.autograd.Function):
    """The kernels, forward and backward."""

    @staticmethod
    def forward(ctx: Any, train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan) -> Tensor:
        """Run the kernel; keep what the way back reads."""
        from neurosim.backends.snntorch.delayed_sum import taps
        from neurosim.backends.snntorch.gpu import delay_kernels as kernels

        batch, steps = train.shape[1], train.shape[0] - plan.longest
        # One step more in front: the far tap of the longest delay may look there.
        rows = train.new_zeros((plan.n_pre, train.shape[0] + 1, batch))
        rows[:, 1:] = train.permute(2, 0, 1)
        whole, part = (tensor.contiguous() for tensor in taps(delay, plan.longest))
        edges = plan.on(train.device)
        weight = weight.contiguous()
        sizes = (steps * batch, rows.shape[1] * batch, (plan.longest + 1) * batch, batch)
        result = train.new_empty((plan.n_post, steps, batch))
        if result.numel():
            with on(train.device):
                kernels.add_rows[(plan.n_post * -(-sizes[0] // BLOCK),)](
                    result, edges.post_starts, edges.by_post, edges.pre, whole, part, weight, rows, *sizes,
                    BLOCK=BLOCK, num_warps=WARPS, enable_fp_fusion=False,
                )  # fmt: skip
        ctx.plan, ctx.sizes = plan, sizes
        ctx.save_for_backward(rows, whole, part, weight)
        return result.permute(1, 2, 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of spikes, weights and delays that are asked for."""
        from neurosim.backends.snntorch.gpu import delay_kernels as kernels

        plan, sizes = ctx.plan, ctx.sizes
        rows, whole, part, weight = ctx.saved_tensors
        edges = plan.on(rows.device)
        g = gradients[0].permute(2, 0, 1).contiguous()
        d_train = d_weight = d_delay = None
        options = {"BLOCK": BLOCK, "num_warps": WARPS, "enable_fp_fusion": False}
        with on(rows.device):
            if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
                d_weight, d_delay = torch.zeros_like(weight), torch.zeros_like(weight)
                if len(weight):
                    kernels.edge_gradients[(len(weight),)](
                        d_weight, d_delay, g, edges.pre, edges.post, whole, part, weight, rows, *sizes, **options
                    )
            if ctx.needs_input_grad[0]:
                d_rows = torch.zeros_like(rows)
                if rows.numel():
                    kernels.input_gradients[(plan.n_pre * -(-sizes[1] // BLOCK),)](
                        d_rows, edges.pre_starts, edges.by_pre, edges.post, whole, part, weight, g, *sizes, **options
                    )
                d_train = d_rows[:, 1:].permute(1, 2, 0)
        return d_train, d_weight, d_delay, None
