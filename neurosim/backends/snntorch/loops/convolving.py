"""What the loops call where a projection shares the weights of a kernel: spikes through it, and gradients back.

Generated modules carry :data:`DIGEST`, as they do that of :mod:`neurosim.backends.snntorch.loops.kernels`. Everywhere,
`sizes` are those of :class:`~neurosim.backends.snntorch.loops.kernel_links.KernelLinks`, and `starts`, `to` and
`element` its links. Kernels and sums are turned so that the channels that one link serves lie side by side.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch import registers
from neurosim.backends.snntorch.loops.kernels import TOGETHER
from neurosim.backends.snntorch.registers import full_eight, load_eight, plus, plus_product, store
from neurosim.backends.snntorch.threads import kept_on_disk

Array = NDArray[Any]
#: Of the texts of these functions.
_TEXTS = (__file__, registers.__file__)
DIGEST = hashlib.sha256(b"".join(Path(str(file)).read_bytes() for file in _TEXTS)).hexdigest()[:24]
#: Channels that go back side by side.
CHANNELS = 8


def channels_behind_last(kernel: Array, groups: int) -> Array:
    """Return a kernel (channel behind, channel of the group before, *size) as (channel before, element, other), flat.

    The others are the channels of the same group behind.
    """
    behind, own = kernel.shape[:2]
    return np.ascontiguousarray(kernel.reshape(groups, behind // groups, own, -1).transpose(0, 2, 3, 1)).reshape(-1)


def channels_before_last(kernel: Array) -> Array:
    """Return a kernel as (channel behind, element, channel of the group before, up to whole eights), flat."""
    behind, own = kernel.shape[:2]
    turned = kernel.reshape(behind, own, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(np.pad(turned, ((0, 0), (0, 0), (0, -own % CHANNELS)))).reshape(-1)


@kept_on_disk(inline="always")
def _add_line(into: Array, there: int, lines: Array, place: int, count: int) -> None:
    """Add some numbers of one array to those of another."""
    if count == 1:
        into[there] += lines[place]
        return
    index = 0
    while index + 8 <= count:
        at = np.uint64(there + index)
        store(into, at, plus(load_eight(into, at), load_eight(lines, np.uint64(place + index))))
        index += 8
    for rest in range(index, count):
        into[there + rest] += lines[place + rest]


@kept_on_disk()
def add_through_kernel(
    total: Array, events: Array, count: int, weight: Array, sizes: Array, starts: Array, to: Array, element: Array,
    turned: Array,
) -> None:  # fmt: skip
    """Write what the spikes of neurons bring, one after another, (post,).

    `weight` is what :func:`channels_behind_last` returns; `turned` has room for the sum.
    """
    before, own, behind, others, elements = sizes[0], sizes[2], sizes[3], sizes[4], sizes[5]
    turned[: len(total)] = 0
    for event in range(count):
        channel, place = divmod(np.int64(events[event]), before)
        first = channel // own * behind
        for link in range(starts[place], starts[place + 1]):
            line = (channel * elements + element[link]) * others
            _add_line(turned, (first + to[link]) * others, weight, line, others)
    for group in range(sizes[1] // own):
        for place in range(behind):
            for other in range(others):
                total[(group * others + other) * behind + place] = turned[(group * behind + place) * others + other]


@kept_on_disk()
def kernel_back(
    total: Array, g: Array, low: int, high: int, weight: Array, sizes: Array, starts: Array, to: Array, element: Array,
    turned: Array,
) -> None:  # fmt: skip
    """Add to the rows of `total` (trial, pre) the gradients that their spikes lead to, `g` (batch, post) from `low`.

    `weight` is what :func:`channels_before_last` returns. The trials of a block go through a link side by side;
    `turned` (post * trial,) has room for their gradients.
    """
    before, channels, own, behind, others, elements = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    rows, width = high - low, -(-own // CHANNELS) * CHANNELS
    for row in range(TOGETHER):
        for post in range(g.shape[1]):
            turned[post * TOGETHER + row] = g[low + row, post] if row < rows else 0
    found = np.empty(CHANNELS * TOGETHER, g.dtype)
    zero = g.dtype.type(0)
    for group in range(channels // own):
        for inside in range(0, own, CHANNELS):
            for place in range(before):
                sum_0 = sum_1 = sum_2 = sum_3 = sum_4 = sum_5 = sum_6 = sum_7 = full_eight(zero)
                for other in range(group * others, (group + 1) * others):
                    for link in range(starts[place], starts[place + 1]):
                        amount = load_eight(turned, np.uint64((other * behind + to[link]) * TOGETHER))
                        line = (other * elements + element[link]) * width + inside
                        sum_0 = plus_product(sum_0, full_eight(weight[line]), amount)
                        sum_1 = plus_product(sum_1, full_eight(weight[line + 1]), amount)
                        sum_2 = plus_product(sum_2, full_eight(weight[line + 2]), amount)
                        sum_3 = plus_product(sum_3, full_eight(weight[line + 3]), amount)
                        sum_4 = plus_product(sum_4, full_eight(weight[line + 4]), amount)
                        sum_5 = plus_product(sum_5, full_eight(weight[line + 5]), amount)
                        sum_6 = plus_product(sum_6, full_eight(weight[line + 6]), amount)
                        sum_7 = plus_product(sum_7, full_eight(weight[line + 7]), amount)
                store(found, np.uint64(0), sum_0)
                store(found, np.uint64(TOGETHER), sum_1)
                store(found, np.uint64(2 * TOGETHER), sum_2)
                store(found, np.uint64(3 * TOGETHER), sum_3)
                store(found, np.uint64(4 * TOGETHER), sum_4)
                store(found, np.uint64(5 * TOGETHER), sum_5)
                store(found, np.uint64(6 * TOGETHER), sum_6)
                store(found, np.uint64(7 * TOGETHER), sum_7)
                for channel in range(min(CHANNELS, own - inside)):
                    pre = (group * own + inside + channel) * before + place
                    for row in range(rows):
                        total[row, pre] += found[channel * TOGETHER + row]


@kept_on_disk()
def kernel_gradients(
    first: int, last: int, d_weight: Array, start: Array, neuron: Array, g: Array, sizes: Array, starts: Array,
    to: Array, element: Array,
) -> None:  # fmt: skip
    """Write the gradient of a kernel, (other, channel before, element), of some of the channels of each group behind.

    `start` and `neuron` are the spikes that arrive in each row of `g` (time * batch, post).
    """
    before, channels, own, behind, others, elements = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    count = last - first
    turned = np.empty(channels // own * behind * count, g.dtype)
    found = np.zeros(channels * elements * count, g.dtype)
    for row in range(g.shape[0]):
        if start[row] == start[row + 1]:
            continue
        for group in range(channels // own):
            for other in range(count):
                channel = group * others + first + other
                for place in range(behind):
                    turned[(group * behind + place) * count + other] = g[row, channel * behind + place]
        for event in range(start[row], start[row + 1]):
            channel, place = divmod(np.int64(neuron[event]), before)
            group = channel // own
            for link in range(starts[place], starts[place + 1]):
                into = (channel * elements + element[link]) * count
                _add_line(found, into, turned, (group * behind + to[link]) * count, count)
    for channel in range(channels):
        for part in range(elements):
            for other in range(count):
                d_weight[first + other, channel, part] = found[(channel * elements + part) * count + other]


@kept_on_disk()
def graded_kernel_gradients(
    first: int, last: int, d_weight: Array, g: Array, y: Array, sizes: Array, starts: Array, source: Array, to: Array
) -> None:
    """Write the gradient of a kernel, (channel behind, channel of the group before, element), from first to last.

    `g` are the gradients of what arrives, (row, post), and `y` what was read, (row, pre); eight rows go side by side.
    `starts`, `source` and `to` are the links of one element after another.
    """
    before, own, behind, others, elements = sizes[0], sizes[2], sizes[3], sizes[4], sizes[5]
    upstream = np.empty((last - first) * behind * TOGETHER, g.dtype)
    values = np.empty(y.shape[1] * TOGETHER, g.dtype)
    zero, width = g.dtype.type(0), own * elements * TOGETHER
    sums = np.zeros((last - first) * width, g.dtype)
    for low in range(0, g.shape[0], TOGETHER):
        rows = min(TOGETHER, g.shape[0] - low)
        _side_by_side(upstream, g, low, rows, first * behind)
        _side_by_side(values, y, low, rows, 0)
        channel = first
        while channel < last:
            group = channel // others
            four = channel + 4 <= min(last, (group + 1) * others)
            line_0 = (channel - first) * behind
            line_1, line_2, line_3 = line_0 + behind, line_0 + 2 * behind, line_0 + 3 * behind
            for inside in range(own):
                seen = (group * own + inside) * before
                for element in range(elements):
                    sum_0 = sum_1 = sum_2 = sum_3 = full_eight(zero)
                    for link in range(starts[element], starts[element + 1]):
                        value = load_eight(values, np.uint64((seen + source[link]) * TOGETHER))
                        there = to[link]
                        sum_0 = plus_product(sum_0, load_eight(upstream, np.uint64((line_0 + there) * TOGETHER)), value)
                        if four:
                            at_1 = load_eight(upstream, np.uint64((line_1 + there) * TOGETHER))
                            at_2 = load_eight(upstream, np.uint64((line_2 + there) * TOGETHER))
                            at_3 = load_eight(upstream, np.uint64((line_3 + there) * TOGETHER))
                            sum_1 = plus_product(sum_1, at_1, value)
                            sum_2 = plus_product(sum_2, at_2, value)
                            sum_3 = plus_product(sum_3, at_3, value)
                    at = (channel - first) * width + (inside * elements + element) * TOGETHER
                    _add_eight(sums, at, sum_0)
                    if four:
                        _add_eight(sums, at + width, sum_1)
                        _add_eight(sums, at + 2 * width, sum_2)
                        _add_eight(sums, at + 3 * width, sum_3)
            channel += 4 if four else 1
    for channel in range(last - first):
        for inside in range(own):
            for element in range(elements):
                found = zero
                for row in range(TOGETHER):
                    found += sums[channel * width + (inside * elements + element) * TOGETHER + row]
                d_weight[first + channel, inside, element] = found


@kept_on_disk(inline="always")
def _add_eight(into: Array, place: int, amount: Any) -> None:
    """Add a vector to what stands in an array."""
    at = np.uint64(place)
    store(into, at, plus(load_eight(into, at), amount))


@kept_on_disk()
def _side_by_side(into: Array, source: Array, low: int, rows: int, first: int) -> None:
    """Write some rows of an array, from a column on, side by side, with zeros for those that are not there."""
    for row in range(TOGETHER):
        for place in range(len(into) // TOGETHER):
            into[place * TOGETHER + row] = source[low + row, first + place] if row < rows else 0
