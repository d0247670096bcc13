"""Populations that reach themselves do in kernels of Triton what torch's operations do, forward and backward."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_fused import custom
from backends.snntorch.test_loops import MARKS, RECORD, balanced, called, held_against_steps, train
from neurosim.backends.snntorch import explanation, fused
from neurosim.backends.snntorch.gpu import recurrent, recurrent_source
from neurosim.backends.snntorch.loops.components import member_of
from neurosim.backends.snntorch.loops.source import Arrival
from neurosim.units import ms

pytest.importorskip("triton", reason="Triton is not installed: extra gpu")

interpreted = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="there is a GPU here: Triton compiles, and does not interpret"
)
AT_ONCE, BY_PARTS = 1024, 0


def use_kernels(patch: pytest.MonkeyPatch, widest: int) -> None:
    """Let Triton's kernels run on a CPU; populations beyond `widest` in several blocks and launches."""
    patch.setattr(fused, "by_triton", lambda module: module.options.fused == "always")
    patch.setattr(explanation, "by_triton", lambda module: module.options.fused == "always")
    patch.setattr(recurrent_source, "WIDEST", widest)
    patch.setattr(recurrent_source, "BLOCK", 8)
    patch.setattr(recurrent_source, "NARROWEST", 8)


@pytest.fixture(params=[AT_ONCE, BY_PARTS], ids=["at_once", "by_parts"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    use_kernels(monkeypatch, request.param)
    return bool(request.param == AT_ONCE)


def edges_only() -> ns.Circuit:
    """Return two populations that reach themselves and each other by single edges, which all add in one order."""
    circuit = ns.Circuit("edges", dt=1 * ms, seed=5)
    circuit.source("in", ns.SpikeSource(6))
    rests = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.population("exc", 9, rests, initial={"v": ns.Uniform(0, 0.8)})
    subtracts = ns.NeuronModel(
        "dv/dt = (s - v)/(8*ms) : 1\nds/dt = -s/(5*ms) : 1", threshold="v > 0.8", reset="v -= 0.8"
    )
    circuit.population("inh", 5, subtracts)
    weight = ns.Trainable(ns.Normal(0.3, 0.3))
    for pre, post, receptor in (("in", "exc", "v"), ("exc", "exc", "v"), ("exc", "inh", "s"), ("inh", "exc", "v")):
        circuit.connect(
            pre, post, ns.FixedProbability(0.6), receptor=receptor, weight=weight, delay=ns.Uniform(0 * ms, 4 * ms)
        )
    return circuit


@interpreted
@pytest.mark.parametrize(
    "widest", [AT_ONCE, pytest.param(BY_PARTS, marks=pytest.mark.slow)], ids=["at_once", "by_parts"]
)
def test_kernels_and_steps_agree(widest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_kernels(monkeypatch, widest)
    rate = held_against_steps(balanced(), train(10, 1, 6), 1e-13, 1e-11, dtype="float64")
    assert 0.05 < rate < 0.6


@interpreted
@pytest.mark.usefixtures("kernels")
def test_edges_add_in_the_order_of_the_contract() -> None:
    found = []
    for way in ("always", "never"):
        module = ns.compile(edges_only(), backend="snntorch", fused=way, dtype="float64")
        out, end = module({"in": train(10, 1, 6)}, record={"exc": ["spikes", "v"], "inh": ["spikes", "v", "s"]})
        values = [value for part in out.values() for value in part.values()]
        loss = sum(((value - 0.3).square()).sum() for value in [*values, end.variables["inh"]["s"]])
        loss.backward()  # type: ignore[union-attr]
        found.append((values, [parameter.grad for parameter in module.parameters()]))
    assert found[0][0][0].sum() > 2
    assert all(torch.equal(one, other) for one, other in zip(found[0][0], found[1][0], strict=True))
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert other is not None
        assert torch.linalg.vector_norm(one - other) <= 1e-12 * other.norm()


@interpreted
@pytest.mark.parametrize(
    ("n", "steps", "batch", "gain", "density", "widest"),
    [
        ((1, 1, 1), 1, 1, 40.0, 1.0, BY_PARTS),
        ((1, 1, 1), 1, 1, 40.0, 1.0, AT_ONCE),
        ((3, 9, 4), 2, 2, 0.0, 0.0, AT_ONCE),
    ],
    ids=["one_by_parts", "one", "silent"],
)
def test_kernels_and_steps_agree_at_the_edges(
    n: tuple[int, int, int], steps: int, batch: int, gain: float, density: float, widest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    use_kernels(monkeypatch, widest)
    circuit = balanced(n=n, gain=gain)
    held_against_steps(circuit, train(steps, batch, n[0], density), 1e-12, 1e-10, dtype="float64")


@interpreted
@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "values", "gradients"),
    [
        ({"dtype": "float32", "surrogate": "fast_sigmoid"}, 1e-5, 1e-4),
        ({"dtype": "float64", "surrogate": custom}, 1e-13, 1e-11),
    ],
    ids=["single", "custom"],
)
def test_in_other_precisions(
    options: dict[str, Any], values: float, gradients: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_kernels(monkeypatch, AT_ONCE)
    held_against_steps(balanced(), train(4, 1, 6), values, gradients, **options)


@interpreted
def test_launches(kernels: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    count: Counter[str] = Counter()

    class Counted:
        def __init__(self, name: str, kernel: Any) -> None:
            self.name, self.kernel = name, kernel

        def __getitem__(self, grid: tuple[int, ...]) -> Any:
            count[self.name] += 1
            return self.kernel[grid]

    compiled = recurrent.kernels
    monkeypatch.setattr(
        recurrent, "kernels",
        lambda *given: {name: Counted(name, kernel) for name, kernel in compiled(*given).items()},
    )  # fmt: skip
    module = ns.compile(balanced(), backend="snntorch", fused="always", dtype="float64")
    steps = 3
    module({"in": train(steps, 1, 6)}, record=RECORD)[0]["exc"]["v"].sum().backward()
    if kernels:
        assert count == {"forward": 1, "backward": 1}
    else:
        early = module.program.history_depth["exc"]
        parts = dict.fromkeys(("fire", "settle", "back_settle", "back_fire"), steps)
        assert count == {**parts, "note": early, "early": early}


@interpreted
def test_what_is_kept_for_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    # As loops on a CPU do: of exc v at its turns, of inh v and s between arrivals and reset.
    use_kernels(monkeypatch, AT_ONCE)
    n, steps, batch = (4, 40, 24), 3, 2
    module = ns.compile(balanced(n=n), backend="snntorch", fused="always", dtype="float64", trainable=MARKS)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        end = module({"in": train(steps, batch, n[0])}, record=RECORD)[1]
    assert end.variables["exc"]["v"].requires_grad
    shapes = Counter((tuple(tensor.shape), tensor.dtype) for tensor in kept.values())
    assert shapes[(steps, batch, n[1]), torch.float64] == 1
    assert shapes[(steps, batch, n[2]), torch.float64] == 2
    assert shapes[(steps + 4, batch, n[1]), torch.float64] == 1
    assert shapes[(steps, batch, n[1]), torch.int8] == 1
    kept.clear()
    with torch.no_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module({"in": train(steps, batch, n[0])}, record=RECORD)
    assert not kept


@interpreted
def test_what_is_said(kernels: bool) -> None:
    module = ns.compile(balanced(), backend="snntorch", fused="always")
    assert set(module.stepped.values()) == {None, module.stepped[module.schedule[0]]}
    (row,) = (row for row in module.explain().populations if len(row.parts) > 1)
    assert row.path == explanation.KERNELS
    assert row.why == ("" if kernels else "two launches in every step: a population has more than 0 neurons")
    circuit = balanced()
    graded = ns.SynapseModel("i_ext_post = w*v_pre : 1 (summed)")
    circuit.connect("inh", "exc", ns.AllToAll(), synapse=graded, weight=0.1, name="graded")
    module = ns.compile(circuit, backend="snntorch", fused="always")
    (reason,) = (why for component, why in module.stepped.items() if len(component.populations) > 1)
    assert reason is not None
    assert reason.endswith("is graded")


@interpreted
@pytest.mark.usefixtures("kernels")
def test_after_training_delays_are_whole_steps() -> None:
    x, found = train(6, 1, 6), []
    for way in ("always", "never"):
        module = ns.compile(balanced(), backend="snntorch", fused=way, dtype="float64", training=False)
        found.append(module({"in": x}, record=RECORD)[0])
    assert found[0]["inh"]["spikes"].any()
    assert torch.equal(found[0]["exc"]["spikes"], found[1]["exc"]["spikes"])
    assert torch.allclose(found[0]["inh"]["v"], found[1]["inh"]["v"], rtol=1e-13, atol=1e-15)


@interpreted
@pytest.mark.slow
@given(
    n=st.tuples(st.integers(1, 9), st.integers(1, 17), st.integers(1, 9)),
    steps=st.integers(1, 7),
    batch=st.integers(1, 3),
    gain=st.sampled_from([0.0, 1.0, 40.0]),  # no spikes but by chance, some, (nearly) all
    density=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 100),
    widest=st.sampled_from([AT_ONCE, BY_PARTS]),
)
@settings(
    max_examples=20, suppress_health_check=list(HealthCheck), deadline=None, phases=[Phase.explicit, Phase.generate]
)
def test_kernels_and_steps_agree_at_every_size(
    n: tuple[int, int, int], steps: int, batch: int, gain: float, density: float, seed: int, widest: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_kernels(patch, widest)
        circuit = balanced(n=n, gain=gain, seed=seed)
        held_against_steps(circuit, train(steps, batch, n[0], density), 1e-12, 1e-10, dtype="float64")


COMPILE = """
import importlib.util
import re
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

KINDS = {
    "step|t|steps|batch": "i32", r"A\\d+": "*i8", r"L\\d+": "*i64", r"N[EC]\\d+": "*i32", r"[EF][SPD]_\\d+": "*i64",
}
real, warps, *paths = sys.argv[1:]
for path in paths:
    spec = importlib.util.spec_from_file_location("kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("forward", "backward", "note", "fire", "settle", "back_settle", "back_fire", "early"):
        kernel = getattr(module, name, None)
        if kernel is None:
            continue
        signature = {
            key: next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, key)), real)
            for key in kernel.arg_names
        } | {"DT": "constexpr"}
        built = triton.compile(
            ASTSource(fn=kernel, signature=signature, constexprs={"DT": 1e-3}), target=GPUTarget("cuda", 80, 32),
            options={"num_warps": int(warps), "enable_fp_fusion": False, "num_stages": 1},
        )
        text = built.asm["ptx"]
        # What other threads wrote must not come from a cache for what never changes; sums go in one order.
        wrong = [word for word in ("fma.", "div.full", "approx", ".nc", "atom.", "red.global") if word in text]
        print(" ".join([name, str(text.count("bar.sync")), *wrong]))
"""


@pytest.mark.parametrize(
    ("n", "dtype"),
    [
        (40, "float32"),
        pytest.param(1024, "float64", marks=pytest.mark.slow),
        pytest.param(1025, "float64", marks=pytest.mark.slow),
        pytest.param(1025, "float32", marks=pytest.mark.slow),
    ],
)
def test_kernels_compile_for_a_gpu_that_is_not_here(n: int, dtype: str, tmp_path: Path) -> None:
    circuit = balanced(n=(2, n, 3))
    module = ns.compile(circuit, backend="snntorch", dtype=dtype)
    members = [member_of(module, name, ("v",), None) for name in ("exc", "inh")]
    arrivals = [
        Arrival("ahead", 0, "v"), Arrival("lines", 0, "v", 1), Arrival("edges", 1, "v", 1), Arrival("lines", 1, "s", 0),
    ]  # fmt: skip
    source = recurrent_source.recurrent_source(
        members, arrivals, [None, 3, None, 0], [2, 3], module.torch_dtype, keep=True
    )
    (tmp_path / "kernels.py").write_text(source.text)
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    command = [sys.executable, "-c", COMPILE, "*fp32" if dtype == "float32" else "*fp64"]
    done = subprocess.run(
        [*command, str(recurrent.warps(source.layout.block)), str(tmp_path / "kernels.py")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in said] == list(source.arrays)
    assert all(len(line) == 2 for line in said), said
    # Threads wait for each other before spikes arrive and before neurons go on, and once for what came before.
    least = {"forward": 3, "backward": 2}
    assert all(int(line[1]) >= least.get(line[0], 0) for line in said)


def test_arrays_of_a_text() -> None:
    lines = ["x = tl.load(V0_v + at)", "tl.store(A1 + now, x)", "f(S12, ES_3, GT0_v, DT, REAL, x_V0_v, K)"]
    assert recurrent_source.given_to(lines) == ("V0_v", "A1", "S12", "ES_3", "GT0_v")
    assert not re.search(r"\d", "DT REAL BLOCK")


@pytest.mark.cuda
@pytest.mark.parametrize("widest", [AT_ONCE, BY_PARTS], ids=["at_once", "by_parts"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-3)])
def test_on_a_gpu(dtype: str, tolerance: float, widest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent_source, "WIDEST", widest)
    x = train(40, 3, 6)
    on_cpu = called(balanced(), x, "never", dtype=dtype)
    on_gpu = called(balanced(), x.cuda(), "always", dtype=dtype, device="cuda")
    for key, value in on_cpu[0].items():
        assert torch.allclose(on_gpu[0][key].cpu(), value, rtol=tolerance, atol=tolerance), key
    for key, gradient in on_cpu[1].items():
        assert gradient is not None
        ours = on_gpu[1][key]
        assert ours is not None
        assert (ours.cpu() - gradient).norm() <= 10 * tolerance * gradient.norm(), key


@pytest.mark.cuda
@pytest.mark.parametrize("widest", [AT_ONCE, BY_PARTS], ids=["at_once", "by_parts"])
def test_on_a_gpu_twice_the_same(widest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent_source, "WIDEST", widest)
    circuit, x = balanced(n=(30, 700, 200), gain=0.1), train(60, 20, 30).cuda()
    first, second = (called(circuit, x, "always", dtype="float32", device="cuda") for _ in range(2))
    assert all(torch.equal(first[0][key], value) for key, value in second[0].items())
    for key, value in second[1].items():
        ours = first[1][key]
        assert value is not None
        assert ours is not None
        assert torch.equal(ours, value), key


@pytest.mark.cuda
def test_on_a_gpu_both_ways_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit, x = balanced(n=(30, 300, 100), gain=0.1), train(40, 5, 30).cuda()
    found = []
    for widest in (AT_ONCE, BY_PARTS):
        monkeypatch.setattr(recurrent_source, "WIDEST", widest)
        found.append(called(circuit, x, "always", dtype="float64", device="cuda"))
    assert all(torch.equal(found[0][0][key], value) for key, value in found[1][0].items())


@pytest.mark.cuda
def test_on_another_gpu_than_the_first() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    found = [called(balanced(), train(20, 2, 6).to(f"cuda:{n}"), "always", device=f"cuda:{n}") for n in (0, 1)]
    for key, value in found[0][0].items():
        assert torch.equal(found[1][0][key].cpu(), value.cpu()), key
