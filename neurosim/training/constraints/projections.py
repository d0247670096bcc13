r"""Constraints that hold by projection: after each step of an optimiser, values are put back to where they may be.

Bounds, signs and ties are part of a circuit (``Trainable(bounds=, sign=, tie=)``) and hold through
``module.project()``; edges never come or go. What is here is asked of a module in training, and called in the same
place:

.. code-block:: python

    zeros = constraints.keep_zeros(module, "*.weight")
    for inputs, targets in batches:
        ...
        optimiser.step()
        module.project()
        zeros.project()

or once and for all with ``constraints.hold(module, optimiser, zeros)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import TrainingError
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import ProjectionProgram
from neurosim.training.trainable_values import TrainableValue, trainable_values
from neurosim.units import to_si

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


class Constraint(ABC):
    """Something that holds for some values of one module; for a copy of the module, make it anew."""

    @abstractmethod
    def project(self) -> None:
        """Put the values back to where it holds."""


def hold(module: CircuitModule, optimiser: Optimizer, *constraints: Constraint) -> RemovableHandle:
    """Let constraints hold after every step of an optimiser, the module's own bounds and signs first.

    Parameters
    ----------
    module
        Whose ``project()`` is called too.
    optimiser
        Any of torch; with several, the one that steps last.
    *constraints
        In the order in which they are to be applied.

    Returns
    -------
    torch.utils.hooks.RemovableHandle
        ``remove()`` it to let go. A resumed run has to ask for it again: checkpoints hold values.
    """

    def after_step(*_: Any) -> None:
        module.project()
        for constraint in constraints:
            constraint.project()

    return optimiser.register_step_post_hook(after_step)


def keep_zeros(module: CircuitModule, *patterns: str) -> Constraint:
    """Hold values that are 0 now at 0: pruned edges stay pruned.

    Parameters
    ----------
    module
        A compiled circuit.
    *patterns
        Addresses, in which ``*`` stands for anything: ``"*.weight"``.

    Notes
    -----
    Values are looked at when the constraint is made, so make it before loading a checkpoint in which others may have
    become 0 on the way.
    """

    def limits(value: Tensor) -> Limits:
        return torch.where(value == 0, 0.0, -torch.inf), torch.where(value == 0, 0.0, torch.inf)

    return _Between([(value, *limits(value.get())) for value in _plain(module, patterns)])


def keep_signs(module: CircuitModule, *patterns: str) -> Constraint:
    """Hold every value to the sign that it has now, and those that are 0 at 0.

    Parameters
    ----------
    module, patterns
        See :func:`keep_zeros`.
    """

    def limits(value: Tensor) -> Limits:
        return torch.where(value < 0, -torch.inf, 0.0), torch.where(value > 0, torch.inf, 0.0)

    return _Between([(value, *limits(value.get())) for value in _plain(module, patterns)])


def dale(module: CircuitModule, *patterns: str) -> Constraint:
    """Hold each neuron to the sign of its outgoing weights now: it excites or inhibits, whatever it reaches.

    Parameters
    ----------
    module, patterns
        See :func:`keep_zeros`; the projections that are named count together. A neuron whose weights are all 0 is free,
        and edges that are 0 now take the sign of their neuron.

    Raises
    ------
    TrainingError
        If a neuron has weights of both signs now, or a value belongs to several presynaptic neurons.

    References
    ----------
    Song, Yang and Wang, Training Excitatory-Inhibitory Recurrent Neural Networks for Cognitive Tasks, PLoS
    Computational Biology 12 (2016).
    """
    values = [(value, senders(value)) for value in _plain(module, patterns)]
    excites, inhibits = ({value.part.item.pre: _none(value.part.n_pre) for value, _ in values} for _ in range(2))
    for value, pre in values:
        weight, population = value.get().detach().cpu(), value.part.item.pre
        excites[population][pre[weight > 0]] = True
        inhibits[population][pre[weight < 0]] = True
    for population in excites:
        both = int((excites[population] & inhibits[population]).sum())
        if both:
            raise TrainingError(
                f"dale: {both} of the neurons of {population!r} have outgoing weights of both signs; give each neuron "
                "weights of one sign, or hold each edge to its own with keep_signs."
            )

    def limits(value: TrainableValue, pre: Tensor) -> Limits:
        only_excites, only_inhibits = excites[value.part.item.pre][pre], inhibits[value.part.item.pre][pre]
        return torch.where(only_excites, 0.0, -torch.inf), torch.where(only_inhibits, 0.0, torch.inf)

    return _Between([(value, *limits(value, pre)) for value, pre in values])


def max_norm(module: CircuitModule, pattern: str, norm: Any) -> Constraint:
    r"""Hold what each neuron receives to a norm, :math:`\sum_i w_{ji}^2 \le c^2`, scaling it down where it is more.

    Parameters
    ----------
    module
        A compiled circuit.
    pattern
        Addresses of weights, in which ``*`` stands for anything; each projection is held by itself.
    norm
        :math:`c`, in the unit of the weights.

    References
    ----------
    Srebro and Shraibman, Rank, Trace-Norm and Max-Norm, COLT 2005; Srivastava et al., Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting, Journal of Machine Learning Research 15 (2014).
    """
    held = []
    for value in _plain(module, (pattern,)):
        unit = module.program.projections[value.owner].units[WEIGHT] if value.variable == WEIGHT else "1"
        limit = to_si(norm, unit, "max_norm: norm")
        if not isinstance(limit, float) or not limit > 0:
            raise TrainingError(f"max_norm: norm must be one positive number, got {norm}.")
        held.append((value, receivers(value), limit / value.scale))
    return _MaxNorm(held)


Limits = tuple[Tensor, Tensor]


class _Between(Constraint):
    """Holds values between limits of their own."""

    def __init__(self, values: list[tuple[TrainableValue, Tensor, Tensor]]) -> None:
        self.values = values

    @torch.no_grad()
    def project(self) -> None:
        for value, low, high in self.values:
            parameter = value.get()
            parameter.clamp_(low.to(parameter), high.to(parameter))


class _MaxNorm(Constraint):
    """Holds the norm of what each neuron receives."""

    def __init__(self, values: list[tuple[TrainableValue, Tensor, float]]) -> None:
        self.values = values

    @torch.no_grad()
    def project(self) -> None:
        for value, post, limit in self.values:
            parameter = value.get()
            index = post.to(parameter.device)
            squares = torch.zeros(value.part.n_post, dtype=parameter.dtype, device=parameter.device)
            norm = squares.index_add(0, index.reshape(-1), parameter.square().reshape(-1)).sqrt()
            parameter.mul_((limit / norm.clamp(min=limit))[index])


def senders(value: TrainableValue) -> Tensor:
    """Return the presynaptic neuron of each number of a weight, in the shape of the parameter, int64.

    Raises
    ------
    TrainingError
        If it is no weight, or its numbers belong to several neurons each.
    """
    part, shape = _weight(value), tuple(value.get().shape)
    if value.entry.spread == "matrix":
        return torch.arange(part.n_pre).expand(shape)
    if value.entry.spread == "pre":
        return torch.arange(shape[0])
    if value.entry.spread == "as is" and shape == (part.item.n,):
        return torch.from_numpy(part.item.pre_index.astype("int64"))
    raise TrainingError(f"{value.address} is shared by edges of several neurons, so no sign of a neuron can be held.")


def receivers(value: TrainableValue) -> Tensor:
    """Return the postsynaptic neuron of each number of a weight, in the shape of the parameter, int64.

    Raises
    ------
    TrainingError
        If it is no weight, or its numbers belong to several edges each.
    """
    part, shape = _weight(value), tuple(value.get().shape)
    if value.entry.spread == "matrix":
        return torch.arange(part.n_post)[:, None].expand(shape)
    if value.entry.spread == "as is" and shape == (part.item.n,):
        return torch.from_numpy(part.item.post_index.astype("int64"))
    raise TrainingError(
        f"{value.address} is shared by several edges; the norm of what a neuron receives needs one each."
    )


def _weight(value: TrainableValue) -> Any:
    edges = getattr(value.part, "item", None)
    if value.variable != WEIGHT or not isinstance(edges, ProjectionProgram) or isinstance(edges, ConvolutionProgram):
        raise TrainingError(f"{value.address} is no weight of edges from neuron to neuron.")
    return value.part


def _none(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.bool)


def _plain(module: CircuitModule, patterns: tuple[str, ...]) -> list[TrainableValue]:
    """Return the values that match, each of which a projection can write to."""
    values = trainable_values(module, *patterns)
    for value in values:
        if is_parametrized(value.part, value.entry.name):
            raise TrainingError(
                f"{value.address} is computed by a reparametrisation, which a projection cannot write to; hold it in "
                "one way or the other."
            )
    return values
