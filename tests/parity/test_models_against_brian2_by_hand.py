"""Each model on its own against Brian2 written by hand, at two time steps; the backends agree to the last bit."""

from __future__ import annotations

import pytest

import neurosim as ns
from neurosim.units import second
from parity.cases import SEED
from parity.model_cases import COVERS, MODELS
from parity.test_against_brian2_by_hand import check_spikes, check_states, check_traces, own_preferences

__all__ = ["own_preferences"]


def test_every_model_and_receptor_has_a_case() -> None:
    assert set(COVERS) == set(MODELS)
    assert set().union(*COVERS.values()) == set(ns.models.__all__)


@pytest.mark.parametrize("dt", [1e-4, 5e-5])
@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, dt: float) -> None:
    case = MODELS[name](dt)
    record = {**dict.fromkeys(case.hand["spikes"], "spikes"), **case.record}
    recordings = [
        ns.simulate(
            case.circuit, case.steps * dt * second, backend=backend, inputs=case.inputs, seed=SEED, record=record
        )
        for backend in ("brian2", "snntorch")
    ]
    for recording in recordings:
        check_spikes(case, recording)
        check_states(case, recording)
        check_traces(case, recording)
    assert recordings[0].state == recordings[1].state
