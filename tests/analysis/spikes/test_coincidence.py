import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.spikes import coincidence_factor
from neurosim.errors import AnalysisError

TIMES = st.lists(st.integers(0, 9999), min_size=1, max_size=20, unique=True)


def factor(first: list[float], second: list[float], **kwargs: float) -> float:
    return coincidence_factor(first, second, **{"precision": 0.002, "duration": 10.0, **kwargs})


@settings(max_examples=30, deadline=None)
@given(TIMES)
def test_a_train_coincides_with_itself(steps: list[int]) -> None:
    train = [step * 1e-3 for step in steps]
    assert factor(train, train) == pytest.approx(1.0)


def test_by_hand() -> None:
    """Two of three simulated spikes coincide with two of four; chance brings 2 * 0.3 Hz * 2 ms * 4 = 0.0048."""
    found = factor([1.0, 2.0, 3.0], [1.001, 2.002, 3.003, 8.0])
    assert found == pytest.approx((2 - 0.0048) / 3.5 / (1 - 0.0012))


def test_a_spike_coincides_once() -> None:
    assert factor([1.0], [0.999, 1.001]) < factor([1.0], [1.001])


def test_chance_is_zero_on_average() -> None:
    rng = np.random.default_rng(1)
    found = [factor(*(np.sort(rng.random(30) * 10.0).tolist() for _ in range(2))) for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(200) + 0.01


def test_what_cannot_be_told() -> None:
    assert np.isnan(factor([], []))
    assert np.isnan(factor(np.arange(0, 10, 1e-3).tolist(), [1.0]))
    assert factor([], [1.0]) == 0.0
    with pytest.raises(AnalysisError, match="above 0"):
        factor([1.0], [1.0], precision=0.0)
