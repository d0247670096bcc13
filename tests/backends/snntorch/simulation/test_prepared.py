"""What a run leaves to the next changes no number, neither in runs that are alike nor in others."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import torch

import neurosim as ns
from backends.snntorch.simulation.test_simulation import OPTIONS, RULES, both, network
from neurosim.backends.snntorch import watched
from neurosim.backends.snntorch.simulation import machine as machines
from neurosim.backends.snntorch.simulation.plan import WIDTH, WORTH_IT
from neurosim.units import Hz, ms, mV

RUNS: list[dict[str, Any]] = [
    {},
    {"seed": 5},
    {"record": {"cells": ["spikes", ns.Record("v", neurons=[3, 1])]}},
    {"record": {"cells": ["spikes", ns.Record("v", neurons=[7])], "learning": "w"}},
    {"trials": 2, "seed": 5},
    {"inputs": {"background": 900 * Hz}},
    {"inputs": {"drive": 3 * mV}},
    {},
]


def circuit() -> ns.Circuit:
    """Return a circuit with every kind of value, with edges that learn, and with drives."""
    found = network(n=60, delay=ns.Uniform(0 * ms, 2 * ms), per_neuron=True)
    found.connect(
        "cells", "cells", ns.FixedProbability(0.2), synapse=RULES["pairs"](), weight=ns.Uniform(0 * mV, 2 * mV),
        delay=ns.Uniform(0 * ms, 2 * ms), receptor="jump", name="learning",
    )  # fmt: skip
    found.poisson("background", "cells", receptor="slow", rate=300 * Hz, weight=2 * mV)
    found.inject("drive", "cells", "i_ext", ns.Step(1 * mV))
    return found


def prepared(module: Any) -> Any:
    """Return what waits for the next run."""
    shelf = module.paths.runs.plan.shelf
    machine = shelf.take()
    if machine is not None:
        shelf.put(machine)
    return machine


@pytest.fixture(scope="module")
def modules() -> tuple[Any, Any]:
    """Return torch modules, whose values may change, where :func:`both` gives a circuit that is only simulated."""
    stepped, compiled = both(circuit())
    return stepped, compiled.module


@pytest.fixture(scope="module")
def expected(modules: tuple[Any, Any]) -> list[ns.Recording]:
    return [modules[0].run(4 * ms, **arguments) for arguments in RUNS]


def test_runs_in_a_row(modules: tuple[Any, Any], expected: list[ns.Recording]) -> None:
    module = copy.deepcopy(modules[1])
    for arguments, reference in zip(RUNS, expected, strict=True):
        found = module.run(4 * ms, **arguments)
        assert found == reference
        again = module.run(4 * ms, **arguments)
        assert again == reference
        assert again.state == reference.state
    assert len(expected[0].spikes["cells"]) > 30
    assert all(first != second for first, second in pairwise(expected))


def test_a_run_finds_what_the_last_one_prepared(modules: tuple[Any, Any]) -> None:
    module = copy.deepcopy(modules[1])
    begun = module.run(2 * ms)
    first = prepared(module)
    module.run(2 * ms, seed=3, record={"cells": "v"})
    module.run(2 * ms, state=begun.state, inputs={"drive": 2 * mV})
    assert prepared(module) is first
    assert prepared(module)._feed is None, "what is given goes with its run"
    module.run(2 * ms, trials=2)
    assert prepared(module) is not first


def test_short_runs_follow_each_other(modules: tuple[Any, Any]) -> None:
    stepped, module = modules
    whole = stepped.run(8 * ms, seed=2)
    parts, state = [], None
    for _ in range(16):
        parts.append(module.run(0.5 * ms, seed=2, state=state))
        state = parts[-1].state
    assert state == whole.state
    assert sum(len(part.spikes["cells"]) for part in parts) == len(whole.spikes["cells"])
    # All states are still what they were, though many runs have worked in the same memory since.
    assert parts[7].state == stepped.run(4 * ms, seed=2).state
    branch = module.run(4 * ms, seed=2, state=parts[7].state)
    assert branch.state == whole.state


def test_many_short_runs_before_spikes_arrive_shift_the_past(modules: tuple[Any, Any]) -> None:
    """More steps than the past of presynaptic neurons has room for, cut in between."""
    stepped, module = modules
    state = None
    for _ in range(4):
        state = module.run(3.7 * ms, seed=2, state=state).state
    assert state == stepped.run(14.8 * ms, seed=2).state


def _in_place(tensor: torch.Tensor) -> None:
    tensor.mul_(1.5)


def _unseen(tensor: torch.Tensor) -> None:
    """Write where torch does not count it."""
    tensor.data.mul_(1.5)


def _elsewhere(tensor: torch.Tensor) -> None:
    tensor.data = tensor.data * 1.5


def _by_numpy(tensor: torch.Tensor) -> None:
    tensor.numpy()[...] *= 1.5


WAYS: list[Callable[[torch.Tensor], None]] = [_in_place, _unseen, _elsewhere, _by_numpy]
#: Of each neuron, of each edge, of all edges, of an input.
VALUES = [
    "cells.values.fixed_tau_mem", "jump.values.fixed_w", "slow.values.fixed_w", "background.values.fixed_weight",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_changed_values_are_seen(modules: tuple[Any, Any], way: Callable[[torch.Tensor], None]) -> None:
    stepped, module = (copy.deepcopy(item) for item in modules)
    begun = module.run(2 * ms).state
    for address in VALUES:
        before = module.run(3 * ms), module.run(3 * ms, state=begun)
        for item in (stepped, module):
            with torch.no_grad():
                way(item.get_buffer(address))
        after = module.run(3 * ms), module.run(3 * ms, state=begun)
        assert after == (stepped.run(3 * ms), stepped.run(3 * ms, state=begun)), address
        assert [one.state for one in after] != [one.state for one in before], address


def test_trained_values_are_seen() -> None:
    net = circuit()
    marks = {"cells.v_leak": ns.Trainable(-49 * mV), "jump.weight": ns.Trainable(ns.Uniform(-2 * mV, 2 * mV))}
    stepped, module = (
        ns.compile(net.replace(marks), backend="snntorch", dtype="float64", fused=fused)
        for fused in ("never", "always")
    )
    found = []
    for _ in range(3):
        found.append(module.run(3 * ms))
        assert found[-1] == stepped.run(3 * ms)
        for item in (stepped, module):
            with torch.no_grad():
                for parameter in item.parameters():
                    parameter.mul_(0.9)
    assert found[0].state != found[1].state != found[2].state


def test_copies_and_other_processes_get_plain_values(modules: tuple[Any, Any]) -> None:
    stepped, module = modules
    expected, found = stepped.run(4 * ms), module.run(4 * ms)
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found), copy.copy(found)):
        assert other == expected
        assert other.state == expected.state
    other = pickle.loads(pickle.dumps(found.state))
    assert other.source is None
    assert module.run(2 * ms, state=other) == module.run(2 * ms, state=found.state)


def test_states_cannot_be_written_to(modules: tuple[Any, Any]) -> None:
    state = modules[1].run(1 * ms).state
    for _, array in state.arrays():
        assert not array.flags.writeable
    assert state.variables["cells"]["v"] is state.variables["cells"]["v"]


def test_large_networks_leave_nothing(modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stepped, module = modules[0], copy.deepcopy(modules[1])
    monkeypatch.setattr(machines, "WORTH_KEEPING", 0)
    begun = module.run(2 * ms)
    assert begun.state.source is None
    assert prepared(module) is None
    assert module.run(2 * ms, state=begun.state).state == stepped.run(4 * ms).state


def test_threads_run_a_module_at_the_same_time(modules: tuple[Any, Any], expected: list[ns.Recording]) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: modules[1].run(4 * ms, seed=seed), [0, 5, 0, 5]))
    assert found == [expected[0], expected[1]] * 2


def test_an_interrupted_run_is_forgotten(modules: tuple[Any, Any], expected: list[ns.Recording]) -> None:
    module = copy.deepcopy(modules[1])
    module.run(1 * ms)

    def fail(done: int, steps: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        module.run(4 * ms, progress=fail)
    assert prepared(module) is None
    assert module.run(4 * ms) == expected[0]


def test_many_short_runs_are_as_good_as_a_long_one() -> None:
    """A run of few steps is stepped, since compiling takes longer; of many, all but the first ones are compiled."""
    module = ns.compile(network(n=60), **OPTIONS)
    steps = WORTH_IT // WIDTH
    sources = [module.run((steps // 4) * 0.1 * ms).state.source is not None for _ in range(5)]
    assert sources == [False, False, False, True, True]


def test_values_read_where_they_are_need_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of edges that lie in the order of the loop; others are sorted in every run."""
    monkeypatch.setattr(watched, "MANY", 8)
    net = network(n=60, delay=ns.Uniform(0 * ms, 2 * ms))
    net.connect("cells", "cells", ns.AllToAll(), receptor="slow", weight=ns.Uniform(0 * mV, 1 * mV), name="all")
    stepped, compiled = both(net)
    module = compiled.module
    for _ in range(3):
        found = module.run(2 * ms)
        assert found == stepped.run(2 * ms)
        assert prepared(module)._anew == ["jump"]
        for item in (stepped, module):
            for address in ("all.values.fixed_w", "jump.values.fixed_w"):
                _unseen(item.get_buffer(address))
    assert found.state != ns.compile(net, **OPTIONS, fused="always").run(2 * ms).state
