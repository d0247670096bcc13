"""Memory that a forward pass keeps: what autograd saves, and what nodes refer to beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.benchmarks.sides.kept import kept_bytes


class Lender:
    def __init__(self) -> None:
        self.block = np.zeros(10_000)


@dataclass
class Events:
    rows: list[np.ndarray]


class Keeping(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, lender: Lender) -> Tensor:
        ctx.events, ctx.lender = Events([np.zeros(30, np.int32), np.zeros(5)]), lender
        ctx.save_for_backward(torch.zeros(20))
        return x * 2

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return slopes[0] * 2, None


def test_tensors_and_arrays_count_once() -> None:
    x, weight = torch.rand(100), torch.rand(100, requires_grad=True)

    def forward() -> Tensor:
        return (torch.exp(weight * x) * x).sum()  # saves weight's product's exp, 400 bytes; x is the input

    assert kept_bytes(forward, apart=x) == 400
    assert kept_bytes(forward, apart=torch.rand(1)) == 800


def test_what_nodes_refer_to_counts_but_not_what_is_lent() -> None:
    lender, x = Lender(), torch.rand(4, requires_grad=True)

    def forward() -> Tensor:
        found: Tensor = Keeping.apply(x, lender)  # type: ignore[no-untyped-call]
        return found

    own = 30 * 4 + 5 * 8 + 20 * 4
    assert kept_bytes(forward, torch.rand(1), (Lender,)) == own
    assert kept_bytes(forward, torch.rand(1)) == own + 80_000
