"""Choices or spikes whose rule changes with a hidden state: generalised linear models in a Markov chain.

Ashwood et al. (2022), Nat Neurosci 25:201.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.representation.arrays import finite, matrix, numpy_of
from neurosim.analysis.representation.markov import likeliest_path, smooth
from neurosim.analysis.representation.weighted_glm import FAMILIES, Family, fit_weights, log_probability, mean_outcome
from neurosim.errors import AnalysisError, nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GLMHMM:
    """A hidden Markov chain with a generalised linear model in each state.

    Parameters
    ----------
    initial : numpy.ndarray, shape (state,)
        Where sessions begin.
    transitions : numpy.ndarray, shape (state, state)
        From the first axis to the second.
    weights : numpy.ndarray, shape (state, input)
        Of the inputs; a constant input of 1 makes a bias.
    family : str
        ``"bernoulli"``: outcomes 0 and 1, ``sigmoid(w x)``; ``"poisson"``: counts, ``exp(w x)``.
    objective : numpy.ndarray, shape (iteration,)
        Of a fit: log-likelihood and log-prior after each iteration, up to a constant. It never falls.
    """

    initial: Floats
    transitions: Floats
    weights: Floats
    family: Family = "bernoulli"
    objective: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def __post_init__(self) -> None:
        states = np.shape(self.initial)[0] if np.ndim(self.initial) == 1 else 0
        if self.family not in FAMILIES:
            raise AnalysisError(f"GLMHMM: there is no family {self.family!r}.{nearest(self.family, FAMILIES)}")
        for name in ("initial", "transitions", "weights"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if not states or self.transitions.shape != (states, states) or self.weights.shape[:1] != (states,):
            raise AnalysisError("GLMHMM: initial (state,), transitions (state, state) and weights (state, input).")
        for name in ("initial", "transitions"):
            values = getattr(self, name)
            if values.min() < 0 or not np.allclose(values.sum(-1), 1):
                raise AnalysisError(f"GLMHMM: {name} holds probabilities that add up to 1.")

    @property
    def states(self) -> int:
        """How many there are."""
        return int(self.initial.size)

    def log_likelihood(self, inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None = None) -> float:
        """Return the logarithm of the probability of the outcomes, summed over all states' paths.

        Parameters
        ----------
        inputs : array_like, shape (trial, input)
            In the order of time.
        outcomes : array_like, shape (trial,)
            What happened.
        sessions : array_like, shape (trial,), optional
            Number of the session of each trial, whose trials follow each other; the chain begins anew in each.
        """
        return self._smooth(inputs, outcomes, sessions)[0]

    def posterior(self, inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None = None) -> Floats:
        """Return the probability of each state given all outcomes, shape (trial, state)."""
        return self._smooth(inputs, outcomes, sessions)[1]

    def path(
        self, inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], float]:
        """Return the likeliest path of states, shape (trial,), and its joint log-probability with the outcomes."""
        x, y, starts = _data(inputs, outcomes, sessions, self.family)
        return likeliest_path(self._logs(x, y), self.initial, self.transitions, starts)

    def bits_per_trial(
        self, inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None = None, *, baseline: float | None = None
    ) -> float:
        """Return how many bits a trial the model knows beyond a constant rate.

        Parameters
        ----------
        inputs, outcomes, sessions
            Trials that the model was not fitted to.
        baseline
            The mean outcome of the trials that it was fitted to; by default that of these.
        """
        y = _data(inputs, outcomes, sessions, self.family)[1]
        rate = float(y.mean()) if baseline is None else baseline
        if not 0 < rate or (self.family == "bernoulli" and rate >= 1):
            raise AnalysisError(f"a constant rate of {rate:g} leaves nothing to know; the outcomes are all the same.")
        constant = np.log(rate / (1 - rate)) if self.family == "bernoulli" else np.log(rate)
        known = self._smooth(inputs, outcomes, sessions)[0]
        plain = float(log_probability(np.ones((y.size, 1)), y, np.array([[constant]]), self.family).sum())
        return (known - plain) / (y.size * float(np.log(2)))

    def ordered(self, order: ArrayLike | None = None) -> GLMHMM:
        """Return the same model with its states in another order: they are exchangeable, and a fit's order is chance.

        Parameters
        ----------
        order
            The former number of each state; by default by the weight of the first input, largest first.
        """
        chosen = np.argsort(-self.weights[:, 0], kind="stable") if order is None else np.asarray(order)
        if sorted(chosen.tolist()) != list(range(self.states)):
            raise AnalysisError(f"order: each of the {self.states} states once, got {order!r}.")
        return replace(
            self,
            initial=self.initial[chosen],
            transitions=self.transitions[np.ix_(chosen, chosen)],
            weights=self.weights[chosen],
        )

    def simulate(self, inputs: Any, *, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return outcomes and states drawn from the model for one session of inputs (trial, input)."""
        x = numpy_of(matrix(inputs, "inputs", least_rows=1)).astype(np.float64)
        draw = np.random.default_rng(seed)
        states = np.empty(x.shape[0], dtype=np.int64)
        chances = np.cumsum(np.vstack([self.initial, self.transitions]), axis=1)
        levels = draw.random(size=(x.shape[0],))
        for trial, level in enumerate(levels):
            row = 0 if trial == 0 else 1 + states[trial - 1]
            states[trial] = min(int(np.searchsorted(chances[row], level, side="right")), self.states - 1)
        means = mean_outcome(x, self.weights, self.family)[np.arange(x.shape[0]), states]
        drawn = draw.random(x.shape[0]) < means if self.family == "bernoulli" else draw.poisson(means)
        return drawn.astype(np.int64), states

    def _logs(self, x: Floats, y: Floats) -> Floats:
        if x.shape[1] != self.weights.shape[1]:
            raise AnalysisError(f"inputs have {x.shape[1]} columns, the model {self.weights.shape[1]} weights.")
        return log_probability(x, y, self.weights, self.family)

    def _smooth(self, inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None) -> tuple[float, Floats, Floats]:
        x, y, starts = _data(inputs, outcomes, sessions, self.family)
        return smooth(self._logs(x, y), self.initial, self.transitions, starts)


def fit_glm_hmm(
    inputs: Any,
    outcomes: ArrayLike,
    states: int,
    *,
    sessions: ArrayLike | None = None,
    family: Family = "bernoulli",
    weight_scale: float = 10.0,
    stickiness: float = 1.0,
    concentration: float = 1.0,
    restarts: int = 5,
    iterations: int = 300,
    tolerance: float = 1e-7,
    seed: int = 0,
) -> GLMHMM:
    """Fit a GLM-HMM by expectation maximisation, from several starting points.

    Parameters
    ----------
    inputs, outcomes, sessions
        As in `GLMHMM.log_likelihood`.
    states
        How many; one gives a generalised linear model.
    family
        See `GLMHMM`.
    weight_scale
        Standard deviation of the Gaussian prior of the weights, around 0.
    stickiness, concentration
        Of the Dirichlet prior of each row of the transitions: of staying, and of going to each other state; 1 is flat.
    restarts
        How many starting points; the best end counts.
    iterations, tolerance
        An ascent ends after so many, or when the objective grows by less than this part of a trial's.
    seed
        Of the starting points.

    Returns
    -------
    GLMHMM
        With its states in the order of the first input's weight, largest first.
    """
    if family not in FAMILIES:
        raise AnalysisError(f"fit_glm_hmm: there is no family {family!r}.{nearest(family, FAMILIES)}")
    x, y, starts = _data(inputs, outcomes, sessions, family)
    if states < 1 or restarts < 1 or iterations < 1:
        raise AnalysisError("fit_glm_hmm: states, restarts and iterations must be at least 1.")
    if weight_scale <= 0 or min(stickiness, concentration) < 1:
        raise AnalysisError("fit_glm_hmm: weight_scale must be positive, stickiness and concentration at least 1.")
    prior = np.full((states, states), concentration - 1.0) + np.eye(states) * (stickiness - concentration)
    draw = np.random.default_rng(seed)
    plain = fit_weights(x, y, np.ones(y.size), np.zeros(x.shape[1]), family, weight_scale)
    ends = []
    for _ in range(restarts if states > 1 else 1):
        weights = np.tile(plain, (states, 1))
        if states > 1:
            weights = weights + draw.normal(size=weights.shape) * np.maximum(1.0, np.abs(plain))
        away = 0.1 / max(1, states - 1)
        transitions = np.eye(states) * (0.9 - away) + away if states > 1 else np.ones((1, 1))
        start = GLMHMM(np.full(states, 1 / states), transitions, weights, family)
        ends.append(_ascend(start, x, y, starts, prior, weight_scale, iterations, tolerance))
    return max(ends, key=lambda end: float(end.objective[-1])).ordered()


def _ascend(
    model: GLMHMM,
    x: Floats,
    y: Floats,
    starts: NDArray[np.bool_],
    prior: Floats,
    scale: float,
    iterations: int,
    tolerance: float,
) -> GLMHMM:
    history: list[float] = []
    for _ in range(iterations):
        total, posterior, counts = smooth(model._logs(x, y), model.initial, model.transitions, starts)
        with np.errstate(divide="ignore", invalid="ignore"):
            chain = np.where(prior > 0, prior * np.log(model.transitions), 0.0).sum()
        history.append(total + float(chain) - 0.5 * float((model.weights**2).sum()) / scale**2)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * y.size:
            break
        moves = counts + prior
        rows = moves.sum(1, keepdims=True)
        first = posterior[starts].sum(0)
        weights = np.array(
            [
                fit_weights(x, y, posterior[:, state], model.weights[state], family=model.family, scale=scale)
                for state in range(model.states)
            ]
        )
        model = GLMHMM(
            first / first.sum(),
            np.divide(moves, rows, out=model.transitions.copy(), where=rows > 0),
            weights,
            model.family,
        )
    return replace(model, objective=np.array(history))


def _data(
    inputs: Any, outcomes: ArrayLike, sessions: ArrayLike | None, family: Literal["bernoulli", "poisson"]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    x = numpy_of(matrix(inputs, "inputs", least_rows=1)).astype(np.float64)
    y = finite(np.asarray(outcomes, dtype=np.float64), "outcomes")
    if y.shape != (x.shape[0],):
        raise AnalysisError(f"outcomes: one for each of the {x.shape[0]} trials, got shape {y.shape}.")
    allowed = np.isin(y, (0, 1)) if family == "bernoulli" else (y >= 0) & (y == np.rint(y))
    if not allowed.all():
        wanted = "0 and 1" if family == "bernoulli" else "counts"
        raise AnalysisError(f"outcomes of the family {family!r} are {wanted}; got {y[~allowed][0]:g}.")
    starts = np.zeros(y.size, dtype=np.bool_)
    starts[0] = True
    if sessions is not None:
        number = np.asarray(sessions)
        if number.shape != y.shape:
            raise AnalysisError(f"sessions: one for each of the {y.size} trials, got shape {number.shape}.")
        starts[1:] = number[1:] != number[:-1]
        if np.unique(number).size != starts.sum():
            raise AnalysisError("sessions: the trials of a session must follow each other.")
    return x, y, starts
