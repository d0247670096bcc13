"""What a forward pass keeps for the way back: tensors that autograd saves, and arrays that its nodes refer to."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor


def kept_bytes(forward: Callable[[], Tensor], apart: Tensor, passed_over: tuple[type, ...] = ()) -> int:
    """Return the bytes that are kept until the backward pass, each piece of memory once.

    Parameters
    ----------
    forward
        Returns what the backward pass would start from.
    apart
        An input, whose memory is not counted.
    passed_over
        Kinds of objects whose contents are not counted: stores of memory that is lent, modules.
    """
    found: dict[int, int] = {}
    held: list[Any] = []  # so that no other takes their place

    def keep(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        found[memory.data_ptr()] = memory.nbytes()
        held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = forward()
    nodes, met = [output.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in met:
            continue
        met.add(node)
        nodes += [following for following, _ in node.next_functions]
        _collect(getattr(node, "__dict__", {}), found, set(), passed_over)
    found.pop(apart.untyped_storage().data_ptr(), None)
    return sum(found.values())


def _collect(item: Any, found: dict[int, int], met: set[int], passed_over: tuple[type, ...]) -> None:
    """Note the memory of all arrays and tensors that an object leads to."""
    if id(item) in met or callable(item) or isinstance(item, (str, bytes, int, float, ModuleType, *passed_over)):
        return  # modules of torch can be called too
    met.add(id(item))
    if isinstance(item, Tensor):
        memory = item.untyped_storage()
        found.setdefault(memory.data_ptr(), memory.nbytes())
    elif isinstance(item, np.ndarray):
        found.setdefault(item.ctypes.data, item.nbytes)
    elif isinstance(item, dict):
        for value in list(item.values()):
            _collect(value, found, met, passed_over)
    elif isinstance(item, (list, tuple, set)):
        for value in list(item):
            _collect(value, found, met, passed_over)
    else:
        names = [name for kind in type(item).__mro__ for name in getattr(kind, "__slots__", ())]
        _collect({name: getattr(item, name, None) for name in names}, found, met, passed_over)
        _collect(getattr(item, "__dict__", {}), found, met, passed_over)
