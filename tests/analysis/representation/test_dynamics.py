"""GLM-HMM, non-negative factors and communities: enumeration, planted truth, monotone ascent, refusals."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from neurosim.analysis.representation import (
    GLMHMM,
    Factors,
    communities,
    dynamic_connectome,
    error_by_rank,
    factor_match,
    fit_glm_hmm,
    mutual_information,
    nonnegative_factors,
    windowed_affinity,
)
from neurosim.errors import AnalysisError
from representation_fixture import normal

MODEL = GLMHMM(np.array([0.6, 0.4]), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[2, -0.5], [-1, 0.3]]))
STIMULI = np.column_stack([[0.5, -1, 0.2, 1.5, -0.3], np.ones(5)])
CHOICES = np.array([1, 0, 0, 1, 1])


# --- GLM-HMM ---


def test_fixture() -> None:
    assert MODEL.log_likelihood(STIMULI, CHOICES) == pytest.approx(-3.053487, abs=1e-6)
    path, score = MODEL.path(STIMULI, CHOICES)
    assert path.tolist() == [0] * 5
    assert score == pytest.approx(-3.595856, abs=1e-6)
    posterior = MODEL.posterior(STIMULI, CHOICES)
    assert posterior[:, 0] == pytest.approx([0.853383, 0.928523, 0.895633, 0.884593, 0.697368], abs=1e-6)
    assert posterior.sum(1) == pytest.approx(np.ones(5))


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_against_every_path(family: Any) -> None:
    model = GLMHMM(MODEL.initial, MODEL.transitions, MODEL.weights, family)
    y, sessions = np.array([1, 0, 1, 1, 0]), [4, 4, 4, 2, 2]
    drive = STIMULI @ model.weights.T
    if family == "bernoulli":
        chance = np.where(y[:, None] == 1, 1 / (1 + np.exp(-drive)), 1 / (1 + np.exp(drive)))
    else:
        chance = np.exp(-np.exp(drive)) * np.exp(drive) ** y[:, None]  # of 0 and 1, whose factorials are 1
    joint = {}
    for path in product(range(2), repeat=5):
        value = 1.0
        for t, state in enumerate(path):
            value *= model.initial[state] if t in (0, 3) else model.transitions[path[t - 1], state]
            value *= chance[t, state]
        joint[path] = value
    total = sum(joint.values())
    assert model.log_likelihood(STIMULI, y, sessions) == pytest.approx(np.log(total))
    first = [sum(value for path, value in joint.items() if path[t] == 0) / total for t in range(5)]
    assert model.posterior(STIMULI, y, sessions)[:, 0] == pytest.approx(first)
    best = max(joint, key=lambda path: joint[path])
    path, score = model.path(STIMULI, y, sessions)
    assert tuple(path) == best
    assert score == pytest.approx(np.log(joint[best]))


def test_a_long_chain_does_not_underflow() -> None:
    inputs = np.column_stack([normal(20_000), np.ones(20_000)])
    outcomes, _ = MODEL.simulate(inputs)
    total = MODEL.log_likelihood(inputs, outcomes)
    assert np.isfinite(total)
    assert -0.75 < total / 20_000 < -0.3


def planted(trials: int = 6000) -> tuple[GLMHMM, np.ndarray, np.ndarray, np.ndarray]:
    model = GLMHMM(np.full(3, 1 / 3), np.eye(3) * 0.94 + 0.02, np.array([[5.0, 0], [2, -2.5], [2, 2.5]]))
    inputs = np.column_stack([normal(trials, seed=1), np.ones(trials)])
    outcomes, states = model.simulate(inputs, seed=2)
    return model, inputs, outcomes, states


def test_recovery() -> None:
    truth, inputs, outcomes, states = planted()
    found = fit_glm_hmm(inputs, outcomes, 3, restarts=3)
    assert (np.diff(found.objective) > -1e-8).all()
    order = min(
        permutations(range(3)), key=lambda order: float(np.abs(found.weights[list(order)] - truth.weights).sum())
    )
    found = found.ordered(order)
    assert found.weights == pytest.approx(truth.weights, abs=0.6)
    assert np.diag(found.transitions) == pytest.approx([0.96] * 3, abs=0.02)
    assert np.mean(found.posterior(inputs, outcomes).argmax(1) == states) > 0.88
    later, _ = truth.simulate(inputs, seed=3)  # held out
    known = found.bits_per_trial(inputs, later, baseline=float(outcomes.mean()))
    plain = fit_glm_hmm(inputs, outcomes, 1).bits_per_trial(inputs, later, baseline=float(outcomes.mean()))
    assert known > plain + 0.15
    assert known < truth.bits_per_trial(inputs, later) + 0.01


def test_one_state_is_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    _, inputs, outcomes, _ = planted(400)
    theirs = linear_model.LogisticRegression(C=100.0, tol=1e-10, fit_intercept=False).fit(inputs, outcomes)
    found = fit_glm_hmm(inputs, outcomes, 1, weight_scale=10.0)
    assert found.weights[0] == pytest.approx(theirs.coef_[0], abs=1e-4)


def test_counts() -> None:
    truth = GLMHMM(np.array([0.5, 0.5]), np.array([[0.95, 0.05], [0.05, 0.95]]), np.array([[0.5, 1.5], [-0.5, 0.0]]),
                   "poisson")  # fmt: skip
    inputs = np.column_stack([normal(1500), np.ones(1500)])
    spikes, states = truth.simulate(inputs)
    found = fit_glm_hmm(inputs, spikes, 2, family="poisson", restarts=2)
    assert (np.diff(found.objective) > -1e-8).all()
    assert found.weights == pytest.approx(truth.weights, abs=0.15)
    assert np.mean(found.path(inputs, spikes)[0] == states) > 0.9
    assert found.bits_per_trial(inputs, spikes) > 0.5


def test_priors() -> None:
    _, inputs, outcomes, _ = planted(300)
    free = fit_glm_hmm(inputs, outcomes, 2, restarts=1)
    sticky = fit_glm_hmm(inputs, outcomes, 2, restarts=1, stickiness=1e5)
    assert (np.diff(sticky.objective) > -1e-8).all()
    assert np.diag(sticky.transitions).min() > 0.999 > np.diag(free.transitions).min()
    narrow = fit_glm_hmm(inputs, outcomes, 2, restarts=1, weight_scale=0.1)
    assert np.abs(narrow.weights).max() < np.abs(free.weights).max() / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GLMHMM(np.ones(2), np.eye(2), np.ones((2, 1))), "add up to 1"),
        (lambda: GLMHMM(np.array([0.5, 0.5]), np.eye(3), np.ones((2, 1))), "state, state"),
        (lambda: GLMHMM(np.array([1.0]), np.eye(1), np.ones((1, 1)), "normal"), "no family 'normal'"),  # type: ignore[arg-type]
        (lambda: MODEL.log_likelihood(STIMULI, [1, 0]), "one for each of the 5 trials"),
        (lambda: MODEL.log_likelihood(STIMULI, [1, 0, 2, 0, 1]), "are 0 and 1; got 2"),
        (lambda: MODEL.log_likelihood(STIMULI, [1, 0, np.nan, 0, 1]), "NaN"),
        (lambda: MODEL.log_likelihood(STIMULI[:, :1], CHOICES), "inputs have 1 columns"),
        (lambda: MODEL.log_likelihood(STIMULI, CHOICES, [1, 2, 1, 2, 1]), "follow each other"),
        (lambda: MODEL.log_likelihood(STIMULI, CHOICES, [1]), "sessions: one for each"),
        (lambda: MODEL.bits_per_trial(STIMULI, np.ones(5)), "all the same"),
        (lambda: MODEL.ordered([0, 0]), "each of the 2 states once"),
        (lambda: fit_glm_hmm(STIMULI, CHOICES, 0), "at least 1"),
        (lambda: fit_glm_hmm(STIMULI, CHOICES, 1, weight_scale=0), "positive"),
        (lambda: fit_glm_hmm(STIMULI, CHOICES, 1, family="gamma"), "no family 'gamma'"),  # type: ignore[arg-type]
        (lambda: fit_glm_hmm(STIMULI, CHOICES - 0.5, 1, family="poisson"), "are counts"),
    ],
)
def test_refusals_of_glm_hmm(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


# --- factors ---


def sparse(seed: int = 0, shape: tuple[int, ...] = (20, 20, 30), rank: int = 3) -> Factors:
    draw = np.random.default_rng(seed)
    modes = [draw.random((size, rank)) * (draw.random((size, rank)) < 0.5) for size in shape]
    lengths = [np.linalg.norm(mode, axis=0) for mode in modes]
    unit = tuple(mode / length for mode, length in zip(modes, lengths, strict=True))
    return Factors(np.prod(lengths, axis=0), unit, np.zeros(1))


def test_planted_factors() -> None:
    truth = sparse()
    clean = truth.tensor()
    found = nonnegative_factors(clean, 3, restarts=2)
    assert (np.diff(found.errors) < 1e-7).all()
    assert found.error < 1e-3
    assert factor_match(found, truth) > 0.99
    assert found.error == pytest.approx(np.linalg.norm(found.tensor() - clean) / np.linalg.norm(clean), abs=1e-6)
    noisy = np.maximum(0, clean + 0.05 * clean.std() * normal(20, 20, 30))
    errors = error_by_rank(noisy, [1, 2, 3, 4], restarts=3, iterations=200)
    assert errors[1] > errors[2] > 5 * errors[3]
    assert errors[3] - errors[4] < 0.003 < errors[2] - errors[3]  # an elbow at the planted rank
    assert factor_match(nonnegative_factors(noisy, 3, restarts=3), truth) > 0.99


def test_matrices_are_tensors_of_two_axes() -> None:
    truth = sparse(shape=(12, 9), rank=1)
    found = nonnegative_factors(truth.tensor(), 1, restarts=1)
    assert found.error < 1e-6
    assert found.weights == pytest.approx(truth.weights)
    assert [mode.min() >= 0 for mode in found.modes] == [True, True]


@pytest.mark.slow
def test_factors_against_tensorly() -> None:
    pytest.importorskip("tensorly")
    from tensorly.decomposition import non_negative_parafac_hals

    truth = sparse(seed=4)
    weights, modes = non_negative_parafac_hals(truth.tensor(), 3, n_iter_max=500, init="random", random_state=1)
    lengths = [np.linalg.norm(mode, axis=0) for mode in modes]
    unit = tuple(mode / length for mode, length in zip(modes, lengths, strict=True))
    theirs = Factors(weights * np.prod(lengths, axis=0), unit, np.zeros(1))
    assert factor_match(nonnegative_factors(truth.tensor(), 3), theirs) > 0.99


# --- communities ---


def test_affinity_in_windows() -> None:
    x = normal(40, 4)
    x[:, 3] = 2.0
    found = windowed_affinity(x, 20, 10)
    assert found.shape == (3, 6)
    assert found[1] == pytest.approx(np.maximum(0, [*np.corrcoef(x[10:30, :3].T)[np.triu_indices(3, 1)][:2], 0,
                                                     np.corrcoef(x[10:30, 1:3].T)[0, 1], 0, 0]))  # fmt: skip
    assert windowed_affinity(x, 20).shape == (3, 6)
    for width, step in ((1, None), (50, None), (10, 0)):
        with pytest.raises(AnalysisError, match="windows of"):
            windowed_affinity(x, width, step)


def test_planted_communities() -> None:
    pytest.importorskip("networkx")
    truth = np.repeat([0, 1, 2], [20, 15, 10])
    draw = np.random.default_rng(0)
    inside = truth[:, None] == truth
    values = np.where(inside, 0.6, 0.1) * draw.random((45, 45))
    values = (values + values.T) / 2
    found = communities(values)
    assert mutual_information(found, truth) == pytest.approx(1)
    assert np.bincount(found).tolist() == [20, 15, 10]
    assert communities(values, resolution=4).max() > 2
    assert communities(values[np.triu_indices(45, 1)]).tolist() == found.tolist()


def test_communities_of_benchmark_graphs() -> None:
    """Graphs of Lancichinetti, Fortunato and Radicchi (2008) with a quarter of each node's edges leading elsewhere."""
    networkx = pytest.importorskip("networkx")
    found = []
    for seed in range(3):
        graph = networkx.LFR_benchmark_graph(
            125, 3, 1.5, 0.25, average_degree=15, max_degree=30, min_community=20, max_community=50, seed=seed
        )
        truth = np.empty(125, dtype=int)
        for number, members in enumerate({frozenset(graph.nodes[node]["community"]) for node in graph}):
            truth[list(members)] = number
        adjacency = networkx.to_numpy_array(graph)
        np.fill_diagonal(adjacency, 0)
        weights = np.random.default_rng(seed).uniform(0.5, 1, adjacency.shape)
        found.append(mutual_information(communities(adjacency * (weights + weights.T)), truth))
    assert np.mean(found) > 0.85


def test_information_of_divisions() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(0)
    for _ in range(5):
        one, other = draw.integers(0, 4, 30), draw.integers(0, 3, 30)
        assert mutual_information(one, other) == pytest.approx(metrics.normalized_mutual_info_score(one, other))
    assert mutual_information(["a", "b"], [5, 3]) == pytest.approx(1)
    assert mutual_information([0, 0], [1, 1]) == 1
    with pytest.raises(AnalysisError, match="same neurons"):
        mutual_information([0, 1], [0])


def test_dynamic_connectome() -> None:
    pytest.importorskip("networkx")
    # Neurons 0-7 follow one signal early, 8-15 another one late; in the second animal, too.
    animals = []
    for seed in range(2):
        signals = normal(400, 2, seed=seed)
        x = normal(400, 16, seed=seed + 5)
        x[:200, :8] += 2 * signals[:200, :1]
        x[200:, 8:] += 2 * signals[200:, 1:]
        animals.append(x)
    found = dynamic_connectome(animals, 2, width=40, restarts=2)
    assert [mode.shape for mode in found.factors.modes] == [(19, 2), (2, 2), (120, 2)]
    early = int(found.factors.modes[0][0].argmax())
    assert found.factors.modes[0][-1].argmax() == 1 - early
    assert found.affinity(early)[:8, :8].sum() > 3 * found.affinity(early)[8:, 8:].sum()
    groups = found.communities[early]
    assert len(set(groups[:8])) == 1
    with pytest.raises(AnalysisError, match="one length"):
        dynamic_connectome([animals[0], animals[1][:300]], 2, width=40)
    with pytest.raises(AnalysisError, match="no animal"):
        dynamic_connectome([], 2, width=40)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nonnegative_factors(np.ones(3), 1), "two axes"),
        (lambda: nonnegative_factors(-np.ones((3, 3)), 1), "negative"),
        (lambda: nonnegative_factors(np.full((3, 3), np.nan), 1), "NaN"),
        (lambda: nonnegative_factors(np.ones((3, 3)), 0), "rank"),
        (lambda: factor_match(sparse(), sparse(rank=2)), "same rank"),
        (lambda: communities(-np.ones(3)), "something negative"),
        (lambda: communities(np.triu(np.ones((3, 3)))), "symmetric"),
        (lambda: communities([1.0, 2.0]), "number of pairs"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
