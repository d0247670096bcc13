from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.izhikevich_patterns.protocol import PATTERNS
from neurosim.errors import CircuitError
from neurosim.units import second

#: Spikes in the scheme of the paper's program.
ORIGINAL = dict(
    zip("ABCDEFGHIJKLMNOPQRST", [5, 1, 28, 6, 6, 6, 10, 14, 1, 1, 1, 1, 1, 7, 1, 5, 1, 1, 3, 12], strict=True)
)
#: The same in both schemes and at a fine step.
FIRM = "ABFGIJKLMOR"
SYNCHRONOUS = {**{letter: ORIGINAL[letter] for letter in FIRM}, "C": 29, "D": 7, "H": 16, "N": 11, "Q": 4, "S": 4}
FIRST = {"A": 13.0, "B": 43.75, "G": 84.5, "I": 26.6, "K": 338.0, "L": 20.0, "M": 68.0, "R": 311.5}


def spikes(pattern: str, scheme: str, backend: str = "snntorch") -> np.ndarray:
    """Return the spike times in ms."""
    circuit = ns.circuits.build("izhikevich-patterns", pattern=pattern, scheme=scheme)
    steps = PATTERNS[pattern].steps
    recording = ns.simulate(circuit, steps * circuit.dt * second, backend=backend)
    return recording.spikes["cell"].to_steps(circuit.dt) * PATTERNS[pattern].step


def by_hand(pattern: str, scheme: str, step: float | None = None) -> list[float]:
    """Run the loop of the paper's program, with its own step or another."""
    p = PATTERNS[pattern] if step is None else dataclasses.replace(PATTERNS[pattern], step=step)
    v, times = p.v0, []
    u = p.b * v if p.u0 is None else p.u0
    for step, current in enumerate(p.input()):
        new = v + p.step * (0.04 * v * v + p.linear * v + p.constant - u + current)
        u = u + p.step * p.a * (p.b * ((new if scheme == "original" else v) + p.shift) - p.restoring * u)
        v = new
        if v > 30:
            times.append(step * p.step)
            v, u = p.c, u + p.d
    return times


@pytest.mark.parametrize("pattern", FIRM)
def test_counts_of_the_firm_set_in_the_original_scheme(pattern: str) -> None:
    times = spikes(pattern, "original")
    assert len(times) == ORIGINAL[pattern]
    if pattern in FIRST:
        assert times[0] == pytest.approx(FIRST[pattern])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_published_loop(pattern: str) -> None:
    assert len(by_hand(pattern, "original")) == ORIGINAL[pattern]


@pytest.mark.parametrize("pattern", SYNCHRONOUS)
def test_published_loop_synchronous(pattern: str) -> None:
    assert len(by_hand(pattern, "synchronous")) == SYNCHRONOUS[pattern]


@pytest.mark.parametrize("pattern", FIRM)
def test_the_firm_set_keeps_its_counts_at_a_fine_step(pattern: str) -> None:
    assert len(by_hand(pattern, "synchronous", step=0.01)) == ORIGINAL[pattern]


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
@pytest.mark.parametrize(("pattern", "scheme"), [("C", "original"), ("N", "synchronous"), ("R", "original")])
def test_backends_run_the_published_loop(pattern: str, scheme: str, backend: str) -> None:
    assert spikes(pattern, scheme, backend) == pytest.approx(by_hand(pattern, scheme))


def test_errors() -> None:
    with pytest.raises(CircuitError, match="unknown pattern 'U'"):
        ns.circuits.build("izhikevich-patterns", pattern="U")
    with pytest.raises(CircuitError, match=r"unknown scheme 'orginal'. Did you mean 'original'"):
        ns.circuits.build("izhikevich-patterns", scheme="orginal")
