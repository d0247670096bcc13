"""GLM-HMMs of a recording's trials: what was planted is found, and the held-out score is the sum over all paths."""

from __future__ import annotations

import json
from itertools import permutations, product
from typing import Any

import numpy as np
import pandas
import pytest

from neurosim.analysis.representation import GLMHMM
from neurosim.errors import AnalysisError
from neurosim.fitting import StatesFit, Stimuli, Time, Trials, fit_states
from neurosim.recording import Recording, SpikeTrains

TRUTH = GLMHMM(np.array([0.5, 0.5]), np.array([[0.96, 0.04], [0.05, 0.95]]), np.array([[4.0, -0.3], [0.2, 1.0]]))


def session(trials: int = 1200, **columns: Any) -> tuple[Recording, np.ndarray, np.ndarray]:
    """Return a recording of choices, the stimuli with a constant, and the states."""
    stimulus = np.random.default_rng(4).normal(size=trials)
    inputs = np.column_stack([stimulus, np.ones(trials)])
    choices, states = TRUTH.simulate(inputs, seed=6)
    start = 2.0 * np.arange(trials)
    table = pandas.DataFrame(
        {"start": start, "stop": start + 1.5, "stimulus": stimulus, "choice": choices.astype(bool), **columns}
    )
    return Recording(intervals={"trials": table}, support=[(0.0, 2.0 * trials)]), inputs, states


def test_what_was_planted_is_found() -> None:
    recording, inputs, states = session()
    found = fit_states(recording, "choice", ["stimulus"], [1, 2], restarts=2)
    assert found.best == 2
    order = min(
        permutations(range(2)), key=lambda order: np.abs(found.model.weights[list(order)] - TRUTH.weights).sum()
    )
    model = found.model.ordered(order)
    assert model.weights == pytest.approx(TRUTH.weights, abs=0.7)
    assert model.transitions == pytest.approx(TRUTH.transitions, abs=0.04)
    assert found.inputs == ("stimulus", "bias")
    assert np.mean(found.posterior()[:, order].argmax(1) == states) > 0.85
    # of 300 trials that were not looked at: more than one state knows, and no more than the truth does
    choices = recording.intervals["trials"]["choice"].to_numpy(float)
    known = TRUTH.log_likelihood(inputs, choices) - TRUTH.log_likelihood(inputs[:900], choices[:900])
    held = {name: value[1] for name, value in found.log_likelihoods.items()}
    assert held["chance"] < held["1 state"] < held["2 states"] - 0.05
    assert held["2 states"] == pytest.approx(known / 300, abs=0.02)
    assert found.bits() == pytest.approx((held["2 states"] - held["chance"]) / np.log(2))


def brute_force(model: GLMHMM, inputs: np.ndarray, outcomes: np.ndarray, looked_at: np.ndarray) -> float:
    """Return the log-probability of the outcomes that are looked at, by a sum over every path of states."""
    drive = inputs @ model.weights.T
    chances = np.where(outcomes[:, np.newaxis] == 1, 1 / (1 + np.exp(-drive)), 1 / (1 + np.exp(drive)))
    chances = np.where(looked_at[:, np.newaxis], chances, 1.0)
    total = 0.0
    for path in product(range(model.states), repeat=len(outcomes)):
        value = model.initial[path[0]] * chances[0, path[0]]
        for trial in range(1, len(outcomes)):
            value *= model.transitions[path[trial - 1], path[trial]] * chances[trial, path[trial]]
        total += value
    return float(np.log(total))


@pytest.mark.parametrize("held", ["last", "middle"])
def test_the_score_against_every_path(held: str) -> None:
    recording, inputs, _ = session(9, block=[0, 0, 0, 1, 1, 2, 2, 2, 2])
    choices = recording.intervals["trials"]["choice"].to_numpy(float)
    what: Any = 1 / 3 if held == "last" else Stimuli("trials", "block", 1)
    mask = np.arange(9) >= 6 if held == "last" else np.isin(np.arange(9), [3, 4])
    found = fit_states(recording, "choice", ["stimulus"], [2, 3], held_out=what, restarts=1, iterations=5)
    for states, model in found.models.items():
        whole = brute_force(model, inputs, choices, np.ones(9, dtype=bool))
        fitted = brute_force(model, inputs, choices, ~mask)
        name = "1 state" if states == 1 else f"{states} states"
        assert found.log_likelihoods[name][1] == pytest.approx((whole - fitted) / mask.sum())
        assert found.log_likelihoods[name][0] == pytest.approx(fitted / (~mask).sum())
    rate = choices[~mask].mean()
    expected = np.mean(np.where(choices[mask] == 1, np.log(rate), np.log(1 - rate)))
    assert found.log_likelihoods["chance"][1] == pytest.approx(expected)


def test_one_state_is_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    recording, inputs, _ = session(400)
    found = fit_states(recording, "choice", ["stimulus"], 1)
    choices = recording.intervals["trials"]["choice"].to_numpy(float)
    theirs = linear_model.LogisticRegression(C=100.0, tol=1e-10, fit_intercept=False).fit(inputs[:300], choices[:300])
    assert found.models[1].weights[0] == pytest.approx(theirs.coef_[0], abs=1e-4)
    expected = theirs.predict_log_proba(inputs[300:])[np.arange(100), choices[300:].astype(int)].mean()
    assert found.log_likelihoods["1 state"][1] == pytest.approx(expected, abs=1e-6)


def test_priors_hold() -> None:
    recording, _, _ = session(300)
    sticky = fit_states(recording, "choice", ["stimulus"], 2, stickiness=1e5, restarts=1).models[2]
    assert np.diag(sticky.transitions).min() > 0.999
    narrow = fit_states(recording, "choice", ["stimulus"], 2, weight_scale=0.05, restarts=1).models[2]
    assert np.abs(narrow.weights).max() < 1


def test_sessions_begin_anew() -> None:
    sessions = np.repeat(["b", "a", "c"], 200)
    recording, _, _ = session(600, day=sessions)
    found = fit_states(recording, "choice", ["stimulus"], 2, session="day", restarts=1)
    rows = found.rows
    assert rows.sessions.tolist() == [0] * 200 + [1] * 200 + [2] * 200
    assert rows.rows[:3].tolist() == [200, 201, 202]  # a before b
    assert np.flatnonzero(rows.held_out).tolist() == [*range(150, 200), *range(350, 400), *range(550, 600)]
    by_trial = Recording(
        intervals={"trials": recording.intervals["trials"].assign(trial=np.repeat([1, 0, 2], 200))},
        support=[(0.0, 1200.0)] * 1, metadata={"trials": 3},
    )  # fmt: skip
    other = fit_states(by_trial, "choice", ["stimulus"], 2, restarts=1)
    assert other.log_likelihoods == found.log_likelihoods
    whole = fit_states(by_trial, "choice", ["stimulus"], 2, restarts=1, held_out=Trials([2]))
    assert np.flatnonzero(whole.rows.held_out).tolist() == [*range(400, 600)]


def test_spikes_of_a_unit_as_outcomes() -> None:
    draw = np.random.default_rng(0)
    stimulus = draw.normal(size=200)
    counts = draw.poisson(np.exp(0.5 + 0.8 * stimulus))
    start = 2.0 * np.arange(200)
    inside = np.repeat(start, counts) + 1.4 * draw.random(counts.sum())
    between = start + 1.7  # a spike after each trial, which is in none
    times = np.concatenate([inside, between, start[:50]])
    spikes = SpikeTrains(times, [1] * (counts.sum() + 200) + [0] * 50, 2, duration=400.0)
    table = pandas.DataFrame({"start": start, "stop": start + 1.5, "stimulus": stimulus})
    recording = Recording({"cells": spikes}, intervals={"trials": table})
    found = fit_states(recording, "cells[1]", ["stimulus"], 1, family="poisson", held_out=Time(0.2))
    assert found.rows.outcomes.tolist() == counts.tolist()
    assert np.flatnonzero(found.rows.held_out).tolist() == [*range(160, 200)]
    assert found.models[1].weights[0] == pytest.approx([0.8, 0.5], abs=0.15)
    assert found.bits(1) > 0.2


def test_trials_without_outcome_are_left_out() -> None:
    recording, _, _ = session(100)
    table = recording.intervals["trials"]
    choice = table["choice"].astype(float)
    choice[[3, 50]] = np.nan
    stimulus = table["stimulus"].copy()
    stimulus[7] = np.nan
    holes = Recording(intervals={"trials": table.assign(choice=choice, stimulus=stimulus)}, support=[(0.0, 200.0)])
    found = fit_states(holes, "choice", ["stimulus"], 1)
    assert sorted({*range(100)} - {*found.rows.rows.tolist()}) == [3, 7, 50]


def a_fit() -> StatesFit:
    return fit_states(session(200)[0], "choice", ["stimulus"], [1, 2], restarts=1, iterations=20)


def test_what_a_fit_says() -> None:
    found = a_fit()
    text = str(found)
    assert "choice: 150 trials fitted, 50 held out; best with " in text
    assert "chance" in text
    content = json.loads(found.to_json())
    assert content["models"]["2"]["weights"] == found.models[2].weights.tolist()
    assert content["settings"]["held_out"] == "the last 0.25 of the trials of each session"
    assert "bits a trial" in repr(found)
    with pytest.raises(AnalysisError, match="no model with 4 states"):
        found.bits(4)
    pytest.importorskip("matplotlib")
    import matplotlib as mpl

    mpl.use("Agg")
    assert found.plot().get_ylim() == (0.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("choise", ["stimulus"]), {}, "Did you mean 'choice'"),
        (("choice", ["stimulos"]), {}, "Did you mean 'stimulus'"),
        (("choice", ["stimulus"]), {"table": "trial"}, "Did you mean 'trials'"),
        (("choice", ["stimulus"]), {"session": "day"}, "no column 'day'"),
        (("choice", ["stimulus"], 0), {}, "at least 1 state"),
        (("choice", ["word"]), {}, "holds no numbers"),
        (("stimulus", ["choice"]), {}, "are 0 and 1"),
        (("cells[0]", ["stimulus"]), {}, "no spikes of 'cells'"),
        (("choice", ["stimulus"]), {"held_out": 1.5}, "between 0 and 1"),
        (("choice", ["stimulus"]), {"held_out": 0.001}, "leave some"),
        (("same", ["stimulus"]), {}, "nothing to know"),
        (("missing", ["stimulus"]), {}, "no trial has an outcome"),
    ],
)
def test_refusals(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    recording, _, _ = session(40, word=["a", "b"] * 20, same=np.ones(40), missing=np.full(40, np.nan))
    with pytest.raises(AnalysisError, match=message):
        fit_states(recording, *arguments, **{"restarts": 1, **options})


def test_units_that_are_not_there() -> None:
    spikes = SpikeTrains([0.1], [0], 1, duration=10.0)
    table = pandas.DataFrame({"start": [0.0, 5.0], "stop": [1.0, 6.0]})
    recording = Recording({"cells": spikes}, intervals={"trials": table})
    with pytest.raises(AnalysisError, match="units 0 to 0, not 3"):
        fit_states(recording, "cells[3]", [], 1)
