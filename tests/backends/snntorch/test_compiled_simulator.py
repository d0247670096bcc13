"""Circuits that are only simulated: without torch, and yet with everything that a torch module offers."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.simulation.test_simulation import OPTIONS, network
from neurosim import circuits
from neurosim.backends.snntorch.compiled_simulator import CompiledSimulator
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.units import ms, mV

ALONE = """
import sys
import neurosim as ns
from neurosim import circuits
from neurosim.units import ms

recording = ns.simulate(circuits.build("balanced-network", scale=0.1), 50 * ms, backend="snntorch")
print(sorted({"torch", "snntorch"} & set(sys.modules)), len(recording.spikes["exc"]))
"""


def simulator(**options: Any) -> Any:
    return ns.compile(network(plain=True, per_neuron=True), **OPTIONS, **options)


def test_a_simulation_loads_no_torch() -> None:
    said = subprocess.run([sys.executable, "-c", ALONE], check=True, capture_output=True, text=True).stdout
    stepped = ns.compile(circuits.build("balanced-network", scale=0.1), **OPTIONS, fused="never")
    spikes = len(stepped.run(50 * ms).spikes["exc"])
    assert spikes > 30
    assert said == f"[] {spikes}\n"


def test_only_simulations_do_without_a_module() -> None:
    assert isinstance(simulator(), CompiledSimulator)
    for other in ({"fused": "never"}, {"training": True}, {"dtype": "float32"}, {"surrogate_width": {"cells": 1 * mV}}):
        assert isinstance(ns.compile(network(), **{**OPTIONS, **other}), CircuitModule)


def test_a_module_runs_alike() -> None:
    compiled = simulator()
    found = compiled.run(40 * ms, seed=3, record={"cells": ["spikes", "v"]})
    assert compiled.run(40 * ms, seed=3, record={"cells": ["spikes", "v"]}) == found  # in the same memory
    assert compiled.run(10 * ms, state=found.state).state == compiled.module.run(10 * ms, state=found.state).state
    module = ns.compile(network(plain=True, per_neuron=True), backend="snntorch", dtype="float64")
    again = module.run(40 * ms, seed=3, record={"cells": ["spikes", "v"]})
    assert again == found
    assert again.state == found.state
    assert again.metadata == found.metadata


def test_what_a_module_offers_is_there() -> None:
    compiled = simulator()
    assert "cells" in str(compiled.explain())
    outputs, _ = compiled({}, steps=20, record={"cells": "spikes"})
    assert outputs["cells"]["spikes"].shape == (20, 1, 300)
    loop = compiled.session()
    assert loop.step(n=20)["cells"]["spikes"].shape[-1] == 300
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        compiled.nothing_of_this_name  # noqa: B018
    assert not hasattr(compiled, "_nothing")


def test_values_changed_in_the_module_are_seen() -> None:
    compiled = simulator()
    first = compiled.run(40 * ms)
    with torch.no_grad():
        compiled.get_buffer("cells.values.fixed_tau_mem").mul_(1.5)
    changed = compiled.run(40 * ms)
    assert changed != first
    assert simulator().run(40 * ms) == first
    compiled.float()
    assert compiled.run(40 * ms).metadata["dtype"] == "float32"
    assert compiled.stepped_runs == "it is not float64 on a CPU"


def test_copies_are_apart() -> None:
    compiled = simulator(fused="always")
    other = copy.deepcopy(compiled)
    assert other.program is compiled.program
    assert other.run(5 * ms) == compiled.run(5 * ms)
    assert "module" not in vars(other)
    assert np.shares_memory(
        other.program.projections["jump"].values["w"], compiled.program.projections["jump"].values["w"]
    )
