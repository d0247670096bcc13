"""Triton's kernels do what torch's steps do; its interpreter runs them where there is no GPU."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import neurosim as ns
from backends.random_circuits import circuits
from backends.snntorch.test_fused import BATCH, MARKS, RECORD, STEPS, called, chain, custom
from neurosim.backends.inputs import Inputs
from neurosim.backends.snntorch import fused
from neurosim.backends.snntorch.gpu import modules
from neurosim.program.straight_line import Uncovered
from neurosim.units import ms

pytest.importorskip("triton", reason="Triton is not installed: extra gpu")

interpreted = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="there is a GPU here: Triton compiles, and does not interpret"
)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Triton's kernels run on a CPU, some neurons of a trial in one program and the rest in the next."""
    from neurosim.backends.snntorch.gpu import scan as triton_scan

    monkeypatch.setattr(fused, "by_triton", lambda module: module.options.fused == "always")
    monkeypatch.setattr(triton_scan, "BLOCK", 8)


@interpreted
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"dtype": "float64"}, 1e-12),
        ({"dtype": "float32", "surrogate": "fast_sigmoid"}, 2e-6),
        ({"dtype": "float64", "surrogate": custom}, 1e-12),
    ],
    ids=["atan", "fast_sigmoid", "custom"],
)
def test_kernels_and_steps_agree(options: dict[str, Any], tolerance: float) -> None:
    blocks, steps = called("always", **options), called("never", **options)
    for key, value in steps[0].items():
        assert torch.equal(blocks[0][key], value), key
    for key, gradient in steps[1].items():
        assert gradient.norm() > 0, key
        assert (blocks[1][key] - gradient).norm() <= tolerance * gradient.norm(), key
    for (address, ours), (_, theirs) in zip(blocks[2].arrays(), steps[2].arrays(), strict=True):
        assert torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs)), address


def cells(n: int, *, elementary: bool) -> ns.Circuit:
    """Return a driven population whose steps hold every function that a kernel knows, or a plain one that rests."""
    circuit = ns.Circuit("cells", dt=1 * ms)
    if elementary:
        equations = """
        dv/dt = (drive + 0.2*tanh(v) + 0.1*sin(v)*cos(w) + 0.1*exp(-v*v) - 0.3*v)/(10*ms) : 1
        dw/dt = (expm1(0.1*v) + log1p(v*v) + 0.01*sinh(v) + 0.01*cosh(v) + sqrt(1 + v*v) - abs(w))/(20*ms) : 1
        drive : 1
        """
        model = ns.NeuronModel(equations, threshold="v > 1 and w > -5", reset="v = clip(v - 1, -2, 0.5)\nw += 0.1*v**3")
    else:
        model = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.population("cells", n, model, initial={"v": ns.Uniform(-0.5, 0.9)})
    return circuit


def stepped_and_blocks(circuit: ns.Circuit, steps: int, batch: int, name: str, scale: float) -> list[Any]:
    n = circuit.populations["cells"].n
    circuit.inject("drive", circuit.populations["cells"], name, ns.Step(0.0))
    found = []
    for way in ("never", "always"):
        module = ns.compile(circuit, backend="snntorch", dtype="float64", fused=way)
        x = torch.linspace(-0.2, 1, steps * batch * n, dtype=torch.float64).reshape(steps, batch, n)
        x = (x * scale).requires_grad_()
        out, state = module({"drive": x}, record={"cells": ["spikes", "v"]})
        values = [*out["cells"].values(), *(state.variables["cells"][key] for key in sorted(state.variables["cells"]))]
        weighed = sum((value * torch.linspace(0.5, 1, value.numel()).reshape(value.shape)).sum() for value in values)
        (gradient,) = torch.autograd.grad(weighed, x)
        found.append((values, gradient))
    return found


@interpreted
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("steps", "batch", "n"), [(1, 1, 1), (1, 3, 5), (7, 1, 9), (12, 2, 4)])
@pytest.mark.parametrize("scale", [0.0, 2.0, 1e3], ids=["silent", "some", "all"])
def test_odd_sizes(steps: int, batch: int, n: int, scale: float) -> None:
    (before, by_steps), (after, by_blocks) = stepped_and_blocks(
        cells(n, elementary=False), steps, batch, "i_ext", scale
    )
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one, other)
    assert (by_blocks - by_steps).norm() <= 1e-12 * by_steps.norm()


@interpreted
@pytest.mark.usefixtures("kernels")
def test_every_function_that_kernels_know() -> None:
    circuit = cells(6, elementary=True)
    module = ns.compile(circuit, backend="snntorch", fused="always")
    assert list(module.stepped.values()) == [None]
    (before, by_steps), (after, by_blocks) = stepped_and_blocks(circuit, 20, 2, "drive", 6.0)
    assert before[0].sum() > 5
    for one, other in zip(before, after, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-13)
    assert (by_blocks - by_steps).norm() <= 1e-10 * by_steps.norm()


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "sinh", "cosh"])
def test_elementary_functions(name: str, dtype: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    text = f"""
import triton
import triton.language as tl
from neurosim.backends.snntorch.gpu.functions import {name}

@triton.jit
def forward(x, y, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    tl.store(y + place, {name}(tl.load(x + place)))

backward = forward
"""
    size = torch.logspace(-12, 1.2, 256, dtype=torch.float64)
    x = torch.cat([size, -size if name != "log1p" else -size.clamp(max=0.999)]).to(dtype)
    y = torch.empty_like(x)
    modules.kernels(text)["forward"][(1,)](x, y, BLOCK=512)
    expected = getattr(torch, name)(x.double())
    assert ((y.double() - expected) / expected).abs().max() <= 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("power", ["x ** real(2.5)", "x ** y", "x ** real(9.0)", "math.gamma(x)", "f(x)[0]"])
def test_what_kernels_do_not_know_is_said(power: str) -> None:
    from neurosim.backends.snntorch.gpu.text import TritonText

    with pytest.raises(Uncovered):
        TritonText(single=False).line(f"y = {power}")


@pytest.mark.parametrize("single", [True, False])
def test_text_of_lines(single: bool) -> None:
    from neurosim.backends.snntorch.gpu.text import TritonText

    text = TritonText(single=single).line(
        "y = a / real(2.0) if (not b and c <= d or False) else min(x ** real(-2.0), -x)"
    )
    one = "tl.full((BLOCK,), 1.0, REAL)"
    half = "a, tl.full((BLOCK,), 2.0, REAL)"
    expected = (
        f"y = tl.where((((~b) & (c <= d)) | tl.full((BLOCK,), 0, tl.int1)), "
        f"{f'tl.div_rn({half})' if single else '(a / tl.full((BLOCK,), 2.0, REAL))'}, "
        f"tl.minimum({f'tl.div_rn({one}, (x * x))' if single else f'({one} / (x * x))'}, (-x), "
        "propagate_nan=tl.PropagateNan.ALL))"
    )
    assert ast.unparse(ast.parse(text)) == ast.unparse(ast.parse(expected))


def test_text_of_elements() -> None:
    from neurosim.backends.snntorch.gpu.text import TritonText

    text = TritonText(single=False)
    assert text.line("V0_v[at] = V0_v[at] + x") == "tl.store(V0_v + at, (tl.load(V0_v + at) + x), mask=inside)"
    with pytest.raises(Uncovered):
        text.line("V0_v[at + 1] = x")


def test_why_kernels_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    why_not = modules.why_no_triton.__wrapped__  # which keeps no answers
    monkeypatch.setenv("CC", "cc")
    assert why_not(torch.device("cuda")) is None
    monkeypatch.delenv("CC")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "C compiler" in str(why_not(torch.device("cuda")))
    monkeypatch.setenv("CC", "cc")
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
        assert "compute capability 7.0, this one has 6.1" in str(why_not(torch.device("cuda")))
    assert why_not(torch.device("mps")) == "there are no loops for mps"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "neurosim-circuits[gpu]" in str(why_not(torch.device("cuda")))


COMPILE = """
import importlib.util
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

WIDE = {"A": "*i8", "L": "*i64"}
real, *paths = sys.argv[1:]
for path in paths:
    spec = importlib.util.spec_from_file_location("kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for kernel in (module.forward, module.backward):
        whole = ("step", "steps", "start", "n", "width")
        signature = {name: "i32" if name in whole else WIDE.get(name, real) for name in kernel.arg_names}
        signature |= {"DT": "constexpr", "BLOCK": "constexpr"}
        built = triton.compile(
            ASTSource(fn=kernel, signature=signature, constexprs={"DT": 1e-3, "BLOCK": 64}),
            target=GPUTarget("cuda", 80, 32), options={"num_warps": 2, "enable_fp_fusion": False},
        )
        text = built.asm["ptx"]
        inexact = [word for word in ("fma.", "div.full", "approx") if word in text]
        assert "st.global" in text
        print(" ".join(["compiled", *inexact]))
"""


@pytest.mark.parametrize(
    ("dtype", "names"),
    [
        ("float32", ["first"]),
        pytest.param("float64", ["first", "second", "third", "out"], marks=pytest.mark.slow),
        pytest.param("float64", ["cells"], marks=pytest.mark.slow),
        pytest.param("float32", ["cells"], marks=pytest.mark.slow),
    ],
)
def test_kernels_compile_for_a_gpu_that_is_not_here(
    dtype: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = cells(3, elementary=True) if names == ["cells"] else chain()
    module = ns.compile(circuit, backend="snntorch", dtype=dtype)
    monkeypatch.setattr(fused, "by_triton", lambda module: True)
    paths = []
    for name in names:
        item = module.program.populations[name]
        paths.append(tmp_path / f"{name}.py")
        paths[-1].write_text(fused._source(module, item, ["v"], [*item.inputs], ["v"]).text)
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    command = [sys.executable, "-c", COMPILE, "*fp32" if dtype == "float32" else "*fp64", *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.splitlines()
    assert len(said) == 2 * len(names)
    assert names == ["cells"] or set(said) == {"compiled"}  # what a library of functions does is its own affair


@pytest.mark.cuda
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-3)])
def test_on_a_gpu(dtype: str, tolerance: float) -> None:
    found = []
    for device, way in (("cpu", "never"), ("cuda", "always")):
        module = ns.compile(chain(), backend="snntorch", fused=way, trainable=MARKS, dtype=dtype, device=device)
        if device == "cuda":
            assert module.stepped[module.schedule[-1]] is None
        x = torch.rand(STEPS, BATCH, 10, generator=torch.Generator().manual_seed(1)) < 0.15
        out, _ = module({"in": x.to(device)}, record=RECORD, seed=4)
        loss = sum(value.square().mean() for values in out.values() for value in values.values())
        loss.backward()  # type: ignore[union-attr]
        found.append((out, {key: parameter.grad for key, parameter in module.named_parameters()}))
    for name, values in found[0][0].items():
        for key, value in values.items():
            assert torch.allclose(found[1][0][name][key].cpu(), value, rtol=tolerance, atol=tolerance), (name, key)
    for key, gradient in found[0][1].items():
        assert (found[1][1][key].cpu() - gradient).norm() <= 10 * tolerance * gradient.norm(), key


@interpreted
@pytest.mark.slow
@pytest.mark.usefixtures("kernels")
@given(circuits())
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_kernels_and_steps_agree_on_random_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    circuit, inputs = drawn
    fed = Inputs(circuit, inputs, start=0, n_steps=40, trials=1, seed=5)
    shapes = {name: circuit.populations[name].shape for name in fed.targets if name in circuit.populations}
    shapes.update({name: (-1,) for name in circuit.injections})
    rows = {name: np.array(fed.rows(name, 0, 40)).reshape(40, 1, *shape) for name, shape in shapes.items()}
    ends = []
    for way in ("never", "always"):
        module = ns.compile(circuit, backend="snntorch", dtype="float64", fused=way)
        with torch.no_grad():
            ends.append(module(rows, steps=40, seed=5)[1])
    for (address, ours), (_, theirs) in zip(ends[1].arrays(), ends[0].arrays(), strict=True):
        assert torch.allclose(
            torch.as_tensor(ours).double(), torch.as_tensor(theirs).double(), rtol=1e-9, atol=1e-12, equal_nan=True
        ), address
