from __future__ import annotations

import numpy as np
import pytest

from neurosim.datasets import motion_movies, motion_velocities
from neurosim.errors import CircuitError


def test_velocities() -> None:
    velocities = motion_velocities()
    speed = np.hypot(*velocities.T).reshape(3, 12)
    assert speed == pytest.approx(np.repeat([[0.25], [0.397], [0.630]], 12, axis=1), abs=5e-4)
    angle = np.degrees(np.arctan2(velocities[:, 1], velocities[:, 0])).reshape(3, 12) % 360
    assert angle[0] == pytest.approx(30 * np.arange(12))
    assert angle[1] == pytest.approx(30 * np.arange(12) + 15)
    assert angle[2] == pytest.approx(angle[0])


def test_events_follow_the_motion() -> None:
    """At a pixel a step, what is ON now is ON one pixel further in the next step."""
    movies = motion_movies(np.array([[1.0, 0.0], [0.0, -1.0]]), n_movies=2, size=24, steps=30, noise=0.0, threshold=2.5)
    shifted = {0: (0, 1), 1: (-1, 0)}
    for movie, by in shifted.items():
        events = movies.events[5:, movie]
        assert 10 < events.sum() < 0.05 * events.size
        same, against = (
            (np.roll(events[:-1], tuple(sign * part for part in by), (2, 3)) & events[1:]).sum() / events[1:].sum()
            for sign in (1, -1)
        )
        assert same > 0.9
        assert against < 0.3


def test_thresholds_are_taken_off_the_next_change() -> None:
    """Without motion nothing happens; a change is not answered twice with the same sign unless it goes on."""
    velocities = motion_velocities(4, 1)
    movies = motion_movies(velocities, n_movies=4, size=16, steps=40, noise=0.0)
    assert not (movies.events[:, :, 0] & movies.events[:, :, 1]).any()
    again = (movies.events[1:] & movies.events[:-1]).sum() / movies.events[:-1].sum()
    assert again < 0.3, "one standard deviation more is needed"
    assert 0.05 < movies.events.mean() < 0.15
    noisy = motion_movies(velocities, n_movies=4, size=16, steps=40, noise=0.05)
    assert (noisy.events ^ movies.events).mean() == pytest.approx(0.05, abs=0.004)


def test_motions_change() -> None:
    velocities = motion_velocities(6, 1)
    steady = motion_movies(velocities, n_movies=8, steps=30)
    assert (steady.labels == np.arange(8) % 6).all()
    changing = motion_movies(velocities, n_movies=50, size=4, steps=100, switch=1 / 10)
    rate = (np.diff(changing.labels, axis=0) != 0).mean()
    assert rate == pytest.approx(5 / 6 / 10, abs=0.015)
    assert len(np.unique(changing.labels)) == 6


def test_movies_depend_on_the_seed() -> None:
    velocities = motion_velocities(2, 1)
    first, again, other = (motion_movies(velocities, n_movies=2, seed=seed).events for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_does_not_fit() -> None:
    with pytest.raises(CircuitError, match="0 speeds"):
        motion_velocities(4, 0)
    for wrong in ({"size": 0}, {"switch": 2.0}, {"threshold": 0.0}, {"noise": -0.1}):
        with pytest.raises(CircuitError, match="probabilities"):
            motion_movies(motion_velocities(), n_movies=1, **wrong)
