r"""What training minimises, as a sum: terms that read a module's outputs, added and scaled like numbers.

.. code-block:: python

    loss = losses.softmax_over_time("out.v") + 0.1 * regularisers.upper_rate("hidden.spikes", 0.05)
    outputs, state = module(inputs, record=loss.records)
    loss(outputs, targets).backward()
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import RecordError, TrainingError, nearest

Outputs = Mapping[str, Mapping[str, Tensor]]
Targets = Any  # a tensor, or a mapping of tensors by name (see Term)

#: Under which names a mapping of targets says which steps count.
MASK, STEPS = "mask", "steps"


def split_address(address: str) -> tuple[str, str]:
    """Return (part, variable) of an address such as ``"out.v"`` or ``"out.spikes"``.

    Raises
    ------
    RecordError
        If it is no such address.
    """
    part, _, variable = str(address).rpartition(".")
    if not (part and variable):
        raise RecordError(f"{address!r} is no address; write 'population.variable', such as 'out.v' or 'out.spikes'.")
    return part, variable


def recorded(outputs: Outputs, address: str) -> Tensor:
    r"""Return what a module recorded at an address, (time, batch, \*shape).

    Raises
    ------
    RecordError
        If it was not recorded.
    """
    part, variable = split_address(address)
    if variable not in outputs.get(part, {}):
        known = [f"{name}.{key}" for name, found in outputs.items() for key in found]
        raise RecordError(
            f"{address!r} is not among the outputs; call the module with record=loss.records.{nearest(address, known)}"
        )
    return outputs[part][variable]


def mask_of(targets: Targets, trace: Tensor) -> Tensor | None:
    """Return which steps of a batch count, (time, batch), or ``None`` for all.

    Parameters
    ----------
    targets
        What the loss was called with: a mapping may hold ``"mask"``, (time, batch), or ``"steps"``, (batch,): how many
        steps of each sample are not padding.
    trace
        (time, batch, ...).

    Raises
    ------
    TrainingError
        If ``"steps"`` has another shape, or is out of the range.
    """
    if not isinstance(targets, Mapping):
        return None
    if targets.get(MASK) is not None:
        return torch.as_tensor(targets[MASK], device=trace.device)
    if targets.get(STEPS) is None:
        return None
    steps = torch.as_tensor(targets[STEPS], device=trace.device)
    time, batch = trace.shape[:2]
    if tuple(steps.shape) != (batch,) or bool(((steps < 1) | (steps > time)).any()):
        raise TrainingError(f"targets['steps']: give one number from 1 to {time} for each of the {batch} samples.")
    return torch.arange(time, device=trace.device)[:, None] < steps


class Term(ABC):
    r"""One thing to minimise.

    Called with a module's outputs, and with targets where it compares them with something, it returns one number.
    Targets are a tensor; or a mapping of tensors, of which each loss takes the one that its `target=` names, and which
    may say which steps are not padding: ``"steps"``, (batch,), or ``"mask"``, (time, batch).

    Terms are added, and multiplied by numbers: ``loss + 0.1 * regulariser``.
    """

    @property
    @abstractmethod
    def records(self) -> dict[str, list[str]]:
        """What it reads, as a module's ``record=`` takes it."""

    @abstractmethod
    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the term, a scalar."""

    def __add__(self, other: Any) -> Sum:
        return Sum(self, other) if isinstance(other, Term) else NotImplemented

    def __radd__(self, other: Any) -> Sum:
        return Sum(self) if isinstance(other, (int, float)) and other == 0 else NotImplemented  # for sum([...])

    def __mul__(self, factor: Any) -> Sum:
        if isinstance(factor, bool) or not isinstance(factor, (int, float)):
            return NotImplemented
        return Sum(self).scaled(float(factor))

    def __rmul__(self, factor: Any) -> Sum:
        return self.__mul__(factor)


@dataclass(frozen=True, eq=False)
class OneVariable(Term):
    """A term that reads one variable.

    Parameters
    ----------
    name
        What the term is called.
    address
        Of the variable, such as ``"out.v"``.
    """

    name: str
    address: str

    def __post_init__(self) -> None:
        split_address(self.address)

    @property
    def records(self) -> dict[str, list[str]]:
        """What it reads, as a module's ``record=`` takes it."""
        part, variable = split_address(self.address)
        return {part: [variable]}

    def read(self, outputs: Outputs, targets: Targets = None) -> tuple[Tensor, Tensor | None]:
        """Return the variable, (time, batch, neuron), and which steps count, (time, batch) or ``None``."""
        trace = recorded(outputs, self.address)
        flat = trace.reshape(*trace.shape[:2], -1)
        return flat, mask_of(targets, flat)


@dataclass(frozen=True, init=False)
class Sum(Term):
    """Terms that are added, each with a factor.

    Parameters
    ----------
    *terms
        What to add; a sum among them is taken apart.

    Raises
    ------
    TypeError
        If one is no term, or there is none.
    """

    weighted: tuple[tuple[float, Term], ...]

    def __init__(self, *terms: Term) -> None:
        for term in terms:
            if not isinstance(term, Term):
                raise TypeError(
                    f"Sum: {term!r} is no loss or regulariser of neurosim.training; wrap a function with losses.custom."
                )
        if not terms:
            raise TypeError("Sum: give at least one term.")
        flat = [pair for term in terms for pair in (term.weighted if isinstance(term, Sum) else [(1.0, term)])]
        object.__setattr__(self, "weighted", tuple(flat))

    def scaled(self, factor: float) -> Sum:
        """Return every term times a factor."""
        found = Sum(*(term for _, term in self.weighted))
        object.__setattr__(found, "weighted", tuple((factor * own, term) for own, term in self.weighted))
        return found

    @property
    def records(self) -> dict[str, list[str]]:
        """What the terms read, together."""
        found: dict[str, list[str]] = {}
        for _, term in self.weighted:
            for part, variables in term.records.items():
                known = found.setdefault(part, [])
                known += [variable for variable in variables if variable not in known]
        return found

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the sum, a scalar."""
        return torch.stack(list(self.parts(outputs, targets).values())).sum()

    def parts(self, outputs: Outputs, targets: Targets = None) -> dict[str, Tensor]:
        """Return what each term adds, factor included, by its name; a second one of a name is called ``"name 2"``."""
        found: dict[str, Tensor] = {}
        for factor, term in self.weighted:
            name = title = getattr(term, "name", type(term).__name__)
            number = 1
            while title in found:
                number += 1
                title = f"{name} {number}"
            found[title] = factor * term(outputs, targets)
        return found

    @property
    def predict(self) -> Callable[..., Tensor]:
        """The decision of the one term that decides between classes."""
        return self._deciding("predict")

    @property
    def correct(self) -> Callable[..., Tensor]:
        """Whether the decision of that term is right, sample by sample."""
        return self._deciding("correct")

    def _deciding(self, name: str) -> Callable[..., Tensor]:
        found = [getattr(term, name) for _, term in self.weighted if hasattr(term, name)]
        if len(found) != 1:  # an AttributeError, so that hasattr() tells
            raise AttributeError(f"{len(found)} terms of this sum decide between classes; {name} needs exactly one.")
        method: Callable[..., Tensor] = found[0]
        return method
