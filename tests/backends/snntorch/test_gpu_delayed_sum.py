"""Delayed sums in kernels of Triton equal torch's; the interpreter runs them where there is no GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from backends.snntorch.test_delayed_sum import Case, case
from neurosim.backends.snntorch.delayed_sum import EdgePlan, delayed_sum, delayed_sum_of_torch
from neurosim.backends.snntorch.gpu import delayed_sum as triton_delayed_sum
from neurosim.backends.snntorch.gpu.delayed_sum import delayed_sum_of_triton
from neurosim.backends.snntorch.workspace import Workspace

pytest.importorskip("triton", reason="Triton is not installed: extra gpu")

interpreted = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="there is a GPU here: Triton compiles, and does not interpret"
)


def outcomes(found: Case) -> list[tuple[Tensor, ...]]:
    """Return the sum and its gradients, by kernels and by torch."""
    *leaves, plan = found
    results = []
    for compute in (delayed_sum_of_triton, delayed_sum_of_torch):
        output = compute(*leaves, plan)
        upstream = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
        gradients = torch.autograd.grad(output, leaves, upstream) if len(plan.pre) else ()
        results.append((output, *gradients))
    return results


@interpreted
@given(
    st.integers(1, 9), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 6),
    st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 10**6), st.sampled_from([4, 16]),
)  # fmt: skip
@settings(max_examples=15)
def test_kernels_and_torch_agree(
    steps: int, batch: int, n_pre: int, n_post: int, longest: int, density: float, seed: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_delayed_sum, "BLOCK", block)
        ours, theirs = outcomes(case(steps, batch, n_pre, n_post, longest, density, seed))
    assert ours[0].shape == theirs[0].shape
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-11)


@interpreted
def test_single_precision_and_the_size_of_programs_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    train, weight, delay, plan = case(17, 3, 5, 4, 6, 0.3, seed=1)
    single = tuple(leaf.detach().float().requires_grad_() for leaf in (train, weight, delay))
    results = []
    for block in (8, 64):
        monkeypatch.setattr(triton_delayed_sum, "BLOCK", block)
        results.append(outcomes((*single, plan)))
    assert torch.equal(results[0][0][0], results[1][0][0])
    for one, other in zip(*results[0], strict=True):
        assert one.dtype == torch.float32
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


@interpreted
def test_a_projection_without_edges() -> None:
    import numpy as np

    plan = EdgePlan(np.zeros(0, np.int64), np.zeros(0, np.int64), 3, 2, 4)
    train = torch.ones(9, 2, 3).requires_grad_()
    none = torch.zeros(0).requires_grad_()
    output = delayed_sum_of_triton(train, none, none, plan)
    assert torch.equal(output, torch.zeros(5, 2, 2))
    assert all(not found.any() for found in torch.autograd.grad(output.sum(), (train, none, none)))


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from neurosim.backends.snntorch.gpu import delay_kernels as triton_kernels

REAL = {"y", "weight", "part", "x", "d_weight", "d_delay", "d_x", "g"}
for kernel in (triton_kernels.add_rows, triton_kernels.edge_gradients, triton_kernels.input_gradients):
    for real in ("*fp32", "*fp64"):
        whole = dict.fromkeys(("length", "reach", "origin", "batch"), "i32")
        signature = {name: real if name in REAL else whole.get(name, "*i64") for name in kernel.arg_names}
        built = triton.compile(
            ASTSource(fn=kernel, signature=signature | {"BLOCK": "constexpr"}, constexprs={"BLOCK": 256}),
            target=GPUTarget("cuda", 80, 32), options={"num_warps": 4, "enable_fp_fusion": False},
        )
        assert "st.global" in built.asm["ptx"] and "atom" not in built.asm["ptx"]
        print(kernel.__name__, real)
"""


@pytest.mark.slow
def test_kernels_compile_for_a_gpu_that_is_not_here(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == 6


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    train, weight, delay, plan = case(40, 8, 30, 20, 25, 0.1, seed=2)
    expected = delayed_sum(train, weight, delay, plan, Workspace())
    there = [leaf.detach().cuda().requires_grad_() for leaf in (train, weight, delay)]
    found = delayed_sum(*there, plan, Workspace())
    assert torch.allclose(found.cpu(), expected, rtol=1e-10, atol=1e-12)
    ours = torch.autograd.grad(found.square().sum(), there)
    theirs = torch.autograd.grad(expected.square().sum(), (train, weight, delay))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.cpu(), other, rtol=1e-9, atol=1e-10)
