"""torch.compile takes the code around a module whole; the module is one operator in its graph."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_fused import MARKS, chain

STEPS, BATCH = 12, 2
RECORD = {"first": ["spikes", "s"], "third": "v", "out": "v"}


@pytest.fixture(autouse=True)
def forget() -> None:
    torch._dynamo.reset()


def made(**options: Any) -> Any:
    return ns.compile(chain(), backend="snntorch", dtype="float64", trainable=MARKS, **options)


def drive() -> Tensor:
    x = torch.rand(STEPS, BATCH, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64) < 0.3
    return x.double().requires_grad_()


def loss_of(module: Any, x: Tensor, state: ns.State | None = None) -> tuple[Tensor, ns.State]:
    """Return something that depends on all that a call returns: code around the call, to be compiled."""
    out, end = module({"in": x * 1.5}, state, record=RECORD, seed=3)
    loss = (out["first"]["spikes"] * out["first"]["s"]).mean() + out["third"]["v"].square().sum()
    return loss + out["out"]["v"].mean() + end.variables["second"]["u"].sum() * 1e-3, end


def gradients(loss: Tensor, module: Any, x: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [x, *module.parameters()]))


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch's own compiler, as it is imported
@pytest.mark.parametrize(
    ("backend", "fused", "anew"),
    [
        ("aot_eager", "always", False),
        pytest.param("eager", "always", True, marks=pytest.mark.slow),
        pytest.param("aot_eager", "never", True, marks=pytest.mark.slow),
        pytest.param("inductor", "always", True, marks=pytest.mark.slow),
    ],
)
def test_code_around_a_call_is_one_graph(backend: str, fused: str, anew: bool) -> None:
    module, x = made(fused=fused), drive()
    compiled = torch.compile(loss_of, backend=backend, fullgraph=True)
    start = None if anew else loss_of(module, x)[1].map(lambda array: array.detach())
    other = start
    for _ in range(2 if anew else 1):  # from the beginning, and on from where it ended
        expected, start = loss_of(module, x, start)
        found, other = compiled(module, x, other)
        assert torch.allclose(found, expected, rtol=1e-12)
        assert (other.step, other.seed, other.circuit_digest) == (start.step, start.seed, start.circuit_digest)
        for (address, ours), (where, theirs) in zip(other.arrays(), start.arrays(), strict=True):
            assert address == where
            assert ours.dtype == theirs.dtype
            assert torch.allclose(ours.double(), theirs.double(), rtol=1e-12, atol=1e-13), address
        for one, two in zip(gradients(found, module, x), gradients(expected, module, x), strict=True):
            assert two.norm() > 0
            assert (one - two).norm() <= 1e-12 * two.norm()
        start, other = (state.map(lambda array: array.detach()) for state in (start, other))
        with torch.no_grad():  # parameters that change are seen
            module.get_parameter("third_to_out.weight").mul_(2)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_a_module_with_layers_breaks_the_graph_and_runs() -> None:
    module, x = made(modules={"third_to_out": "batch_norm"}), drive().detach()
    module.eval()
    assert torch.equal(torch.compile(loss_of, backend="eager")(module, x)[0], loss_of(module, x)[0])
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported, match=r"torch\.compiler\.disable"):
        torch.compile(loss_of, backend="eager", fullgraph=True)(module, x)


@pytest.mark.slow
def test_an_older_torch_breaks_the_graph_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.backends.snntorch.module.GRAPHS", False)
    module, x = made(), drive().detach()
    with torch.no_grad():
        assert torch.equal(torch.compile(loss_of, backend="eager")(module, x)[0], loss_of(module, x)[0])


@pytest.mark.parametrize("inputs", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_operator_is_what_torch_asks_of_one(inputs: bool) -> None:
    from neurosim.backends.snntorch import in_graph

    module = made()
    in_graph._modules[id(module)] = module
    request = {
        "inputs": ["in"] if inputs else [], "state": None, "addresses": [], "steps": None if inputs else STEPS,
        "record": RECORD, "seed": 3,
    }  # fmt: skip
    tensors = [parameter.detach().requires_grad_() for parameter in module.parameters()]
    tensors += [drive()] if inputs else []
    torch.library.opcheck(in_graph.call, (tensors, id(module), json.dumps(request)))
    found = torch.ops.neurosim.call(tensors, id(module), json.dumps(request))
    slopes = [torch.ones_like(one) for one in found]
    plain = [tensor.detach() for tensor in tensors]
    torch.library.opcheck(in_graph.call_backward, (slopes, plain, id(module), json.dumps(request)))
