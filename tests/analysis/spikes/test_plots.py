from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from neurosim.analysis.spikes import (
    correlogram,
    count_correlation,
    plots,
    population_spectrum,
    psth,
    spike_triggered_average,
    tuning,
)
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains

matplotlib.use("Agg")
RANDOM = np.random.default_rng(0)
TRAINS = SpikeTrains(RANDOM.uniform(0, 4, 400), RANDOM.integers(3, size=400), 3, duration=4.0)
RECORDING = Recording({"cells": TRAINS}, events={"flash": {"time": [1.0, 2.0, 3.0]}})
AROUND = psth(RECORDING, "flash", window=(-0.2, 0.4), bin=0.1)
COUNTS = RANDOM.poisson(2.0, (12, 3))
NOISE = RANDOM.normal(size=(4000, 2))


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_intervals(TRAINS, ax=ax),
        lambda ax: plots.plot_intervals([[0.1, 0.2]], ax=ax),
        lambda ax: plots.plot_psth(AROUND, ax=ax),
        lambda ax: plots.plot_psth(AROUND, 1, ax=ax, color="k"),
        lambda ax: plots.plot_tuning(tuning(COUNTS, np.repeat([0, 30, 60], 4)), 1, ax=ax),
        lambda ax: plots.plot_tuning(tuning(COUNTS, list("aabbccddeeff")), ax=ax),
        lambda ax: plots.plot_correlogram(correlogram(TRAINS, 0, 1, reach=0.1, bin=0.01), ax=ax),
        lambda ax: plots.plot_population_spectrum(population_spectrum(TRAINS), ax=ax),
        lambda ax: plots.plot_triggered_average(
            spike_triggered_average(TRAINS, NOISE[:, 0], every=1e-3, before=0.02), ax=ax
        ),
        lambda ax: plots.plot_triggered_average(
            spike_triggered_average(TRAINS, NOISE, every=1e-3, before=0.02, after=0.01), 2, ax=ax
        ),
        lambda ax: plots.plot_matrix(count_correlation(COUNTS), label="correlation", ax=ax),
    ],
    ids=["intervals", "interval", "mean", "psth", "tuning", "names", "lags", "spectrum", "line", "picture", "matrix"],
)
def test_plots_draw_into_what_they_are_given(draw: Any) -> None:
    axes = pyplot.subplots()[1]
    assert draw(axes) is axes
    assert axes.has_data()
    other = draw(None)
    assert other is not axes
    other.figure.canvas.draw()


def test_a_picture_runs_from_the_earliest_time_on() -> None:
    stimulus = np.zeros((100, 2))
    stimulus[40, 1] = 1.0  # ten samples before the only spike
    found = spike_triggered_average([[0.0505]], stimulus, every=1e-3, before=0.02)
    picture = plots.plot_triggered_average(found).images[0]
    array = np.asarray(picture.get_array())
    left, right, *_ = picture.get_extent()
    row, column = np.unravel_index(array.argmax(), array.shape)
    assert row == 1
    assert (left, right) == pytest.approx((-20, 0))
    assert np.linspace(left, right, array.shape[1])[column] == pytest.approx(-10)


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(AnalysisError, match="no neuron has two spikes"):
        plots.plot_intervals([[0.1], []])
    with pytest.raises(AnalysisError, match="a matrix"):
        plots.plot_matrix([1.0])
