"""Normal numbers a block at a time have the bits of scipy's inverse distribution function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

import neurosim as ns
from neurosim.backends.snntorch.simulation import normals, operations
from neurosim.units import ms

FUNCTIONS = normals.found_functions()


def inverted(values: np.ndarray) -> np.ndarray:
    """Return what `invert` makes of numbers."""
    found = values.copy()
    assert FUNCTIONS is not None
    normals.invert(found, np.zeros(normals.SCRATCH * values.size + 1), FUNCTIONS)
    return found


def numbers(bits: Any) -> np.ndarray:
    """Return the numbers between 0 and 1 that 52 random bits stand for."""
    return (np.asarray(bits, dtype=np.float64) + 0.5) * 2.0**-52


@given(st.lists(st.integers(0, 2**52 - 1), min_size=1, max_size=70))
def test_bits_are_scipys(bits: list[int]) -> None:
    assert inverted(numbers(bits)).tobytes() == ndtri(numbers(bits)).tobytes()


def test_where_one_approximation_ends() -> None:
    """Both ends, both edges of the tails to the last bit, the middle, and numbers for which ndtri itself is asked."""
    places = [0, round(2**52 * np.exp(-32.0)), round(2**52 * np.exp(-2.0)), 2**51]
    bits = np.unique(np.clip([place + apart for place in places for apart in range(-200, 200)], 0, 2**51))
    values = np.concatenate([numbers(bits), numbers(2**52 - 1 - bits)])
    assert np.array_equal(inverted(values), ndtri(values))
    assert inverted(values[:1])[0] < -8.2


def test_a_million_draws() -> None:
    values = numbers(np.random.default_rng(1).integers(0, 2**52, 2**20))
    assert inverted(values).tobytes() == ndtri(values).tobytes()


@pytest.mark.parametrize("n", [1, 7, 300])
def test_noise_of_a_run_has_the_same_bits_by_either_way(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = ns.Circuit("noisy", dt=1 * ms, seed=1)
    circuit.population("cells", n, ns.models.izhikevich_map(noise_std=5.0))

    def run(**options: Any) -> ns.Recording:
        module = ns.compile(circuit, backend="snntorch", dtype="float64", training=False, **options)
        return module.run(40 * ms, seed=3, trials=2, record={"cells": ["spikes", "v"]})

    found = run(fused="always")
    assert found == run(fused="never")
    monkeypatch.setattr(operations, "found_functions", lambda: None)
    assert found == run(fused="always")
