r"""E-prop: gradients of recurrent spiking networks from what each synapse and neuron knows, forward in time.

A synapse carries an eligibility, what it has done to its neuron's spikes; the error of the readout comes back through
fixed weights as a learning signal; their product, summed over time, is its gradient (Bellec et al., 2020):

.. math::

    \frac{dE}{dW_{ji}} \approx \sum_t L_j^t\, \bar e_{ji}^t, \qquad
    L_j^t = \sum_k B_{jk} \frac{\partial E^t}{\partial y_k^t}

with the eligibility filtered as the readout filters spikes. It leaves out how a neuron's spikes come back to it through
others. Where there is no such way, and B are the readout's own weights, it is the gradient of back-propagation through
time; nothing of the past is kept but the traces.

References
----------
G. Bellec, F. Scherr, A. Subramoney, E. Hajek, D. Salaj, R. Legenstein, W. Maass: A solution to the learning dilemma for
recurrent networks of spiking neurons. Nature Communications 11, 3625 (2020), doi:10.1038/s41467-020-17236-y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.arguments import checked_input, chosen_records, extent
from neurosim.backends.states import check_state, initial_state
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import TrainingError, nearest
from neurosim.program.step_program import ProjectionProgram
from neurosim.random import Stream
from neurosim.training.local.eligibility import Eligibility, ReadoutFilter
from neurosim.training.local.linear import transition
from neurosim.training.local.local_step import Derivatives, LocalStepper, rows_of_steps
from neurosim.training.local.plan import Plan, plan

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule, Outputs
    from neurosim.recording import State

FEEDBACK = ("symmetric", "random")
#: From what the readout shows in a step, (batch, \*shape), and the target of that step, to a scalar.
StepLoss = Callable[[Tensor, Tensor], Tensor]


def squared_error(shown: Tensor, target: Tensor) -> Tensor:
    """Return half the squared error of a step, summed over the readout and averaged over the batch."""
    return 0.5 * (shown - target).square().sum() / len(shown)


def cross_entropy(shown: Tensor, target: Tensor) -> Tensor:
    """Return the cross entropy of a step, averaged over the batch; a target is a class, or below 0 for none."""
    shown = shown.flatten(1)
    chosen = target.clamp(min=0).to(torch.int64)[:, None]
    found = torch.log_softmax(shown, 1).gather(1, chosen)[:, 0]
    return -(found * (target >= 0)).sum() / len(shown)


@dataclass(frozen=True)
class EPropRun:
    """What a run of e-prop gives beside the gradients.

    Parameters
    ----------
    loss
        Summed over the steps.
    outputs
        What was asked to be recorded, as of a call of the module; by default what the readout shows.
    state
        After the last step.
    """

    loss: float
    outputs: Outputs
    state: State


class EProp:
    """Trains the weights of a recurrent network by e-prop.

    Every trainable weight of a projection to the readout, or to a spiking population whose learning signal is known,
    gets a gradient. Any neuron will do whose step is written in equations: adaptation, receptors and refractory periods
    enter through their own derivatives, the spike through the surrogate of the module.

    Parameters
    ----------
    module
        The compiled circuit.
    readout
        ``"population.variable"`` that the error is counted on; a linear population without a threshold, all of whose
        neurons have the same constants, such as :func:`neurosim.models.leaky_integrator`.
    feedback
        ``"symmetric"``: errors come back through the readout's weights as they are now. ``"random"``: through fixed
        normal numbers as large as those (1, where they are all 0), also to populations that do not reach the readout.
    loss
        Of one step; :func:`squared_error`, :func:`cross_entropy` or your own. Losses of steps are summed.
    seed
        Of random feedback.

    Raises
    ------
    CircuitError
        If there is no such population or variable.
    TrainingError
        If `feedback` is unknown, or nothing can be trained.
    UnsupportedError
        With the whole list, if the circuit holds what e-prop cannot train or cannot follow.

    Notes
    -----
    Memory does not grow with the number of steps, except by what is recorded. It holds some numbers per edge and trial.
    """

    def __init__(
        self,
        module: CircuitModule,
        readout: str = "out.v",
        *,
        feedback: str = "symmetric",
        loss: StepLoss = squared_error,
        seed: int = 0,
    ) -> None:
        if feedback not in FEEDBACK:
            raise TrainingError(f"feedback={feedback!r} is unknown.{nearest(feedback, FEEDBACK)}")
        self.module, self.loss, self.feedback = module, loss, feedback
        self._plan: Plan = plan(module, readout, to_all=feedback == "random")
        self._random = {name: self._drawn(name, seed) for name in self._plan.learning if feedback == "random"}

    def accumulate(
        self,
        inputs: Mapping[str, Any] | None,
        targets: Any,
        state: State | None = None,
        *,
        record: Any = None,
        seed: int = 0,
    ) -> EPropRun:
        r"""Run the module over the steps of `targets` and add to the gradients (``.grad``) of its parameters.

        Parameters
        ----------
        inputs
            As for a call of the module, (time, batch, \*shape) by name.
        targets
            (time, batch, ...): row t goes to the loss of step t.
        state
            Where to go on from. Traces start at 0 in every call.
        record
            As for a call of the module.
        seed
            Fixes the noise.

        Raises
        ------
        TrainingError
            If targets and inputs differ in steps or trials.
        """
        module = self.module
        wanted = torch.as_tensor(targets, device=module.device)
        wanted = wanted.to(module.torch_dtype) if wanted.is_floating_point() else wanted
        given = {
            name: checked_input(module.circuit, name, value, module.device, module.torch_dtype)
            for name, value in (inputs or {}).items()
        }
        if wanted.ndim < 2:
            raise TrainingError(f"targets have shape {tuple(wanted.shape)}; expected (time, batch, ...).")
        n_steps, batch = extent(given, len(wanted), state) if given else (len(wanted), wanted.shape[1])
        if wanted.shape[1] != batch:
            raise TrainingError(f"targets are for {wanted.shape[1]} trials, the inputs for {batch}.")
        if state is None:
            state = initial_state(module.circuit, module.program, seed, batch)
        else:
            check_state(state, module.circuit, module.program, batch)
        readout, variable = self._plan.readout, self._plan.variable
        chosen = chosen_records(module.circuit, module.program, {readout: variable} if record is None else record)
        collected: dict[tuple[str, str], list[Tensor]] = {address: [] for address in chosen}
        stepper = LocalStepper(module, state, self._plan.followed)
        learners = self._learners()
        loss = 0.0
        for step, (rows, noise) in enumerate(rows_of_steps(module, given, state, n_steps, seed)):
            slopes = stepper.advance(rows, noise)
            value, error = self._error(stepper.value(readout, variable), wanted[step])
            loss += value
            with torch.no_grad():
                for learner in learners:
                    learner.advance(slopes, stepper.past, error)
            for address in chosen:
                value_now = stepper.spikes[address[0]] if address[1] == "spikes" else stepper.value(*address)
                collected[address].append(value_now.detach())
        for learner in learners:
            self._give(learner)
        outputs: Outputs = {}
        for (name, key), values in collected.items():
            stacked = torch.stack(values)
            shape = module.circuit.populations[name].shape if name in module.circuit.populations else stacked.shape[2:]
            outputs.setdefault(name, {})[key] = stacked.reshape(*stacked.shape[:2], *shape)
        return EPropRun(loss, outputs, stepper.state(seed))

    def _error(self, shown: Tensor, target: Tensor) -> tuple[float, Tensor]:
        """Return the loss of a step, and its derivative by what the readout shows, (batch, neuron)."""
        shape = self.module.circuit.populations[self._plan.readout].shape
        with torch.enable_grad():
            leaf = shown.detach().requires_grad_()
            value = self.loss(leaf.reshape(len(leaf), *shape), target)
            (error,) = torch.autograd.grad(value, leaf)
        return float(value.detach()), error

    def _learners(self) -> list[_Learner]:
        matrix = transition(self.module, self._plan.readout)
        return [
            _Learner(self.module, self.module.program.projections[name], self._plan, matrix, self._feedback(name))
            for name in self._plan.projections
        ]

    def _feedback(self, projection: str) -> Tensor | None:
        """Return what the errors of the readout are to the neurons of a projection, (post, readout)."""
        post = self.module.program.projections[projection].post
        if post == self._plan.readout:
            return None
        return self._random[post] if self.feedback == "random" else self._symmetric(post)

    @torch.no_grad()
    def _symmetric(self, population: str) -> Tensor:
        item = self.module.program.projections[self._plan.learning[population]]
        part = self.module.part(item.name)
        weight = part.edge_value(WEIGHT, part.current(by_edge=True))
        populations = self.module.program.populations
        matrix = torch.zeros((populations[item.pre].n, populations[item.post].n)).to(weight)
        matrix.index_put_((part.pre_edges, part.post_edges), weight, accumulate=True)
        return matrix

    @torch.no_grad()
    def _drawn(self, population: str, seed: int) -> Tensor:
        parts = [self.module.part(name) for name in self._plan.to_readout]
        weights = torch.cat([part.edge_value(WEIGHT, part.current(by_edge=True)) for part in parts])
        size = float(weights.double().square().mean().sqrt()) or 1.0
        populations = self.module.program.populations
        shape = (populations[population].n, populations[self._plan.readout].n)
        drawn = Stream(seed, f"{population}/feedback").normal(int(np.prod(shape))).reshape(shape)
        return self.module.tensor(size * drawn)

    def _give(self, learner: _Learner) -> None:
        """Add the gradient of the edges to that of the parameter behind them."""
        part = self.module.part(learner.name)
        with torch.enable_grad():
            weight = part.edge_value(WEIGHT, part.current(by_edge=True))
            weight.backward(learner.gradient.reshape(-1).to(weight))


class _Learner:
    """The traces and the gradient of one projection."""

    def __init__(
        self, module: CircuitModule, item: ProjectionProgram, plan: Plan, matrix: Tensor, feedback: Tensor | None
    ) -> None:
        self.name, self.post = item.name, item.post
        self._eligibility = Eligibility(module, item)
        self._feedback = feedback
        self.gradient = torch.zeros(self._eligibility.layout.shape, dtype=module.torch_dtype, device=module.device)
        if feedback is not None:
            self._filter = ReadoutFilter(matrix[..., 0], *plan.through)
        self._variable = plan.variable

    def advance(self, slopes: Mapping[str, Derivatives], past: Mapping[str, list[Tensor]], error: Tensor) -> None:
        """Take a step in, with the derivative of its loss by what the readout shows, (batch, readout)."""
        if self._feedback is None:
            self._eligibility.advance(slopes[self.post], past[self._eligibility.pre])
            self._add(error, self._eligibility.of_variable(self._variable))
            return
        spikes = self._eligibility.of_spike(slopes[self.post])
        self._eligibility.advance(slopes[self.post], past[self._eligibility.pre])
        self._add(error @ self._feedback.T, self._filter.advance(spikes))

    def _add(self, signal: Tensor, trace: Tensor | None) -> None:
        if trace is not None:
            self.gradient += (self._eligibility.layout.at_post(signal) * trace).sum(0)
