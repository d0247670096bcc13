"""A weight matrix times few spikes: the same as the dense product, forward and backward."""

from __future__ import annotations

import pytest
import torch

from neurosim.backends.snntorch import sparse_linear as module
from neurosim.backends.snntorch.sparse_linear import sparse_linear
from neurosim.backends.snntorch.workspace import Workspace


def in_loops(spikes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return sparse_linear(spikes, weight, Workspace())


@pytest.mark.parametrize(
    ("steps", "batch", "n_pre", "n_post", "density"),
    [(12, 3, 40, 17, 0.1), (1, 1, 1, 1, 0.0), (5, 2, 30, 1, 0.05), (4, 2, 6, 5, 1.0), (0, 2, 6, 5, 0.1)],
)
def test_it_equals_the_dense_product(
    steps: int, batch: int, n_pre: int, n_post: int, density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORTH_IT", 0)
    random = torch.Generator().manual_seed(1)
    x = (torch.rand(steps, batch, n_pre, generator=random) < density).double() * 1.5
    weight = torch.randn(n_post, n_pre, generator=random, dtype=torch.float64)
    upstream = torch.randn(steps, batch, n_post, generator=random, dtype=torch.float64)
    found = []
    for product in (in_loops, torch.nn.functional.linear):
        leaves = (x.clone().requires_grad_(), weight.clone().requires_grad_())
        output = product(*leaves)
        found.append((output, *torch.autograd.grad(output, leaves, upstream)))
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_few_spikes_take_the_loops_and_many_the_product() -> None:
    weight = torch.randn(4, 200, requires_grad=True)
    few = torch.zeros(50, 2, 200)
    few[::7, 0, 3] = 1
    assert "SparseLinear" in type(in_loops(few, weight).grad_fn).__name__
    assert "SparseLinear" not in type(in_loops(torch.ones(50, 2, 200), weight).grad_fn).__name__
    assert "SparseLinear" not in type(in_loops(few[:2], weight).grad_fn).__name__  # not worth looking for


def test_inputs_that_want_no_gradient_get_none() -> None:
    few = torch.zeros(100, 2, 200)
    few[::7] = torch.eye(2, 200)
    weight = torch.randn(4, 200, requires_grad=True)
    in_loops(few, weight).sum().backward()
    assert few.grad is None
    assert weight.grad is not None
    assert torch.equal(weight.grad[:, 0], torch.full((4,), 15.0))
