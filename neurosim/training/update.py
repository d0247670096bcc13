"""One step of an optimiser: outputs, loss, gradients, clipping, step, bounds; and a batch's numbers without one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosim.backends.snntorch.module import CircuitModule
from neurosim.circuit.sources import SignalSource, SpikeSource
from neurosim.errors import TrainingError
from neurosim.training.batches import Batch, drawing_from, step_seed
from neurosim.training.processes import Processes

#: A number of a batch: called with (outputs, targets), returns the mean over its items.
Metric = Callable[[Any, Any], Any]
#: Runs a batch: called as ``forward(module, inputs, record=..., seed=...)``, returns (outputs, state).
Forward = Callable[..., tuple[Any, Any]]


@dataclass(frozen=True)
class Clip:
    """How far gradients may go.

    Parameters
    ----------
    norm
        Largest norm of all gradients together; they are scaled down to it.
    value
        Largest size of each number of a gradient.
    """

    norm: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        if (self.norm is None) == (self.value is None):
            raise TrainingError("Clip: give either norm= or value=.")
        if not (self.norm if self.norm is not None else self.value or 0) > 0:
            raise TrainingError(f"Clip: a limit must be positive, got {self}.")


def call(module: CircuitModule, inputs: Any, *, record: Any, seed: int) -> tuple[Any, Any]:
    """Run a batch in one piece."""
    outputs, state = module(inputs, record=record, seed=seed)
    return outputs, state


class Update:
    """What a step does, but for when.

    Parameters
    ----------
    module
        What is trained.
    loss
        Called with (outputs, targets); ``loss.records`` says what it needs, ``loss.correct(outputs, targets)`` or
        ``loss.predict(outputs)`` tell which items are right.
    optimisers
        One or several.
    processes
        Who computes.
    clip
        How far gradients may go, or None.
    metrics
        Further numbers of a batch by name.
    forward
        How a batch is run.
    seed
        Fixes noise and dropout.
    """

    def __init__(
        self,
        module: CircuitModule,
        loss: Any,
        optimisers: Sequence[torch.optim.Optimizer],
        processes: Processes,
        *,
        clip: Clip | None,
        metrics: Mapping[str, Metric],
        forward: Forward,
        seed: int,
    ) -> None:
        self.module, self.loss, self.processes = module, loss, processes
        self.optimisers = list(optimisers)
        self.clip, self.metrics, self.forward, self.seed = clip, dict(metrics), forward, seed
        self.records = merged_records([loss, *metrics.values()])
        correct = correctness(loss)
        if correct is not None and "accuracy" not in self.metrics:
            self.metrics["accuracy"] = lambda outputs, targets: correct(outputs, targets).double().mean()

    @property
    def names(self) -> list[str]:
        """Names of the numbers of a batch."""
        return ["loss", *self.metrics]

    def step(self, batch: Batch, step: int, items: int) -> tuple[dict[str, float], float | None]:
        """Do one step.

        Parameters
        ----------
        batch
            This process's share.
        step
            Its number, which fixes the noise.
        items
            Number of items over all processes.

        Returns
        -------
        numbers
            Of this process's share by name, times its number of items; they are still to be added up.
        norm
            Of the gradient, before it was clipped; None where only values are clipped.

        Raises
        ------
        TrainingError
            If the loss is not finite; the parameters are as before.
        """
        inputs, targets, count = batch
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        numbers = dict.fromkeys(self.names, 0.0)
        with drawing_from(step_seed(self.seed, "draws", step, self.processes.rank), self.module.device):
            if count:
                outputs, targets = self._run(inputs, targets, step_seed(self.seed, "noise", step, self.processes.rank))
                loss = self.loss(outputs, targets)
                numbers = self._numbers(loss, outputs, targets, count)
        (failed,) = self.processes.sum([float(not math.isfinite(numbers["loss"]))])
        if failed:
            raise TrainingError(
                f"step {step}: the loss is not a finite number ({numbers['loss'] / max(count, 1)}); the parameters are "
                "those before this step. A smaller learning rate, clip=, or a longer surrogate may help."
            )
        if count:
            self.processes.backward(loss if count == items else loss * (count / items))
        self.processes.add_gradients(self.module)
        norm = self._clipped()
        self.processes.step(self.optimisers)
        self.module.project()
        self.processes.average_statistics(self.module, count / items)
        return numbers, norm

    @torch.no_grad()
    def evaluate(self, batch: Batch, number: int) -> dict[str, float]:
        """Return the numbers of a batch, times its number of items; the module is in evaluation mode."""
        inputs, targets, count = batch
        if not count:
            return dict.fromkeys(self.names, 0.0)
        seed = step_seed(self.seed, "evaluation", number, self.processes.rank)
        with drawing_from(seed, self.module.device):
            outputs, targets = self._run(inputs, targets, seed)
            return self._numbers(self.loss(outputs, targets), outputs, targets, count)

    def _run(self, inputs: Any, targets: Any, seed: int) -> tuple[Any, Any]:
        named = inputs if isinstance(inputs, Mapping) else {self._source(): inputs}
        with self.processes.autocast():
            outputs, _ = self.forward(self.module, named, record=self.records, seed=seed)
        return outputs, moved(targets, self.module.device, self.module.torch_dtype)

    def _source(self) -> str:
        """Return the source that inputs without a name are for."""
        parts = self.module.circuit.populations.items()
        fed = [name for name, part in parts if isinstance(part.model, (SpikeSource, SignalSource))]
        if len(fed) != 1:
            raise TrainingError(
                f"the circuit has {len(fed)} sources ({', '.join(fed)}); give inputs as a dict by source or injection."
            )
        return fed[0]

    @torch.no_grad()
    def _numbers(self, loss: Tensor, outputs: Any, targets: Any, count: int) -> dict[str, float]:
        values = {"loss": loss, **{name: metric(outputs, targets) for name, metric in self.metrics.items()}}
        return {name: float(torch.as_tensor(value).detach()) * count for name, value in values.items()}

    def _clipped(self) -> float | None:
        """Clip the gradients; return their norm before."""
        self.processes.unscale(self.optimisers)
        parameters = [
            one for optimiser in self.optimisers for group in optimiser.param_groups for one in group["params"]
        ]
        if self.clip is not None and self.clip.value is not None:
            torch.nn.utils.clip_grad_value_(parameters, self.clip.value)
            return None
        limit = float("inf") if self.clip is None or self.clip.norm is None else self.clip.norm
        gradients = [one.grad for one in parameters if one.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
        return float(norm)


def correctness(loss: Any) -> Metric | None:
    """Return what tells of each item whether its class is told rightly, (batch,); None for a loss without classes."""
    if hasattr(loss, "correct"):
        correct: Metric = loss.correct
        return correct
    if hasattr(loss, "predict"):
        return lambda outputs, targets: loss.predict(outputs) == targets
    return None


def merged_records(parts: Sequence[Any]) -> dict[str, list[str]] | None:
    """Return what has to be recorded for losses and metrics; None, the module's default, where none says."""
    wanted: dict[str, list[str]] = {}
    for part in parts:
        for name, variables in (getattr(part, "records", None) or {}).items():
            known = wanted.setdefault(name, [])
            known += [one for one in ([variables] if isinstance(variables, str) else variables) if one not in known]
    return wanted or None


def moved(targets: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Return targets where the module is, real numbers in its dtype."""
    if isinstance(targets, Tensor):
        return targets.to(device, dtype if targets.is_floating_point() else None)
    if isinstance(targets, Mapping):
        return {name: moved(one, device, dtype) for name, one in targets.items()}
    if isinstance(targets, tuple):
        return tuple(moved(one, device, dtype) for one in targets)
    return targets


def checked_optimisers(given: Any, module: CircuitModule) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a run.

    Raises
    ------
    TrainingError
        If one is no optimiser, calls the loss by itself, has a parameter that is not the module's, or two share one.
    """
    optimisers = list(given) if isinstance(given, (list, tuple)) else [given]
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    seen: set[str] = set()
    for optimiser in optimisers:
        kind = type(optimiser).__name__
        if not isinstance(optimiser, torch.optim.Optimizer):
            raise TrainingError(f"optimiser: an optimiser of torch is needed, or a list of them, not {kind}.")
        if inspect.signature(optimiser.step).parameters.get("closure", _OPTIONAL).default is inspect.Parameter.empty:
            raise TrainingError(
                f"optimiser: {kind} evaluates the loss several times a step, which a Trainer cannot do."
            )
        for parameter in (one for group in optimiser.param_groups for one in group["params"]):
            name = names.get(id(parameter))
            if name is None:
                raise TrainingError(
                    f"optimiser: {kind} has a parameter of shape {tuple(parameter.shape)} that is not the module's."
                )
            if name in seen:
                raise TrainingError(f"optimiser: {name} belongs to two optimisers.")
            seen.add(name)
    if not optimisers:
        raise TrainingError("optimiser: the list is empty.")
    return optimisers


_OPTIONAL = inspect.Parameter("closure", inspect.Parameter.KEYWORD_ONLY, default=None)
