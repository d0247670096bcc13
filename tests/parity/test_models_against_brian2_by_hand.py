"""Each model on its own against Brian2 written by hand, at two time steps; the backends agree to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.units import second
from parity.cases import SEED
from parity.model_cases import MODELS
from parity.test_against_brian2_by_hand import check_spikes, check_states, own_preferences

__all__ = ["own_preferences"]


@pytest.mark.parametrize("dt", [1e-4, 5e-5])
@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, dt: float) -> None:
    case = MODELS[name](dt)
    recordings = [
        ns.simulate(case.circuit, case.steps * dt * second, backend=backend, inputs=case.inputs, seed=SEED)
        for backend in ("brian2", "snntorch")
    ]
    for recording in recordings:
        check_spikes(case, recording)
        check_states(case, recording)
    first, other = (recording.state.variables["cells"] for recording in recordings)
    assert all(np.array_equal(values, other[variable]) for variable, values in first.items())
