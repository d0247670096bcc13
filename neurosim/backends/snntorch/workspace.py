"""Memory that one call of a module leaves to the next.

The large arrays of a training step live for a step. Handing them back to the operating system costs more than many of
the loops that fill them: every page has to be cleared and mapped again.
"""

from __future__ import annotations

import sys
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
#: Arrays start at a boundary of cache lines.
ALIGNMENT = 64
#: Smaller arrays come quickly from anywhere.
WORTH_KEEPING = 2**16


class Workspace:
    """Arrays that are lent as long as anything refers to them, and then lent again."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[Array]] = {}
        #: Where arrays start in each block: asking for an address takes as long as a small loop.
        self._first: dict[int, list[int]] = {}
        self._lock = Lock()

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array of any content.

        Parameters
        ----------
        shape, dtype
            Of the array.
        """
        size = prod(shape) * np.dtype(dtype).itemsize
        if size < WORTH_KEEPING:
            return np.empty(shape, dtype)
        block, first = self._block(_rounded(size))
        return block[first : first + size].view(dtype).reshape(shape)

    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array of zeros."""
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def like(self, array: Array) -> Array:
        """Return an array of the same shape and dtype, with any content."""
        return self.empty(array.shape, array.dtype)

    @property
    def kept(self) -> int:
        """Bytes that are kept, lent or not."""
        return sum(size * len(blocks) for size, blocks in self._blocks.items())

    def clear(self) -> None:
        """Forget every block: those that are lent go with the last array in them."""
        with self._lock:
            self._blocks.clear()
            self._first.clear()

    def _block(self, size: int) -> tuple[Array, int]:
        with self._lock:
            blocks, first = self._blocks.setdefault(size, []), self._first.setdefault(size, [])
            for place in range(len(blocks)):
                if _references(blocks, place) == _ALONE:
                    return blocks[place], first[place]
            blocks.append(np.empty(size + ALIGNMENT, np.uint8))
            first.append(-blocks[-1].ctypes.data % ALIGNMENT)
            return blocks[-1], first[-1]

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        return Workspace()

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        return Workspace, ()


def _rounded(size: int) -> int:
    """Return a size with three leading binary digits at most, so that slightly different arrays share blocks."""
    step = 1 << max(size.bit_length() - 3, 0)
    return -(-size // step) * step


def _references(blocks: list[Array], place: int) -> int:
    """Return how often a block is referred to: by the list, and by every array in it (numpy keeps the owner)."""
    return sys.getrefcount(blocks[place])


#: What is counted when nothing but the list holds a block; interpreters differ.
_ALONE = _references([np.empty(1, np.uint8)], 0)
