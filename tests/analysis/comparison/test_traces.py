"""Overviews of traces: closed forms, and reasons where a number is impossible."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

import neurosim as ns
from neurosim.analysis.comparison import Overview, overview
from neurosim.analysis.comparison.traces import Samples
from neurosim.recording.traces import trace_array

Floats = NDArray[np.float64]
NAMES = {"mean", "standard deviation", "correlation", "timescale", "dimensions", "spectral peak"}


def held(values: Floats, step: float = 0.01, unit: str = "volt", times: Floats | None = None) -> ns.Recording:
    """Return a recording of one variable, of values (time, neuron) or (trial, time, neuron)."""
    shaped = values if values.ndim == 3 else values[np.newaxis]
    at = np.arange(shaped.shape[1]) * step if times is None else times
    return ns.Recording(traces={"cells": {"v": trace_array(shaped, variable="v", unit=unit, time=at)}})


def numbers(found: Overview) -> dict[str, float]:
    return {fact.name: fact.estimate.value for fact in found.facts if fact.population == "cells.v"}


def autoregressive(n: int, rows: int, decay: float, seed: int = 0) -> Floats:
    """Return AR(1) of standard deviation 1 about its stationary state; the first 500 rows are dropped."""
    noise = np.random.default_rng(seed).normal(size=(rows + 500, n)) * math.sqrt(1 - decay**2)
    return np.asarray(lfilter([1.0], [1.0, -decay], noise, axis=0)[500:])


@pytest.mark.parametrize("steps", [2.0, 15.0])
def test_autoregressive(steps: float) -> None:
    """The autocorrelation of AR(1) is exp(-lag/tau), also that of means of neighbouring samples."""
    values = -0.06 + 0.003 * autoregressive(10, 8000, math.exp(-1 / steps))
    found = overview(held(values), resamples=50)
    shown = numbers(found)
    assert shown["mean"] == pytest.approx(-0.06, abs=0.0002)
    assert shown["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert shown["standard deviation"] == pytest.approx(0.003, rel=0.03)
    assert shown["timescale"] == pytest.approx(steps * 0.01, rel=0.1)
    assert abs(shown["correlation"]) < 0.02
    assert shown["dimensions"] == pytest.approx(10, rel=0.03)
    fact = next(fact for fact in found.facts if fact.name == "timescale")
    assert fact.estimate.low < fact.estimate.value < fact.estimate.high
    assert {fact.name: fact.unit for fact in found.facts}["standard deviation"] == "volt"
    assert found.sizes == {"cells.v": "10 neurons, 1 trial, 8000 samples 0.01 s apart, 80 s"}
    assert "missing samples" not in shown


def test_trials_are_not_joined() -> None:
    """Each trial of few lags goes on from nowhere: pairs across trials would shorten the time."""
    one = autoregressive(200, 120, math.exp(-1 / 5)).T.reshape(20, 10, 120).transpose(0, 2, 1)
    found = overview(held(one), resamples=2)
    assert numbers(found)["timescale"] == pytest.approx(0.05, rel=0.1)
    samples = Samples.of(held(one).traces["cells"]["v"], None)
    assert samples.runs == [(120 * trial, 120 * trial + 120) for trial in range(20)]
    assert samples.means(50).values[2] == pytest.approx(one[1, :50].mean(axis=0))


def test_one_dimension() -> None:
    """Multiples of one course are one dimension; their correlations are the signs' products."""
    signs = np.array([1.0, 2.0, -3.0, 0.5, 7.0, 1.5])
    shown = numbers(overview(held(autoregressive(1, 2000, 0.5) * signs), resamples=20))
    assert shown["dimensions"] == pytest.approx(1)
    assert shown["correlation"] == pytest.approx((10 - 5) / 15)


def test_sine() -> None:
    """A sine of amplitude 1 has standard deviation 1 / sqrt(2); the segment, 5 s, holds whole periods."""
    times = np.arange(2000) * 0.01
    values = np.sin(2 * np.pi * 7.0 * times[:, np.newaxis] + np.arange(6))
    shown = numbers(overview(held(values, unit="1"), resamples=20))
    assert shown["spectral peak"] == pytest.approx(7.0, abs=1e-9)
    assert shown["standard deviation"] == pytest.approx(math.sqrt(0.5))
    assert shown["dimensions"] == pytest.approx(2, abs=0.3)
    frequency, power = Samples.of(held(values).traces["cells"]["v"], None).powers(5.0)
    assert (power.sum(axis=1) * frequency[0]) == pytest.approx(1, rel=0.01)
    # Multiples of 2 Hz; 7 lies between two of them.
    assert round(numbers(overview(held(values), segment=0.5, resamples=20))["spectral peak"], 6) in (6.0, 8.0)


def test_missing_samples() -> None:
    values = autoregressive(6, 1000, 0.8)
    values[10, 1] = values[20:30, 4] = np.nan
    values[500] = np.nan  # a gap: all neurons miss it
    found = overview(held(values), resamples=20)
    assert numbers(found)["missing samples"] == pytest.approx((11 + 6) / 6000)
    assert found.left_out["cells.v: 2 of 6 neurons"] == "they miss samples."
    kept = np.delete(np.delete(values, (1, 4), axis=1), 500, axis=0)
    assert numbers(found)["standard deviation"] == pytest.approx(kept.std(axis=0).mean())
    assert Samples.of(held(values).traces["cells"]["v"], None).runs == [(0, 500), (500, 999)]
    assert "left out: cells.v: 2 of 6 neurons: they miss samples." in str(found)
    values[3] = np.where(np.arange(6) < 5, np.nan, 0.0)
    values[4, 5] = np.inf
    found = overview(held(values), resamples=20)
    assert set(numbers(found)) == {"missing samples"}
    assert {found.left_out[f"cells.v: {name}"] for name in NAMES} == {"every neuron misses samples."}


def test_what_was_not_observed_is_not_missing() -> None:
    values = autoregressive(6, 1000, 0.8)
    trace = held(values).traces["cells"]["v"]
    whole = ns.Recording(traces={"cells": {"v": trace}}, support=ns.recording.Support(0.0, 10.0))
    found = overview(whole.restrict([(0.0, 4.0), (6.0, 10.0)]), resamples=20)
    assert "missing samples" not in numbers(found)
    assert found.sizes["cells.v"] == "6 neurons, 1 trial, 800 samples 0.01 s apart, 8 s"
    assert numbers(found)["mean"] == pytest.approx(np.delete(values, np.s_[400:600], axis=0).mean())


@pytest.mark.parametrize(
    ("values", "known", "reason"),
    [
        (np.full((200, 3), 0.1), {"mean": 0.1, "standard deviation": 0.0}, "the trace is constant."),
        (np.full((1, 3), 0.1), {"mean": 0.1}, "there is one sample."),
        (np.empty((0, 3)), {}, "there are no samples."),
        (np.empty((5, 0)), {}, "there are no neurons."),
    ],
)
def test_what_is_impossible_is_named(values: Floats, known: dict[str, float], reason: str) -> None:
    found = overview(held(values), resamples=20)
    assert numbers(found) == pytest.approx(known, abs=1e-12)
    assert found.left_out == {f"cells.v: {name}": reason for name in NAMES - set(known)}
    json.dumps(found.to_dict(), allow_nan=False)


def test_one_neuron() -> None:
    found = overview(held(autoregressive(1, 3000, 0.8)), resamples=20)
    assert {found.left_out[f"cells.v: {name}"] for name in ("correlation", "dimensions")} == {"there is one neuron."}
    assert {"mean", "standard deviation", "timescale"} <= set(numbers(found))
    assert all(math.isnan(fact.estimate.low) for fact in found.facts)


def test_constant_neurons_have_no_correlation() -> None:
    values = autoregressive(3, 1000, 0.8)
    values[:, 1] = 0.1
    shown = numbers(overview(held(values), resamples=20))
    assert shown["correlation"] == pytest.approx(np.corrcoef(values[:, 0], values[:, 2])[0, 1])
    found = overview(held(values[:, :2]), resamples=20)
    assert found.left_out["cells.v: correlation"] == "the traces of all neurons but one are constant."


def test_times_that_cannot_be_told() -> None:
    draw = np.random.default_rng(0)
    noise = overview(held(draw.normal(size=(2000, 6))), resamples=20)
    assert noise.left_out["cells.v: timescale"] == "it is shorter than the 0.01 s from sample to sample."
    line = overview(held(np.arange(2000.0)[:, np.newaxis]), resamples=20)
    assert "does not decay exponentially within" in line.left_out["cells.v: timescale"]
    assert "at the lowest frequency, 0.2 Hz" in line.left_out["cells.v: spectral peak"]
    short = overview(held(draw.normal(size=(50, 2)).cumsum(axis=0)), resamples=20)
    assert "more than 50 samples at a stretch are needed; there are 50" in short.left_out["cells.v: timescale"]
    uneven = overview(held(draw.normal(size=(500, 2)), times=np.arange(500) + draw.uniform(0, 0.4, 500)), resamples=20)
    for name in ("timescale", "spectral peak"):
        assert "in even intervals" in uneven.left_out[f"cells.v: {name}"]


def test_traces_that_were_reduced() -> None:
    trace = trace_array(
        autoregressive(1, 500, 0.8).T, variable="v", unit="volt", time=np.arange(500) * 0.01, reduce="mean"
    )
    found = overview(ns.Recording(traces={"cells": {"v": trace}}), resamples=20)
    assert found.sizes["cells.v"] == "mean over neurons, 1 trial, 500 samples 0.01 s apart, 5 s"
    assert numbers(found)["standard deviation"] == pytest.approx(trace.values.std())


def test_spikes_and_traces_are_both_shown() -> None:
    """What one says of a population does not hide what the other says."""
    spikes = ns.recording.SpikeTrains([0.5, 1.5, 2.5], [0, 1, 0], 2, duration=5.0)
    both = ns.Recording({"cells": spikes}, held(autoregressive(6, 500, 0.8)).traces)
    found = overview(both, resamples=20)
    assert list(found.sizes) == ["cells", "cells.v"]
    alone = overview(ns.Recording({"cells": spikes}), resamples=20)
    assert [str(fact) for fact in found.facts if fact.population == "cells"] == [str(fact) for fact in alone.facts]
    assert {"mean", "dimensions"} <= set(numbers(found))
