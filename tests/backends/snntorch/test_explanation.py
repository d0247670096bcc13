"""A module says by which path each of its parts is computed, and why."""

from __future__ import annotations

import json
import logging

import pytest

import neurosim as ns
from backends.snntorch.test_fused import chain
from neurosim.backends.snntorch import explanation, fused
from neurosim.units import ms


def looped() -> ns.Circuit:
    """Return layers of which the third reaches itself."""
    circuit = chain()
    circuit.connect("third", "third", ns.AllToAll(), receptor="v", weight=0.1, delay=ns.Uniform(1 * ms, 3 * ms))
    circuit.inject("ramp", "third", "i_ext", ns.Step(0.1))
    return circuit


def test_every_part_is_explained() -> None:
    module = ns.compile(looped(), backend="snntorch")
    found = module.explain()
    path = {row.parts: (row.path, row.why) for row in found.populations}
    assert path["in",] == ("passed on", "a source: nothing is computed")
    assert path["first",] == ("compiled loops", "")
    assert path["third",][0] in ("compiled loops", "steps of torch")
    by = {row.parts[0]: row.path for row in found.projections}
    assert by["first_to_third"].startswith("matrix product")
    assert by["in_to_first"] == "delayed sum in compiled loops"
    assert set(by) == set(module.program.projections) - {"third_to_third"}
    assert "32768" in found.notes[1]
    assert str(found).splitlines()[-1].startswith("runs without gradients: steps of torch: it is not float64")
    double = ns.compile(looped(), backend="snntorch", dtype="float64").explain()
    assert str(double).splitlines()[-1] == "runs without gradients: compiled programs"


def test_its_text_and_its_values() -> None:
    found = ns.compile(looped(), backend="snntorch", fused="never", dtype="float64").explain()
    lines = str(found).splitlines()
    assert lines[0] == "chain: float64 on cpu"
    first = next(line for line in lines if line.strip().startswith("first "))
    assert first.split() == ["first", "steps", "of", "torch", 'fused="never"']
    values = json.loads(json.dumps(found.to_dict()))
    assert values["device"] == "cpu"
    assert {"parts": ["first"], "path": "steps of torch", "why": 'fused="never"'} in values["populations"]
    assert len(values["projections"]) == len(found.projections)
    assert values["notes"] == []
    assert values["runs"] == {
        "parts": list(chain().populations), "path": "steps of torch", "why": 'fused="never"',
    }  # fmt: skip


def test_what_is_stepped_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    circuit = ns.Circuit("timed", dt=1 * ms)
    model = ns.NeuronModel("dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", refractory="v > 0.5")
    circuit.population("cells", 2, model)
    with caplog.at_level(logging.INFO, logger="neurosim"):
        module = ns.compile(circuit, backend="snntorch")
        for _ in range(2):
            module(steps=3)
            module.explain()
    said = [record.getMessage() for record in caplog.records if record.name == explanation.__name__]
    assert len(said) == 1
    assert said[0].startswith("timed: steps of torch for cells: how long")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="neurosim"):
        ns.compile(circuit, backend="snntorch", fused="never")(steps=3)
    assert [record for record in caplog.records if record.name == explanation.__name__] == []


def test_a_missing_package_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    module = ns.compile(chain(), backend="snntorch")
    for place in (fused, explanation):
        monkeypatch.setattr(place, "why_no_triton", lambda device: "Triton is not installed: pip install it")
        monkeypatch.setattr(place, "by_triton", lambda module: True)
    assert module.stepped is module.stepped
    (said,) = [record for record in caplog.records if record.name == explanation.__name__]
    assert said.levelno == logging.WARNING
    assert said.getMessage() == "chain on cpu advances by steps of torch: Triton is not installed: pip install it"
