"""One training step of every ready-made circuit: a GPU, and float32, come to the gradients of float64 on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neurosim as ns
from neurosim import circuits

BATCH = 2
#: Sizes of a test. A circuit that is not named here is built as it stands.
SMALL: dict[str, dict[str, Any]] = {
    "balanced-network": {"scale": 0.02},
    "brunel": {"scale": 0.02},
    "coba": {"scale": 0.02},
    "izhikevich-network": {"scale": 0.05},
    "polychronous": {"scale": 0.1},
    "delay-snn": {"inputs": 20, "hidden": (16, 16), "outputs": 4},
    "fly-brain": {"wiring": "drawn", "scale": 0.002},
    "frequency-bias": {"size": 6, "channels": 2, "shown": 5},
    "motif-detection": {"n_inputs": 16, "n_motifs": 4, "n_delays": 7},
}


#: Where a circuit shows something within 4 ms only if it is driven so: pulses on an injection.
PULSES = {"motif-detection": "raster"}
#: Steps where 4 ms, or 20 steps, are not enough for a first spike.
STEPS = {"izhikevich-network": 40, "izhikevich-patterns": 120}

#: Relative differences between float32 and float64; where neurons sit at their thresholds, surrogates are steep there.
TOLERANCE = {"ca3-memory": 0.1}


def marks(circuit: ns.Circuit, program: Any) -> dict[str, ns.Trainable]:
    """Return what to train: the weights of every edge without a state of its own, else a parameter of the one cell."""
    plain = [name for name, item in program.projections.items() if item.dynamics is None and item.n]
    plain += [drive.name for drive in program.poisson]
    found = {f"{name}.weight": ns.Trainable() for name in plain if f"{name}.weight" not in circuit.trainables()}
    if found or circuit.trainables():
        return found
    return {"cell.a": ns.Trainable()}


def training_step(name: str, dtype: str, device: str) -> dict[str, Tensor]:
    """Return the gradients of one step, on the CPU, by parameter."""
    from neurosim.program.lowering import lower

    circuit = circuits.build(name, **SMALL.get(name, {}))
    program = lower(circuit)
    steps = STEPS.get(name, max(20, round(4e-3 / circuit.dt)))
    module = ns.compile(circuit, backend="snntorch", dtype=dtype, device=device, trainable=marks(circuit, program))
    random = np.random.default_rng(1)
    inputs = {
        key: random.random((steps, BATCH, *part.shape)) < 0.3
        for key, part in circuit.populations.items()
        if isinstance(part.model, ns.SpikeSource)
    }
    if name in PULSES:
        inputs[PULSES[name]] = random.random((steps, BATCH, circuit.injections[PULSES[name]].n)) < 0.3
    record = {
        key: list(item.state) for key, item in program.populations.items() if item.kind == "neurons" and item.state
    }
    outputs, _ = module(inputs, steps=steps, record=record, seed=2)
    loss = torch.zeros((), dtype=module.torch_dtype, device=device)
    for values in outputs.values():
        for value in values.values():
            weights = torch.from_numpy(random.normal(size=value.shape[1:])).to(value)
            loss = loss + (value * weights / value.detach().abs().max().clamp(min=1e-12)).mean()
    loss.backward()
    torch.optim.SGD(module.parameters(), lr=1e-3).step()
    module.project()
    assert all(torch.isfinite(parameter).all() for parameter in module.parameters())
    return {key: parameter.grad.cpu().double() for key, parameter in module.named_parameters()}


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert found.keys() == expected.keys()
    assert any(gradient.any() for gradient in expected.values())
    largest = max(gradient.norm() for gradient in expected.values())
    for key, gradient in expected.items():
        assert (found[key] - gradient).norm() <= tolerance * max(gradient.norm(), 0.5 * largest), key


@pytest.mark.parametrize("name", circuits.names())
def test_float32_comes_to_the_gradients_of_float64(name: str) -> None:
    assert_close(
        training_step(name, "float32", "cpu"), training_step(name, "float64", "cpu"), TOLERANCE.get(name, 0.02)
    )


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")
@pytest.mark.parametrize("name", circuits.names())
def test_a_gpu_comes_to_the_gradients_of_the_cpu(name: str) -> None:
    assert_close(
        training_step(name, "float32", "cuda"), training_step(name, "float32", "cpu"), TOLERANCE.get(name, 0.02)
    )
