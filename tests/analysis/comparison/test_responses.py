"""Time courses, tuning and selectivity of a simulation beside those of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import f_oneway

import neurosim as ns
from analysis.comparison.comparison_data import ANGLES, tuned
from neurosim.analysis import features
from neurosim.analysis.comparison import Comparison, compare
from neurosim.analysis.comparison.responses import Asked, Responses, Trials
from neurosim.analysis.comparison.tuned import moved, relabelled
from neurosim.analysis.spikes import psth, tuning
from neurosim.datasets import recordings
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains
from neurosim.recording.traces import trace_array

QUICK: dict[str, Any] = {"resamples": 40, "surrogates": 5, "halves": 5}
TRIALS: dict[str, Any] = {"events": "flash", "label": "angle", "response": (0.0, 0.4), "response_bin": 0.05}
OF_TRIALS = ["psth", "tuning", "selectivity"]


def compared(one: ns.Recording, other: ns.Recording, **options: Any) -> Comparison:
    return compare(one, other, **{"statistics": OF_TRIALS, **TRIALS, **QUICK, **options})


def test_what_is_compared_against_the_functions_of_one_recording() -> None:
    recorded = tuned(12, seed=2)
    found = compared(tuned(9, seed=1), recorded)
    table = recorded.events["flash"]
    course = psth(recorded, "flash", window=(0, 0.4), bin=0.05)
    by_condition = [
        psth(recorded, table[table["angle"] == angle], window=(0, 0.4), bin=0.05).rate.mean(axis=1) for angle in ANGLES
    ]
    assert found["psth"].recorded_values == pytest.approx(np.concatenate(by_condition))
    assert found["psth"].recorded.value == pytest.approx(course.rate.mean())
    assert found["psth"].distance == pytest.approx(
        np.abs(found["psth"].simulated_values - np.concatenate(by_condition)).mean()
    )
    rates = tuning(recorded, events="flash", window=(0, 0.4), label="angle")
    assert found["tuning"].recorded_values == pytest.approx(rates.mean.mean(axis=1) / 0.4)
    assert np.sort(found["selectivity"].recorded_values) == pytest.approx(np.sort(rates.selectivity))
    # And the selectivity against an analysis of variance.
    trials = recorded.per_trial("flash", (0, 0.4)).spikes["cells"]
    of_trial = np.zeros((len(table), 12))
    np.add.at(of_trial, (trials.trials, trials.neurons), 1)
    labels = table["angle"].to_numpy()
    f = f_oneway(*(of_trial[labels == angle] for angle in ANGLES)).statistic
    between = (f - 1) * (len(ANGLES) - 1)
    assert rates.selectivity == pytest.approx(between / (between + len(table)))


def test_a_good_and_a_bad_model() -> None:
    recorded = tuned(30, seed=1)
    good, bad = compared(tuned(30, seed=2), recorded), compared(tuned(30, seed=2, gain=0.0), recorded)
    for name in ("psth", "selectivity"):
        assert good[name].score > 0.7, name
        assert bad[name].score < 0.5, name
        assert good[name].distance < bad[name].distance
        assert good[name].difference.low < 0 < good[name].difference.high
    assert bad["selectivity"].difference.high < 0
    assert bad["selectivity"].simulated.value == pytest.approx(0.0, abs=0.03)


def test_few_neurons_are_resampled_by_trials() -> None:
    found = compared(tuned(2, seed=1), tuned(3, seed=2))
    for line in found:
        assert line.recorded.low < line.recorded.value < line.recorded.high
        assert line.ceiling.value > 0
    # Poisson counts in 0.4 s: the variance of a mean rate over trials and neurons is rate / (0.4 s trials neurons).
    line, trials = found["tuning"], 10 * len(ANGLES)
    error = np.sqrt(line.recorded.value / (0.4 * trials * 3))
    assert line.recorded.high - line.recorded.low == pytest.approx(2 * 1.96 * error, rel=0.35)


def test_own_trials_events_and_labels() -> None:
    session, other = tuned(6, seed=1), tuned(7, seed=2)
    whole = compared(session, other)
    trials = session.per_trial("flash", (0.0, 0.4))
    own = compared(trials, other, events=(None, "flash"))
    assert [line.to_dict() for line in own] == [line.to_dict() for line in whole]
    table = session.events["flash"]
    given = compared(
        session, other, events=(table["time"].to_numpy(), "flash"), label=(table["angle"].tolist(), "angle")
    )
    assert [line.distance for line in given] == [line.distance for line in whole]
    both = compared(trials, other.per_trial("flash", (0.0, 0.4)), events=None, response=None)
    assert [line.distance for line in both] == pytest.approx([line.distance for line in whole])


def test_conditions_of_one_side_alone() -> None:
    session, fewer = tuned(6, seed=1), tuned(6, seed=2, angles=(*ANGLES[:-1], 999))
    found = compared(session, fewer)
    assert found["tuning"].places is not None
    assert len(found["tuning"].recorded_values) == len(ANGLES) - 1
    assert found.left_out == {
        f"cells beside cells: condition {ANGLES[-1]}": "it is in the simulation alone",
        "cells beside cells: condition 999": "it is in the recording alone",
    }
    none = compared(session, tuned(6, seed=2, angles=("a", "b", "c", "d", "e", "f")))
    assert not none.lines
    assert "no condition has the same label on both sides: 0, 30, 60, 90 ...; a, b, c, d ..." in str(none)


def test_without_labels() -> None:
    found = compared(tuned(6, seed=1), tuned(6, seed=2), label=None)
    assert [line.statistic for line in found] == ["psth"]
    assert found["psth"].recorded_values.shape == (8,)
    assert found.left_out["cells beside cells: tuning"] == (
        "simulated: there is no condition that both sides have; give label=."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"response": None}, "events= need response="),
        ({"response": (0.4, 0.0)}, "must end after it begins"),
        ({"response": (0.0, 0.1, 0.2)}, "is a pair"),
        ({"response_bin": 0.0}, "response_bin must be positive"),
        ({"events": ["flash"]}, "events= is a name, or a pair"),
        ({"label": 3}, "label= is a name, or a pair"),
    ],
)
def test_what_does_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        compared(tuned(4), tuned(4), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": "flesh"}, "Did you mean 'flash'"),
        ({"label": "angel"}, "Did you mean 'angle'"),
        ({"label": (["a"], "angle")}, "simulated: features: labels= needs one for each of the 60 trials"),
        ({"response": (0.0, 40.0)}, "fewer than two trials were observed"),
        ({"events": None}, "simulated: there is one trial and no event"),
        ({"response_bin": 1.0}, "is longer than the 0.4 s"),
    ],
)
def test_why_a_row_is_missing(options: dict[str, Any], message: str) -> None:
    found = compared(tuned(4), tuned(4), **options)
    assert not found.lines
    assert set(found.left_out) == {f"cells beside cells: {name}" for name in OF_TRIALS}
    assert message in found.left_out["cells beside cells: psth"]


def test_traces() -> None:
    one, other = recordings.drawn_session(1), recordings.drawn_session(0)
    options: dict[str, Any] = {"events": "tone", "label": "pitch", "response": (0.0, 0.4), "response_bin": 0.1, **QUICK}
    pairs = {"cortex": "cortex"}
    both = compare(one, other, pairs, variable="fluorescence", statistics=["psth", "tuning", "rate"], **options)
    rows = features(other, "cortex", variable="fluorescence", bin=0.1, events="tone", window=(0, 0.4), label="pitch")
    whole = np.bincount(rows.groups)[rows.groups] == 4  # one tone was not observed to its end
    low = rows.rows(whole & (rows.labels == np.unique(rows.labels)[0]))
    assert both["tuning"].recorded_values[0] == pytest.approx(low.values.mean())
    assert (both["psth"].unit, both["psth"].label) == ("", "psth")
    assert both["rate"].unit == "Hz"  # there are spikes as well
    across = compare(one, other, pairs, variable=("spikes", "fluorescence"), **options)
    assert across.left_out["cortex beside cortex: psth"] == "rate (Hz) and fluorescence (1) are not the same quantity."
    assert across["selectivity"].difference.low < 0 < across["selectivity"].difference.high
    imaged = ns.Recording(traces=other.traces, support=other.support, events=other.events)
    alone = compare(one.select("cortex"), imaged, variable=("spikes", "fluorescence"), **options)
    assert alone["trajectory"].distance == across["trajectory"].distance
    assert "one side has no spikes" in alone.left_out["cortex beside cortex: rate"]
    assert alone.settings["pairs"] == {"cortex beside cortex": None}
    assert alone.sizes["cortex beside cortex"].endswith("and fluorescence of 12 units, 1200 samples")
    fine = compare(one, other, pairs, variable="fluorescence", **{**options, "response_bin": 0.02})
    assert "has samples 0.0333333 s from each other; give response_bin=" in fine.left_out["cortex beside cortex: psth"]
    with pytest.raises(AnalysisError, match="holds no spikes; give variable="):
        compare(one, imaged)
    with pytest.raises(AnalysisError, match="the recorded recording holds no trace 'calcium'"):
        compare(one, imaged, variable=("spikes", "calcium"))
    with pytest.raises(AnalysisError, match="variable= is 'spikes' or the name of a trace"):
        compare(one, imaged, variable=(None, "spikes"))


def test_missing_samples_leave_their_trial_out() -> None:
    values = np.random.default_rng(0).normal(size=(6, 4, 3))
    values[2, 1, 0] = np.nan
    trace = trace_array(values, variable="f", unit="volt", time=np.arange(4) * 0.1)
    recording = ns.Recording(traces={"a": {"f": trace}}, support=(0.0, 0.4))
    found = Asked.of(None, (list("aabbab"), list("aabbab")), None, 0.1, "f").find((recording, recording), ("a", "a"))
    assert found[0].samples.tolist() == [3, 2]
    assert found[0].quantity == "f (volt)"
    assert found[0].means()[1] == pytest.approx(values[[3, 5]].mean(axis=0))


def test_trials_of_different_length() -> None:
    asked = Asked.of(None, None, None, 0.1)
    spikes = [SpikeTrains([0.05], [0], 1, n_trials=3, duration=seconds) for seconds in (0.4, 0.5)]
    one, other = (ns.Recording({"a": trains}) for trains in spikes)
    with pytest.raises(AnalysisError, match=r"from 0 to 0\.4 s and from 0 to 0\.5 s; give response="):
        asked.find((one, other), ("a", "a"))


def test_a_trial_that_was_not_observed_as_a_whole_does_not_count() -> None:
    session = tuned(3, seed=1)
    cut = session.restrict((0.0, session.spikes["cells"].duration / 2))
    found = Asked.of("flash", "angle", (0.0, 0.4), 0.1).find((session, cut), ("cells", "cells"))
    assert len(found[0].rates) == 60
    assert len(found[1].rates) == 30


def test_surrogates_keep_what_they_should() -> None:
    draw = np.random.default_rng(0)
    responses = Responses(draw.poisson(4.0, (9, 5, 2)).astype(float), np.arange(5.0), np.arange(9) % 3, ("a", "b", "c"))
    turned = moved(responses, draw)
    assert turned.rates.sum(axis=1) == pytest.approx(responses.rates.sum(axis=1))
    assert not np.array_equal(turned.rates, responses.rates)
    assert relabelled(responses, draw).samples.tolist() == [3, 3, 3]
    one, other = Trials(responses).halves(draw)
    assert one.samples.tolist() == other.samples.tolist() == [1, 1, 1]  # of three trials one is left out
    assert Trials(responses).enough
    assert not Trials(responses.trials(np.arange(5))).enough
