"""Named parts, a time step and a seed: what a circuit holds, and how a part is found by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from neurosim.circuit.language import is_name, is_path
from neurosim.circuit.parts import Injection, Part, PoissonInput, Population, Projection, View
from neurosim.circuit.realised_edges import EdgeTable
from neurosim.errors import CircuitError, nearest
from neurosim.units import seconds


class NamedParts:
    """The books of a :class:`Circuit`: its parts by name, in the order of adding, its time step and its seed."""

    def __init__(self, name: str, *, dt: Any, seed: int = 0, round_delays: bool = False) -> None:
        given_name: Any = name
        if not isinstance(given_name, str) or not given_name:
            raise CircuitError(f"a circuit needs a name, got {name!r}.")
        if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**64:
            raise CircuitError(f"circuit {name!r}: seed must be a whole number from 0 to 2**64 - 1, got {seed!r}.")
        self.name = name
        self.dt = seconds(dt, f"circuit {name!r}: dt")
        self.seed = int(seed)
        self.round_delays = bool(round_delays)
        if self.dt <= 0:
            raise CircuitError(f"circuit {name!r}: dt must be positive, got {self.dt} s.")
        self._parts: dict[str, Part] = {}
        self._edges: dict[str, EdgeTable] = {}
        self._includes: set[str] = set()  # what stands before a "/" in the names of parts
        self._takes_paths = False

    @property
    def parts(self) -> Mapping[str, Part]:
        """Every part by name, in the order of adding."""
        return MappingProxyType(self._parts)

    @property
    def populations(self) -> dict[str, Population]:
        """Populations and sources by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Population)}

    @property
    def projections(self) -> dict[str, Projection]:
        """Projections by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Projection)}

    @property
    def injections(self) -> dict[str, Injection]:
        """Injections by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Injection)}

    @property
    def poisson_inputs(self) -> dict[str, PoissonInput]:
        """Poisson inputs by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, PoissonInput)}

    def __getitem__(self, name: str) -> Part:
        if name not in self._parts:
            raise CircuitError(f"circuit {self.name!r} has no {name!r}.{nearest(name, self._parts)}")
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def _add(self, part: Part) -> None:
        if not (is_path(part.name) if self._takes_paths else is_name(part.name)):
            raise CircuitError(
                f"{part.name!r} cannot be a name: letters, digits and single underscores, a letter first, no "
                f"underscore at the end{' (only include() makes names with a slash)' if is_path(part.name) else ''}."
            )
        if part.name in self._parts:
            hint = "; give name= to tell them apart" if isinstance(part, (Projection, Injection, PoissonInput)) else ""
            raise CircuitError(f"circuit {self.name!r} already has {part.name!r}{hint}.")
        above = folders(part.name)
        if part.name in self._includes or not self._parts.keys().isdisjoint(above):
            taken = next((name for name in above if name in self._parts), part.name)
            raise CircuitError(f"circuit {self.name!r}: {taken!r} cannot name a part and an included circuit.")
        self._parts[part.name] = part
        self._includes.update(above)

    @contextmanager
    def _taking_paths(self) -> Iterator[None]:
        """Accept the names of included parts meanwhile: for what makes a circuit from the parts of another."""
        before, self._takes_paths = self._takes_paths, True
        try:
            yield
        finally:
            self._takes_paths = before

    def _end(self, end: str | Population | View) -> tuple[Population, tuple[int, ...] | None]:
        """Return a population and the neurons chosen of it, ``None`` for all."""
        name = end.population if isinstance(end, View) else end.name if isinstance(end, Population) else str(end)
        part = self._population(name)
        if isinstance(end, Population) and end is not part and end != part:
            raise CircuitError(f"circuit {self.name!r} has another population {name!r} than the one given.")
        if not isinstance(end, View):
            return part, None
        outside = [index for index in end.indices if not 0 <= index < part.n]
        if outside:
            raise CircuitError(f"the view of {name!r} names neuron {outside[0]}, but {name!r} has {part.n} neurons.")
        return part, None if end.indices == tuple(range(part.n)) else end.indices

    def _population(self, name: str) -> Population:
        part = self._parts.get(name)
        if not isinstance(part, Population):
            raise CircuitError(f"circuit {self.name!r} has no population {name!r}.{nearest(name, self.populations)}")
        return part

    def _projection(self, name: str) -> Projection:
        part = self._parts.get(name)
        if not isinstance(part, Projection):
            raise CircuitError(f"circuit {self.name!r} has no projection {name!r}.{nearest(name, self.projections)}")
        return part


def folders(path: str) -> list[str]:
    """Return the included circuits that a part lies in: ``"a"`` and ``"a/b"`` of ``"a/b/exc"``."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]
