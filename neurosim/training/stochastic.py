r"""Gradients for neurons that spike by chance: straight-through, REINFORCE, and score functions with a baseline.

Where a threshold reads ``rand() < p``, spikes are Bernoulli draws :math:`z \sim p(v)` and the expected cost
:math:`E_z[C(z)]` has a gradient that no surrogate is needed for (Williams, 1992):

.. math::

    \nabla E[C] = E\left[\nabla C + (C - b)\,\nabla \sum_t \log p(z_t)\right]

for every baseline b that does not depend on the trial's own spikes. :func:`sample` runs a module so and returns the log
likelihood of the spikes beside them; :func:`score_function` makes the scalar whose gradient is this estimate. The
straight-through estimator (Bengio et al., 2013) instead takes a spike for its probability on the way back,
:math:`\partial z / \partial p = 1`: biased, but of low variance.

References
----------
R. J. Williams: Simple statistical gradient-following algorithms for connectionist reinforcement learning. Machine
Learning 8, 229-256 (1992), doi:10.1007/BF00992696.

Y. Bengio, N. Léonard, A. Courville: Estimating or propagating gradients through stochastic neurons for conditional
computation (2013), arXiv:1308.3432.

A. Mnih, D. J. Rezende: Variational inference for Monte Carlo objectives. ICML (2016), arXiv:1602.06725 (the baseline of
the other samples).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from neurosim.circuit.language import names_in
from neurosim.errors import CircuitError, TrainingError, UnsupportedError, nearest
from neurosim.program.step_program import PopulationProgram
from neurosim.program.torch_printer import Printed, TorchPrinter
from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule, Outputs

#: What :func:`sample` calls the log likelihood of a population's spikes.
LOG_LIKELIHOOD = "log_likelihood"
GRADIENTS = ("score", "straight_through")


class Baseline(Protocol):
    """Guesses the cost of each trial without looking at that trial's own spikes."""

    def __call__(self, cost: Tensor) -> Tensor:
        """Return the guesses, of the shape of `cost` or one that broadcasts to it."""


def stochastic_populations(module: CircuitModule) -> tuple[str, ...]:
    """Return the populations whose threshold is ``rand() < p``."""
    return tuple(name for name, item in module.program.populations.items() if _probability(item) is not None)


def sample(
    module: CircuitModule,
    inputs: Mapping[str, Any] | None = None,
    state: State | None = None,
    *,
    populations: Iterable[str] | None = None,
    gradient: str = "score",
    steps: int | None = None,
    record: Any = None,
    seed: int = 0,
) -> tuple[Outputs, State]:
    r"""Run a module whose neurons spike by chance, with an estimator's gradient in place of the surrogate's.

    Parameters
    ----------
    module
        The compiled circuit.
    inputs, state, steps, record, seed
        As for a call of the module.
    populations
        Which populations; by default all whose threshold is ``rand() < p``.
    gradient
        ``"score"``: spikes carry no gradient, and ``outputs[population]["log_likelihood"]``, (time, batch, \*shape), is
        the log probability of what each neuron did, for :func:`score_function`. A refractory neuron has no choice: 0.
        ``"straight_through"``: spikes carry the gradient of their probability.

    Returns
    -------
    outputs
        As of the module, the spikes and traces being the same.
    state
        The state after the last step.

    Raises
    ------
    TrainingError
        If `gradient` is unknown, or the module has relaxed spikes.
    CircuitError
        If the circuit has no such population.
    UnsupportedError
        If a population does not spike by ``rand() < p``.

    Notes
    -----
    Other spiking populations keep their surrogate, so the estimate is unbiased only where all that lie between the
    parameters and the cost are sampled.
    """
    if gradient not in GRADIENTS:
        raise TrainingError(f"gradient={gradient!r} is unknown.{nearest(gradient, GRADIENTS)}")
    if module.relaxed:
        raise TrainingError("a module with relaxed=True has spikes between 0 and 1, which nothing draws.")
    samplers = {name: _Sampler(module, name, gradient) for name in _chosen(module, populations)}
    with _estimators(module, samplers):
        outputs, state = module(inputs, state, steps=steps, record=record, seed=seed)
    if gradient == "score":
        for name, sampler in samplers.items():
            found = torch.stack(sampler.log_likelihoods)
            shape = module.circuit.populations[name].shape
            outputs.setdefault(name, {})[LOG_LIKELIHOOD] = found.reshape(*found.shape[:2], *shape)
    return outputs, state


def log_likelihood(outputs: Outputs) -> Tensor:
    """Return the log likelihood of all sampled spikes in each step and trial, (time, batch).

    Raises
    ------
    TrainingError
        If the outputs hold none.
    """
    found = [values[LOG_LIKELIHOOD].flatten(2).sum(2) for values in outputs.values() if LOG_LIKELIHOOD in values]
    if not found:
        raise TrainingError('the outputs hold no log likelihood; they must come from sample(..., gradient="score").')
    return torch.stack(found).sum(0)


def score_function(cost: Tensor, likelihood: Tensor, baseline: Baseline | None = None) -> Tensor:
    r"""Return a scalar whose gradient is an unbiased estimate of that of the expected cost.

    .. math:: \frac{1}{n} \sum_i C_i + \left[C_i - b_i\right] \log p(z_i)

    with what stands in brackets held fixed. Without a baseline it is REINFORCE. Its value is of no interest: report
    ``cost.mean()``.

    Parameters
    ----------
    cost
        Of each trial, (batch,), or of each step and trial, (time, batch). Where it comes by steps, a spike answers only
        for the costs from its own step on, which lowers the variance.
    likelihood
        (time, batch), from :func:`log_likelihood`.
    baseline
        For instance :func:`leave_one_out` or a :class:`MovingAverage`.

    Raises
    ------
    TrainingError
        If the shapes do not fit.
    """
    if likelihood.ndim != 2 or cost.shape not in (likelihood.shape, likelihood.shape[1:]):
        raise TrainingError(
            f"score_function: a cost of shape {tuple(cost.shape)} and a likelihood of shape {tuple(likelihood.shape)}; "
            "expected (batch,) or (time, batch), and (time, batch)."
        )
    to_come = cost.detach()
    if cost.ndim == 2:
        to_come = to_come.flip(0).cumsum(0).flip(0)
    if baseline is not None:
        to_come = to_come - baseline(to_come).detach()
    scored = to_come * (likelihood if cost.ndim == 2 else likelihood.sum(0))
    return ((cost + scored) if cost.ndim == 1 else (cost + scored).sum(0)).mean()


def leave_one_out(cost: Tensor, repeats: int | None = None) -> Tensor:
    """Return for each trial the mean cost of the others (Mnih and Rezende, 2016).

    Parameters
    ----------
    cost
        (batch,) or (time, batch).
    repeats
        The batch holds this many runs of the same inputs, the whole set of inputs one after another; a trial is then
        compared with the other runs of its own input. ``None`` compares it with all.

    Raises
    ------
    TrainingError
        If there is no other trial, or the batch does not hold whole sets.
    """
    batch = cost.shape[-1]
    count = batch if repeats is None else repeats
    if count < 2 or batch % count:
        raise TrainingError(
            f"leave_one_out: {batch} trials in {count} repeats; give at least 2 repeats, and whole sets of inputs."
        )
    runs = cost.reshape(*cost.shape[:-1], count, batch // count)
    others = (runs.sum(-2, keepdim=True) - runs) / (count - 1)
    return others.reshape(cost.shape)


class MovingAverage:
    """A baseline that follows the mean cost of the calls before, with exponential forgetting.

    Parameters
    ----------
    decay
        How much of the average each call keeps, between 0 and 1. The first call has nothing to go by and takes 0; the
        weights of the later ones add up to 1 (the correction of Adam).

    Attributes
    ----------
    total, weight
        What is summed so far and its weight, for a checkpoint.
    """

    def __init__(self, decay: float = 0.9) -> None:
        if not 0 <= decay < 1:
            raise TrainingError(f"MovingAverage: decay must lie in 0 <= decay < 1, got {decay}.")
        self.decay = decay
        self.total: Tensor | float = 0.0
        self.weight = 0.0

    def __call__(self, cost: Tensor) -> Tensor:
        """Return the average before this call, and take the mean of `cost` over its trials in."""
        mean = cost.detach().mean(-1, keepdim=True)
        before = torch.zeros_like(mean) if self.weight == 0 else self.total / self.weight + torch.zeros_like(mean)
        self.total = self.decay * self.total + (1 - self.decay) * mean
        self.weight = self.decay * self.weight + (1 - self.decay)
        return before


class _Sampler:
    """Gives the spikes of one population their gradient, and keeps their log likelihood."""

    def __init__(self, module: CircuitModule, name: str, gradient: str) -> None:
        tree = _probability(module.program.populations[name])
        if tree is None:
            raise UnsupportedError(
                f"population {name!r} does not spike by chance: its threshold must read rand() < p, as in "
                "ns.models.stochastic_lif."
            )
        self.printed: Printed = TorchPrinter(module.torch_dtype, exact=False).print_expression(tree)
        self.gradient = gradient
        self.dtype = module.torch_dtype
        self.log_likelihoods: list[Tensor] = []

    def __call__(self, values: Mapping[str, Any], spikes: Tensor, active: Tensor | None) -> Tensor:
        drawn = spikes if active is None else spikes & active
        found = torch.as_tensor(self.printed(values)["value"], dtype=self.dtype, device=spikes.device)
        probability = found.clamp(0, 1).expand(spikes.shape)
        fired = drawn.to(self.dtype)
        if self.gradient == "straight_through":
            allowed = probability if active is None else probability * active
            return fired + (allowed - allowed.detach())
        # One branch only is ever evaluated, so that a probability of 0 or 1 leaves no NaN in the gradient of the other.
        chance = torch.where(drawn, probability, 1 - probability)
        chance = chance if active is None else torch.where(active, chance, 1.0)
        self.log_likelihoods.append(chance.clamp(min=torch.finfo(self.dtype).tiny).log())
        return fired


def _probability(item: PopulationProgram) -> ast.expr | None:
    """Return p where a threshold is ``rand() < p``, in any spelling of the comparison."""
    tree = item.threshold
    if not isinstance(tree, ast.Compare):
        return None
    left, right = tree.left, tree.comparators[0]
    if isinstance(tree.ops[0], (ast.Gt, ast.GtE)):
        left, right = right, left
    elif not isinstance(tree.ops[0], (ast.Lt, ast.LtE)):
        return None
    uniform = {site.symbol for site in item.noise if site.kind == "uniform"}
    if isinstance(left, ast.Name) and left.id in uniform and left.id not in names_in(right):
        return right
    return None


def _chosen(module: CircuitModule, populations: Iterable[str] | None) -> tuple[str, ...]:
    if populations is None:
        found = stochastic_populations(module)
        if not found:
            raise UnsupportedError(
                f"no population of circuit {module.circuit.name!r} spikes by chance: give one a threshold such as "
                '"rand() < p", or take ns.models.stochastic_lif.'
            )
        return found
    chosen = (populations,) if isinstance(populations, str) else tuple(populations)
    known = module.program.populations
    for name in chosen:
        if name not in known:
            raise CircuitError(f"populations: the circuit has no {name!r}.{nearest(name, known)}")
    return chosen


@contextmanager
def _estimators(module: CircuitModule, estimators: Mapping[str, Callable[..., Tensor]]) -> Iterator[None]:
    """Set the estimators of populations for the length of a call."""
    try:
        for name, estimator in estimators.items():
            module.part(name).estimator = estimator
        yield
    finally:
        for name in estimators:
            module.part(name).estimator = None
