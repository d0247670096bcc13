from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import known
from models.runs import spike_times
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Hz, ms, mV

CELL = {"tau_mem": 10 * ms, "v_threshold": 0.0, "v_reset": 0.0, "v_leak": 0.0, "softness": 1.0}


@pytest.mark.parametrize(("v", "rate"), [(0.0, 100.0), (0.7, 100 * np.exp(0.7)), (-1.5, 100 * np.exp(-1.5))])
def test_rate_at_a_constant_voltage(v: float, rate: float) -> None:
    cell = ns.models.stochastic_lif(**{**CELL, "v_reset": v, "v_leak": v})
    assert known(cell, {"v": v})["hazard"] == pytest.approx(rate)
    count = len(spike_times(cell, 1.0, n=400, dt=1.0))
    probability = 1 - np.exp(-rate * 1e-3)
    mean, std = 400_000 * probability, np.sqrt(400_000 * probability * (1 - probability))
    assert abs(count - mean) < 4 * std


def test_intervals_with_a_dead_time() -> None:
    cell = ns.models.stochastic_lif(**CELL, tau_ref=5 * ms)
    times = spike_times(cell, 20.0, dt=1.0)
    steps = np.diff(np.rint(times * 1e3)).astype(int)
    assert steps.min() == 5
    mean = 4 + 1 / (1 - np.exp(-0.1))
    assert abs(steps.mean() - mean) < 4 * 10 / np.sqrt(len(steps))
    # Memoryless after the dead time: a geometric distribution.
    assert np.mean(steps > 14) == pytest.approx(np.exp(-1), abs=4 * 0.5 / np.sqrt(len(steps)))


def test_the_seed_of_the_run_and_not_the_backend_decides() -> None:
    cell = ns.models.stochastic_lif(**CELL)
    first, second = (spike_times(cell, 0.5, n=5, backend=backend) for backend in ("brian2", "snntorch"))
    assert len(first) > 100
    assert np.array_equal(first, second)


def test_names_and_units() -> None:
    with pytest.raises(CircuitError, match="cannot be called 'hazard'"):
        ns.models.stochastic_lif(**CELL, receptors={"hazard": 5 * ms})
    with pytest.raises(UnitError, match="softness in volt"):
        ns.models.stochastic_lif(**{**CELL, "softness": 1 * mV})
    with pytest.raises(UnitError, match="rate"):
        ns.models.stochastic_lif(**CELL, rate=100)
    assert ns.models.stochastic_lif(**CELL, rate=50 * Hz).parameters["rate"].value == 50.0
