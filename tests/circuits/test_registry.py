from __future__ import annotations

import subprocess
import sys

import pytest

import neurosim as ns
from neurosim.errors import CircuitError

BUILT = ("balanced-network", "brunel", "coba", "izhikevich-network", "polychronous")


def test_names() -> None:
    assert ns.circuits.names() == (
        "balanced-network",
        "brunel",
        "ca3-memory",
        "celegans-connectome",
        "coba",
        "delay-snn",
        "dendritic-segments",
        "fly-brain",
        "frequency-bias",
        "izhikevich-network",
        "izhikevich-patterns",
        "motif-detection",
        "motion-detection",
        "oscillatory-memory",
        "polychronous",
    )


def test_listing_loads_no_simulator() -> None:
    code = (
        "import sys, neurosim as ns; print([ns.circuits.describe(name).summary for name in ns.circuits.names()]);"
        "sys.exit(bool({'brian2', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "4,000" in done.stdout


@pytest.mark.parametrize("name", ns.circuits.names())
def test_every_entry_leads_to_its_circuit(name: str) -> None:
    entry = ns.circuits.describe(name)
    assert entry.name == name
    assert entry.duration > 0
    assert entry.summary
    assert "20" in entry.citation
    assert entry.load().__module__.startswith("neurosim.circuits.")


@pytest.mark.parametrize("name", BUILT)
def test_build(name: str) -> None:
    circuit = ns.circuits.build(name, scale=0.05, seed=4)
    assert (circuit.name, circuit.seed) == (name, 4)
    assert circuit == ns.circuits.build(name, scale=0.05, seed=4)
    assert circuit != ns.circuits.build(name, scale=0.05, seed=5)


@pytest.mark.parametrize("name", BUILT)
def test_nothing_remains(name: str) -> None:
    for scale in (0.0, -1.0, 0.0001, float("nan")):
        with pytest.raises(CircuitError, match="leaves"):
            ns.circuits.build(name, scale=scale)


def test_unknown_names() -> None:
    with pytest.raises(CircuitError, match=r"no ready-made circuit 'balanced'\. Did you mean 'balanced-network'"):
        ns.circuits.build("balanced")
    with pytest.raises(CircuitError, match=r"'balanced-network' has no parameter 'sacle'\. Did you mean 'scale'"):
        ns.circuits.build("balanced-network", sacle=0.1)
