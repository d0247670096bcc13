"""The trainable values of a module by address: what regularisers weigh and constraints hold."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from torch import Tensor

from neurosim.backends.snntorch.parameters import Entry, Values
from neurosim.errors import TrainingError, nearest

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


@dataclass(frozen=True)
class TrainableValue:
    """One trainable value of a module.

    Parameters
    ----------
    address
        As in the circuit: ``"hidden.tau_mem"``, ``"in_to_hidden.weight"``.
    owner
        The part's name.
    part
        The part's module.
    variable
        What the part's expressions call it.
    entry
        Its limits, and how it spreads over neurons or edges.
    """

    address: str
    owner: str
    part: Any
    variable: str
    entry: Entry

    def get(self) -> Tensor:
        """Return the parameter as it is: the value in SI divided by :attr:`scale`; delays are in steps."""
        value: Tensor = getattr(self.part, self.entry.name)
        return value

    @property
    def scale(self) -> float:
        """What the parameter is multiplied by."""
        return float(self.part.values.scale(self.variable))


def trainable_values(module: CircuitModule, *patterns: str) -> list[TrainableValue]:
    """Return the trainable values whose addresses match a pattern.

    Parameters
    ----------
    module
        A compiled circuit.
    *patterns
        Addresses, in which ``*`` stands for anything: ``"*.weight"``.

    Raises
    ------
    TrainingError
        If there is no pattern, or one that matches nothing.
    """
    if not patterns:
        raise TrainingError("say which values, by address: 'in_to_hidden.weight', or '*.weight' for all weights.")
    parts: list[tuple[str, Any]] = list(module.named_children())
    found = [
        TrainableValue(f"{owner}.{entry.name}", owner, part, variable, entry)
        for owner, part in parts
        if isinstance(getattr(part, "values", None), Values)
        for variable, entry in part.values.entries.items()
    ]
    addresses = [value.address for value in found]
    for pattern in patterns:
        if not any(fnmatchcase(address, pattern) for address in addresses):
            raise TrainingError(f"{pattern!r} matches no trainable value.{nearest(pattern, addresses)}")
    return [value for value in found if any(fnmatchcase(value.address, pattern) for pattern in patterns)]
