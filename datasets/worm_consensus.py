"""Connectomes of C. elegans in the form in which the homogenized collection distributes them (Simeon et al. 2024).

``consensus_connectome_{full,trimmed}_{withfunc,nofunc}.csv`` average over reconstructions. An empty weight means that
no source has that connection; it is no zero. ``graph_tensors_<name>.pt`` hold single sources for torch: always the
complete graph of 300 neurons, in which an edge of weights [0, 0] is none.

Rows and first indices are the sources of an edge, ``chemical[pre, post]``.

References
----------
Q. Simeon, A. Kashyap, K. P. Kording, E. S. Boyden: Homogenized C. elegans neural activity and connectivity data.
arXiv:2411.12091 (2024); files at huggingface.co/datasets/qsimeon/celegans_connectome_data.
"""

from __future__ import annotations

import csv
import math
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError

CITATION = "Simeon Q et al. (2024) Homogenized C. elegans neural activity and connectivity data. arXiv:2411.12091"
LICENCE = "MIT (as its publishers say); cite the primary papers of the sources"
_ENDS = ("from_neuron", "to_neuron", "from_pos", "to_pos", "from_type", "to_type")
_WEIGHTS = {
    "gap": "mean_gap_weight",
    "chemical": "mean_chem_weight",
    "uncertainty": "uncertainty",
    "functional": "functional_weight",
}
_OPTIONAL = ("functional",)


@dataclass(frozen=True, eq=False)
class ConsensusConnectome:
    """Mean weights over several reconstructions; matrices (pre, post), NaN where no source has a connection.

    Attributes
    ----------
    names
        Cells in alphabetical order.
    types
        Type of each cell as the file says: sensory, inter, motor and the like.
    positions
        Where each cell is, shape (cell, 3), in the unit of the file.
    gap, chemical
        Mean weights. That of gap junctions is the mean of the different values that the sources have.
    uncertainty
        0.9 times the deviation of the chemical weight over sources, plus 0.1 times that of the gap weight.
    functional
        Amplitude of Randi et al. (2023), or None in files without it.
    sources
        The reconstructions that any edge comes from.
    notes
        What the reader had to change, one sentence each.
    licence, citation
        Of the data.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    positions: NDArray[np.float64]
    gap: NDArray[np.float64]
    chemical: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    functional: NDArray[np.float64] | None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    licence: str = LICENCE
    citation: str = CITATION

    def edges(self, kind: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (pre, post, weight) of the connections that exist: known, and not zero.

        Parameters
        ----------
        kind
            ``"gap"``, ``"chemical"`` or ``"functional"``.
        """
        matrix = {"gap": self.gap, "chemical": self.chemical, "functional": self.functional}.get(kind)
        if matrix is None:
            raise FileFormatError(f"The consensus connectome has no weights {kind!r}.")
        pre, post = np.nonzero(np.nan_to_num(matrix))
        return pre, post, matrix[pre, post]


@dataclass(frozen=True, eq=False)
class WormGraph:
    """One reconstruction, only the edges that exist.

    Attributes
    ----------
    names
        Cells, in the order of the file.
    pre, post
        Places in `names`, shape (edge,).
    gap, chemical
        Weights of each edge, shape (edge,); one of them may be zero.
    positions
        Where each cell is, shape (cell, 3).
    types
        Type of each cell, by name; empty if the file has none.
    licence, citation
        Of the data.
    """

    names: tuple[str, ...]
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    gap: NDArray[np.float64]
    chemical: NDArray[np.float64]
    positions: NDArray[np.float64]
    types: Mapping[str, str] = field(default_factory=dict)
    licence: str = LICENCE
    citation: str = CITATION


def read_consensus_connectome(path: str | Path) -> ConsensusConnectome:
    """Read a file ``consensus_connectome_*.csv``, full or trimmed.

    Raises
    ------
    FileFormatError
        If it cannot be read, lacks a column, or names a pair twice.
    """
    source = Path(path)
    rows = _rows(source)
    held = [name for name, column in _WEIGHTS.items() if column in rows[0]]
    about: dict[str, tuple[str, str]] = {}
    for row in rows:
        about[row["from_neuron"]] = row["from_type"], row["from_pos"]
        about[row["to_neuron"]] = row["to_type"], row["to_pos"]
    names = tuple(sorted(about))
    place = {name: number for number, name in enumerate(names)}
    matrices = {name: np.full((len(names), len(names)), np.nan) for name in held}
    seen = np.zeros((len(names), len(names)), dtype=np.bool_)
    sources: dict[str, None] = {}
    for line, row in enumerate(rows, start=2):
        pair = place[row["from_neuron"]], place[row["to_neuron"]]
        if seen[pair]:
            raise FileFormatError(f"{source}, line {line}: {row['from_neuron']} to {row['to_neuron']} is there twice.")
        seen[pair] = True
        for name in held:
            matrices[name][pair] = _number(row[_WEIGHTS[name]], f"{source}, line {line}")
        sources.update(dict.fromkeys(re.findall(r"'([^']+)'", row["data_sources"])))
    gap = np.fmax(matrices["gap"], matrices["gap"].T)
    uneven = int((~np.isclose(gap, matrices["gap"], rtol=0, atol=0, equal_nan=True)).sum())
    return ConsensusConnectome(
        names,
        tuple(about[name][0] for name in names),
        np.array([_position(about[name][1], source) for name in names]),
        gap,
        matrices["chemical"],
        matrices["uncertainty"],
        matrices.get("functional"),
        tuple(sources),
        (f"{uneven} gap junctions have a smaller weight, or none, in one direction; the larger is taken.",)
        if uneven
        else (),
    )


def write_consensus_connectome(path: str | Path, connectome: ConsensusConnectome) -> None:
    """Write all ordered pairs in the form of ``consensus_connectome_full_*.csv``."""
    held = {name: getattr(connectome, name) for name in _WEIGHTS if getattr(connectome, name) is not None}
    columns = [*_ENDS, *(_WEIGHTS[name] for name in held), "data_sources"]
    where = [f"({', '.join(map(repr, map(float, position)))})" for position in connectome.positions]
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for pre, one in enumerate(connectome.names):
            for post, other in enumerate(connectome.names):
                weights = [float(matrix[pre, post]) for matrix in held.values()]
                ends = (one, other, where[pre], where[post], connectome.types[pre], connectome.types[post])
                texts = ["" if math.isnan(weight) else repr(weight) for weight in weights]
                writer.writerow([*ends, *texts, str(list(connectome.sources))])


def read_worm_graph(path: str | Path) -> WormGraph:
    """Read a file ``graph_tensors_*.pt``; only tensors and plain values are unpacked, never code.

    Raises
    ------
    FileFormatError
        If it cannot be read so, or is of another form.
    """
    import torch

    source = Path(path)
    try:
        held: Any = torch.load(source, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise FileFormatError(f"{source}: cannot be read as tensors ({str(error).splitlines()[0]}).") from None
    needed = ("edge_index", "edge_attr", "pos", "node_label")
    missing = [name for name in needed if name not in held] if isinstance(held, dict) else list(needed)
    if missing:
        raise FileFormatError(f"{source}: holds no {', '.join(missing)}.")
    ends = held["edge_index"].numpy().astype(np.int64)
    weights = held["edge_attr"].numpy().astype(np.float64)
    names = _in_order(held["node_label"], source)
    n = len(names)
    if ends.shape != (2, len(weights)) or weights.shape[1:] != (2,) or held["pos"].shape != (n, 3):
        raise FileFormatError(f"{source}: edge_index, edge_attr, pos and node_label do not fit each other.")
    if ends.size and (ends.min() < 0 or ends.max() >= n):
        raise FileFormatError(f"{source}: an edge ends outside the {n} cells.")
    real = np.nan_to_num(weights).any(axis=1)
    types = _in_order(held["node_type"], source) if len(held.get("node_type", ())) == n else ()
    return WormGraph(
        names,
        ends[0, real],
        ends[1, real],
        weights[real, 0],
        weights[real, 1],
        held["pos"].numpy().astype(np.float64),
        dict(zip(names, types, strict=True)) if types else {},
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, restkey="beyond", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from None
    if not rows:
        raise FileFormatError(f"{path}: has no rows.")
    columns = [*_ENDS, *(column for name, column in _WEIGHTS.items() if name not in _OPTIONAL), "data_sources"]
    missing = [column for column in columns if column not in rows[0]]
    if missing:
        raise FileFormatError(f"{path}: columns missing: {', '.join(missing)}.")
    return rows


def _number(text: str, where: str) -> float:
    if text.strip().lower() in ("", "nan"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise FileFormatError(f"{where}: {text!r} is no number.") from None


def _position(text: str, path: Path) -> list[float]:
    numbers = [_number(part, str(path)) for part in text.strip().strip("()[]").split(",")]
    if len(numbers) != 3:
        raise FileFormatError(f"{path}: {text!r} is no position of three numbers.")
    return numbers


def _in_order(names: Any, path: Path) -> tuple[str, ...]:
    """Return the values of a dictionary by place, whichever of the two is the key."""
    if not isinstance(names, dict):
        raise FileFormatError(f"{path}: names of cells must be a dictionary by place.")
    turned = {key: name for name, key in names.items()} if all(isinstance(key, str) for key in names) else names
    if sorted(turned) != list(range(len(turned))):
        raise FileFormatError(f"{path}: names of cells must have the places 0, 1, 2 and so on.")
    return tuple(str(turned[place]) for place in range(len(turned)))
