"""Both backends against Brian2 written by hand: every spike equal, every final state within 1e-9 of its magnitude."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import brian2
import numpy as np
import pytest

import neurosim as ns
from neurosim.recording import Recording
from neurosim.units import second
from parity.cases import FULL, SEED, SMALL, Case

SCRIPTS = Path(__file__).parent / "scripts"
TOLERANCE = 1e-9
BACKENDS = ("brian2", "snntorch")


@pytest.fixture(autouse=True)
def own_preferences() -> Iterator[None]:
    """Put back Brian2's preferences and default clock, which the scripts set, as scripts do."""
    codegen, dt = brian2.prefs.codegen, brian2.defaultclock.dt
    target, reordering = codegen.target, codegen.loop_invariant_optimisations
    yield
    codegen.target, codegen.loop_invariant_optimisations = target, reordering
    brian2.defaultclock.dt = dt


@functools.cache
def small(name: str) -> Case:
    return case_of(SMALL, name)


def case_of(cases: dict[str, Callable[[], Case]], name: str) -> Case:
    if name == "celegans connectome" and importlib.util.find_spec("cect") is None:
        pytest.skip("the cect tables are not installed (pip install --no-deps cect)")
    return cases[name]()


def check(case: Case, backend: str) -> None:
    dt = case.circuit.dt
    spiking = {name: "spikes" for name in case.hand["spikes"]}
    recording = ns.simulate(
        case.circuit, case.steps * dt * second, backend=backend, inputs=case.inputs, seed=SEED,
        record={**spiking, **case.record},
    )  # fmt: skip
    check_spikes(case, recording)
    check_states(case, recording)
    check_traces(case, recording)


def check_spikes(case: Case, recording: Recording) -> None:
    count = 0
    for name, (steps, neurons) in case.hand["spikes"].items():
        train = recording.spikes[name]
        found = sorted(zip(train.to_steps(case.circuit.dt).tolist(), train.neurons.tolist(), strict=True))
        assert found == sorted(zip(steps.tolist(), neurons.tolist(), strict=True)), name
        count += len(found)
    assert count >= case.least_spikes, "too quiet to prove anything"


def check_states(case: Case, recording: Recording) -> None:
    for name, variables in case.hand["state"].items():
        for variable, expected in variables.items():
            found = np.asarray(recording.state.variables[name][case.names[name][variable]])[0]
            largest = np.abs(expected).max()
            assert largest > 0 or variable in ("I", "pulse"), f"{name}.{variable} is 0"
            assert np.abs(found - expected).max() <= TOLERANCE * largest, f"{name}.{variable}"


def check_traces(case: Case, recording: Recording) -> None:
    for name, variables in case.hand.get("traces", {}).items():
        for variable, expected in variables.items():
            found = recording.traces[name][case.names[name][variable]].values[0]
            assert found.shape == expected.shape
            moving = np.ptp(expected, axis=0) > 1e-3 * np.abs(expected).max()
            assert moving.mean() > 0.5, f"{name}.{variable} stands still"
            assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max(), f"{name}.{variable}"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SMALL)
def test_small(name: str, backend: str) -> None:
    check(small(name), backend)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_full(name: str) -> None:
    case = case_of(FULL, name)
    for backend in BACKENDS:
        check(case, backend)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda script: script.stem)
def test_the_scripts_are_plain_brian2(script: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert imported == {"__future__", "brian2", "numpy"}
