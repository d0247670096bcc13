"""The examples run as a reader would run them; the sides of the benchmark simulate the same."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from neurosim.units import ms

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
#: What each prints, among other things.
SAYS = {
    "01_first_circuit": "the same spikes: True",
    "02_own_equations": "\nIDENTICAL\n",
    "03_worm_connectome": "the same traces, bit for bit: True",
    "04_memory": "as taught: True",
    "05_learned_delays": "after: answers to pattern 100%, other orders 0%; the same on torch: True",
    "06_training": "resumed: the same losses as if it had not been stopped: True",
    "07_local_learning": "all 40 decisions right in Brian2: True",
    "08_from_brian2": "after: 100% of the trials told apart in Brian2; the same on torch: True",
    "09_frequency": "the same on both backends: True",
    "10_recordings": "both backends hear the measured current alike: True",
    "11_representations": "a circle fits best: True",
    "12_population": "the same rates in Brian2 and in torch: True",
    "13_fitting": "the held-out step has the right count within 15 %: True",
}


def from_file(path: Path, name: str) -> Any:
    """Return a function of a script that is no module of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def test_every_example_is_known() -> None:
    assert [path.stem for path in EXAMPLES] == list(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    if "worm" in path.stem and importlib.util.find_spec("cect") is None:
        pytest.skip("the cect tables are not installed (pip install --no-deps cect)")
    figure = tmp_path / "figure.png"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:neurosim", path, figure],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[path.stem] in done.stdout
    assert "WARNING" not in done.stderr
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["adaptive_exponential", "hodgkin_huxley", "conductance_lif"])
def test_model_networks_are_identical_and_spike(name: str) -> None:
    report = ns.verify(from_file(ROOT / "examples" / "model_networks.py", name)(), 40 * ms)
    assert report.identical, report.text()
    assert report.spikes["brian2"] > 50
