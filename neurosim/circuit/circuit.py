"""The circuit: named populations, sources, projections and injections, with a time step and a seed. Data only.

What it holds is in :mod:`neurosim.circuit.named_parts`, how parts are added in :mod:`neurosim.circuit.building`; here
is what can be asked of the whole: the numbers that its rules and its seed give, and the circuit as a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.circuit import realisation
from neurosim.circuit.building import Building
from neurosim.circuit.parts import Projection
from neurosim.circuit.realised_edges import EdgeTable
from neurosim.circuit.values import Trainable


class Circuit(Building):
    """A neural circuit, written once, that every backend runs.

    Parameters
    ----------
    name
        What it is called.
    dt
        Time step, a quantity.
    seed
        Fixes the structure: edges, weights, delays, parameters and initial values that are drawn.
    round_delays
        Accept given delays that are no multiple of `dt`, rounding them to the nearest step (and saying so).

    Notes
    -----
    Parts can be added, never changed; :meth:`replace` returns another circuit. Two circuits are equal if their parts,
    time step and seed are.
    """

    # -- realised ------------------------------------------------------------------------------------------------

    def edges(self, projection: str | Projection) -> EdgeTable:
        """Return a projection's edges as realised from the seed: ``(pre, post, weight, delay)``, SI, each (edge,)."""
        name = projection if isinstance(projection, str) else projection.name
        if name not in self._edges:
            self._edges[name] = realisation.realise_edges(self, self._projection(name))
        return self._edges[name]

    def kernel(self, projection: str | Projection) -> np.ndarray:
        """Return the kernel of a :class:`Convolution` as realised, SI: (channels out, channels in / groups, *size)."""
        part = self._projection(projection if isinstance(projection, str) else projection.name)
        weight = realisation.realise_kernel(self, part)
        return np.array(np.broadcast_to(weight, realisation.placed_rule(self, part).kernel_shape or ()))

    def edge_parameter(self, projection: str, name: str) -> float | np.ndarray:
        """Return a projection's parameter as realised: a float where all edges share it, else (edge,)."""
        return realisation.realise_edge_parameter(self, self._projection(projection), name)

    def edge_initial(self, projection: str, variable: str) -> np.ndarray:
        """Return where a variable of a plastic synapse starts on each edge (``"w"``: the weights), SI, (edge,)."""
        return realisation.realise_edge_initial(self, self._projection(projection), variable)

    def post_delay_steps(self, projection: str) -> np.ndarray:
        """Return a projection's delays from postsynaptic spikes to ``on_post`` as realised, in steps, (edge,)."""
        return realisation.realise_post_delay(self, self._projection(projection))

    def parameter(self, population: str, name: str) -> float | np.ndarray:
        """Return a population's parameter as realised: a float where all neurons share it, else (neuron,)."""
        return realisation.realise_parameter(self, self._population(population), name)

    def rate(self, source: str) -> float | np.ndarray:
        """Return the rate of a Poisson source or input as realised, in hertz: one for all, or (neuron,)."""
        return realisation.realise_rate(self, source)

    def initial(self, population: str, variable: str) -> np.ndarray:
        """Return the initial values of a variable, SI, shape (neuron,)."""
        return realisation.realise_initial(self, self._population(population), variable)

    def trainables(self) -> dict[str, Trainable]:
        """Return everything marked trainable, by address (``"exc.tau_mem"``, ``"in_to_hidden.weight"``)."""
        return realisation.trainables(self)

    # -- as a value ----------------------------------------------------------------------------------------------

    def replace(self, values: Mapping[str, Any]) -> Circuit:
        """Return a circuit with some values replaced.

        Parameters
        ----------
        values
            By address: ``{"exc.tau_mem": 10 * ms, "exc_to_inh.weight": 3 * nS, "exc_to_inh.delay": 1 * ms}``.
            ``"dt"`` and ``"seed"`` address the circuit's own.

        Raises
        ------
        CircuitError
            If an address does not exist.
        """
        from neurosim.circuit.replacing import replace

        return replace(self, values)

    def digest(self) -> str:
        """Return a SHA-256 of everything that defines the circuit: rules and seed, and arrays where they were given."""
        from neurosim.circuit.files import digest

        return digest(self)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write ``path`` (JSON) and, where there are arrays, an ``.npz`` beside it."""
        from neurosim.circuit.files import save

        return save(self, Path(path), overwrite=overwrite)

    @staticmethod
    def load(path: str | Path) -> Circuit:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileFormatError
            If a file is truncated, edited, or of another format.
        """
        from neurosim.circuit.files import load

        return load(Path(path))

    def __deepcopy__(self, memo: dict[int, Any]) -> Circuit:
        copy = Circuit.__new__(Circuit)
        # Parts are frozen and realised edges are never written: only the books are new.
        books = {"_parts": dict(self._parts), "_edges": dict(self._edges), "_includes": set(self._includes)}
        copy.__dict__.update(self.__dict__, **books)
        return copy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Circuit) and (
            (self.name, self.dt, self.seed, self.round_delays, list(self._parts.items()))
            == (other.name, other.dt, other.seed, other.round_delays, list(other._parts.items()))
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        populations = ", ".join(f"{name} ({part.n})" for name, part in self.populations.items())
        return f"<Circuit {self.name!r}, dt {self.dt:g} s, seed {self.seed}: {populations or 'empty'}>"

    def __str__(self) -> str:
        from neurosim.circuit.listing import listing

        return listing(self)
