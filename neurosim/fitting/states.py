"""Trials of a recording whose rule changes with a hidden state: a GLM-HMM fitted to some, scored on the others.

Ashwood et al. (2022), Nat Neurosci 25:201.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.result import aligned
from neurosim.analysis.representation.glm_hmm import GLMHMM, fit_glm_hmm
from neurosim.analysis.representation.markov import smooth
from neurosim.analysis.representation.weighted_glm import Family, log_probability
from neurosim.errors import AnalysisError
from neurosim.fitting.trial_table import TrialRows, trial_rows
from neurosim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
CHANCE = "chance"


@dataclass(frozen=True, eq=False, repr=False)
class StatesFit:
    """GLM-HMMs fitted to trials of a recording.

    Parameters
    ----------
    models : mapping of int to GLMHMM
        By number of states; 1 is a generalised linear model.
    log_likelihoods : mapping of str to tuple of float
        In nats a trial, of the trials that were fitted, and of those held out given these: by ``"1 state"``,
        ``"2 states"``, ..., and ``"chance"``, which knows the mean outcome of the fitted trials.
    inputs : tuple of str
        Names of the weights of each state.
    rows : TrialRows
        What was fitted and held out.
    settings : mapping
        What it was made with.
    """

    models: Mapping[int, GLMHMM]
    log_likelihoods: Mapping[str, tuple[float, float]]
    inputs: tuple[str, ...]
    rows: TrialRows
    settings: Mapping[str, Any]

    @property
    def best(self) -> int:
        """The number of states that tells most about the trials held out."""
        return max(self.models, key=lambda states: self.log_likelihoods[_title(states)][1])

    @property
    def model(self) -> GLMHMM:
        """The model with the best number of states."""
        return self.models[self.best]

    def bits(self, states: int | None = None) -> float:
        """Return how many bits a trial more than chance is known of the trials held out.

        Parameters
        ----------
        states
            Of the model with so many; by default of the best.
        """
        name = _title(self.best if states is None else states)
        if name not in self.log_likelihoods:
            raise AnalysisError(f"no model with {states} states was fitted; there are those with "
                                f"{', '.join(map(str, self.models))}.")  # fmt: skip
        return (self.log_likelihoods[name][1] - self.log_likelihoods[CHANCE][1]) / math.log(2)

    def posterior(self, states: int | None = None) -> Floats:
        """Return the probability of each state in each trial given the outcomes of all, (trial, state)."""
        model = self.models[self.best if states is None else states]
        return model.posterior(self.rows.inputs, self.rows.outcomes, self.rows.sessions)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "models": {
                str(states): {
                    "initial": model.initial.tolist(),
                    "transitions": model.transitions.tolist(),
                    "weights": model.weights.tolist(),
                }
                for states, model in self.models.items()
            },
            "inputs": list(self.inputs),
            "log_likelihoods": {
                name: {"fitted": fitted, "held out": held} for name, (fitted, held) in self.log_likelihoods.items()
            },
            "settings": dict(self.settings),
        }

    def to_json(self) -> str:
        """Return JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the probability of each state of the best model over the trials."""
        from neurosim.analysis.representation.plots import plot_states

        return plot_states(self.posterior(), ax=ax)

    def __repr__(self) -> str:
        return f"<StatesFit of {self.settings['outcome']!r}: {self.best} states, {self.bits():.3f} bits a trial>"

    def __str__(self) -> str:
        fitted, held = int(self.rows.fitted.sum()), int(self.rows.held_out.sum())
        lines = [("", "log-likelihood a trial", "held out", "bits beyond chance, held out")]
        chance = self.log_likelihoods[CHANCE][1]
        for name, (inside, outside) in self.log_likelihoods.items():
            bits = (outside - chance) / math.log(2)
            lines.append((name, f"{inside:.4f}", f"{outside:.4f}", "" if name == CHANCE else f"{bits:.4f}"))
        model = self.model
        states = [("state", *self.inputs, "stays")]
        states += [
            (
                str(state),
                *(f"{weight:.3f}" for weight in model.weights[state]),
                f"{model.transitions[state, state]:.3f}",
            )
            for state in range(model.states)
        ]
        head = f"{self.settings['outcome']}: {fitted} trials fitted, {held} held out; best with {_title(self.best)}"
        return "\n".join([head, "", *aligned(lines), "", *aligned(states)])


def fit_states(
    recording: Recording,
    outcome: str,
    inputs: Sequence[str],
    states: int | Iterable[int] = (1, 2, 3),
    *,
    table: str = "trials",
    session: str | None = None,
    held_out: Any = None,
    family: Family = "bernoulli",
    weight_scale: float = 10.0,
    stickiness: float = 2.0,
    concentration: float = 1.0,
    restarts: int = 5,
    iterations: int = 300,
    seed: int = 0,
) -> StatesFit:
    """Fit GLM-HMMs to the trials of a recording, and score them on trials that they were not fitted to.

    Parameters
    ----------
    recording
        With a table of trials in ``recording.intervals``.
    outcome
        What happened in each: a column of the table, or ``"population[number]"`` for the spikes of a unit from the
        start to the stop of each trial.
    inputs
        Columns of the table that the outcome may depend on. A constant is added, called ``"bias"``.
    states
        How many; one that is not 1 is fitted beside 1. With several, `StatesFit.best` is chosen by the trials held out,
        whose score then flatters it a little.
    table
        Name of the table.
    session
        Column that names the session of each trial, in each of which the chain begins anew; by default the trials of
        the recording, where each has several rows, else all are one session.
    held_out
        A share: the last trials of each session (by default a quarter); or `Stimuli`, `Time` or `Trials` of
        :mod:`neurosim.fitting`.
    family
        ``"bernoulli"`` for outcomes 0 and 1, ``"poisson"`` for counts.
    weight_scale
        Standard deviation of the Gaussian prior of the weights, around 0.
    stickiness, concentration
        Of the Dirichlet prior of each row of the transitions: of staying, and of going to each other state.
    restarts, iterations, seed
        See :func:`neurosim.analysis.representation.fit_glm_hmm`.

    Returns
    -------
    StatesFit
        States in the order of the first input's weight, largest first.

    Raises
    ------
    AnalysisError
        If a column does not exist or holds no numbers, outcomes do not suit the family, or nothing is held out.

    Notes
    -----
    Trials whose outcome or input is NaN are left out. A stretch of trials that is fitted counts as a session of its
    own while fitting. The score of the trials held out is the logarithm of their probability given those fitted, summed
    over all paths of states: the chain runs through both, as it did in the animal.
    """
    numbers = sorted({1, *([states] if isinstance(states, int) else states)})
    if numbers[0] < 1:
        raise AnalysisError(f"fit_states: at least 1 state, got {numbers[0]}.")
    rows = trial_rows(recording, outcome, inputs, table=table, session=session, held_out=held_out)
    fitted = rows.fitted
    # A gap among the trials that are fitted begins a new session; numbers of stretches say so.
    stretches = np.cumsum(np.append(True, ~fitted[:-1] | (rows.sessions[1:] != rows.sessions[:-1])))[fitted]
    prior: dict[str, Any] = {
        "family": family, "weight_scale": weight_scale, "stickiness": stickiness, "concentration": concentration,
        "restarts": restarts, "iterations": iterations, "seed": seed,
    }  # fmt: skip
    models = {
        number: fit_glm_hmm(rows.inputs[fitted], rows.outcomes[fitted], number, sessions=stretches, **prior)
        for number in numbers
    }
    scores = {_title(number): _scores(model, rows) for number, model in models.items()}
    rate = float(rows.outcomes[fitted].mean())
    if not 0 < rate or (family == "bernoulli" and rate >= 1):
        raise AnalysisError(f"fit_states: every {outcome!r} that is fitted is the same; there is nothing to know.")
    drive = math.log(rate / (1 - rate)) if family == "bernoulli" else math.log(rate)
    logs = log_probability(np.ones((rows.outcomes.size, 1)), rows.outcomes, np.array([[drive]]), family)[:, 0]
    scores[CHANCE] = (float(logs[fitted].mean()), float(logs[rows.held_out].mean()))
    settings = {"outcome": outcome, "table": table, "session": session, "held_out": rows.what, **prior}
    return StatesFit(models, scores, (*inputs, "bias"), rows, settings)


def _scores(model: GLMHMM, rows: TrialRows) -> tuple[float, float]:
    """Return the log-likelihood a trial of the fitted trials, and of those held out given the former."""
    logs = log_probability(rows.inputs, rows.outcomes, model.weights, model.family)
    starts = np.append(True, rows.sessions[1:] != rows.sessions[:-1])
    inside = _total(model, np.where(rows.fitted[:, np.newaxis], logs, 0.0), starts)
    both = _total(model, np.where((rows.fitted | rows.held_out)[:, np.newaxis], logs, 0.0), starts)
    return inside / rows.fitted.sum(), (both - inside) / rows.held_out.sum()


def _total(model: GLMHMM, logs: Floats, starts: NDArray[np.bool_]) -> float:
    """Return the log-likelihood of outcomes whose probability in each state is known, 1 where one is not looked at."""
    return float(smooth(logs, model.initial, model.transitions, starts)[0])


def _title(states: int) -> str:
    return "1 state" if states == 1 else f"{states} states"
