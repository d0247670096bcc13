"""A sequence in chunks is the sequence: outputs, states and gradients; truncated ones stop where they are cut."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, gradients, mixed, mixed_inputs, plain_lif, scalar
from neurosim.backends.snntorch.layers import Dropout
from neurosim.errors import CircuitError, TrainingError
from neurosim.training import chunked, chunks
from neurosim.training.chunks import without_gradient
from neurosim.units import Hz, ms

MARKS = {
    name: ns.Trainable()
    for name in ("in_to_h.weight", "h_to_h.weight", "h_to_out.weight", "h.tau_mem", "h.v_threshold")
}
MARKS["h_to_h.delay"] = ns.Trainable(ns.Uniform(0.3 * ms, 3.7 * ms), bounds=(0 * ms, 4 * ms))


def compiled(*, relaxed: bool = False) -> Any:
    return ns.compile(mixed(), backend="snntorch", dtype="float64", trainable=MARKS, relaxed=relaxed)


def noisy() -> Any:
    """Return neurons that draw noise in every step, and Poisson spikes."""
    circuit = ns.Circuit("noisy", dt=1 * ms, seed=3)
    model = ns.NeuronModel(
        "dv/dt = (0.9 - v)/tau + 0.4*xi*tau**-0.5 : 1", threshold="v > 1", reset="v = 0", parameters={"tau": 8 * ms}
    )
    circuit.population("cells", 6, model)
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.poisson("background", "cells", receptor="v", rate=30 * Hz, weight=0.1, count=20)
    circuit.connect("cells", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(0.3, per="edge"), delay=3 * ms)
    return ns.compile(circuit, backend="snntorch", dtype="float64", trainable={"cells.tau": ns.Trainable()})


def total(outputs: Any, state: Any) -> Tensor:
    """Return one number that depends on all outputs and on the last state."""
    return scalar(outputs) + sum(array.sum() for _, array in state.arrays() if array.is_floating_point())


def everything(module: Any, run: Any) -> dict[str, np.ndarray]:
    return gradients(module, lambda: total(*run()))


WAYS: list[dict[str, bool]] = [{"checkpoint": False}, {"checkpoint": True}]


@pytest.mark.parametrize("way", WAYS, ids=["chunked", "checkpointed"])
@pytest.mark.parametrize("relaxed", [False, True], ids=["surrogate", "smooth"])
@pytest.mark.parametrize("length", [1, 5, 100])
def test_outputs_state_and_gradients_are_those_of_one_call(way: dict[str, bool], relaxed: bool, length: int) -> None:
    module, inputs = compiled(relaxed=relaxed), mixed_inputs()
    whole, state = module(inputs, record=RECORD)
    parts, last = chunked(module, inputs, steps_per_chunk=length, record=RECORD, **way)
    for name, variables in whole.items():
        for variable, trace in variables.items():
            torch.testing.assert_close(parts[name][variable], trace, rtol=1e-12, atol=0)
    assert last.step == STEPS
    for (address, array), (_, expected) in zip(last.arrays(), state.arrays(), strict=True):
        torch.testing.assert_close(array, expected, rtol=1e-12, atol=0, msg=address)
    expected_slopes = everything(module, lambda: module(inputs, record=RECORD))
    slopes = everything(module, lambda: chunked(module, inputs, steps_per_chunk=length, record=RECORD, **way))
    assert set(slopes) == set(MARKS)
    for name, slope in slopes.items():
        assert np.abs(slope).max() > 0
        np.testing.assert_allclose(slope, expected_slopes[name], rtol=1e-12, atol=1e-14 * np.abs(slope).max())


def test_noise_is_drawn_again_as_it_was() -> None:
    module = noisy()

    def whole(seed: int) -> Any:
        return module(steps=30, record={"cells": "v", "out": "v"}, seed=seed)

    def again(seed: int) -> Any:
        record = {"cells": "v", "out": "v"}
        return chunked(module, steps=30, steps_per_chunk=7, record=record, seed=seed)

    assert torch.equal(whole(5)[0]["out"]["v"], again(5)[0]["out"]["v"])
    expected, found = everything(module, lambda: whole(5)), everything(module, lambda: again(5))
    for name, slope in found.items():
        np.testing.assert_allclose(slope, expected[name], rtol=1e-12)
        assert not np.allclose(slope, everything(module, lambda: again(6))[name], rtol=1e-3)


def test_inputs_and_the_first_state_take_their_gradients() -> None:
    module, inputs = compiled(relaxed=True), mixed_inputs()
    _, start = module({name: value[:4] for name, value in inputs.items()})
    start = start.map(lambda array: array.detach().clone().requires_grad_(array.is_floating_point()))
    rest = {name: value[4:].requires_grad_() for name, value in inputs.items()}
    sought = [*rest.values(), *(array for _, array in start.arrays() if array.requires_grad)]
    expected = torch.autograd.grad(total(*module(rest, start, record=RECORD)), sought, allow_unused=True)
    found = torch.autograd.grad(
        total(*chunked(module, rest, start, steps_per_chunk=3, record=RECORD)), sought, allow_unused=True
    )
    assert sum(slope is not None and bool(slope.abs().max() > 0) for slope in expected) >= 4
    for slope, wanted in zip(found, expected, strict=True):
        if wanted is not None:
            torch.testing.assert_close(slope, wanted, rtol=1e-12, atol=1e-14)


def test_truncated_in_one_chunk_is_not_truncated() -> None:
    module, inputs = compiled(), mixed_inputs()
    expected = everything(module, lambda: module(inputs, record=RECORD))
    found = everything(
        module, lambda: chunked(module, inputs, steps_per_chunk=STEPS, truncate=True, checkpoint=False, record=RECORD)
    )
    for name, slope in found.items():
        assert np.array_equal(slope, expected[name])


@pytest.mark.parametrize("way", WAYS, ids=["kept", "checkpointed"])
def test_a_truncated_gradient_stops_between_chunks(way: dict[str, bool]) -> None:
    module, inputs = compiled(relaxed=True), mixed_inputs()

    def by_hand() -> Any:
        outputs = []
        state = None
        for first in range(0, STEPS, 6):
            rows = {name: value[first : first + 6] for name, value in inputs.items()}
            found, state = module(rows, None if state is None else without_gradient(state), record=RECORD)
            outputs.append(found)
        return {
            name: {key: torch.cat([each[name][key] for each in outputs]) for key in outputs[0][name]}
            for name in outputs[0]
        }, state

    expected = everything(module, by_hand)
    run = {"steps_per_chunk": 6, "truncate": True, "record": RECORD, **way}
    found = everything(module, lambda: chunked(module, inputs, **run))
    full = everything(module, lambda: module(inputs, record=RECORD))
    for name, slope in found.items():
        np.testing.assert_allclose(slope, expected[name], rtol=1e-12)
        assert not np.allclose(slope, full[name], rtol=1e-6)


def test_each_chunk_may_be_done_with_before_the_next() -> None:
    """Backwards chunk by chunk, as the loop over chunks does, sums up to the truncated gradient of the whole."""
    module, inputs = compiled(), mixed_inputs()

    def square(outputs: Any) -> Tensor:
        return outputs["out"]["v"].square().sum()  # type: ignore[no-any-return]

    record = {"out": "v"}
    expected = gradients(
        module, lambda: square(chunked(module, inputs, steps_per_chunk=5, truncate=True, record=record)[0])
    )
    module.zero_grad()
    ends = []
    for outputs, state in chunks(module, inputs, steps_per_chunk=5, record=record):
        square(outputs).backward()
        ends.append((len(outputs["out"]["v"]), state.step))
    assert ends == [(5, 5), (5, 10), (4, STEPS)]
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(parameter.grad, expected[name], rtol=1e-12)


class Kept:
    """A tensor that a graph keeps, for as long as it does."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def kept_bytes(run: Any) -> int:
    """Return how much a forward pass keeps for the way back, each memory counted once."""
    everything_kept: weakref.WeakSet[Kept] = weakref.WeakSet()

    def keep(tensor: Tensor) -> Kept:
        kept = Kept(tensor)
        everything_kept.add(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept.tensor):
        outputs, _ = run()
    storages = [kept.tensor.untyped_storage() for kept in everything_kept]
    assert outputs["out"]["v"].requires_grad
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def test_a_checkpointed_pass_keeps_little() -> None:
    module = compiled()
    inputs = {name: value.repeat(10, 8, 1) for name, value in mixed_inputs().items()}
    plain = kept_bytes(lambda: module(inputs, record={"out": "v"}))
    assert kept_bytes(lambda: chunked(module, inputs, steps_per_chunk=14, record={"out": "v"})) < plain / 10


def test_chance_and_precision_are_those_of_the_first_time() -> None:
    """A surrogate that draws from torch's generator, under autocast: the way back computes what the way there did."""

    def by_chance(argument: Tensor) -> Tensor:
        return (argument > 0).to(argument.dtype) + (argument - argument.detach()) * torch.rand_like(argument)

    module = ns.compile(mixed(), backend="snntorch", surrogate=by_chance, trainable=MARKS)
    inputs = mixed_inputs()

    def slopes(run: Any, dtype: torch.dtype) -> dict[str, np.ndarray]:
        module.zero_grad()
        torch.manual_seed(5)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            value = scalar(run()[0])
        torch.manual_seed(6)
        value.backward()
        return {name: parameter.grad.numpy().copy() for name, parameter in module.named_parameters()}

    def chunk() -> Any:
        return chunked(module, inputs, steps_per_chunk=5, record=RECORD)

    whole, half = slopes(lambda: module(inputs, record=RECORD), torch.float32), slopes(chunk, torch.bfloat16)
    found, expected = slopes(chunk, torch.float32), slopes(lambda: module(inputs, record=RECORD), torch.bfloat16)
    for name in MARKS:
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(half[name], expected[name], rtol=1e-2, atol=1e-2)
    assert any(not np.allclose(half[name], whole[name], rtol=1e-3) for name in MARKS)


def test_nothing_is_kept_without_gradients() -> None:
    module, inputs = compiled(), mixed_inputs()
    with torch.no_grad():
        outputs, state = chunked(module, inputs, steps_per_chunk=5, record=RECORD)
    assert not outputs["out"]["v"].requires_grad
    assert not any(array.requires_grad for _, array in state.arrays())
    assert torch.equal(outputs["out"]["v"], module(inputs, record=RECORD)[0]["out"]["v"])


def layered(**modules: Any) -> tuple[Any, dict[str, Tensor]]:
    """Return a module with layers between its parts, and inputs."""
    circuit = ns.Circuit("layered", dt=1 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(6))
    circuit.population("h", 5, plain_lif(v_threshold=0.5))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    delay = ns.Trainable(ns.Uniform(0 * ms, 3 * ms), bounds=(0 * ms, 4 * ms))
    circuit.connect("in", "h", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.2, 0.2)), delay=delay)
    circuit.connect("h", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.0, 0.5)))
    spikes = (torch.rand(STEPS, 3, 6, generator=torch.Generator().manual_seed(4)) < 0.4).double()
    return ns.compile(circuit, backend="snntorch", dtype="float64", modules=modules), {"in": spikes}


def test_layers_across_the_cut() -> None:
    """Delayed sums read spikes of the chunk before; dropout silences the same neurons in every chunk."""
    module, inputs = layered(h=Dropout(0.4))
    run = {"record": {"out": "v", "h": "spikes"}, "seed": 3}
    whole, parts = module(inputs, **run), chunked(module, inputs, steps_per_chunk=3, **run)
    torch.testing.assert_close(parts[0]["out"]["v"], whole[0]["out"]["v"], rtol=1e-12, atol=1e-14)
    assert not torch.equal(whole[0]["out"]["v"], module(inputs, **{**run, "seed": 4})[0]["out"]["v"])
    expected = everything(module, lambda: module(inputs, **run))
    for name, slope in everything(module, lambda: chunked(module, inputs, steps_per_chunk=3, **run)).items():
        assert np.abs(slope).max() > 0
        np.testing.assert_allclose(slope, expected[name], rtol=1e-12, atol=1e-14)


def test_what_depends_on_the_cut_is_refused() -> None:
    module, inputs = layered(in_to_h="batch_norm")
    for way in ({"steps_per_chunk": 5, "checkpoint": False}, {"steps_per_chunk": STEPS, "checkpoint": True}):
        with pytest.raises(TrainingError, match=r"in_to_h.* take their mean over the steps of a call.*eval\(\)"):
            chunked(module, inputs, **way)
    assert chunked(module, inputs, steps_per_chunk=STEPS, checkpoint=False)[1].step == STEPS
    assert chunked(module.eval(), inputs, steps_per_chunk=5)[1].step == STEPS
    module, inputs = layered()
    module.set_delay_width(2.0)
    with pytest.raises(TrainingError, match=r"in_to_h.delay_width is above 0, and a wide kernel looks into the steps"):
        chunked(module, inputs, steps_per_chunk=5)
    assert chunked(module, inputs, steps_per_chunk=STEPS)[1].step == STEPS
    assert chunked(module.eval(), inputs, steps_per_chunk=5)[1].step == STEPS


def test_what_does_not_fit_is_refused() -> None:
    module, inputs = compiled(), mixed_inputs()
    with pytest.raises(TrainingError, match="steps_per_chunk must be 1 or more, got 0"):
        chunks(module, inputs, steps_per_chunk=0)
    with pytest.raises(CircuitError, match="'inn' is no source"):
        chunks(module, {"inn": inputs["in"]}, steps_per_chunk=3)
    with pytest.raises(TrainingError, match="no steps leaves no state"):
        chunked(module, {name: value[:0] for name, value in inputs.items()}, steps_per_chunk=3)
