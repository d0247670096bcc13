"""Devices and dtypes: refused with the reason before anything runs, followed wherever the module goes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import BackendError
from neurosim.units import Mohm, ms, mV, nS, pA


def network() -> ns.Circuit:
    circuit = ns.Circuit("dtypes", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-55 * mV, tau_ref=1.5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)},
    )  # fmt: skip
    exc = circuit.population("exc", 20, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 5, ns.models.izhikevich_map(noise_std=6.0))
    circuit.connect(
        "exc", "exc", ns.FixedProbability(0.3), receptor="ampa", weight=ns.Trainable(1 * nS),
        delay=ns.Uniform(0 * ms, 2 * ms),
    )  # fmt: skip
    circuit.connect("exc", "map", ns.AllToAll(), receptor="i_syn", weight=ns.Trainable(ns.Uniform(0, 1)))
    circuit.inject("stimulus", exc, "i_ext", ns.Step(80 * pA, start=2 * ms))
    return circuit


RECORD = {"exc": ["spikes", "v"], "map": ["spikes", "u"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, r"dtype='float16' cannot hold a circuit's state: .*1 pA is 1e-12. Use float32"),
        ({"dtype": torch.half}, r"dtype='float16' cannot hold"),
        ({"dtype": "half"}, r"dtype='half' cannot hold"),
        ({"dtype": torch.bfloat16}, r"dtype='bfloat16' cannot hold a circuit's state: .*steps of 0.24 mV"),
        ({"dtype": "int64"}, "dtype='int64' is unknown"),
        ({"dtype": "floot32"}, "dtype='floot32' is unknown. Did you mean 'float32'"),
        ({"device": "cud"}, "device='cud' cannot be used here: Expected one of cpu, cuda"),
        ({"device": "meta"}, "device='meta' cannot be used here: tensors on it have shapes but no values"),
        ({"device": "mps"}, "device='mps' cannot be used here: the clocks of a run are float64"),
        ({"device": "xpu"}, "device='xpu' cannot be used here: "),
        ({"device": None}, "device='None' cannot be used here"),
    ],
)
@pytest.mark.parametrize("verb", ["compile", "simulate"])
def test_what_cannot_be_is_refused_before_the_circuit_is_read(
    options: dict[str, Any], message: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lower(circuit: Any) -> None:
        raise AssertionError("the options come first")

    monkeypatch.setattr("neurosim.backends.snntorch.module.lower", lower)
    calls = {"compile": ns.compile, "simulate": lambda circuit, **given: ns.simulate(circuit, 1 * ms, **given)}
    with pytest.raises(BackendError, match=message):
        calls[verb](network(), backend="snntorch", **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there() -> None:
    for device in ("cuda", "cuda:1"):
        with pytest.raises(BackendError, match=f"device='{device}' cannot be used here: torch .* finds no NVIDIA GPU"):
            ns.compile(network(), device=device)
    module = ns.compile(network())
    with pytest.raises(BackendError, match="the module cannot be moved there: "):
        module.cuda()
    module(steps=3)


def test_a_gpu_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(BackendError, match="device='cuda:2' cannot be used here: there are 2 GPUs, the last is cuda:1"):
        ns.compile(network(), device="cuda:2")


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_dtypes_of_torch_are_names(name: str) -> None:
    by_name = ns.simulate(network(), 10 * ms, backend="snntorch", dtype=name, record=RECORD)
    by_torch = ns.simulate(
        network(), 10 * ms, backend="snntorch", dtype=getattr(torch, name), device=torch.device("cpu"), record=RECORD
    )
    assert by_name.metadata["dtype"] == name
    assert by_name == by_torch


@pytest.mark.parametrize(("made", "convert"), [("float64", "float"), ("float32", "double")])
def test_a_converted_module_is_one_of_that_dtype(made: str, convert: str) -> None:
    """From float64 to float32 everything is rounded as if it had been made so; the way back keeps what was rounded."""
    wanted = torch.float32 if convert == "float" else torch.float64
    module = ns.compile(network(), dtype=made)
    state = module(steps=4)[1]
    module = getattr(module, convert)()
    assert module.torch_dtype == wanted
    out, after = module(steps=60, record=RECORD, state=state)
    assert {value.dtype for group in out.values() for value in group.values()} == {wanted}
    assert {array.dtype for address, array in after.arrays() if address.endswith((".v", ".u"))} == {wanted}
    out["map"]["u"].sum().backward()
    assert {parameter.grad.dtype for parameter in module.parameters() if parameter.grad is not None} == {wanted}
    recording = module.run(60 * ms, record=RECORD)
    assert recording.metadata["dtype"] == str(wanted).removeprefix("torch.")
    assert len(recording.spikes["exc"]) > 20
    twin = ns.compile(network(), dtype=wanted)
    if convert == "double":
        twin.load_state_dict(module.state_dict())
        expected = twin.run(60 * ms, record=RECORD)
        assert np.abs(recording["exc"]["v"].values[0, :40] - expected["exc"]["v"].values[0, :40]).max() < 1e-7
    else:
        assert recording == twin.run(60 * ms, record=RECORD)


def test_there_and_back() -> None:
    """Numbers that float32 holds come back, and so does every result of the exact path."""
    circuit = ns.Circuit("round", dt=1 * ms)
    circuit.population("cells", 8, ns.models.izhikevich_map(noise_std=6.0, a=0.25, b=0.5, d=8.0))
    circuit.connect("cells", "cells", ns.AllToAll(), receptor="i_syn", weight=1.5)
    module = ns.compile(circuit, dtype="float64", training=False)
    before = module.run(100 * ms, record={"cells": ["spikes", "v"]})
    after = module.float().double().run(100 * ms, record={"cells": ["spikes", "v"]})
    assert len(before.spikes["cells"]) > 20
    assert after == before


def test_plastic_edges_compute_in_the_new_dtype() -> None:
    """A condition as a number times 0.1, which is another number in float32; what arrays hold is the same in both."""
    circuit = ns.Circuit("plastic", dt=1 * ms)
    circuit.population("cells", 8, ns.models.izhikevich_map(noise_std=6.0, a=0.25, b=0.5, d=8.0))
    synapse = ns.SynapseModel("u : 1", on_pre="u += 0.1*int(u < 3); i_syn_post += w*u", initial={"u": 0.0})
    circuit.connect("cells", "cells", ns.AllToAll(), synapse=synapse, weight=1.5)
    record = {"cells": "spikes", "cells_to_cells": "u"}
    made = ns.compile(circuit, dtype="float64")(steps=60, record=record)[0]
    converted = ns.compile(circuit, dtype="float32").double()(steps=60, record=record)[0]
    assert made["cells"]["spikes"].sum() > 10
    assert torch.equal(made["cells_to_cells"]["u"], converted["cells_to_cells"]["u"])


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (lambda module: module.half(), "dtype='float16' cannot hold"),
        (lambda module: module.bfloat16(), "dtype='bfloat16' cannot hold"),
        (lambda module: module.to(torch.float16), "dtype='float16' cannot hold"),
        (lambda module: module.to("meta"), "device='meta' cannot be used here"),
    ],
    ids=["half", "bfloat16", "to float16", "to meta"],
)
def test_a_conversion_that_cannot_be_changes_nothing(convert: Any, message: str) -> None:
    module = ns.compile(network(), dtype="float64")
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(BackendError, match=message):
        convert(module)
    after = module.state_dict()
    assert all(after[name].dtype == value.dtype and torch.equal(after[name], value) for name, value in before.items())
    module(steps=3)


def test_a_part_that_went_alone_is_named() -> None:
    module = ns.compile(network(), dtype="float64")
    module.part("exc_to_map").float()
    for call in (lambda: module(steps=2), lambda: module.run(1 * ms), lambda: module.session()):
        with pytest.raises(
            BackendError, match=r"exc_to_map.* is torch.float32 on cpu, but the module computes in torch"
        ):
            call()
    module.double()
    module(steps=2)


def test_a_session_of_before_says_so() -> None:
    module = ns.compile(network(), dtype="float64")
    loop = module.session(record={"exc": "v"})
    loop.step(n=3)
    module.float()
    with pytest.raises(BackendError, match=r"now in torch.float32 on cpu, but this session began in torch.float64"):
        loop.step()
    again = module.session(state=loop.state, record={"exc": "v"})
    assert again.step()["exc"]["v"].shape == (1, 20)
    loop.reset()
    assert loop.step()["exc"]["v"].shape == (1, 20)


@pytest.mark.cuda
def test_a_module_that_moves_to_a_gpu_is_one_made_there() -> None:
    for dtype in ("float32", "float64"):
        moved = ns.compile(network(), dtype=dtype)
        state = moved(steps=4)[1]
        moved = moved.to("cuda")
        made = ns.compile(network(), dtype=dtype, device="cuda:0")
        assert moved.device == made.device == torch.device("cuda:0")
        assert moved(steps=5, state=state)[1].variables["exc"]["v"].device == moved.device
        first, second = (module.run(5 * ms, record=RECORD) for module in (moved, made))
        assert np.array_equal(first["exc"]["v"].values, second["exc"]["v"].values)
        assert moved.cpu().run(5 * ms).metadata["device"] == "cpu"
