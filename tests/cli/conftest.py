from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from neurosim.cli import main

SOURCE = '''
import neurosim as ns
from neurosim.units import ms, mV

print("a file may print")


def relay(n=4, bias=12.0):
    """Two populations of leaky neurons, the first driven."""
    circuit = ns.Circuit("relay", dt=0.1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=1 * ms,
        receptors={"fast": 5 * ms},
    )
    first = circuit.population("first", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    second = circuit.population("second", 3, cell)
    circuit.connect(first, second, ns.AllToAll(), receptor="fast", weight=20 * mV, delay=ns.Uniform(0 * ms, 2 * ms))
    circuit.inject("bias", first, "i_ext", ns.Step(bias * mV))
    return circuit


def ring():
    """Graded neurons, with names."""
    circuit = ns.Circuit("ring", dt=0.5 * ms)
    equations = "dv/dt = (-v + tanh(drive) + i_ext)/tau : 1\\ndrive : 1\\ni_ext : 1"
    model = ns.NeuronModel(equations, parameters={"tau": 5 * ms})
    cells = circuit.population("cells", 9, model, labels=[f"AVA{index}" for index in range(9)])
    synapse = ns.SynapseModel("drive_post = w*v_pre : 1 (summed)")
    circuit.connect(cells, cells, ns.FixedProbability(0.5), synapse=synapse, weight=ns.Uniform(0, 1))
    circuit.inject("push", cells["AVA0"], "i_ext", ns.Step(2.0, start=3 * ms))
    return circuit


def pair():
    """The relay twice, one driving the other."""
    circuit = ns.Circuit("pair", dt=0.1 * ms)
    left, right = circuit.include("left", relay()), circuit.include("right", relay(bias=0.0))
    circuit.connect(left["second"], right["first"], ns.AllToAll(), receptor="fast", weight=30 * mV)
    return circuit


def broken():
    raise KeyError("no such wiring")


def nothing():
    return 3
'''


class Outcome(NamedTuple):
    """What a call of the command line left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in, with a Python file of circuits beside it."""
    folder = tmp_path / "workplace"
    folder.mkdir()
    (tmp_path / "nets.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def neurosim(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return the command line as a function of its arguments, run in the workplace."""

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(arguments)
        return Outcome(code, *capsys.readouterr())

    return call
