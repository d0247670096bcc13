"""Training reads no hidden state: models side by side, a model used twice in a graph, and copies do not meet."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from snntorch.utils import reset
from torch import Tensor, nn

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, gradients, mixed, mixed_inputs, scalar
from neurosim.training import chunked
from neurosim.units import ms

MARKS = {name: ns.Trainable() for name in ("in_to_h.weight", "h_to_h.weight", "h_to_out.weight", "h.tau_mem")}
MARKS["h_to_h.delay"] = ns.Trainable(ns.Uniform(0 * ms, 4 * ms), bounds=(0 * ms, 4 * ms))


def compiled(seed: int = 1) -> Any:
    return ns.compile(mixed(seed), backend="snntorch", dtype="float64", trainable=MARKS)


def inputs(shift: int = 0) -> dict[str, Tensor]:
    return {name: value.roll(shift, dims=0) for name, value in mixed_inputs().items()}


def run(module: Any, given: dict[str, Tensor]) -> Tensor:
    return scalar(module(given, record=RECORD)[0])


def check(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-14 * np.abs(value).max(), err_msg=name)


def slopes(module: Any) -> dict[str, np.ndarray]:
    return {
        name: np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.numpy().copy()
        for name, parameter in module.named_parameters()
    }


def test_two_models_step_by_step_side_by_side() -> None:
    """Each call of one falls between two of the other, in training and in simulation, and neither notices."""
    one, other = compiled(1), compiled(2)
    expected = [gradients(each, partial(run, each, inputs(n))) for n, each in enumerate((one, other))]
    states: list[Any] = [None, None]
    totals: list[list[dict[str, Any]]] = [[], []]
    for first in range(0, STEPS, 2):
        for number, module in enumerate((one, other)):
            rows = {name: value[first : first + 2] for name, value in inputs(number).items()}
            outputs, states[number] = module(rows, states[number], record=RECORD)
            totals[number].append(outputs)
            module.run(3 * ms, inputs={})
    for number, module in enumerate((one, other)):
        joined = {
            name: {key: torch.cat([part[name][key] for part in totals[number]]) for key in found}
            for name, found in totals[number][0].items()
        }
        check(gradients(module, partial(scalar, joined)), expected[number])


def test_backward_of_one_between_forward_and_backward_of_the_other() -> None:
    one, other = compiled(1), compiled(2)
    expected = [gradients(each, partial(run, each, inputs(n))) for n, each in enumerate((one, other))]
    one.zero_grad()
    other.zero_grad()
    first = run(one, inputs(0))
    run(other, inputs(1)).backward()
    first.backward()
    check(slopes(one), expected[0])
    check(slopes(other), expected[1])


def checkpointed(module: Any, given: dict[str, Tensor]) -> Tensor:
    return scalar(chunked(module, given, steps_per_chunk=4, record=RECORD)[0])


@pytest.mark.parametrize("way", [run, checkpointed])
def test_a_model_used_twice_in_one_graph(way: Callable[[Any, dict[str, Tensor]], Tensor]) -> None:
    module = compiled()
    parts = [gradients(module, partial(run, module, inputs(shift))) for shift in (0, 3)]
    both = gradients(module, lambda: way(module, inputs(0)) * 2 + way(module, inputs(3)))
    check(both, {name: 2 * parts[0][name] + parts[1][name] for name in both})


def chain(first: Any, second: Any) -> Tensor:
    """Feed what one model does to another."""
    given = inputs()
    outputs, _ = first(given, record={"h": "v"})
    outputs, _ = second({**given, "level": outputs["h"]["v"][:, :, :3]}, record=RECORD)
    return scalar(outputs)


def test_a_model_that_feeds_itself_is_two_copies_that_feed_each_other() -> None:
    module = compiled()
    twin = copy.deepcopy(module)
    found = gradients(module, lambda: chain(module, module))
    module.zero_grad()
    chain(module, twin).backward()
    check(found, {name: value + slopes(twin)[name] for name, value in slopes(module).items()})


def test_a_copy_is_the_same_and_apart() -> None:
    module = compiled()
    expected = gradients(module, lambda: run(module, inputs()))
    twin = copy.deepcopy(module)
    check(gradients(twin, lambda: run(twin, inputs())), expected)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(1.5)
    twin.project()
    run(twin, inputs()).backward()
    check(gradients(module, lambda: run(module, inputs())), expected)
    tau = [each.part("h").values.trained()["tau_mem"] for each in (module, twin)]
    assert tau[1] == pytest.approx(1.5 * tau[0])
    delays = [each.to_circuit().edges("h_to_h").delay for each in (module, twin)]
    assert not np.array_equal(*delays)


def test_snntorch_resets_its_own_neurons_and_not_ours() -> None:
    """The library keeps a list of all its neurons and resets them together, wherever they are."""
    module = compiled()
    theirs = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(beta=0.9, init_hidden=True)).double()
    expected = gradients(module, lambda: run(module, inputs()))
    given = inputs()
    halves = [{name: value[part] for name, value in given.items()} for part in (slice(0, 6), slice(6, None))]
    module.zero_grad()
    first, state = module(halves[0], record=RECORD)
    theirs(given["in"][0])
    reset(theirs)
    second, _ = module(halves[1], state, record=RECORD)
    joined = {name: {key: torch.cat([first[name][key], second[name][key]]) for key in first[name]} for name in first}
    scalar(joined).backward()
    check(slopes(module), expected)
