"""Reads the two file forms that hold a connectome: JSON files of matrices, and CSV edge lists.

Errors say which file, where in it, and what was expected. Nothing here knows which data set it reads.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError, nearest

_COLUMNS = ("Source", "Target", "Weight", "Type")


def _canonical(name: str) -> str:
    """Strip spaces, and the leading zero of motor-neuron numbers (VA01; muscles have three letters and keep theirs)."""
    return re.sub(r"^([A-Z]{2})0(\d)$", r"\1\2", name.strip())


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}). Check the path.") from None
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: is not text (byte {error.start}).") from None


def _read_json(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Read a file of the cect cache: ``{"nodes": [name], "connections": {class: matrix (pre, post)}}``."""
    try:
        content = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise FileFormatError(
            f"{path}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}). Is the file truncated?"
        ) from None
    if not isinstance(content, dict) or not {"nodes", "connections"} <= content.keys():
        raise FileFormatError(f"{path}: must hold an object with 'nodes' and 'connections'.")
    nodes, connections = content["nodes"], content["connections"]
    if not isinstance(nodes, list) or not all(isinstance(name, str) for name in nodes):
        raise FileFormatError(f"{path}: 'nodes' must be a list of cell names.")
    if not isinstance(connections, dict):
        raise FileFormatError(f"{path}: 'connections' must be an object of matrices.")
    names = [_canonical(name) for name in nodes]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise FileFormatError(f"{path}: cells listed more than once in 'nodes': {', '.join(repeated)}.")
    return names, connections


def _matrix(path: Path, kind: str, value: object, n: int) -> NDArray[np.float64]:
    """Check and convert one matrix of connections, shape (n, n)."""
    try:
        matrix = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise FileFormatError(f"{path}: matrix {kind!r} has uneven rows, or holds what is no number.") from None
    if matrix.shape != (n, n):
        raise FileFormatError(f"{path}: matrix {kind!r} has shape {matrix.shape}; {n} nodes need {(n, n)}.")
    wrong = np.argwhere(~(np.isfinite(matrix) & (matrix >= 0)))
    if len(wrong):
        row, column = wrong[0]
        value_text = f"{matrix[row, column]} at row {row}, column {column}"
        raise FileFormatError(f"{path}: matrix {kind!r} holds {value_text}; weights are finite and not negative.")
    return matrix


def read_matrices(path: Path, kinds: tuple[str, ...]) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Read a JSON file of matrices; return the cells and the matrices named by `kinds`, dimensions (pre, post)."""
    names, connections = _read_json(path)
    for kind in kinds:
        if kind not in connections:
            raise FileFormatError(f"{path}: there is no matrix {kind!r}.{nearest(kind, connections)}")
    return names, [_matrix(path, kind, connections[kind], len(names)) for kind in kinds]


def read_transmitters(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the transmitters of every cell, lower case: those whose matrix has an entry in the cell's row.

    The table lists a transmitter once per connection that it is used on: a cell without outgoing connections has none.
    """
    names, connections = _read_json(path)
    if "Acetylcholine" not in connections or "GABA" not in connections:
        raise FileFormatError(f"{path}: no transmitter table: 'Acetylcholine' and 'GABA' must be among its matrices.")
    released: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for kind, value in sorted(connections.items()):
        for row in np.unique(np.nonzero(_matrix(path, kind, value, len(names)))[0]):
            released[names[row]] += (kind.lower(),)
    return released


def read_edge_list(path: Path) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Read a CSV of edges into names and the two matrices (pre, post)."""
    rows = csv.reader(_read_text(path).splitlines())
    header = [column.strip() for column in next(rows, [])]
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise FileFormatError(f"{path}: columns missing: {', '.join(missing)}. Needed: {', '.join(_COLUMNS)}.")
    places = [header.index(column) for column in _COLUMNS]
    found: dict[tuple[str, str, str], tuple[float, int]] = {}
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise FileFormatError(f"{path}, line {line}: {len(row)} columns instead of {len(header)}.")
        pre, post, text, kind = (row[place].strip() for place in places)
        pre, post = _canonical(pre), _canonical(post)
        if kind not in ("chemical", "electrical"):
            raise FileFormatError(f"{path}, line {line}: Type {kind!r} is neither 'chemical' nor 'electrical'.")
        if not pre or not post:
            raise FileFormatError(f"{path}, line {line}: a cell has no name.")
        try:
            weight = float(text)
        except ValueError:
            weight = float("nan")
        if not (np.isfinite(weight) and weight > 0):
            raise FileFormatError(f"{path}, line {line}: Weight {text!r} is not a positive number.")
        if (kind, pre, post) in found:
            first = found[kind, pre, post][1]
            raise FileFormatError(f"{path}, line {line}: {kind} edge {pre} to {post} is already in line {first}.")
        found[kind, pre, post] = weight, line
    names = sorted({cell for _, pre, post in found for cell in (pre, post)})
    index = {name: i for i, name in enumerate(names)}
    matrices = {kind: np.zeros((len(names), len(names))) for kind in ("chemical", "electrical")}
    for (kind, pre, post), (weight, _) in found.items():
        matrices[kind][index[pre], index[post]] = weight
    return names, matrices["chemical"], matrices["electrical"]
