"""Whether the values of a module are what they were: compared number by number, however they may have been written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Watched:
    """The values of a module that a run takes over when it is prepared.

    These are all but those of single edges, which every run reads anew. Torch counts how often a tensor was written
    to, but not what went by ``.data`` or by numpy: so the numbers themselves are looked at, which are few.

    Parameters
    ----------
    module
        On a CPU.
    edges
        The projections among its parts.
    """

    def __init__(self, module: nn.Module, edges: frozenset[str]) -> None:
        self._module, self._edges = module, edges
        self._tensors = list(_tensors(module))
        self._places = [tensor.data_ptr() for tensor in self._tensors]
        parts: dict[str, nn.Module | None] = module._modules
        seen = [
            tensor
            for name, part in parts.items()
            if part is not None
            for tensor in _tensors(part)
            if name not in edges or tensor.numel() == 1
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
        tensors = list(_tensors(self._module))
        same = len(tensors) == len(self._tensors) and all(map(_is, tensors, self._tensors))
        if not (same and self.plain and [tensor.data_ptr() for tensor in tensors] == self._places):
            return False
        return bool((self._now() == self._before).all())

    def _now(self) -> NDArray[np.uint8]:
        return np.concatenate([np.zeros(0, dtype=np.uint8), *self._views])


def _is(one: Tensor, other: Tensor) -> bool:
    return one is other


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Iterate over the parameters and buffers of a module and its parts, faster than torch, which names them."""
    for held in (module._parameters, module._buffers):
        yield from (tensor for tensor in held.values() if tensor is not None)
    for part in module._modules.values():
        if part is not None:
            yield from _tensors(part)


def _bytes(tensor: Tensor) -> NDArray[np.uint8]:
    """Return the memory of a tensor."""
    with torch.no_grad():
        found: NDArray[np.uint8] = tensor.detach().numpy().reshape(-1).view(np.uint8)
    return found
