"""Faults that a verifier must find: small changes of one side, some of which leave every spike where it was."""

from __future__ import annotations

from typing import Any

import pytest

import neurosim as ns
from neurosim.units import ms
from neurosim.verification import verify_pair
from neurosim.verification.sides import EagerPath
from verification.networks import (
    active_edge,
    exact_factor,
    nudged_once,
    one_delay_longer,
    one_weight_heavier,
    recovery_from_new_v,
    reservoir,
    reset_before_delivery,
    with_program,
)

DURATION = 70 * ms
REFERENCES = ("brian2", "snntorch", "snntorch:eager")
TOLERANCES = {"brian2": 0.0, "snntorch": 0.0, "snntorch:eager": 1e-9}


def simulators(circuit: ns.Circuit) -> dict[str, Any]:
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    return {"brian2": ns.compile(circuit, backend="brian2"), "snntorch": module, "snntorch:eager": EagerPath(module)}


@pytest.fixture(scope="module")
def circuit() -> ns.Circuit:
    return reservoir()


@pytest.fixture(scope="module")
def sound(circuit: ns.Circuit) -> dict[str, Any]:
    return simulators(circuit)


@pytest.fixture(scope="module")
def edge(circuit: ns.Circuit, sound: dict[str, Any]) -> tuple[int, int]:
    return active_edge(circuit, sound["brian2"].run(DURATION))


@pytest.fixture(scope="module")
def circuit_with_direct_pulses() -> ns.Circuit:
    return reservoir(direct=True)


@pytest.fixture(scope="module")
def sound_with_direct_pulses(circuit_with_direct_pulses: ns.Circuit) -> dict[str, Any]:
    return simulators(circuit_with_direct_pulses)


@pytest.mark.parametrize("name", REFERENCES[1:])
def test_without_a_fault_the_networks_are_identical(
    name: str, sound: dict[str, Any], sound_with_direct_pulses: dict[str, Any]
) -> None:
    for sides in (sound, sound_with_direct_pulses):
        report = verify_pair(sides["brian2"], sides[name], DURATION, tolerance=TOLERANCES[name])
        assert report.identical, report.text()
        assert report.spikes["reference"] > 100


@pytest.mark.parametrize("name", REFERENCES)
def test_one_delay_longer_by_one_step(
    name: str, circuit: ns.Circuit, sound: dict[str, Any], edge: tuple[int, int]
) -> None:
    changed = with_program(circuit, lambda program: one_delay_longer(program, edge[0]))
    report = verify_pair(sound[name], changed, DURATION, tolerance=TOLERANCES[name])
    assert not report.identical
    comparison = report["other"]
    first, cause = comparison.first_divergence, comparison.state_divergence
    assert first is not None
    assert cause is not None
    assert first.variable == "spikes"
    assert set(first.values) == {0.0, 1.0}
    table = circuit.edges("recurrent")
    arrival = edge[1] + round(float(table.delay[edge[0]]) / circuit.dt)
    found = (cause.step, cause.population, cause.neuron, cause.variable)
    assert found == (arrival, "cells", table.post[edge[0]], "synaptic_rise")
    assert cause.unit == "amp"


@pytest.mark.parametrize("name", REFERENCES)
def test_recovery_from_the_new_v(name: str, circuit: ns.Circuit, sound: dict[str, Any]) -> None:
    report = verify_pair(sound[name], with_program(circuit, recovery_from_new_v), DURATION, tolerance=TOLERANCES[name])
    assert not report.identical
    cause = report["other"].state_divergence
    assert cause is not None
    assert (cause.step, cause.variable) == (0, "u")


@pytest.mark.parametrize("name", REFERENCES)
def test_exact_factor_on_one_side(name: str, circuit: ns.Circuit, sound: dict[str, Any]) -> None:
    report = verify_pair(sound[name], with_program(circuit, exact_factor), DURATION, tolerance=TOLERANCES[name])
    assert not report.identical
    cause = report["other"].state_divergence
    assert cause is not None
    assert cause.variable == "synaptic"


@pytest.mark.parametrize("name", REFERENCES)
def test_reset_before_delivery(
    name: str, circuit_with_direct_pulses: ns.Circuit, sound_with_direct_pulses: dict[str, Any]
) -> None:
    changed = reset_before_delivery(circuit_with_direct_pulses)
    report = verify_pair(sound_with_direct_pulses[name], changed, DURATION, tolerance=TOLERANCES[name])
    assert not report.identical
    first = report.first_divergence
    assert first is not None
    # A pulse that reached a neuron in the step of its own spike: one side has wiped it.
    assert first.variable == "v"
    assert first.values[0] == pytest.approx(-65e-3, abs=1e-12)
    assert first.values[1] != first.values[0]


@pytest.mark.parametrize("name", REFERENCES)
def test_one_weight_heavier_by_a_64th_of_a_picoampere(
    name: str, circuit: ns.Circuit, sound: dict[str, Any], edge: tuple[int, int]
) -> None:
    changed = with_program(circuit, lambda program: one_weight_heavier(program, edge[0], 1e-12 / 64))
    report = verify_pair(sound[name], changed, DURATION, tolerance=TOLERANCES[name])
    (spikes,) = report["other"].spikes
    assert spikes.counts == (spikes.common, spikes.common), "the rasters must be equal for this test to mean anything"
    assert not report.identical
    first = report.first_divergence
    assert first is not None
    assert (first.neuron, first.variable) == (circuit.edges("recurrent").post[edge[0]], "synaptic_rise")
    assert first.values[1] - first.values[0] == pytest.approx(1e-12 / 64, rel=1e-6)


def test_where_states_part_is_found_exactly(circuit: ns.Circuit, sound: dict[str, Any]) -> None:
    """A fault that waits: the search by halves must find the very step, whichever it is."""
    for step in (1, 311, 699):
        changed = with_program(circuit, lambda program, step=step: nudged_once(program, step))
        first = verify_pair(sound["brian2"], changed, DURATION).first_divergence
        assert first is not None
        assert (first.step, first.population, first.neuron, first.variable) == (step, "cells", 0, "u")


class FromTheBeginning:
    """A simulator that cannot go on from a state, as a compiled program of Brian2's."""

    resumable = False

    def __init__(self, simulator: Any) -> None:
        self.simulator, self.circuit, self.program = simulator, simulator.circuit, simulator.program

    def run(self, duration: Any, *, state: ns.State | None = None, **options: Any) -> ns.Recording:
        assert state is None
        recording: ns.Recording = self.simulator.run(duration, **options)
        return recording


def test_a_side_that_cannot_be_run_in_parts(circuit: ns.Circuit, sound: dict[str, Any], edge: tuple[int, int]) -> None:
    """Spikes that part are found; where the states did so first is not known."""
    changed = with_program(circuit, lambda program: one_weight_heavier(program, edge[0], 1e-9))
    whole = verify_pair(sound["brian2"], changed, DURATION)
    report = verify_pair(sound["brian2"], FromTheBeginning(changed), DURATION)
    assert not report.identical
    assert report.first_divergence is not None
    assert report.first_divergence.variable == "spikes"
    assert report["other"].state_divergence is None
    assert whole["other"].state_divergence is not None
