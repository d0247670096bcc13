"""Spectra over space: pooling against what it does to noise, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

import neurosim as ns
from neurosim.analysis.frequency import (
    broadband,
    maps_of,
    multi_sine,
    plot_coherence,
    plot_gain,
    plot_phase,
    plot_spatial,
    spatial_spectrum,
    transfer_function,
)
from neurosim.errors import AnalysisError
from neurosim.random import Stream
from neurosim.recording.traces import trace_array


def images(kind: str) -> np.ndarray:
    """Return 256 random images of 32 x 32 pixels."""
    stream, count, shape = Stream(1, "images"), 256 * 32 * 32, (256, 32, 32)
    if kind == "normal":
        return stream.normal(count).reshape(shape)
    return (stream.uniform(count) < float(kind)).astype(np.float64).reshape(shape)


def pooled(maps: np.ndarray, how: str) -> np.ndarray:
    """Pool over 3 x 3 pixels with stride 1; what lies outside does not count."""
    if how == "none":
        return maps
    outside = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    windows = sliding_window_view(outside, (3, 3), axis=(1, 2))
    return np.asarray(np.nanmax(windows, axis=(3, 4)) if how == "max" else np.nanmean(windows, axis=(3, 4)))


ROWS = {  # relative log amplitude at the end and high-frequency ratio
    "normal": {"none": (0.41, 0.812), "average": (-1.88, 0.224), "max": (-5.76, 0.284)},
    "0.1": {"none": (-2.67, 0.814), "average": (-4.86, 0.225), "max": (-4.99, 0.331)},
    "0.3": {"none": (-3.39, 0.812), "average": (-5.62, 0.224), "max": (-5.77, 0.562)},
}


@pytest.mark.parametrize(("kind", "row"), ROWS.items())
def test_pooling_of_noise(kind: str, row: dict[str, tuple[float, float]]) -> None:
    maps = images(kind)
    found = {how: spatial_spectrum(pooled(maps, how)) for how in row}
    for how, (end, ratio) in row.items():
        assert found[how].high_frequency_ratio == pytest.approx(ratio, rel=0.05)
        assert found[how].end == pytest.approx(end, abs=0.25)
    ratios = {how: spectrum.high_frequency_ratio for how, spectrum in found.items()}
    assert ratios["average"] < ratios["max"] < ratios["none"]


def test_pooling_of_photographs() -> None:
    """Of photographs most power is low; pooling takes what is high, the average more than the maximum."""
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("PIL")
    grey = np.stack([photograph.mean(axis=2) for photograph in datasets.load_sample_images().images])
    tiles = grey[:, :416, :640].reshape(2, 13, 32, 20, 32).transpose(0, 1, 3, 2, 4).reshape(-1, 32, 32)
    ratios = {how: spatial_spectrum(pooled(tiles, how)).high_frequency_ratio for how in ("none", "average", "max")}
    assert ratios["average"] < ratios["max"] < ratios["none"] < 0.3
    assert ratios["average"] < 0.7 * ratios["max"]


def test_circular_average_in_closed_form() -> None:
    maps = images("normal")
    around = sum(np.roll(maps, (y, x), (1, 2)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 9
    frequency = np.fft.fftfreq(32)
    line = (1 + 2 * np.cos(2 * np.pi * frequency)) / 3
    gain = (line[:, None] * line[None, :]) ** 2
    radius = np.hypot(frequency[:, None], frequency[None, :])
    expected = gain[radius >= 0.25].sum() / (gain.sum() - 1)
    assert expected == pytest.approx(0.1972, abs=1e-4)
    assert spatial_spectrum(around).high_frequency_ratio == pytest.approx(expected, rel=0.02)
    assert spatial_spectrum(maps).high_frequency_ratio == pytest.approx(0.8123, rel=0.01)


def test_relative_log_amplitude_defined_step_by_step() -> None:
    maps = images("0.3")[:16].reshape(4, 4, 32, 32)
    logarithm = np.log(np.abs(np.fft.fft2(maps)) + 1e-6)
    diagonal = np.diag(np.fft.fftshift(logarithm, axes=(-2, -1)).mean(axis=(0, 1)))[16:]
    found = spatial_spectrum(maps)
    np.testing.assert_allclose(found.relative_log_amplitude, diagonal - diagonal[0], atol=1e-12)
    assert found.frequency[-1] == 15 / 32
    assert (found.axis, found.n_maps, found.shape) == ("spatial", 16, (32, 32))


def test_a_grating_has_one_frequency() -> None:
    x = np.arange(32)
    grating = 3 + np.cos(2 * np.pi * 4 / 32 * x)[None, :] * np.ones((32, 1))
    found = spatial_spectrum(grating)
    assert found.radius[np.argmax(found.power)] == pytest.approx(4 / 32)
    assert found.high_frequency_ratio == pytest.approx(0, abs=1e-12)
    assert spatial_spectrum(grating, above=0.125).high_frequency_ratio == pytest.approx(1)


@given(factor=st.floats(0.01, 100), offset=st.floats(-5, 5), roll=st.integers(0, 15), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_scale_mean_place_and_orientation_change_no_ratio(factor: float, offset: float, roll: int, seed: int) -> None:
    maps = Stream(seed, "maps").normal(4 * 16 * 16).reshape(4, 16, 16)
    ratio = spatial_spectrum(maps).high_frequency_ratio
    for other in (factor * maps + offset, np.roll(maps, roll, axis=1), maps[:, ::-1], maps.transpose(0, 2, 1)):
        assert spatial_spectrum(other).high_frequency_ratio == pytest.approx(ratio, rel=1e-6)
    assert 0 <= ratio <= 1


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.ones((3, 3)), "4 or more each"),
        (np.ones(16), "height, width"),
        (np.zeros((0, 8, 8)), "height, width"),
        (np.full((8, 8), np.nan), "NaN"),
        (np.ones((2, 8, 8)), "do not vary"),
        (np.zeros((2, 8, 8)), "do not vary"),
    ],
)
def test_maps_without_a_spectrum_are_refused(maps: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        spatial_spectrum(maps)
    with pytest.raises(AnalysisError, match="cycles per pixel"):
        spatial_spectrum(images("normal")[:1], above=0.8)


def test_maps_are_laid_out_from_a_recording() -> None:
    shape, trials = (2, 4, 5), 3
    fired = Stream(1, "fired").uniform(7 * trials * 40).reshape(7, trials, 40) < 0.3
    values = Stream(1, "values").normal(trials * 7 * 40).reshape(trials, 7, 40)
    trace = trace_array(values, variable="v", unit="1", time=np.arange(7) * 1e-3)
    recording = ns.Recording({"cells": ns.SpikeTrains.from_dense(fired, 1e-3)}, {"cells": {"v": trace}})
    np.testing.assert_array_equal(maps_of(recording, "cells.spikes", shape), fired.sum(axis=0).reshape(3, *shape))
    np.testing.assert_array_equal(maps_of(recording, "cells.v", shape)[1, 2, 1, 3, 4], values[1, 2, 39])
    assert spatial_spectrum(maps_of(recording, "cells.v", shape)).n_maps == 3 * 7 * 2
    for address, grid, message in (
        ("cells.v", (2, 4, 4), "no grid of shape"),
        ("cells.v", (40,), "no grid of shape"),
        ("cells.u", shape, "was not recorded"),
        ("cell.v", shape, "Did you mean 'cells'"),
        ("cells", shape, "population.spikes"),
    ):
        with pytest.raises(AnalysisError, match=message):
            maps_of(recording, address, grid)


def test_figures_draw_into_the_axes_given() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    drive = broadband(2.0, 1e-3, seed=1)
    noisy = drive.values + Stream(1, "noise").normal(2000)
    measured = transfer_function(drive, noisy, segment=0.1)
    spectrum = spatial_spectrum(images("normal")[:4])
    figure, axes = pyplot.subplots(1, 5)
    assert plot_gain(measured, theory=np.ones(measured.frequency.size), relative=True, ax=axes[0]) is axes[0]
    assert plot_coherence(measured, ax=axes[1]) is axes[1]
    assert plot_phase(measured, ax=axes[2]) is axes[2]
    assert plot_spatial(spectrum, ax=axes[3]) is axes[3]
    assert plot_spatial(spectrum, "amplitude", ax=axes[4]) is axes[4]
    labels = [one.get_xlabel() for one in axes]
    assert labels == [*["temporal frequency (Hz)"] * 3, *["spatial frequency (cycles/pixel)"] * 2]
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), measured.gain / measured.gain[0])
    assert axes[1].lines[1].get_ydata()[0] == measured.level
    lines = multi_sine([5, 11], 1.0, 1e-3)
    with pytest.raises(AnalysisError, match="no coherence"):
        plot_coherence(transfer_function(lines, lines.values))
    with pytest.raises(AnalysisError, match="power"):
        plot_spatial(spectrum, "phase")
    pyplot.close(figure)
