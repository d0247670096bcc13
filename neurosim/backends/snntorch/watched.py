"""Whether the values of a module are what they were: compared number by number, however they may have been written."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Numbers of a projection that take longer to compare than to take over again.
MANY = 2**12


class Watched:
    """The values of a module that a run takes over when it is prepared.

    These are all but those of projections with many edges, which every run reads anew. Torch counts how often a tensor
    was written to, but not what went by ``.data`` or by numpy: so the numbers themselves are looked at.

    Parameters
    ----------
    module
        On a CPU.
    edges
        The projections among its parts.
    """

    def __init__(self, module: nn.Module, edges: frozenset[str]) -> None:
        self._books: list[dict[str, Any]] = [
            book for one in module.modules() for book in (one._parameters, one._buffers, one._modules)
        ]
        self._sizes, self._held = self._content()
        self._tensors = [held for held in self._held if isinstance(held, Tensor)]
        self._places = self._where()
        parts = {name: list(_values(part)) for name, part in module._modules.items() if part is not None}
        #: The projections whose values are not looked at, but for numbers that all edges share.
        self.large = frozenset(name for name in edges if any(tensor.numel() > MANY for tensor in parts[name]))
        seen = [
            tensor
            for name, tensors in parts.items()
            for tensor in tensors
            if name not in self.large or tensor.numel() == 1
        ]
        #: Whether everything that is looked at lies in one piece.
        self.plain = all(tensor.is_contiguous() for tensor in seen)
        self._views = [_bytes(tensor) for tensor in seen] if self.plain else []
        self._before = self._now()

    @property
    def nbytes(self) -> int:
        """Bytes that are compared."""
        return self._before.nbytes

    def unchanged(self) -> bool:
        """Tell whether all tensors are the same ones, where they were, and hold the same bits."""
        sizes, held = self._content()
        if not self.plain or sizes != self._sizes or not all(map(is_, held, self._held)):
            return False
        return self._where() == self._places and bool((self._now() == self._before).all())

    def _content(self) -> tuple[list[int], list[Any]]:
        """Return how much each book of torch's holds, and everything in them."""
        return list(map(len, self._books)), [held for book in self._books for held in book.values()]

    def _where(self) -> list[int]:
        return [tensor.data_ptr() for tensor in self._tensors]

    def _now(self) -> NDArray[np.uint8]:
        return np.concatenate([np.zeros(0, dtype=np.uint8), *self._views])


def _values(module: nn.Module) -> Iterator[Tensor]:
    """Iterate over the numbers of a part; whole ones are indices, which follow from the circuit."""
    for one in module.modules():
        for book in (one._parameters, one._buffers):
            yield from (tensor for tensor in book.values() if tensor is not None and tensor.is_floating_point())


def _bytes(tensor: Tensor) -> NDArray[np.uint8]:
    """Return the memory of a tensor."""
    with torch.no_grad():
        found: NDArray[np.uint8] = tensor.detach().numpy().reshape(-1).view(np.uint8)
    return found
