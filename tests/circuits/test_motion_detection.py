from __future__ import annotations

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.circuits.delay_snn.motion import (
    accuracy,
    batches,
    cone,
    evidence,
    pruned,
    shortened,
    trajectory_kernels,
)  # fmt: skip
from neurosim.circuits.delay_snn.motion_circuit import build
from neurosim.circuits.delay_snn.motion_experiment import accuracy_by_spikes, reproduce
from neurosim.circuits.delay_snn.motion_learning import learn_motion
from neurosim.datasets import motion_movies, motion_velocities
from neurosim.errors import CircuitError
from neurosim.units import ms


def test_evidence_is_the_sum_over_events_of_the_past() -> None:
    """Against the definition, weight by weight, with both movies."""
    rng = np.random.default_rng(0)
    kernels, bias = rng.standard_normal((2, 2, 3, 3, 5)), rng.standard_normal(2)
    events = (rng.random((1, 2, 6, 7, 8)) < 0.3).astype(float)
    found = evidence(*(torch.from_numpy(part) for part in (kernels, bias, events))).numpy()
    for motion, step, y, x in ((0, 0, 0, 0), (1, 5, 6, 7), (0, 4, 3, 2), (1, 2, 0, 4)):
        sums = [0.0, 0.0]
        for polarity, delay, up, right in np.ndindex(2, 3, 3, 5):
            if step >= delay:
                place = (step - delay, (y - (up - 1)) % 7, (x - (right - 2)) % 8)
                weight = kernels[motion, polarity, delay, up, right]
                sums[0] += weight * events[0, polarity, *place]
                sums[1] += weight * events[0, 1 - polarity, *place]
        assert found[0, motion, step, y, x] == pytest.approx(max(sums) + bias[motion], abs=1e-9)
    with pytest.raises(CircuitError, match="field of 4 x 9 is smaller"):
        evidence(torch.zeros(1, 2, 3, 5, 5), torch.zeros(1), torch.zeros(1, 2, 4, 4, 9))


def test_trajectories_tell_the_motion() -> None:
    velocities = motion_velocities(8, 1)
    kernels = trajectory_kernels(velocities, 9, 7)
    assert np.sqrt((kernels**2).sum(axis=(1, 2, 3, 4))) == pytest.approx(1)
    movies = motion_movies(velocities, n_movies=8, size=12, steps=14, seed=3)
    assert accuracy(kernels, np.zeros(8), movies, after=9) > 0.9
    assert accuracy(kernels[::-1], np.zeros(8), movies, after=9) < 0.2, "what tells is the direction"
    flipped = type(movies)(movies.events[:, :, ::-1], movies.labels)
    assert accuracy(kernels, np.zeros(8), flipped, after=9) > 0.9, "a negative moves alike"
    assert accuracy(shortened(kernels, 1), np.zeros(8), movies, after=9) < 0.3, "without delays there is no motion"


def test_the_cone_grows() -> None:
    discs = cone(21, 17)
    assert discs.shape == (21, 17, 17)
    sizes = discs.sum(axis=(1, 2))
    assert (np.diff(sizes) >= 0).all()
    assert sizes[0] <= 9 < 200 < sizes[-1] < 17 * 17


def test_motion_is_learned() -> None:
    """Four directions, by gradient from movies."""
    velocities = motion_velocities(4, 1)
    kernels, bias = learn_motion(velocities, n_delays=6, width=5, size=10, iterations=30)
    movies = motion_movies(velocities, n_movies=12, size=16, steps=11, seed=500)
    assert accuracy(kernels, bias, movies, after=6) > 0.85
    on, off = kernels[:, 0].ravel(), kernels[:, 1].ravel()
    assert np.corrcoef(on, off)[0, 1] < -0.5, "ON and OFF have opposite signs"
    assert not kernels[:, :, cone(6, 5) == 0].any()


def test_pruning_keeps_the_largest() -> None:
    kernels = (np.arange(100.0) - 30).reshape(1, 2, 5, 5, 2)
    left = pruned(kernels, 0.1)
    assert left[left != 0].tolist() == list(range(60, 70))
    assert -30 in pruned(kernels, 0.6), "whatever their sign"
    assert np.count_nonzero(shortened(kernels, 2)[:, :, 2:]) == 0
    assert np.array_equal(shortened(kernels, 5), kernels)
    for call, wrong in ((pruned, 0.0), (shortened, 6)):
        with pytest.raises(CircuitError, match="must be"):
            call(kernels, wrong)  # type: ignore[operator]


def test_the_circuit_computes_the_evidence() -> None:
    velocities = motion_velocities(3, 1)
    kernels = pruned(trajectory_kernels(velocities, 5, 5), 0.2)
    movies = motion_movies(velocities, n_movies=2, size=6, steps=15, seed=2)
    recording = ns.simulate(
        build(kernels=kernels, size=6),
        15 * ms,
        trials=2,
        backend="snntorch",
        inputs={"events": movies.events.reshape(15, 2, -1)},
        record={"detectors": "score"},
    )
    scores = np.asarray(recording.traces["detectors"]["score"]).reshape(2, 15, 2, 3, 6, 6).max(axis=2)
    events, _ = next(batches(movies))
    expected = evidence(torch.from_numpy(kernels), torch.zeros(3), events).numpy()
    assert np.abs(scores[:, 1:].swapaxes(1, 2) - expected[:, :, :-1]).max() < 1e-5


def test_backends_agree_to_the_last_bit() -> None:
    report = ns.verify(build(n_directions=4, n_delays=6, width=5, size=6), 60 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 500


def test_spikes_tell_the_motion() -> None:
    by_spikes, by_evidence = accuracy_by_spikes(backend="snntorch", n_motions=4)
    assert by_spikes > 0.9
    assert by_evidence > 0.9


def test_what_does_not_fit() -> None:
    for wrong in (np.ones((3, 2, 4, 5)), np.ones((3, 2, 4, 11, 5)), np.zeros((3, 2, 4, 5, 5))):
        with pytest.raises(CircuitError, match="no wider than the field of 10"):
            build(kernels=wrong)


@pytest.mark.slow
def test_thirty_six_motions() -> None:
    found = reproduce(quick=True, backend="snntorch", options={})
    assert found.ok, found.rows
