"""Surrogates whose slope is 0 beyond an interval: in the loops as in torch, whoever says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import snntorch
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_loops import train
from neurosim.backends.snntorch import sparse_linear
from neurosim.backends.snntorch.scanned import slope_of
from neurosim.backends.snntorch.surrogate_slopes import slope_text, support_text
from neurosim.backends.snntorch.surrogates import boxcar, limited, triangle
from neurosim.errors import BackendError
from neurosim.units import ms


class Cosine(torch.autograd.Function):
    """A spike whose slope is a half wave of a cosine."""

    @staticmethod
    def forward(ctx: Any, argument: Tensor) -> Tensor:
        ctx.save_for_backward(argument)
        return (argument > 0).to(argument.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (argument,) = ctx.saved_tensors
        return gradients[0] * torch.where(argument.abs() < 0.4, torch.cos(argument * math.pi / 0.8), 0.0)


def cosine(argument: Tensor) -> Tensor:
    """Return spikes whose slope says where it is not 0, and nothing else."""
    return Cosine.apply(argument)


cosine.support = (-0.4, 0.4)

KNOWN = {
    "triangle": triangle(0.4),
    "boxcar": boxcar(0.25, 0.5),
    "limited atan": limited(snntorch.surrogate.atan(), -0.3, 0.5),
    "limited on one side": limited(snntorch.surrogate.fast_sigmoid(5), high=0.2),
    "SFS": snntorch.surrogate.SFS(slope=5, B=-0.3),
    "heaviside": snntorch.surrogate.heaviside(),
}
ASKED = {
    "cosine": cosine,
    "limited cosine": limited(cosine, 0.0, 0.3),
    "sigmoid": limited(snntorch.surrogate.sigmoid(5), -1, 1),
}
POINTS = torch.cat([torch.linspace(-3, 3, 601, dtype=torch.float64), torch.tensor([0.25, -0.3, 0.5, 0.2, 0.4, -0.4])])


def at(text: str, value: float) -> Any:
    """Return what a line of a loop makes of a distance."""
    return eval(text, {"real": float, "abs": abs, "distance": value})


@pytest.mark.parametrize("name", KNOWN)
def test_slopes_of_loops_are_those_of_torch_and_0_outside_the_support(name: str) -> None:
    surrogate = KNOWN[name]
    slope, support = slope_text(surrogate), support_text(surrogate)
    assert slope is not None
    assert support is not None
    expected = slope_of(surrogate, POINTS)
    found = torch.tensor([at(slope, value) for value in POINTS.tolist()], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    inside = torch.tensor([at(support, value) for value in POINTS.tolist()])
    assert not expected[~inside].any()
    assert expected[inside].any()
    assert set(surrogate(POINTS).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", ASKED)
def test_only_the_support_of_others_is_known(name: str) -> None:
    surrogate = ASKED[name]
    assert slope_text(surrogate) is None
    inside = torch.tensor([at(str(support_text(surrogate)), value) for value in POINTS.tolist()])
    slopes = slope_of(surrogate, POINTS)
    assert torch.isfinite(slopes).all()
    assert not slopes[~inside].any()
    assert slopes[inside].any()


def test_surrogates_without_bounds_have_no_support() -> None:
    assert support_text(snntorch.surrogate.atan()) is None
    assert support_text(snntorch.surrogate.triangular()) is None


def network(n: int = 40) -> ns.Circuit:
    """Return a layer that hears itself and one that is heard by it."""
    circuit = ns.Circuit("layers", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(n))
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    for name in ("first", "second"):
        circuit.population(name, n, cell)
    weight = ns.Trainable(ns.Normal(0.0, 0.3))
    for pre, post in (("in", "first"), ("first", "second"), ("second", "second")):
        circuit.connect(pre, post, ns.AllToAll(), receptor="v", weight=weight)
    return circuit


def held_against_steps(surrogate: Any, monkeypatch: pytest.MonkeyPatch, part: float) -> None:
    """Hold gradients of loops that look for those that are felt against those of steps."""
    monkeypatch.setattr(sparse_linear, "FEW", part)
    monkeypatch.setattr(sparse_linear, "SEARCH", 0)
    x, found = train(30, 16, 40, 0.05), []
    for fused in ("always", "never"):
        module = ns.compile(network(), backend="snntorch", surrogate=surrogate, dtype="float64", fused=fused)
        spikes = module({"in": x}, record={"second": "spikes"})[0]["second"]["spikes"]
        (spikes * torch.linspace(-1, 1, spikes.numel()).reshape(spikes.shape)).sum().backward()
        found.append((spikes, [parameter.grad for parameter in module.parameters()]))
    (ours, gradients), (theirs, expected) = found
    assert torch.equal(ours, theirs)
    assert len(expected) == 3
    for gradient, reference in zip(gradients, expected, strict=True):
        assert gradient is not None
        assert reference is not None
        assert reference.any()
        assert torch.linalg.vector_norm(gradient - reference) <= 1e-10 * reference.norm()


def test_gradients_are_those_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    held_against_steps(cosine, monkeypatch, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.0, 1.0], ids=["all", "felt"])
@pytest.mark.parametrize("name", [*KNOWN, *ASKED])
def test_gradients_are_those_of_steps_with_each(name: str, part: float, monkeypatch: pytest.MonkeyPatch) -> None:
    held_against_steps({**KNOWN, **ASKED}[name], monkeypatch, part)


@pytest.mark.parametrize(
    ("support", "message"),
    [((-0.3, 0.3), r"is not 0 at -0\.3, outside"), ((0.3, -0.3), r"must be an interval \(low, high\)"),
     ((0.3,), "must be an interval"), ("wide", "must be an interval")],
)  # fmt: skip
def test_a_support_that_is_none_is_refused(support: Any, message: str) -> None:
    def surrogate(argument: Tensor) -> Tensor:
        return Cosine.apply(argument)

    surrogate.support = support
    with pytest.raises(BackendError, match=message):
        ns.compile(network(), backend="snntorch", surrogate=surrogate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: triangle(0.0), "width must be a positive number, got 0"),
        (lambda: boxcar(math.inf), "width must be a positive number"),
        (lambda: limited(cosine), "something outside it"),
        (lambda: limited(cosine, 0.2, 0.1), "must leave an interval"),
    ],
)
def test_surrogates_that_cannot_be_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        make()
