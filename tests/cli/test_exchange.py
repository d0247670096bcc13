"""`neurosim export` in the forms of other software, and `neurosim import`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns

Neurosim = Callable[..., Any]
NETS = """
import neurosim as ns
from neurosim.units import ms


def stack(n=3):
    circuit = ns.Circuit("a stack", dt=1 * ms, seed=1)
    cell = ns.models.lif(
        tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, receptors={"syn": 5 * ms}, method="euler"
    )
    circuit.source("in", ns.SpikeSource(4))
    circuit.population("hidden", n, cell)
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="syn", weight=ns.Uniform(0, 2))
    return circuit


def late(n=3):
    circuit = stack(n)
    circuit.connect("hidden", "hidden", ns.AllToAll(), receptor="syn", weight=0.1, delay=3 * ms)
    cell = ns.models.lif(tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.population("out", 2, cell)
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=0.1)
    return circuit
"""


@pytest.fixture
def nets(workplace: Path) -> Path:
    (workplace / "nets.py").write_text(NETS)
    return workplace


@pytest.mark.parametrize("form", ["snntorch", "norse"])
def test_layers(form: str, neurosim: Neurosim, nets: Path) -> None:
    done = neurosim("export", "nets.py:stack", "--to", form, "--set", "n=5")
    assert (done.code, done.out) == (0, "wrote a_stack.py\nwrote a_stack.npz\n"), done.err
    text = (nets / "a_stack.py").read_text()
    assert f"as layers of {form}: in, hidden." in text
    assert "'shape': [5]" in text
    refused = neurosim("export", "nets.py:late", "--to", form, "--overwrite")
    assert refused.code == 2
    assert "projection 'hidden_to_hidden': it has delays, of up to 0.003 s" in refused.err
    assert "population 'out': it has a refractory period" in refused.err
    assert (nets / "a_stack.py").read_text() == text


def test_nir_and_back(neurosim: Neurosim, nets: Path) -> None:
    done = neurosim("export", "nets.py:stack", "--to", "nir")
    assert (done.code, done.out) == (0, "wrote a_stack.nir\n"), done.err
    back = neurosim("import", "a_stack.nir", "--method", "euler", "--out", "back.json")
    assert (back.code, back.out) == (0, "wrote back.json\nwrote back.npz\n"), back.err
    circuit = ns.Circuit.load(nets / "back.json")
    assert (circuit.dt, circuit.populations["hidden"].n) == (1e-3, 3)
    told = json.loads(neurosim("import", "a_stack.nir", "--dt", "0.5ms", "--units", "SI", "--json").out)
    assert told["files"] == ["a_stack.json", "a_stack.npz"]
    circuit = ns.Circuit.load(nets / "a_stack.json")
    assert told["circuit_digest"] == circuit.digest()
    assert (circuit.dt, circuit.populations["hidden"].variables["v"]) == (5e-4, "volt")


def test_losses_are_named_and_told(neurosim: Neurosim, nets: Path) -> None:
    refused = neurosim("export", "nets.py:late", "--to", "nir")
    assert refused.code == 2
    assert "population 'out': it is refractory for tau_ref (refractory)" in refused.err
    done = neurosim("export", "nets.py:late", "--to", "nir", "--allow-lossy", "refractory", "--out", "late.nir")
    assert done.out == "wrote late.nir\nlost: population 'out': it is refractory for tau_ref\n"
    told = json.loads(neurosim("export", "nets.py:late", "--to", "nir", "--allow-lossy", "refractory", "--json").out)
    assert told["lost"] == ["population 'out': it is refractory for tau_ref"]
    assert told["nodes"]["Delay"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "nets.py:stack", "--to", "nir", "--duration", "5ms"], "--duration is for --to brian2-script"),
        (
            ["export", "nets.py:stack", "--to", "norse", "--statements", "native"],
            "--statements is for --to brian2-script",
        ),
        (["export", "nets.py:stack", "--to", "snntorch", "--spikes", "step"], "--spikes is for --to nir"),
        (["export", "nets.py:stack", "--to", "norse", "--allow-lossy", "delay"], "--allow-lossy is for --to nir"),
        (["export", "nets.py:stack", "--to", "nir", "--allow-lossy", "delays"], "Did you mean 'delay'?"),
        (["import", "none.nir"], "there is no file none.nir"),
        (["import", "nets.py"], "cannot be read as a graph of NIR"),
        (["import", "none.nir", "--dt", "5mV"], "dt must be in second"),
    ],
)
def test_refusals(arguments: list[str], message: str, neurosim: Neurosim, nets: Path) -> None:
    done = neurosim(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert [path.name for path in nets.iterdir() if path.is_file()] == ["nets.py"]
