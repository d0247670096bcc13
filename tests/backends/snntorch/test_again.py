"""Keeping spikes alone: the way back finds variables again, bit for bit, and memory is less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_fused import chain
from backends.snntorch.test_loops import RECORD, balanced, train
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.benchmarks.sides.kept import kept_bytes
from neurosim.errors import BackendError
from neurosim.units import ms

MARKS = {"exc.tau_mem": ns.Trainable(per="neuron"), "inh.v_threshold": ns.Trainable()}


def noisy(n: int = 6) -> ns.Circuit:
    """Return neurons whose threshold reads noise, and layers after them."""
    circuit = ns.Circuit("noisy", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(n))
    cell = ns.NeuronModel(
        "dv/dt = (s - v)/(10*ms) + sigma*xi*(5*ms)**-0.5 : 1\nds/dt = -s/(4*ms) : 1\ndw/dt = (v - w)/(30*ms) : 1",
        threshold="v > 0.7 + w", reset="v = 0; w += 0.1", parameters={"sigma": 0.1},
    )  # fmt: skip
    circuit.population("first", n + 3, cell)
    circuit.population("second", n - 1, cell)
    weight = ns.Trainable(ns.Normal(0.5, 0.5))
    circuit.connect("in", "first", ns.AllToAll(), receptor="s", weight=weight)
    circuit.connect("first", "second", ns.AllToAll(), receptor="s", weight=weight)
    return circuit


def recurrent(n: int) -> ns.Circuit:
    """Return a layer that hears itself, and one after it."""
    circuit = ns.Circuit("recurrent", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(n))
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    circuit.population("first", n, cell)
    circuit.population("second", n, cell)
    weight = ns.Trainable(ns.Normal(0.0, 0.2))
    for pre, post in (("in", "first"), ("first", "first"), ("first", "second")):
        circuit.connect(pre, post, ns.AllToAll(), receptor="v", weight=weight)
    return circuit


def trained(
    circuit: ns.Circuit, x: Tensor, record: dict[str, Any], **options: Any
) -> tuple[list[Tensor], dict[str, Tensor | None]]:
    """Return outputs and gradients of a call."""
    module = ns.compile(circuit, backend="snntorch", fused="always", **options)
    found, state = module({"in": x}, record=record, seed=5)
    outputs = [value for part in found.values() for value in part.values()]
    loss = sum(value.sum() for part in state.variables.values() for value in part.values())
    for value in outputs:
        loss = loss + (value.square() * torch.linspace(0.5, 1, value.numel()).reshape(value.shape)).sum()
    loss.backward()  # type: ignore[union-attr]
    return [value.detach() for value in outputs], {key: value.grad for key, value in module.named_parameters()}


def straight(argument: Tensor) -> Tensor:
    """Return a surrogate that only torch knows."""
    return argument * 0.3


CASES: dict[str, tuple[Any, dict[str, Any], int, dict[str, Any]]] = {
    "recurrent": (balanced, RECORD, 6, {"trainable": MARKS, "dtype": "float64"}),
    "of torch": (balanced, RECORD, 6, {"surrogate": straight}),
    "noise": (noisy, {"second": ["spikes", "v"], "first": "spikes"}, 6, {"trainable": {"first.sigma": ns.Trainable()}}),
    "delays": (chain, {"third": ["spikes", "v"], "out": "v"}, 10, {}),
}


@pytest.mark.parametrize(
    "name", ["recurrent", "noise", *(pytest.param(name, marks=pytest.mark.slow) for name in ("of torch", "delays"))]
)
def test_gradients_are_the_same_to_the_last_bit(name: str) -> None:
    make, record, n, options = CASES[name]
    x = train(20, 19, n)  # more than a piece of trials
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        kept = trained(make(), x, record, **options)
        once = trained(make(), x, record, keep="spikes", **options)
        torch.set_num_threads(2)
        twice = trained(make(), x, record, keep="spikes", **options)
    finally:
        torch.set_num_threads(threads)
    assert kept[0][0].any()
    for found in (once, twice):
        assert all(map(torch.equal, kept[0], found[0]))
        for key, gradient in kept[1].items():
            other = found[1][key]
            assert gradient is not None
            assert other is not None
            assert torch.equal(gradient, other), key
            assert gradient.any() or not gradient.numel(), key


def kept(circuit: ns.Circuit, x: Tensor, record: dict[str, str], keep: str) -> int:
    """Return the bytes that a forward pass keeps."""
    module = ns.compile(circuit, backend="snntorch", fused="always", keep=keep)
    return kept_bytes(lambda: _only(module({"in": x}, record=record)[0]), x, (Workspace,))


def _only(outputs: dict[str, dict[str, Tensor]]) -> Tensor:
    ((values,),) = [part.values() for part in outputs.values()]
    return values


@pytest.mark.parametrize(("make", "at_most"), [(noisy, 0.3), (recurrent, 0.3)])
def test_less_is_kept(make: Callable[[int], ns.Circuit], at_most: float) -> None:
    x = train(60, 16, 64, 0.02).float()
    variables, spikes = (kept(make(64), x, {"second": "spikes"}, keep) for keep in ("variables", "spikes"))
    assert variables > 4 * 60 * 16 * 128  # a variable of each neuron in each step
    assert spikes < at_most * variables  # noise is drawn again


def test_nothing_is_found_again_where_that_keeps_more() -> None:
    # Of each neuron one variable is kept, or else the one current that comes in from edges with delays.
    circuit = ns.Circuit("delayed", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(5))
    circuit.population("cells", 7, ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    weight = ns.Trainable(ns.Normal(0.5, 0.5))
    circuit.connect("in", "cells", ns.AllToAll(), receptor="v", weight=weight, delay=ns.Uniform(0 * ms, 5 * ms))
    x = train(40, 8, 5).float()
    variables, spikes = (kept(circuit, x, {"cells": "spikes"}, keep) for keep in ("variables", "spikes"))
    assert variables == spikes


def test_what_can_be_kept_has_a_name() -> None:
    with pytest.raises(BackendError, match=r"keep='spike' is unknown\. Did you mean 'spikes'"):
        ns.compile(balanced(), backend="snntorch", keep="spike")
