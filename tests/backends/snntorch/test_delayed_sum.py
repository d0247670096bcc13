"""The sum of delayed spikes: compiled loops, torch's own operations, and a convolution with a dense kernel agree."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv1d

from neurosim.backends.snntorch import delay_inputs
from neurosim.backends.snntorch.delayed_sum import EdgePlan, delayed_sum, delayed_sum_of_torch
from neurosim.backends.snntorch.delays import smoothed
from neurosim.backends.snntorch.workspace import Workspace

Case = tuple[Tensor, Tensor, Tensor, EdgePlan]


def case(
    steps: int, batch: int, n_pre: int, n_post: int, longest: int, density: float, seed: int, *, sparse: bool = True
) -> Case:
    """Return a train, weights and delays (0 and the longest among them) of edges drawn at random."""
    random = torch.Generator().manual_seed(seed)
    train = (torch.rand(longest + steps, batch, n_pre, generator=random) < density).double()
    chosen = torch.rand(n_pre, n_post, generator=random) < (0.6 if sparse else 2)
    pre, post = (index.numpy() for index in torch.nonzero(chosen, as_tuple=True))
    weight = torch.randn(len(pre), generator=random, dtype=torch.float64)
    delay = torch.rand(len(pre), generator=random, dtype=torch.float64) * longest
    delay[:2] = torch.tensor([0.0, float(longest)], dtype=torch.float64)[: len(pre)]
    delay[4:6] = torch.round(delay[4:6])
    leaves = (train.requires_grad_(), weight.requires_grad_(), delay.requires_grad_())
    return (*leaves, EdgePlan(pre, post, n_pre, n_post, longest))


def by_convolution(train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan) -> Tensor:
    """Compute the layer of Hammouamri et al. with the triangle as kernel: dense over all delays."""
    taps = torch.arange(plan.longest + 1, dtype=train.dtype)
    triangle = torch.relu(1 - (taps[:, None] - delay).abs()) * weight
    kernel = torch.zeros(plan.longest + 1, plan.n_post * plan.n_pre, dtype=train.dtype)
    places = torch.from_numpy(plan.post * plan.n_pre + plan.pre)
    kernel = kernel.index_add(1, places, triangle).reshape(-1, plan.n_post, plan.n_pre)
    return conv1d(train.permute(1, 2, 0), kernel.permute(1, 2, 0).flip(2)).permute(2, 0, 1)


def assert_alike(found: Case, reference: object, *, tolerance: float = 1e-12) -> None:
    *leaves, plan = found
    outputs = [delayed_sum(*leaves, plan, Workspace()), reference(*leaves, plan)]  # type: ignore[operator]
    if not plan.pre.size:
        assert not outputs[0].any()
        return
    upstream = torch.randn(outputs[0].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = [torch.autograd.grad(output, leaves, upstream) for output in outputs]
    assert torch.allclose(outputs[0], outputs[1], rtol=0, atol=tolerance)
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance * 100)


@given(
    st.integers(1, 12), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 9),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 10**6),
)  # fmt: skip
def test_loops_and_torch_agree(
    steps: int, batch: int, n_pre: int, n_post: int, longest: int, density: float, seed: int
) -> None:
    found = case(steps, batch, n_pre, n_post, longest, density, seed)
    assert_alike(found, lambda *given: delayed_sum_of_torch(*given, at_once=30))


@pytest.mark.parametrize("density", [0.1, 0.9])
def test_the_convolution_agrees(density: float) -> None:
    found = case(20, 3, 6, 5, 8, density, seed=2, sparse=False)
    train, weight, delay, plan = found
    whole = delay.detach() == torch.floor(delay.detach())  # where the triangle has a corner, slopes differ
    moved = (delay.detach() + 0.3 * whole * (1 - 2 * (delay.detach() > 4).double())).requires_grad_()
    assert_alike((train, weight, moved, plan), by_convolution)


@pytest.mark.parametrize("value", [1.0, -0.5])
@pytest.mark.parametrize("batch", [5, 16])
def test_many_neurons_in_blocks_agree(value: float, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors, what is left of them at the ends of rows, and edges in any order; a spike need not be a 1."""
    monkeypatch.setattr(delay_inputs, "BLOCK", 1)
    train, weight, delay, plan = case(30, batch, 37, 21, 12, 0.1, seed=6)
    order = np.random.default_rng(7).permutation(len(plan.pre))
    plan = EdgePlan(plan.pre[order], plan.post[order], plan.n_pre, plan.n_post, plan.longest)
    train = (train.detach() * value).requires_grad_()
    assert_alike((train, weight, delay, plan), delayed_sum_of_torch)


def test_single_precision_agrees() -> None:
    *leaves, plan = case(40, 9, 33, 18, 10, 0.1, seed=8)
    given = [leaf.detach().float().requires_grad_() for leaf in leaves]
    output, exact = delayed_sum(*given, plan, Workspace()), delayed_sum_of_torch(*leaves, plan)
    assert output.dtype == torch.float32
    assert torch.allclose(output.double(), exact, rtol=0, atol=1e-5)
    upstream = torch.randn(exact.shape, generator=torch.Generator().manual_seed(1))
    slopes = torch.autograd.grad(output, given, upstream)
    for ours, theirs in zip(slopes, torch.autograd.grad(exact, leaves, upstream.double()), strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=0, atol=1e-4)


def test_a_delay_that_is_no_number_gives_none() -> None:
    train, weight, delay, plan = case(5, 2, 3, 3, 4, 0.2, seed=9)
    with torch.no_grad():
        delay[:] = torch.nan
    assert delayed_sum(torch.ones_like(train) * (train > 0), weight, delay, plan, Workspace()).isnan().any()


@pytest.mark.parametrize("density", [0.1, 0.9])
def test_results_do_not_depend_on_the_number_of_threads(density: float) -> None:
    *leaves, plan = case(30, 4, 7, 9, 5, density, seed=3)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            output = delayed_sum(*leaves, plan, Workspace())
            results.append((output, *torch.autograd.grad(output.square().sum(), leaves)))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


def test_gradients_of_gradients_are_refused() -> None:
    *leaves, plan = case(5, 1, 2, 2, 2, 0.5, seed=4)
    output = delayed_sum(*leaves, plan, Workspace()).square().sum()
    (first,) = torch.autograd.grad(output, leaves[1:2], create_graph=True)
    assert first.requires_grad
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_cost_is_flat_in_the_longest_delay() -> None:
    """A dense kernel costs four times as much at four times the delay; what is asserted here is far from both."""

    def seconds(longest: int) -> float:
        *leaves, plan = case(60, 8, 60, 60, longest, 0.05, seed=5, sparse=False)
        output = delayed_sum(*leaves, plan, Workspace())
        upstream = torch.ones_like(output)
        best = float("inf")
        for _ in range(7):
            start = time.perf_counter()
            torch.autograd.grad(delayed_sum(*leaves, plan, Workspace()), leaves, upstream)
            best = min(best, time.perf_counter() - start)
        return best

    seconds(5)
    assert seconds(160) < 2.5 * seconds(5)


@pytest.mark.parametrize("width", [4.0, 12.27])
def test_a_smeared_train_is_a_gaussian_around_the_delay(width: float) -> None:
    """Hammouamri et al.'s wide kernel, apart from the ends of its window: within 0.01 in the sum of differences."""
    steps, delay = 301, 40.5  # the worst fraction of a step
    train = torch.zeros(steps, 1, 1, dtype=torch.float64)
    train[100] = 1.0
    seen = smoothed(train, width)[:, 0, 0]
    kernel = 0.5 * (seen[59:-1][:200] + seen[60:][:200])  # time - delay, halfway between 40 and 41 steps
    time_ = torch.arange(100, 300, dtype=torch.float64)
    gauss = torch.exp(-0.5 * ((time_ - 100 - delay) / width) ** 2)
    gauss = gauss / gauss.sum()
    assert (kernel - gauss).abs().sum() < 0.01
    assert smoothed(train, width).sum().item() == pytest.approx(1.0, abs=1e-6)
