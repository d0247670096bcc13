"""The cochlea: what the converter of the Heidelberg digits computes, and what its equations say in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosim.datasets.spoken_digits.bushy_cell import FIBRES, bushy_spikes, fibre_spikes
from neurosim.datasets.spoken_digits.cochlea import Cochlea, prepared
from neurosim.datasets.spoken_digits.hair_cell import firing_probability, rest_rate
from neurosim.datasets.spoken_digits.membrane import best_frequency, frequencies, membrane, places, transfer_function
from neurosim.errors import CircuitError

RATE = 48_000
OUTPUT = RATE // 2

# Probability that a fibre fires, at samples 0, 300, ..., 1200 of `chirp()`, by place of 700: computed once with
# lauscher 1.0.1, numpy 2.3.5, scipy 1.17.1.
LAUSCHER = {
    0: (0.002698652859, 0.002777704887, 0.002939155075, 0.002785466879, 0.002698760856),
    150: (0.002698651446, 0.002748913128, 0.003263705545, 0.002615465909, 0.002698690219),
    306: (0.002657586612, 0.001490846982, 0.002067792833, 0.000886544710, 0.002417933818),
    410: (0.002695696141, 0.008389015751, 0.000002335600, 0.005832484318, 0.002462072715),
    520: (0.006642685653, 0.000040223308, 0.007178897045, 0.001743404233, 0.010060540854),
    699: (0.002699098821, 0.002700582374, 0.002693111256, 0.002693056677, 0.002699795243),
}  # fmt: skip


def chirp() -> NDArray[np.float64]:
    time = np.arange(2400) / RATE
    tones = np.sin(2 * np.pi * 440 * time) + 0.5 * np.sin(2 * np.pi * 2000 * time + 1)
    return tones + 0.25 * np.sin(2 * np.pi * 60_000 * time**2)


def bernoulli_counts(chance: NDArray[np.float64], n_seeds: int) -> NDArray[np.int64]:
    """Count the spikes of a bushy cell as its description says: every fibre asked in every sample; shape (seed,)."""
    refractory = OUTPUT // 1000
    fires = np.random.default_rng(7).random((chance.size, n_seeds, FIBRES)) < chance[:, None, None]
    last = np.full((n_seeds, FIBRES), -refractory)
    current, voltage = np.zeros((n_seeds, FIBRES)), np.zeros(n_seeds)
    resting, counts = np.zeros(n_seeds, dtype=int), np.zeros(n_seeds, dtype=int)
    for time in range(chance.size):
        kept = fires[time] & (time - last >= refractory)
        last[kept] = time
        current = current * math.exp(-1 / (OUTPUT * 0.5e-3)) + kept
        integrated = voltage * math.exp(-1 / (OUTPUT * 1e-3)) + current.sum(axis=1) * 13_000 / FIBRES / OUTPUT
        voltage = np.where(resting > 0, 0.0, integrated)
        resting -= 1
        spikes = voltage >= 1
        counts += spikes
        voltage[spikes], resting[spikes] = 0.0, refractory
    return counts


# --- the membrane ---


@pytest.mark.parametrize(
    ("place", "hertz"), [(100, 9540), (200, 4480), (300, 2120), (400, 1000), (500, 473), (600, 221), (699, 100)]
)
def test_best_frequencies(place: int, hertz: float) -> None:
    assert best_frequency(places(700)[place]) == pytest.approx(hertz, rel=0.05)


def test_the_base_hears_what_is_highest() -> None:
    assert best_frequency(0.0) > 19_000


def test_an_octave_is_92_places() -> None:
    octaves = math.log2(best_frequency(places(700)[100]) / best_frequency(places(700)[600]))
    assert 500 / octaves == pytest.approx(92, abs=2)


@pytest.mark.parametrize("n_samples", [400, 401, 402, 403])
def test_velocity_is_the_real_part_of_the_half_spectrum(n_samples: int) -> None:
    position = places(700)[[0, 60, 200, 699]]
    sound = np.random.default_rng(3).normal(size=n_samples)
    some = membrane(position, n_samples, RATE)
    spectrum = np.fft.fft(sound)[: n_samples // 2 + 1]
    assert some.spectrum(sound) == pytest.approx(spectrum, abs=1e-12)
    omega = frequencies(n_samples, RATE)
    expected = [np.fft.ifft(transfer_function(omega, one) * spectrum).real for one in position]
    assert some.velocity(spectrum, 0, 4) == pytest.approx(np.array(expected), abs=1e-9)
    assert some.velocity(spectrum, 1, 3) == pytest.approx(np.array(expected[1:3]), abs=1e-9)


# --- the hair cell ---


def test_probabilities_are_those_of_lauscher() -> None:
    heard = prepared(chirp())
    some = membrane(places(700)[list(LAUSCHER)], heard.size, RATE)
    chance = firing_probability(some.velocity(some.spectrum(heard), 0, len(LAUSCHER)), OUTPUT)
    assert chance.shape == (1201, len(LAUSCHER))
    assert chance[::300].T == pytest.approx(np.array(list(LAUSCHER.values())), abs=1e-9)


def test_silence_stays_at_rest() -> None:
    chance = firing_probability(np.zeros((3, 500)), OUTPUT, 400)
    assert chance.shape == (400, 3)
    assert chance * OUTPUT == pytest.approx(np.full((400, 3), rest_rate()), rel=1e-9)
    assert rest_rate() == pytest.approx(64.8, abs=0.05)


# --- the bushy cell ---


def test_places_are_nearly_silent_in_silence() -> None:
    seconds, n_places = 2, 100
    steps, units = bushy_spikes(np.full((OUTPUT * seconds, n_places), rest_rate() / OUTPUT), OUTPUT, seed=1)
    assert 0.5 < steps.size / seconds / n_places < 1.5
    assert units.max() < n_places
    assert steps.max() < OUTPUT * seconds


@pytest.mark.parametrize("height", [0.01, 0.03, 0.3])
def test_counts_are_those_of_fibres_asked_one_by_one(height: float) -> None:
    n_seeds, time = 20, np.arange(OUTPUT // 10) / OUTPUT
    chance = height * np.sin(np.pi * time / time[-1]) ** 2 * (1 + np.sin(2 * np.pi * 300 * time)) / 2
    ours = np.array([bushy_spikes(chance[:, None], OUTPUT, seed=seed)[0].size for seed in range(n_seeds)])
    asked = bernoulli_counts(chance, n_seeds)
    error = math.sqrt((ours.var(ddof=1) + asked.var(ddof=1)) / n_seeds)
    assert abs(ours.mean() - asked.mean()) < 3 * max(error, 1 / math.sqrt(n_seeds))
    assert asked.mean() > 1


def test_fibres_that_must_fire_do() -> None:
    count = np.zeros(35, dtype=np.int64)
    zero = np.uint64(0)
    assert fibre_spikes(np.ones(35), 10, zero, zero, zero, zero, count) == 4 * FIBRES
    assert count.tolist() == [FIBRES if time % 10 == 0 else 0 for time in range(35)]
    # All at once: 40 * 325 / 10,000 = 1.3 at the first sample, which is over the threshold. Then the cell rests.
    steps, _ = bushy_spikes(np.ones((1000, 1)), 10_000, seed=0)
    assert steps[0] == 0
    assert np.diff(steps).min() == 11
    assert np.array_equal(bushy_spikes(np.full((1000, 1), 1.5), 10_000, seed=0)[0], steps)
    assert bushy_spikes(np.zeros((1000, 1)), 10_000, seed=0)[0].size == 0


def test_each_place_of_each_sample_has_its_own_numbers() -> None:
    chance = np.full((6000, 4), 0.01)
    steps, units = bushy_spikes(chance, OUTPUT, seed=5, sample=9, first_place=3)
    again = bushy_spikes(chance[:, 1:3], OUTPUT, seed=5, sample=9, first_place=4)
    inner = (units == 4) | (units == 5)
    assert np.array_equal(steps[inner], again[0])
    assert np.array_equal(units[inner], again[1])
    trains = [steps[units == place].tolist() for place in range(3, 7)]
    for seed, sample in ((5, 10), (6, 9), (5, 9 + 2**32)):
        trains.append(bushy_spikes(chance[:, :1], OUTPUT, seed=seed, sample=sample, first_place=3)[0].tolist())
    assert len({tuple(train) for train in trains}) == len(trains)


# --- the whole ---


def test_loudness_before_the_window() -> None:
    square = np.where(np.arange(2001) % 20 < 10, 5.0, -5.0)
    heard = prepared(square)
    assert np.abs(heard).max() == pytest.approx(0.3, rel=1e-5)
    assert heard[0] == heard[-1] == 0
    assert np.abs(heard) == pytest.approx(np.abs(heard)[::-1])
    assert prepared(square / 1000) == pytest.approx(heard)


def test_spikes_come_in_order_at_half_the_rate_and_as_long_as_the_sound() -> None:
    cochlea = Cochlea(0.06, n_places=40)
    times, units = cochlea.spikes(chirp(), seed=2)
    assert np.array_equal(np.lexsort((units, times)), np.arange(times.size))
    assert np.rint(times * OUTPUT) == pytest.approx(times * OUTPUT, abs=1e-6)
    assert 0 <= times.min() < times.max() <= chirp().size / RATE
    assert cochlea.firing_probability(chirp(), 30, 35).shape == (1201, 5)
    same, other = cochlea.spikes(chirp(), seed=2), cochlea.spikes(chirp(), seed=3)
    assert np.array_equal(times, same[0])
    assert np.array_equal(units, same[1])
    assert not np.array_equal(times, other[0])
    # What sounds at 440 Hz is heard where 440 Hz is at home.
    home = np.argmin([abs(best_frequency(one) - 440) for one in cochlea.places])
    assert abs(int(np.bincount(units, minlength=40)[20:].argmax()) + 20 - int(home)) <= 3


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.zeros(100), "silent"),
        (np.ones((2, 50)), r"shape \(2, 50\)"),
        (np.array([1.0, np.nan, 0.0]), "finite"),
        (np.ones(RATE), "is made for"),
    ],
)
def test_sounds_that_cannot_be_heard(sound: NDArray[np.float64], said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        Cochlea(0.01, n_places=2).spikes(sound, seed=0)


@pytest.mark.parametrize("wrong", [{"longest": 0.0}, {"rate": 48_001}, {"n_places": 0}])
def test_cochleas_that_there_are_not(wrong: dict[str, float]) -> None:
    with pytest.raises(CircuitError, match="must be positive, the rate even"):
        Cochlea(**({"longest": 0.01} | wrong))  # type: ignore[arg-type]
