"""Kernels of Triton for delayed sums: every program owns what it writes, and adds in one order.

Rows are (neuron, time * trial), trials side by side. With the whole steps f and the rest r of an edge's delay, and its
weight w, a row of the result gathers ``w (1 - r) x[t - f] + w r x[t - f - 1]`` from the rows of its edges, edge after
edge; the ways back gather along the same edges from the other ends. No two programs write to one place, so nothing
depends on which of them runs first, and nothing needs an atomic addition.
"""

# Triton reads what it compiles: annotations must be its own, and its decorator has no types.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def add_rows(y, starts, edges, pre, whole, part, weight, x, length, reach, origin, batch, BLOCK: tl.constexpr):
    """Write the rows of `y` (post, `length`): what the rows of `x` (pre, `reach`) bring."""
    # Programs count along one axis: the others have no more than 65,535.
    blocks = tl.cdiv(length, BLOCK)
    post = (tl.program_id(0) // blocks).to(tl.int64)
    place = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    inside = place < length
    total = tl.zeros((BLOCK,), y.dtype.element_ty)
    for index in range(tl.load(starts + post), tl.load(starts + post + 1)):
        edge = tl.load(edges + index)
        w, r = tl.load(weight + edge), tl.load(part + edge)
        row = x + tl.load(pre + edge) * reach + origin - tl.load(whole + edge) * batch
        young = tl.load(row + place, mask=inside, other=0.0)
        old = tl.load(row + place - batch, mask=inside, other=0.0)
        total += w * (1.0 - r) * young + w * r * old
    tl.store(y + post * length + place, total, mask=inside)


@triton.jit
def edge_gradients(
    d_weight, d_delay, g, pre, post, whole, part, weight, x, length, reach, origin, batch, BLOCK: tl.constexpr
):
    """Write the gradients of the weight and the delay of every edge, from `g` (post, `length`)."""
    edge = tl.program_id(0).to(tl.int64)
    row = x + tl.load(pre + edge) * reach + origin - tl.load(whole + edge) * batch
    felt = g + tl.load(post + edge) * length
    near = tl.zeros((BLOCK,), g.dtype.element_ty)
    far = tl.zeros((BLOCK,), g.dtype.element_ty)
    for first in range(0, length, BLOCK):
        place = first + tl.arange(0, BLOCK)
        inside = place < length
        gradient = tl.load(felt + place, mask=inside, other=0.0)
        near += gradient * tl.load(row + place, mask=inside, other=0.0)
        far += gradient * tl.load(row + place - batch, mask=inside, other=0.0)
    by_near, by_far = tl.sum(near, 0), tl.sum(far, 0)
    tl.store(d_weight + edge, by_near + tl.load(part + edge) * (by_far - by_near))
    tl.store(d_delay + edge, tl.load(weight + edge) * (by_far - by_near))


@triton.jit
def input_gradients(
    d_x, starts, edges, post, whole, part, weight, g, length, reach, origin, batch, BLOCK: tl.constexpr
):
    """Write the rows of `d_x` (pre, `reach`), from `g` (post, `length`); `edges` go by presynaptic neuron."""
    blocks = tl.cdiv(reach, BLOCK)
    pre = (tl.program_id(0) // blocks).to(tl.int64)
    place = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), d_x.dtype.element_ty)
    for index in range(tl.load(starts + pre), tl.load(starts + pre + 1)):
        edge = tl.load(edges + index)
        w, r = tl.load(weight + edge), tl.load(part + edge)
        felt = g + tl.load(post + edge) * length
        when = place - (origin - tl.load(whole + edge) * batch)  # of the near tap; the far one feels a step later
        now = tl.load(felt + when, mask=(when >= 0) & (when < length), other=0.0)
        later = tl.load(felt + when + batch, mask=(when + batch >= 0) & (when + batch < length), other=0.0)
        total += w * (1.0 - r) * now + w * r * later
    tl.store(d_x + pre * reach + place, total, mask=place < reach)
