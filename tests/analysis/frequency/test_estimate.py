"""Transfer functions of signals that are known: what the estimates must be, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from neurosim.analysis.frequency import (
    Drive,
    Response,
    broadband,
    line_frequencies,
    linearity,
    multi_sine,
    transfer_function,
)
from neurosim.analysis.frequency.estimate import independent_segments
from neurosim.errors import AnalysisError, RecordError, UnitError
from neurosim.random import Stream
from neurosim.units import Hz, ms, mV, nA, second


def white(count: int, name: str, trials: int | None = None) -> np.ndarray:
    drawn = Stream(5, name).normal(count * (trials or 1))
    return drawn if trials is None else drawn.reshape(trials, count)


def test_a_signal_follows_itself() -> None:
    x = white(4096, "x")
    found = transfer_function(x, x, dt=1e-3, segment=0.256)
    np.testing.assert_allclose(found.response, 1, atol=1e-12)
    np.testing.assert_allclose(found.coherence, 1, atol=1e-12)


@pytest.mark.parametrize("method", ["noise", "sines"])
def test_a_delay_is_a_phase(method: str) -> None:
    drive = (
        broadband(20.0, 1e-3, lead=0.1, seed=1)
        if method == "noise"
        else multi_sine(line_frequencies(1, 300, 20, 20.0), 20.0, 1e-3, lead=0.1)
    )
    late = np.roll(drive.values, 3)
    found = transfer_function(drive, late, segment=0.25)
    inside = found.frequency < 400
    np.testing.assert_allclose(found.gain[inside], 1, atol=0.02)
    np.testing.assert_allclose(found.phase[inside], -2 * np.pi * found.frequency[inside] * 0.003, atol=0.05)


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_unrelated_signals_stay_below_the_level(overlap: float) -> None:
    found = transfer_function(white(16000, "one", 32), white(16000, "other", 32), dt=1e-3, segment=1.0, overlap=overlap)
    assert found.coherence is not None
    effective = found.facts.effective_segments
    assert effective == pytest.approx(32 * 16 if overlap == 0 else 32 * 16 * 1.85, rel=0.06)
    assert found.coherence.mean() == pytest.approx(1 / effective, rel=0.1)
    few = [
        transfer_function(white(2000, f"one {one}"), white(2000, f"other {one}"), dt=1e-3, segment=0.125)
        for one in range(40)
    ]
    above = np.concatenate([one.significant for one in few])
    assert above.mean() == pytest.approx(0.05, abs=0.015)
    assert np.mean([one.information() for one in few]) == pytest.approx(0.0, abs=2.0)  # of 500 Hz: no bias is left
    assert np.mean(np.concatenate([one.snr for one in few])) == pytest.approx(0.0, abs=3e-3)


@pytest.mark.parametrize(("segments", "mean"), [(8, 0.1246), (16, 0.0627), (32, 0.0310)])
def test_coherence_of_chance_with_few_segments(segments: int, mean: float) -> None:
    found = [
        transfer_function(
            white(64 * segments, f"a{one}"), white(64 * segments, f"b{one}"), dt=1.0, segment=64.0, overlap=0.0,
            window="boxcar",
        ).coherence
        for one in range(60)
    ]  # fmt: skip
    assert np.mean([one for one in found if one is not None]) == pytest.approx(mean, rel=0.06)


def test_independent_segments_of_hann_windows() -> None:
    hann = signal.get_window("hann", 512)
    assert independent_segments(hann, 512, 10) == 10
    assert 1.80 * 20 < independent_segments(hann, 256, 39) < 1.92 * 20


def test_coherence_information_and_snr_of_a_filter_in_noise() -> None:
    drive = broadband(2**18, 1.0, lead=200.0, seed=3)
    answer = signal.lfilter([0.1], [1, -0.9], drive.values) + 0.1 * white(drive.values.size, "private")
    found = transfer_function(drive, answer, segment=1024.0)
    power = np.abs(0.1 / (1 - 0.9 * np.exp(-2j * np.pi * found.frequency))) ** 2
    assert found.coherence is not None
    for frequency, expected in zip(
        (0.0098, 0.0498, 0.0996, 0.25, 0.5), (0.987, 0.911, 0.740, 0.356, 0.217), strict=True
    ):
        place = int(np.argmin(np.abs(found.frequency - frequency)))
        assert found.coherence[place] == pytest.approx(expected, abs=0.03)
    assert found.information() == pytest.approx(0.656, rel=0.01)
    assert found.information((0.1, 0.2)) < found.information((0.0, 0.2)) < found.information()
    assert found.coherence_cut((0.002, 0.01)) == pytest.approx(
        float(np.interp(-0.5, -power / (power + 0.01), found.frequency)), rel=0.1
    )
    np.testing.assert_allclose(found.snr[40:400], power[40:400] / 0.01, rtol=0.35)
    assert np.mean(found.snr[40:400] / (power[40:400] / 0.01)) == pytest.approx(1, abs=0.02)


def test_estimates_are_those_of_scipy() -> None:
    x, y = white(4096, "x"), white(4096, "x") * 0.5 + white(4096, "y")
    found = transfer_function(x, y, dt=1e-3, segment=0.256)
    frequency, coherence = signal.coherence(x, y, fs=1000, nperseg=256)
    np.testing.assert_allclose(found.frequency, frequency[1:])
    np.testing.assert_allclose(found.coherence, coherence[1:], rtol=1e-12)
    across = signal.csd(x, y, fs=1000, nperseg=256)[1] / signal.welch(x, fs=1000, nperseg=256)[1]
    np.testing.assert_allclose(found.response, across[1:], rtol=1e-12)


def test_values_of_elephant() -> None:
    """What Elephant 1.2.1 says of the same signals: coherence and power at some frequencies, by Welch's method."""
    x, noise = Stream(5, "elephant x").normal(4096), Stream(5, "elephant n").normal(4096)
    y = 0.5 * np.roll(x, 2) + noise
    found = transfer_function(x, y, dt=1e-3, segment=0.256)
    assert found.coherence is not None
    places = np.array([1, 10, 50, 127]) - 1  # without 0
    assert found.frequency[places] == pytest.approx([3.90625, 39.0625, 195.3125, 496.09375])
    assert found.coherence[places] == pytest.approx(
        [0.29957126740499285, 0.23769078510980762, 0.1567051727088655, 0.22244342782188187], rel=1e-9
    )
    assert found.output_power[places] == pytest.approx(
        [0.0027140492823597684, 0.0023114337770408617, 0.0021224311430853133, 0.0026952590075509067], rel=1e-9
    )
    spectral = pytest.importorskip("elephant.spectral")
    _, coherence, phase = spectral.welch_coherence(x, y, fs=1000.0, len_segment=256, overlap=0.5)
    assert np.squeeze(coherence)[1:] == pytest.approx(found.coherence, rel=1e-12)
    assert np.exp(1j * np.squeeze(phase)[1:]) == pytest.approx(np.exp(1j * found.phase), abs=1e-9)


def test_errors_of_gains_are_what_repetitions_scatter_by() -> None:
    drive = multi_sine([3, 11, 41], 2.0, 1e-3, amplitudes=0.5)
    noisy = broadband(2.0, 1e-3, seed=9)
    for one, sample in ((drive, None), (noisy, 0.1)):
        runs = [
            transfer_function(one, one.values + white(2000, f"private {number}"), segment=sample)
            for number in range(60)
        ]
        scatter = np.std([run.gain for run in runs], axis=0)
        error = np.mean([run.error for run in runs], axis=0)
        assert np.mean(scatter / error) == pytest.approx(1.0, abs=0.15)


def test_a_quadratic_response_is_found_out() -> None:
    drive = multi_sine(line_frequencies(2, 60, 6, 4.0), 4.0, 1e-3)
    straight = [transfer_function(drive, 2 * size * drive.values, amplitude=size) for size in (0.5, 1.0)]
    bent = [
        transfer_function(drive, size * drive.values + (size * drive.values) ** 3, amplitude=size)
        for size in (0.5, 1.0)
    ]
    squared = transfer_function(drive, drive.values + 0.1 * drive.values**2)
    assert linearity(*straight).linear
    verdict = linearity(*bent)
    assert not verdict.linear
    assert verdict.ratio == pytest.approx(2)
    assert "NOT LINEAR" in str(verdict)
    assert "the same gain" in str(linearity(*straight))
    assert squared.distortion is not None
    assert straight[0].distortion is not None
    np.testing.assert_allclose(straight[0].distortion, 0, atol=1e-12)
    np.testing.assert_allclose(squared.distortion, 0.05, rtol=1e-6)  # 0.1*cos(a)^2 = 0.05 + 0.05*cos(2a)


def test_every_result_says_what_it_was_made_of() -> None:
    drive = broadband(4.0, 1e-3, lead=0.5, seed=2)
    values = np.stack([drive.values] * 3)
    response = Response(values, 1e-3, "cells.spikes", "hertz", "spikes", 7, 1.0)
    facts = transfer_function(drive, response, segment=0.5, confidence=0.9).facts
    assert {field.name for field in fields(facts)} >= {
        "axis", "dt", "n_samples", "n_trials", "n_cells", "rate", "segment", "window", "n_segments", "confidence",
    }  # fmt: skip
    assert (facts.axis, facts.dt, facts.n_samples, facts.n_trials) == ("temporal", 1e-3, 4000, 3)
    assert (facts.segment, facts.window, facts.n_segments, facts.confidence) == (500, "hann", 45, 0.9)
    assert (facts.n_cells, facts.stage, facts.response, facts.input) == (7, "spikes", "cells.spikes", "broadband")
    assert facts.rate == pytest.approx(drive.measured.mean())


@given(
    factor=st.floats(0.01, 100),
    offset=st.floats(-10, 10),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=15, deadline=None)
def test_scale_and_offset_of_the_output(factor: float, offset: float, seed: int) -> None:
    x = broadband(1.0, 1e-3, seed=seed).values
    y = 0.7 * np.roll(x, 1) + Stream(seed, "noise").normal(1000)
    one = transfer_function(x, y, dt=1e-3, segment=0.1)
    other = transfer_function(x, factor * y + offset, dt=1e-3, segment=0.1)
    np.testing.assert_allclose(other.response, factor * one.response, rtol=1e-7, atol=1e-9 * factor)
    np.testing.assert_allclose(other.coherence, one.coherence, atol=1e-7)
    assert other.bias_db((10, 50), (200, 400)) == pytest.approx(one.bias_db((10, 50), (200, 400)), abs=1e-6)
    assert np.all((one.coherence is not None) and (one.coherence >= 0) & (one.coherence <= 1))


def test_a_cut_off_within_the_low_band_is_found_there() -> None:
    drive = multi_sine([1, 5, 11, 23, 51], 1.0, 1e-3)
    gains = dict(zip((1, 5, 11, 23, 51), (4.0, 2.0, 1.0, 1.0, 1.0), strict=True))
    parts = [multi_sine([f], 1.0, 1e-3).frequencies[0] for f in gains]
    time = np.arange(1000) * 1e-3
    answer = sum(
        gains[int(f)] * np.cos(2 * np.pi * f * time + phase) for f, phase in zip(parts, drive.phases, strict=True)
    )
    found = transfer_function(drive, answer)
    np.testing.assert_allclose(found.gain, list(gains.values()))
    level = 2.0 / np.sqrt(2) * (4 + 2 + 1 + 1) / 8  # of the mean over four of the lines
    expected = 5 * (11 / 5) ** (np.log(2 / level) / np.log(2))
    assert found.cut_off((1, 25)) == pytest.approx(expected)
    assert found.cut_off((1, 1)) == pytest.approx(1 * 5 ** (np.log(np.sqrt(2)) / np.log(2)))


def test_a_constant_response_follows_nothing() -> None:
    found = transfer_function(white(512, "x"), np.ones(512), dt=1e-3, segment=0.064)
    np.testing.assert_array_equal(found.coherence, 0)
    assert found.information() <= 0
    assert not found.significant.any()
    assert np.isnan(found.slope((20, 400)))


def test_a_flat_gain_has_no_cut_off_and_a_peak_of_one() -> None:
    drive = multi_sine([1, 5, 23], 1.0, 1e-3)
    found = transfer_function(drive, 3 * drive.values)
    assert np.isnan(found.cut_off((1, 2)))
    assert found.peak((1, 2))[1] == pytest.approx(1)
    assert found.bias_db((1, 2), (20, 30)) == pytest.approx(0, abs=1e-9)
    assert found.high_frequency_ratio(20 * Hz) == pytest.approx(1 / 3)


# --- drives ---


def test_broadband_noise_has_unit_variance_within_its_band() -> None:
    drive = broadband(100.0, 1e-3, band=(5, 200), seed=1)
    frequency, power = signal.welch(drive.values, fs=1000, nperseg=1000)
    assert drive.values.std() == pytest.approx(1, abs=0.02)
    assert power[(frequency > 10) & (frequency < 190)].mean() == pytest.approx(1 / 195, rel=0.03)
    assert power[frequency > 210].max() < 1e-6
    again = broadband(100 * second, 1 * ms, band=(5 * Hz, 200 * Hz), seed=1)
    np.testing.assert_array_equal(drive.values, again.values)
    assert not np.array_equal(drive.values, broadband(100.0, 1e-3, band=(5, 200), seed=2).values)


def test_a_drive_becomes_a_signal_with_a_unit_and_a_rate() -> None:
    drive = broadband(1.0, 1e-3, seed=1)
    current = drive.signal(0.1 * nA, mean=0.2 * nA)
    assert current.unit == "amp"
    np.testing.assert_allclose(current.sample(np.arange(1000), 1e-3, 1)[:, 0], 0.2e-9 + 0.1e-9 * drive.values)
    rate = drive.rate(20 * Hz, 4 * Hz)
    assert rate.unit == "hertz"
    with pytest.raises(AnalysisError, match="below zero in"):
        drive.rate(20 * Hz, 20 * Hz)
    with pytest.raises(UnitError):
        drive.signal(0.1 * nA, mean=1 * mV)


@given(low=st.floats(0.5, 5), octaves=st.floats(2, 6), count=st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_chosen_frequencies_are_fit_for_a_sum_of_sines(low: float, octaves: float, count: int) -> None:
    chosen = line_frequencies(low, low * 2**octaves, count, 4.0)
    drive = multi_sine(chosen, 4.0, 1e-3)
    assert drive.frequencies.size == count
    assert drive.values.std() == pytest.approx(np.sqrt(count / 2))


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        ([1.3], "whole periods"),
        ([5, 5], "differ"),
        ([500], "differ and lie between 0 and 500"),
        ([5, 10], "10 Hz is 2 times 5 Hz"),
        ([5, 15], "15 Hz is 3 times 5 Hz"),
        ([0], "lie between"),
    ],
)
def test_sums_of_sines_that_cannot_be_told_apart_are_refused(frequencies: list[float], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        multi_sine(frequencies, 1.0, 1e-3)


# --- refusals ---


@pytest.mark.parametrize(
    ("drive", "response", "options", "message"),
    [
        (np.ones(100), np.ones(100), {"dt": 1e-3}, "does not vary"),
        (np.arange(100.0), np.ones(99), {"dt": 1e-3}, "must cover the same steps"),
        (np.arange(100.0), np.ones(100), {}, "need dt="),
        (np.arange(100.0), np.full(100, np.nan), {"dt": 1e-3}, "NaN"),
        (np.arange(100.0), np.zeros(0), {"dt": 1e-3}, "empty"),
        (np.arange(100.0), np.ones((1, 100, 2)), {"dt": 1e-3}, "average over neurons"),
        (np.arange(100.0), np.ones((2, 100)), {"dt": 1e-3, "segment": 0.2}, "200 steps; the measurement has 100"),
        (np.arange(100.0), np.ones(100), {"dt": 1e-3, "segment": 0.1}, "independent ones"),
        (np.arange(100.0), np.ones(100), {"dt": 1e-3, "overlap": 1.0}, "overlap"),
        (np.arange(100.0), np.ones(100), {"dt": -1e-3}, "dt must be positive"),
    ],
)
def test_inputs_without_a_meaning_are_refused(drive: Any, response: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        transfer_function(drive, response, **options)


def test_few_steps_are_warned_of_and_low_bands_refused() -> None:
    x = white(60, "x")
    with pytest.warns(UserWarning, match="60 steps has 30 frequencies"):
        found = transfer_function(x, x, dt=1.0, segment=8.0)
    with pytest.raises(AnalysisError, match=r"8 steps of 1 s resolve 0\.125 Hz"):
        found.cut_off((0.01, 0.02))


def test_sums_of_sines_give_no_coherence() -> None:
    drive = multi_sine([1, 5], 1.0, 1e-3)
    found = transfer_function(drive, drive.values)
    assert found.coherence is None
    with pytest.raises(AnalysisError, match="use broadband noise"):
        found.information()
    with pytest.raises(AnalysisError, match="does not part"):
        found.high_frequency_ratio(900)
    with pytest.raises(AnalysisError, match="different frequencies"):
        linearity(found, transfer_function(multi_sine([1, 7], 1.0, 1e-3), drive.values))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: broadband(1.0, 1e-3, band=(10, 600)),
        lambda: broadband(1.0005, 1e-3),
        lambda: broadband(1.0, 0.0),
        lambda: broadband(1.0, 1e-3, band=(0.2, 0.7)),
        lambda: line_frequencies(0.1, 10, 3, 1.0),
        lambda: broadband(1.0, 1e-3).signal(np.ones(3) * 1.0),
    ],
    ids=["beyond half the rate", "off the grid", "no step", "empty band", "no period", "several amplitudes"],
)
def test_drives_that_do_not_fit_are_refused(wrong: Any) -> None:
    with pytest.raises((AnalysisError, RecordError)):
        wrong()


def test_a_drive_cannot_be_changed() -> None:
    drive: Drive = broadband(1.0, 1e-3)
    with pytest.raises(ValueError, match="read-only"):
        drive.values[0] = 1
