"""What kernels of populations that reach themselves call: spikes along weights, and gradients back along them.

A block is some neurons of one trial, lane by lane. Every lane adds what concerns its own neuron, in one order: matrices
in the order of the neurons that fired, edges in the order of the contract. No two lanes write to one place.
"""

# Triton reads what it compiles: annotations must be its own, and its decorator has no types.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def note_events(spiked, place, events, number):
    """List the neurons of a block that fired, in their order, and write how many there are."""
    one = spiked.to(tl.int32)
    tl.store(events + tl.cumsum(one, 0) - 1, place, mask=spiked)
    tl.store(number, tl.sum(one, 0))


@triton.jit
def along_lines(lines, events, number, lane, TILES: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr):
    """Return the sum of the lines of `lines` (pre, post) that listed spikes name, one after another.

    Lists are of `TILES` blocks; of each line the numbers at `lane` are wanted, out of `N`. Four lines are asked for
    before the first is added: memory answers late.
    """
    total = tl.zeros((BLOCK,), lines.dtype.element_ty)
    for tile in range(TILES):
        count = tl.load(number + tile)
        listed = events + tile * BLOCK
        for index in range(0, count, 4):
            more1, more2, more3 = index + 1 < count, index + 2 < count, index + 3 < count
            pre0 = tl.load(listed + index).to(tl.int64)
            pre1 = tl.load(listed + index + 1, mask=more1, other=0).to(tl.int64)
            pre2 = tl.load(listed + index + 2, mask=more2, other=0).to(tl.int64)
            pre3 = tl.load(listed + index + 3, mask=more3, other=0).to(tl.int64)
            line0 = tl.load(lines + pre0 * N + lane)
            line1 = tl.load(lines + pre1 * N + lane)
            line2 = tl.load(lines + pre2 * N + lane)
            line3 = tl.load(lines + pre3 * N + lane)
            total += line0
            total = tl.where(more1, total + line1, total)
            total = tl.where(more2, total + line2, total)
            total = tl.where(more3, total + line3, total)
    return total


@triton.jit
def along_edges(value, starts, pres, delays, amounts, spikes, stride, lane):
    """Return `value` after the edges of every lane have added to it what they bring now, one after another.

    `spikes` are those of this step, (pre,), and `stride` is how far before them those of the last step lie.
    """
    begin, end = tl.load(starts + lane), tl.load(starts + lane + 1)
    for index in range(tl.max(end - begin, 0)):
        edge = begin + index
        more = edge < end
        late = tl.load(delays + edge, mask=more, other=0).to(tl.int64) * stride
        fired = tl.load(spikes + tl.load(pres + edge, mask=more, other=0) - late, mask=more, other=0.0)
        brought = tl.load(amounts + edge, mask=more, other=0.0) * fired
        value = tl.where(more, value + brought, value)
    return value


@triton.jit
def back_along_lines(
    total, weight, g, happens, lane, N_PRE: tl.constexpr, N_POST: tl.constexpr, TOGETHER: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Return `total` and ``g @ weight`` at `lane`: `g` (post,), `weight` (post, pre); `total` where nothing happens."""
    sums = tl.zeros((TOGETHER, BLOCK), weight.dtype.element_ty)
    if happens:
        for first in range(0, N_POST, TOGETHER):
            post = first + tl.arange(0, TOGETHER)
            known = post < N_POST
            felt = tl.load(g + post, mask=known, other=0.0)
            places = weight + post.to(tl.int64)[:, None] * N_PRE + lane[None, :]
            sums += felt[:, None] * tl.load(places, mask=known[:, None], other=0.0)
    return total + tl.sum(sums, 0)


@triton.jit
def back_along_edges(total, starts, posts, delays, amounts, g, stride, step, steps, lane):
    """Return `total` and what the edges of every lane led to: `g` are the gradients of this step's arrivals, (post,).

    `stride` is how far behind them those of the next step lie; steps from 0 to `steps` have any.
    """
    begin, end = tl.load(starts + lane), tl.load(starts + lane + 1)
    for index in range(tl.max(end - begin, 0)):
        edge = begin + index
        more = edge < end
        delay = tl.load(delays + edge, mask=more, other=0).to(tl.int64)
        happens = more & (step + delay >= 0) & (step + delay < steps)
        post = tl.load(posts + edge, mask=more, other=0)
        felt = tl.load(g + post + delay * stride, mask=happens, other=0.0)
        total += tl.load(amounts + edge, mask=more, other=0.0) * felt
    return total
