"""The program of a projection whose edges share the weights of a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.convolution import Convolution
from neurosim.circuit.parts import Projection
from neurosim.circuit.realisation import placed_rule, shared_delay
from neurosim.circuit.realised_edges import EdgeTable
from neurosim.circuit.sliding import Sliding
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.program.statements import Statement
from neurosim.program.step_program import ProjectionProgram


def sliding_of(circuit: Circuit, part: Projection) -> Sliding | None:
    """Return where the kernel of a projection lies, ``None`` where its edges share no weights."""
    rule = placed_rule(circuit, part)
    return rule.sliding if isinstance(rule, Convolution) else None


class ConvolutionProgram(ProjectionProgram):
    """A projection by a kernel: its edges are made when something first asks for them, which training does not.

    Parameters
    ----------
    circuit, part
        Where the edges come from.
    sliding
        Where the kernel lies.
    values
        What the expressions read, by name; the weight is the kernel.
    constants, units, additions, rank, order
        As for every projection.
    """

    sliding: Sliding
    kernel: float | np.ndarray
    shared_delay: int | None

    def __init__(
        self,
        circuit: Circuit,
        part: Projection,
        sliding: Sliding,
        values: Mapping[str, float | np.ndarray],
        constants: Mapping[str, float],
        units: Mapping[str, str],
        additions: tuple[Statement, ...],
        rank: int,
        order: int,
    ) -> None:
        kernel = values[WEIGHT]
        # Frozen: fields are set once, here; those that are left out are properties of this class.
        self.__dict__.update(
            name=part.name, pre=part.pre, post=part.post, graded=part.graded, constants=constants, units=units,
            additions=additions, rank=rank, order=order, sliding=sliding, kernel=kernel,
            shared_delay=shared_delay(circuit, part), _circuit=circuit, values=_Values(self, values), dynamics=None,
        )  # fmt: skip

    @property
    def edges(self) -> EdgeTable:
        """The edges, realised."""
        circuit: Circuit = self.__dict__["_circuit"]
        return circuit.edges(self.name)

    @property
    def element(self) -> np.ndarray:
        """Which element of the kernel, in flat order, each edge has: int32, shape (edge,)."""
        element = self.edges.element
        return self.sliding.elements() if element is None else element

    @property
    def n(self) -> int:
        """Number of edges."""
        return self.sliding.n_edges

    @cached_property
    def max_delay(self) -> int:
        """The longest delay, in steps."""
        return super().max_delay if self.shared_delay is None else self.shared_delay


class _Values(Mapping[str, float | np.ndarray]):
    """The values of the edges by name; weights that are shared are looked up when they are asked for."""

    def __init__(self, program: ConvolutionProgram, values: Mapping[str, float | np.ndarray]) -> None:
        self._program, self._values = program, values

    def __getitem__(self, name: str) -> float | np.ndarray:
        value = self._values[name]
        return self._program.edges.weight if name == WEIGHT and isinstance(value, np.ndarray) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
