"""A tree of arrays with a description in one zarr store, written whole or not at all and checked when read.

The root's attributes hold ``format``, ``version``, ``content`` (a JSON description), ``arrays`` (dtype, shape and
SHA-256 of each array, by path) and ``digest`` (SHA-256 of all the others), so that any lost or altered byte that
matters is found. The arrays are plain zarr (format 3) arrays with dimension names; any zarr reader opens them.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import FileFormatError, RecordError

VERSION = 1
_DESCRIPTION = ("format", "version", "content", "arrays")


@dataclass
class Tree:
    """What a store holds: a JSON description, and arrays by path with the names of their dimensions."""

    content: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    dimensions: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, path: str, array: np.ndarray, dimensions: tuple[str, ...]) -> None:
        """Add one array."""
        self.arrays[path] = np.asarray(array, order="C")
        self.dimensions[path] = dimensions


def write_tree(tree: Tree, path: str | Path, kind: str, *, overwrite: bool) -> None:
    """Write a tree to `path`: a folder, or one file if the name ends in ``.zip``.

    Parameters
    ----------
    tree
        What to write.
    path
        Where. It appears under this name only once it is complete.
    kind
        What the tree is, such as ``"neurosim-recording"``.
    overwrite
        Whether a store at `path` may be replaced.

    Raises
    ------
    FileFormatError
        If `path` exists and may not be replaced, or its folder does not exist.
    RecordError
        If the description is not JSON.
    """
    target = Path(path)
    _check_target(target, overwrite)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=target.parent) as scratch:
        complete = Path(scratch) / f"new{''.join(target.suffixes[-1:])}"
        _write_store(tree, complete, kind)
        _put_in_place(complete, target, aside=Path(scratch) / "old")


def read_tree(path: str | Path, kind: str) -> Tree:
    """Read and check what `write_tree` wrote.

    Raises
    ------
    FileFormatError
        If there is nothing, or it is of another kind or version, truncated or edited: with what is wrong, and where.
    """
    import zarr

    source = Path(path)
    if not source.exists():
        raise FileFormatError(f"{source} does not exist.")
    with _failures(source, f"cannot be opened as a {kind} store"), _store(source, "r") as store:
        group = zarr.open_group(store, mode="r")
        description = _checked_description(dict(group.attrs), source, kind)
        tree = Tree(content=description["content"])
        for name, facts in description["arrays"].items():
            tree.arrays[name] = _read_array(group, name, facts, source)
        return tree


def describe_tree(path: str | Path, kind: str) -> dict[str, Any]:
    """Return the checked description of what `write_tree` wrote, without reading its arrays.

    Raises
    ------
    FileFormatError
        As `read_tree`.
    """
    import zarr

    source = Path(path)
    if not source.exists():
        raise FileFormatError(f"{source} does not exist.")
    with _failures(source, f"cannot be opened as a {kind} store"), _store(source, "r") as store:
        return _checked_description(dict(zarr.open_group(store, mode="r").attrs), source, kind)


def read_arrays(path: Path, description: Mapping[str, Any], names: Iterable[str]) -> list[np.ndarray]:
    """Read some arrays of a tree, each checked against its checksum.

    Parameters
    ----------
    path
        Where the tree is.
    description
        Of the tree, as `describe_tree` returns it.
    names
        Paths of the arrays.

    Raises
    ------
    FileFormatError
        If one is missing, truncated or edited.
    """
    import zarr

    with _failures(path, "cannot be opened as a store"), _store(path, "r") as store:
        group = zarr.open_group(store, mode="r")
        return [_read_array(group, name, description["arrays"][name], path) for name in names]


def _write_store(tree: Tree, path: Path, kind: str) -> None:
    import zarr

    description: dict[str, Any] = {
        "format": kind,
        "version": VERSION,
        "content": tree.content,
        "arrays": {name: _facts(array) for name, array in tree.arrays.items()},
    }
    try:
        description["digest"] = _digest(description)
    except (TypeError, ValueError) as error:
        raise RecordError(
            f"A store keeps JSON values beside its arrays, which some attributes are not: {error}."
        ) from None
    with _store(path, "w") as store:
        group = zarr.create_group(store, zarr_format=3, attributes=description)
        for name, array in tree.arrays.items():
            group.create_array(name, data=array, dimension_names=tree.dimensions[name])


def _put_in_place(complete: Path, target: Path, aside: Path) -> None:
    if not target.is_dir():
        complete.replace(target)
        return
    target.rename(aside)  # a folder cannot be replaced in one step
    try:
        complete.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _read_array(group: Any, name: str, facts: Mapping[str, Any], source: Path) -> np.ndarray:
    import zarr

    with _failures(source, f"array {name!r} is missing, truncated or damaged"):
        stored = group[name]
        if not isinstance(stored, zarr.Array):
            raise FileFormatError(f"{source}: array {name!r} is missing. Restore the store from where it came.")
        if stored.dtype.str != facts["dtype"] or list(stored.shape) != facts["shape"]:
            raise FileFormatError(
                f"{source}: array {name!r} should be {facts['dtype']} of shape {facts['shape']}, but its zarr.json "
                f"says {stored.dtype.str} of shape {list(stored.shape)}. The store has been edited or damaged."
            )
        array = np.asarray(stored[...])
        if _facts(array) != facts:
            raise FileFormatError(
                f"{source}: array {name!r} does not match its checksum; a chunk is missing or has been edited. Restore "
                "the store from where it came, or run the simulation again."
            )
    return array


def _checked_description(attributes: dict[str, Any], source: Path, kind: str) -> dict[str, Any]:
    if attributes.get("format") != kind:
        raise FileFormatError(f"{source} is no {kind} store: its format is {attributes.get('format')!r}.")
    if attributes.get("version") != VERSION:
        raise FileFormatError(
            f"{source} is a {kind} store of version {attributes.get('version')!r}; this neurosim reads version "
            f"{VERSION}. Use the neurosim that wrote it."
        )
    if any(name not in attributes for name in _DESCRIPTION) or attributes.get("digest") != _digest(attributes):
        raise FileFormatError(
            f"{source}: the attributes in zarr.json do not match their digest; they have been edited."
        )
    return attributes


def _digest(description: Mapping[str, Any]) -> str:
    facts = {name: description[name] for name in _DESCRIPTION}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(array: np.ndarray) -> dict[str, Any]:
    content = np.asarray(array, order="C")
    return {
        "dtype": content.dtype.str,
        "shape": list(content.shape),
        "sha256": hashlib.sha256(content.reshape(-1).view(np.uint8).data).hexdigest(),
    }


@contextmanager
def _store(path: Path, mode: str) -> Iterator[Any]:
    from zarr.storage import LocalStore, ZipStore

    if path.suffix != ".zip":
        yield LocalStore(path, read_only=mode == "r")
        return
    store = ZipStore(path, mode="r" if mode == "r" else "w", read_only=mode == "r")
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _failures(source: Path, what: str) -> Iterator[None]:
    """Turn whatever zarr raises over a damaged store into one kind of error."""
    try:
        yield
    except (FileFormatError, MemoryError):
        raise
    except Exception as error:  # codecs, JSON, zip and file system each fail in their own ways
        raise FileFormatError(f"{source}: {what} ({type(error).__name__}: {error}).") from error


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise FileFormatError(f"{target.parent} is not a folder; create it first.")
    if not target.exists():
        return
    if not overwrite:
        raise FileFormatError(f"{target} exists already. Choose another name, or give overwrite=True.")
    is_store = (target / "zarr.json").is_file() if target.is_dir() else zipfile.is_zipfile(target)
    if target.is_dir() == (target.suffix == ".zip") or not is_store:
        raise FileFormatError(f"{target} exists and is no such store, so it is not replaced. Choose another name.")
