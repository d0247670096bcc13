"""Exported scripts run where neurosim cannot be imported, and held against a run here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.interop import export_brian2_script
from neurosim.program.discretise import brian2_name

#: Runs scripts one after the other in one process, which costs one import of Brian2, and without neurosim.
RUNNER = """
import contextlib, io, json, runpy, sys, traceback, warnings

sys.modules["neurosim"] = None
printed = []
for path, native in json.load(sys.stdin):
    sys.argv = [path, "--save", path[:-3] + ".result.npz"]
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", category=DeprecationWarning)  # of pyparsing, by Brian2
            if native:  # Brian2's exponential Euler makes 0/0 where a neuron is refractory, and does not keep it
                warnings.filterwarnings("ignore", category=RuntimeWarning)
            runpy.run_path(path, run_name="__main__")
        printed.append(output.getvalue())
    except BaseException:
        printed.append("FAILED " + traceback.format_exc())
    import brian2
    brian2.seed()
json.dump(printed, sys.stdout)
"""


@dataclass(frozen=True)
class Case:
    """A circuit and how it is run."""

    circuit: ns.Circuit
    duration: Any
    inputs: Mapping[str, Any] | None = None
    seed: int = 7
    statements: str = "exact"


def run_scripts(cases: Sequence[Case], folder: Path) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Export every case and run the scripts; return for each what it printed and what it saved."""
    paths = []
    for number, case in enumerate(cases):
        path = folder / f"case_{number}.py"
        export_brian2_script(
            case.circuit, path, case.duration, inputs=case.inputs, seed=case.seed, statements=case.statements
        )
        paths.append((str(path), case.statements == "native"))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input=json.dumps(paths), cwd=folder,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = []
    for (path, _), printed in zip(paths, json.loads(done.stdout), strict=True):
        assert not printed.startswith("FAILED"), f"{printed}\n{Path(path).read_text()}"
        with np.load(Path(path).with_suffix(".result.npz")) as saved:
            found.append((printed, dict(saved)))
    return found


def differences(case: Case, saved: Mapping[str, np.ndarray]) -> tuple[int, list[str], float]:
    """Return how many spikes there were, where a script parts from a run here, and by how much values differ at most.

    The difference is relative to the largest magnitude of each variable.
    """
    recording = ns.simulate(case.circuit, case.duration, backend="brian2", inputs=case.inputs, seed=case.seed)
    parted, largest, spikes = [], 0.0, 0
    for name, trains in recording.spikes.items():
        found = np.stack([saved[f"{name}.spikes.{what}"] for what in ("step", "neuron")], axis=1)
        expected = np.stack([trains.to_steps(case.circuit.dt), np.asarray(trains.neurons)], axis=1)
        spikes += len(expected)
        if sorted(found.tolist()) != sorted(expected.tolist()):
            parted.append(f"{name}: {len(found)} spikes instead of {len(expected)}")
    for name, variables in recording.state.variables.items():
        for variable, values in variables.items():
            got = saved[f"{name}.{brian2_name(variable)}"]
            scale = max(float(np.abs(values).max()), 1e-300)
            difference = float(np.abs(got - values[0]).max()) / scale
            largest = max(largest, difference)
            if difference > 0:
                parted.append(f"{name}.{variable}: {difference:g}")
    return spikes, parted, largest
