from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains, plots
from neurosim.recording.traces import trace_array

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    before = dict(pyplot.rcParams)
    yield
    assert dict(pyplot.rcParams) == before  # no global style
    pyplot.close("all")


def one_trace(values: Any, unit: str, times: Any = (0.0, 0.1, 0.2)) -> Recording:
    array = np.asarray(values, dtype=float).reshape(1, len(times), 1)
    return Recording(traces={"exc": {"v": trace_array(array, variable="v", unit=unit, time=np.asarray(times))}})


def test_raster_stacks_the_populations(toy_run: Any) -> None:
    recording = toy_run()
    ax = plots.raster(recording, trial=1)
    lower, upper = (line for line in ax.lines if line.get_marker() == "|")
    assert np.allclose(lower.get_xdata(), recording.spikes["exc"].of_trial(1).times * 1e3)
    assert lower.get_ydata().tolist() == recording.spikes["exc"].of_trial(1).neurons.tolist()
    assert upper.get_ydata().tolist() == (recording.spikes["column/inh"].of_trial(1).neurons + 7).tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["exc (7)", "column/inh (4)"]
    assert ax.get_xlabel() == "time (ms)"
    assert ax.get_ylabel() == "neuron"
    assert ax.get_ylim() == (-0.5, 10.5)
    assert ax.get_xlim() == pytest.approx((0.0, 2.0))


def test_raster_draws_into_the_axes_given(toy_run: Any) -> None:
    figure, ax = pyplot.subplots()
    assert plots.raster(toy_run(), "column/inh", ax=ax) is ax
    assert len(ax.lines) == 1
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize("n", [1, 200, 5000])
def test_raster_of_any_size(n: int) -> None:
    recording = Recording(spikes={"p": SpikeTrains([3.0], [n - 1], n)})
    ax = plots.raster(recording)
    assert ax.get_xlabel() == "time (s)"
    ax.figure.canvas.draw()


def test_raster_of_nothing() -> None:
    with pytest.raises(RecordError, match="holds no spikes"):
        plots.raster(Recording())
    with pytest.raises(RecordError, match="Did you mean 'exc'"):
        plots.raster(Recording(spikes={"exc": SpikeTrains([], [], 1)}), "exx")
    plots.raster(Recording(spikes={"exc": SpikeTrains([], [], 1)})).figure.canvas.draw()


def test_traces_are_labelled_with_readable_units(toy_run: Any) -> None:
    recording = toy_run()
    ax = plots.traces(recording, "exc", "v", neurons=[1], trial=1)
    (line,) = ax.lines
    assert line.get_label() == "neuron 0"  # the second column recorded is neuron 0
    assert np.allclose(line.get_ydata(), recording["exc"]["v"].values[1, :, 1] * 1e3)
    assert np.allclose(line.get_xdata(), recording["exc"]["v"]["time"].values * 1e3)
    assert ax.get_ylabel() == "exc.v (mV)"
    assert ax.get_xlabel() == "time (ms)"


def test_traces_of_edges_and_of_a_mean(toy_run: Any) -> None:
    recording = toy_run()
    ax = plots.traces(recording, "exc_to_inh", "w")
    assert len(ax.lines) == 9
    assert ax.get_legend() is None  # too many to name
    ax = plots.traces(recording, "exc", "g")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mean over neurons"]
    with pytest.raises(RecordError, match=r"exc.g was recorded reduced"):
        plots.traces(recording, "exc", "g", neurons=[0])


def test_bad_choices_say_what_is_wrong(toy_run: Any) -> None:
    recording = toy_run()
    with pytest.raises(RecordError, match="No trial 2: there are 2"):
        plots.traces(recording, "exc", "v", trial=2)
    with pytest.raises(RecordError, match=r"plot of exc.v: neurons= holds 2, but there are 2"):
        plots.traces(recording, "exc", "v", neurons=[2])
    with pytest.raises(RecordError, match="No trace 'u' of 'exc'"):
        plots.traces(recording, "exc", "u")


@pytest.mark.parametrize(
    ("values", "unit", "label", "factor"),
    [
        ([-0.07, 0, 0.03], "volt", "exc.v (mV)", 1e3),
        ([2e-9, 0, 0], "siemens", "exc.v (nS)", 1e9),
        ([1e-12, 0, 0], "amp", "exc.v (pA)", 1e12),
        ([1500.0, 0, 0], "hertz", "exc.v (kHz)", 1e-3),
        ([1.0, 0, 0], "volt", "exc.v (V)", 1.0),
        ([1e-30, 0, 0], "volt", "exc.v (fV)", 1e15),
        ([3e-4, 0, 0], "1", "exc.v", 1.0),
        ([0, 0, 0], "volt", "exc.v (V)", 1.0),
        ([np.nan, 0.02, np.inf], "volt", "exc.v (mV)", 1e3),
        ([1e-3, 0, 0], "metre**2", "exc.v (metre**2)", 1.0),
    ],
)
def test_units_take_the_prefix_that_reads_well(values: list[float], unit: str, label: str, factor: float) -> None:
    ax = plots.traces(one_trace(values, unit), "exc", "v")
    assert ax.get_ylabel() == label
    assert np.allclose(ax.lines[0].get_ydata(), np.array(values) * factor, equal_nan=True)


def test_an_empty_trace_can_be_drawn() -> None:
    plots.traces(one_trace([], "volt", ()), "exc", "v").figure.canvas.draw()


def test_rates_show_the_mean_and_each_trial(toy_run: Any) -> None:
    recording = toy_run()
    ax = plots.rates(recording, "exc", 5e-4)
    mean, *trials = ax.patches
    values, edges, _ = mean.get_data()
    assert np.allclose(values, recording.population_rate("exc", 5e-4).values.mean(axis=0))
    assert np.allclose(edges, [0.0, 0.5, 1.0, 1.5, 2.0])
    assert len(trials) == 2
    assert ax.get_ylabel() == "exc rate (Hz)"
    assert ax.get_ylim()[0] == 0


def test_without_matplotlib_the_extra_is_named(toy_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    with pytest.raises(RecordError, match=r"pip install 'neurosim-circuits\[plot\]'"):
        plots.raster(toy_run())
