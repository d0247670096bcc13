"""What a connectome is: named cells, signed chemical synapses, gap junctions, and where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError, nearest

UnknownSign = Literal["positive", "negative", "drop"]
MatrixKind = Literal["chemical", "signed", "gap"]

_DTYPES = {"weight": np.float64, "sign": np.int8} | dict.fromkeys(("pre", "post", "a", "b"), np.int64)


def sign_of(transmitters: Iterable[str]) -> int:
    """Return the sign of a cell's chemical synapses: +1, -1, or 0 where the transmitters do not tell.

    Acetylcholine, alone or with anything but GABA, is +1; GABA without acetylcholine is -1; both (the four SMD cells)
    or neither is 0. The sign of a real synapse depends on the receptor: glutamate in particular acts both ways.
    """
    used = set(transmitters)
    return int("acetylcholine" in used) - int("gaba" in used)


@dataclass(frozen=True, eq=False)
class _Table:
    """One-dimensional arrays of equal length, copied, read-only and compared by value."""

    def __post_init__(self) -> None:
        for field in fields(self):
            array = np.array(getattr(self, field.name), dtype=_DTYPES[field.name])
            array.setflags(write=False)
            object.__setattr__(self, field.name, array)
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 1:
            raise CircuitError(f"{type(self).__name__}: arrays must be flat and of equal length, not {shapes}.")

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))


@dataclass(frozen=True, eq=False)
class ChemicalSynapses(_Table):
    """Chemical connections, one entry per ordered pair of cells, sorted by (pre, post).

    Attributes
    ----------
    pre, post
        Indices into the connectome's names, shape (pairs,).
    weight
        Electron-microscope sections, shape (pairs,), positive.
    sign
        +1 or -1, shape (pairs,).
    """

    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    weight: NDArray[np.float64]
    sign: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class GapJunctions(_Table):
    """Gap junctions, each undirected pair of cells once, with ``a <= b``.

    A few cells have a junction with themselves (``a == b``): it carries no current, and a model may leave it out.

    Attributes
    ----------
    a, b
        Indices into the connectome's names, shape (junctions,).
    weight
        Electron-microscope sections, shape (junctions,), positive.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    weight: NDArray[np.float64]

    def ordered(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (pre, post, weight) with every junction in both directions (once where a cell meets itself)."""
        two = self.a != self.b
        pre = np.concatenate([self.a, self.b[two]])
        post = np.concatenate([self.b, self.a[two]])
        weight = np.concatenate([self.weight, self.weight[two]])
        order = np.lexsort((post, pre))
        return pre[order], post[order], weight[order]


@dataclass(frozen=True, eq=False)
class Connectome:
    """Named cells and the two kinds of connection between them. Equal by value.

    Attributes
    ----------
    names
        The cells: in alphabetical order after loading (AS1, AS10, AS11, AS2, ...), as asked for after `restrict`.
    chemical, gap
        The connections; indices point into ``names``.
    transmitters
        For each cell the transmitters that it releases, lower case, possibly none known; aligned with ``names``.
    unknown_sign
        What was done with synapses whose sign the transmitters do not tell.
    source, citation, licence
        Where the data come from and how they may be used.
    notes
        What the loader had to change, one sentence each.
    """

    names: tuple[str, ...]
    chemical: ChemicalSynapses
    gap: GapJunctions
    transmitters: tuple[tuple[str, ...], ...]
    unknown_sign: UnknownSign = "positive"
    source: str = ""
    citation: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that names, transmitters and indices belong together."""
        count = len(self.names)
        if len(set(self.names)) != count or len(self.transmitters) != count:
            raise CircuitError("Connectome: names must differ, and every cell needs an entry in transmitters.")
        for field, indices in (
            *((f"chemical.{side}", getattr(self.chemical, side)) for side in ("pre", "post")),
            *((f"gap.{side}", getattr(self.gap, side)) for side in ("a", "b")),
        ):
            if np.any((indices < 0) | (indices >= count)):
                raise CircuitError(f"Connectome: {field} holds an index outside 0 ... {count - 1}.")

    def __eq__(self, other: object) -> bool:
        """Compare by value, provenance included."""
        if not isinstance(other, Connectome):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(self))

    def __repr__(self) -> str:
        """Show the counts."""
        counts = f"{len(self.names)} cells, {len(self.chemical)} chemical pairs, {len(self.gap)} gap junctions"
        return f"Connectome({counts})"

    def index(self, name: str) -> int:
        """Return the position of a cell in ``names``; raise `CircuitError` with the nearest name if there is none."""
        try:
            return self.names.index(name)
        except ValueError:
            raise CircuitError(f"There is no cell {name!r} in this connectome.{nearest(name, self.names)}") from None

    def restrict(self, names: Iterable[str]) -> Connectome:
        """Return the connectome of some of the cells, in the order given, with the connections among them.

        Raises
        ------
        CircuitError
            If a name is unknown or given twice.
        """
        kept = tuple(names)
        repeated = [name for name, count in Counter(kept).items() if count > 1]
        if repeated:
            raise CircuitError(f"Cells given more than once: {', '.join(repeated)}. Give each name once.")
        old = np.array([self.index(name) for name in kept], dtype=np.int64)
        block = np.ix_(old, old)
        signed = self.to_matrix("signed")[block]
        return Connectome(
            kept,
            chemical_from(np.abs(signed), np.sign(signed)),
            gap_from(self.to_matrix("gap")[block]),
            tuple(self.transmitters[i] for i in old),
            self.unknown_sign,
            self.source,
            self.citation,
            self.licence,
            self.notes,
        )

    def to_matrix(self, kind: MatrixKind) -> NDArray[np.float64]:
        """Return the connections as a dense matrix, dimensions (pre, post), 0 where there is none.

        Parameters
        ----------
        kind
            ``"chemical"`` (weights), ``"signed"`` (weight times sign) or ``"gap"`` (symmetric).
        """
        matrix = np.zeros((len(self.names), len(self.names)))
        if kind == "gap":
            pre, post, values = self.gap.ordered()
        elif kind in ("chemical", "signed"):
            pre, post = self.chemical.pre, self.chemical.post
            values = self.chemical.weight * (self.chemical.sign if kind == "signed" else 1)
        else:
            raise CircuitError(f"There is no matrix {kind!r}.{nearest(kind, ('chemical', 'signed', 'gap'))}")
        matrix[pre, post] = values
        return matrix

    def summary(self) -> str:
        """Return the counts of cells and connections, by sign and by transmitter, as plain text."""
        chemical, gap = self.chemical, self.gap
        both, autapses = gap.ordered(), chemical.pre == chemical.post
        taken = {"positive": "taken as +", "negative": "taken as -", "drop": "left out"}[self.unknown_sign]
        lines = [
            f"{self.source}: {len(self.names)} cells",
            f"chemical: {len(chemical)} pairs, weight {chemical.weight.sum():g}; {autapses.sum()} of a cell to itself",
            f"gap junctions: {len(gap)}, weight {gap.weight.sum():g}; {(gap.a == gap.b).sum()} of a cell to itself; "
            f"as ordered pairs {len(both[0])}, weight {both[2].sum():g}",
            f"signs: acetylcholine +, GABA -, both or neither unknown ({taken})",
        ]
        for value, mark in ((1, "+"), (-1, "-")):
            chosen = chemical.sign == value
            lines.append(f"  {mark} {chosen.sum()} pairs, weight {chemical.weight[chosen].sum():g}")
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, used in enumerate(self.transmitters):
            groups.setdefault(used, []).append(index)
        lines.append(f"{'transmitters':36s} {'cells':>5s} {'pairs':>5s} {'weight':>6s}  sign")
        for used, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
            chosen = np.isin(chemical.pre, members)
            label = {1: "+", -1: "-", 0: f"unknown, {taken}"}[sign_of(used)]
            name = " and ".join(used) or "none known"
            lines.append(f"{name:36s} {len(members):5d} {chosen.sum():5d} {chemical.weight[chosen].sum():6g}  {label}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def chemical_from(weight: NDArray[np.float64], sign: NDArray[Any]) -> ChemicalSynapses:
    """Turn matrices (pre, post) into edges."""
    pre, post = np.nonzero(weight)
    return ChemicalSynapses(pre, post, weight[pre, post], sign[pre, post].astype(np.int8))


def gap_from(weight: NDArray[np.float64]) -> GapJunctions:
    """Turn a symmetric matrix into undirected edges."""
    a, b = np.nonzero(np.triu(weight))
    return GapJunctions(a, b, weight[a, b])
