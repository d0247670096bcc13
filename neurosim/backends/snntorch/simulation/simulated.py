"""What a compiled simulation reads of what it simulates: the program of a circuit, and its numbers as they are now.

The numbers are numpy's. Those of a circuit never change, those of a torch module may
(:class:`neurosim.backends.snntorch.simulated_module.SimulatedModule`): nothing here needs torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.step_parts import StepParts
from neurosim.circuit.circuit import Circuit
from neurosim.program.step_program import StepProgram

Numbers = NDArray[np.float64]


class Watch(Protocol):
    """Tells whether numbers are what they were when it was made: all but those of large projections."""

    @property
    def large(self) -> frozenset[str]:
        """The projections whose values, but for numbers that all edges share, are read anew by every run."""

    @property
    def plain(self) -> bool:
        """Whether it can tell."""

    @property
    def nbytes(self) -> int:
        """Bytes that are compared."""

    def unchanged(self) -> bool:
        """Tell whether all is as it was."""


class Simulated(ABC):
    """What is simulated.

    Parameters
    ----------
    circuit, program
        The circuit, and its lowered program.
    """

    def __init__(self, circuit: Circuit, program: StepProgram) -> None:
        self.circuit, self.program = circuit, program
        #: The programs of populations, parted.
        self.parts = {name: StepParts(item) for name, item in program.populations.items()}

    @abstractmethod
    def parameters(self, population: str) -> Mapping[str, Numbers]:
        """Return the parameters of a population in SI, each () or (neuron,)."""

    @abstractmethod
    def edge_values(self, projection: str) -> Mapping[str, Numbers]:
        """Return the values of the edges of a projection in SI, each () or (edge,)."""

    @abstractmethod
    def pulse_weight(self, poisson_input: str) -> Numbers:
        """Return the weight of a background pulse in SI, () or (neuron that receives,)."""

    @abstractmethod
    def whole_delay(self, projection: str) -> NDArray[np.integer]:
        """Return the delays of a projection in steps, whole numbers of any type, (edge,)."""

    @abstractmethod
    def learns_delays(self, projection: str) -> bool:
        """Tell whether delays may differ in the next run."""

    @abstractmethod
    def watch(self) -> Watch:
        """Return what tells later whether the numbers are still the same."""


class _Unwatched:
    """Of what never changes."""

    large, plain, nbytes = frozenset[str](), True, 0

    def unchanged(self) -> bool:
        return True


class SimulatedCircuit(Simulated):
    """A circuit as it was written."""

    def parameters(self, population: str) -> Mapping[str, Numbers]:
        """Return the parameters of a population in SI, each () or (neuron,)."""
        return _arrays(self.program.populations[population].parameters)

    def edge_values(self, projection: str) -> Mapping[str, Numbers]:
        """Return the values of the edges of a projection in SI, each () or (edge,)."""
        return _arrays(self.program.projections[projection].values)

    def pulse_weight(self, poisson_input: str) -> Numbers:
        """Return the weight of a background pulse in SI, () or (neuron that receives,)."""
        (item,) = (item for item in self.program.poisson if item.name == poisson_input)
        return np.asarray(item.weight, dtype=np.float64)

    def whole_delay(self, projection: str) -> NDArray[np.integer]:
        """Return the delays of a projection in steps, whole numbers of any type, (edge,)."""
        return self.program.projections[projection].edges.step_numbers

    def learns_delays(self, projection: str) -> bool:
        """Tell whether delays may differ in the next run: never."""
        return False

    def watch(self) -> Watch:
        """Return what tells later whether the numbers are still the same: they are."""
        return _Unwatched()


def _arrays(values: Mapping[str, float | Numbers]) -> dict[str, Numbers]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
