"""Where a kernel that slides over a grid lies: the sizes of a convolution, and its connections one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

Shape = tuple[int, ...]

#: Connections handled at once.
_AT_ONCE = 1 << 16


class Links(NamedTuple):
    """Connections between two grids of places: from, to, and place in the kernel, each (connection,)."""

    source: np.ndarray
    to: np.ndarray
    place: np.ndarray


@dataclass(frozen=True)
class Sliding:
    """A convolution between two grids of channels, in any number of dimensions.

    Parameters
    ----------
    pre, post
        Shapes (channel, *size) of both sides.
    kernel
        Shape (channels of post, channels of pre / groups, *size).
    stride, dilation
        One number for each dimension.
    padding
        How many places are added before and after, a pair for each dimension.
    groups
        Into how many groups the channels of both sides are cut; each is connected to its own.
    """

    pre: Shape
    post: Shape
    kernel: Shape
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int

    @property
    def n_edges(self) -> int:
        """Number of connections: places of the kernel that lie in the padding have none."""
        return prod(line[0].size for line in self._lines) * self.pre[0] * (self.post[0] // self.groups)

    @cached_property
    def _lines(self) -> list[Links]:
        """For each dimension the connections of a row of places, sorted by where they come from."""
        lines = []
        for d, (before, _) in enumerate(self.padding):
            to, place = np.indices((self.post[1 + d], self.kernel[2 + d]))
            source = to * self.stride[d] - before + place * self.dilation[d]
            inside = (source >= 0) & (source < self.pre[1 + d])
            order = np.argsort(source[inside], kind="stable")
            lines.append(Links(source[inside][order], to[inside][order], place[inside][order]))
        return lines

    def links(self) -> Links:
        """Return the connections of one channel with another, int64, sorted by where they come from, then go."""
        found, *others = self._lines
        for d, line in enumerate(others, start=1):
            found = _product(found, line, (self.pre[1 + d], self.post[1 + d], self.kernel[2 + d]))
        order = np.lexsort((found.to, found.source))
        return Links(*(column[order] for column in found))

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (pre, post) of every connection, int64, sorted by pre, then post."""
        pre, post = np.empty(self.n_edges, dtype=np.int64), np.empty(self.n_edges, dtype=np.int64)
        n_source, n_to = prod(self.pre[1:]), prod(self.post[1:])
        for part, channel, other, links in self._blocks():
            pre[part] = channel * n_source + links.source
            post[part] = other * n_to + links.to
        return pre, post

    def elements(self) -> np.ndarray:
        """Return which element of the kernel, counted in flat order, each connection has, int32, as in ``ends``."""
        element = np.empty(self.n_edges, dtype=np.int32)
        own, size = self.kernel[1], prod(self.kernel[2:])
        for part, channel, other, links in self._blocks():
            element[part] = (other * own + channel % own) * size + links.place
        return element

    def _blocks(self) -> Iterator[tuple[slice, int, np.ndarray, Links]]:
        """Yield connections, some at a time: where they go, their channel, the channels of the other side, their links.

        A few rows of the first dimension at a time; from each of their places go all links to the first channel of the
        other side, then all to the second.
        """
        first, *others = self._lines
        rest = Links(*(np.zeros(1, dtype=np.int64) for _ in Links._fields))
        sizes = (1, 1, 1)
        for d, line in enumerate(others, start=1):
            one = (self.pre[1 + d], self.post[1 + d], self.kernel[2 + d])
            rest = _product(rest, line, one)
            sizes = (sizes[0] * one[0], sizes[1] * one[1], sizes[2] * one[2])
        n_others, start = self.kernel[0] // self.groups, 0
        per_channel = self.n_edges // self.pre[0]
        for rows in _whole_rows(first.source, max(1, _AT_ONCE // max(1, rest.source.size * n_others))):
            links = _product(Links(*(column[rows] for column in first)), rest, sizes)
            other = np.repeat(np.arange(n_others), links.source.size)
            links = Links(*(np.tile(column, n_others) for column in links))
            order = np.lexsort((links.to, other, links.source))
            links, other = Links(*(column[order] for column in links)), other[order]
            for channel in range(self.pre[0]):
                begin = channel * per_channel + start
                group = channel // self.kernel[1]
                yield slice(begin, begin + other.size), channel, group * n_others + other, links
            start += other.size


def _product(outer: Links, inner: Links, sizes: tuple[int, int, int]) -> Links:
    """Return every link of `outer` with every link of `inner`, counted in flat order; `sizes` are those of `inner`."""
    return Links(
        *(
            (first[:, np.newaxis] * size + second).reshape(-1)
            for first, second, size in zip(outer, inner, sizes, strict=True)
        )
    )


def _whole_rows(source: np.ndarray, n: int) -> Iterator[slice]:
    """Yield slices of about n links that do not part those of one source."""
    starts = np.flatnonzero(np.diff(source, prepend=-1))
    first = 0
    while first < source.size:
        following = starts[np.searchsorted(starts, first + n) :]
        last = int(following[0]) if following.size else source.size
        yield slice(first, last)
        first = last
