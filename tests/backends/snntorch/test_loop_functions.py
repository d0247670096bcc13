"""Elementary functions of the loops."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.backends.snntorch.loops.functions import tanh
from neurosim.backends.snntorch.loops.lines import once


@pytest.mark.parametrize("size", [1e-30, 1e-9, 0.1, 0.49999, 0.5, 0.7, 3.0, 25.0, 1e30])
def test_tanh(size: float) -> None:
    rng = np.random.default_rng(3)
    values = size * rng.uniform(0.5, 1, 200)
    expected = np.tanh(values.astype(np.longdouble))
    found = np.array([tanh(value) for value in values])
    assert float(np.max(np.abs(found - expected) / expected)) < 5e-16
    assert np.array_equal(found, -np.array([tanh(-value) for value in values]))
    single = np.array([np.float32(tanh(np.float32(value))) for value in values])
    assert np.allclose(single, np.tanh(values.astype(np.float32).astype(float)), rtol=1.2e-7, atol=1e-45)


def test_tanh_at_the_ends() -> None:
    assert [tanh(value) for value in (np.inf, -np.inf, 0.0)] == [1.0, -1.0, 0.0]
    assert np.isnan(tanh(np.nan))
    assert np.signbit(tanh(-0.0))


def test_functions_are_called_once() -> None:
    lines = ["a = math.tanh(x * math.exp(y))", "b = math.tanh(x * math.exp(y)) + math.exp(y)", "c = math.cosh(x)"]
    assert once(lines) == [
        "m_0 = math.exp(y)", "m_1 = math.tanh(x * m_0)", "a = m_1", "b = m_1 + m_0", "c = math.cosh(x)",
    ]  # fmt: skip
    assert once(["a = math.tanh(x)"], {"math.tanh(x)": "y"}) == ["a = y"]
    guarded = ["a = math.log(x) if x > 0 else y", "b = math.log(x) if x > 0 else z"]
    assert once(guarded) == guarded
