"""Circuit files: JSON for what is written once, an ``.npz`` of the same name beside it where there are arrays.

The JSON holds a digest of every array and of the whole, so that a file that was cut off or changed is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from uuid import uuid4

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import check_readable, from_dict, to_dict
from neurosim.circuit.model_description import Arrays, Data
from neurosim.circuit.realised_edges import edge_blocks
from neurosim.errors import FileFormatError

FORMAT = "neurosim-circuit"
VERSION = 1
#: Stands for a number that JSON cannot write; no name can begin with ``$``.
_FLOAT = "$float"

__all__ = ["FORMAT", "VERSION", "digest", "from_dict", "load", "save", "to_dict"]


def digest(circuit: Circuit) -> str:
    """Return the SHA-256 (hexadecimal) of a circuit's content: rules and seed, and arrays where they were given.

    Equal circuits have equal digests, in every process and on every machine.
    """
    arrays: Arrays = {}
    data = to_dict(circuit, arrays)
    return _digest(data, {key: _array_digest(array) for key, array in arrays.items()})


def save(circuit: Circuit, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a circuit.

    Parameters
    ----------
    circuit
        Any circuit.
    path
        Ends in ``.json``; arrays go to the ``.npz`` of the same name.
    overwrite
        Replace files that exist. They are written beside their place first and then moved.

    Returns
    -------
    pathlib.Path
        The JSON file.

    Raises
    ------
    FileFormatError
        If a file exists already, the path does not end in ``.json``, or a part cannot be read back.
    """
    target = Path(path)
    if target.suffix != ".json":
        raise FileFormatError(f"{target}: the path of a circuit file must end in .json.")
    check_readable(circuit)
    arrays: Arrays = {}
    data = to_dict(circuit, arrays)
    companion = target.with_suffix(".npz")
    for existing in (target, companion) if arrays else (target,):
        if existing.exists() and not overwrite:
            raise FileFormatError(f"{existing} exists already; choose another path or pass overwrite=True.")
    described: dict[str, dict[str, Any]] = {
        key: {"dtype": _portable(array.dtype).str, "shape": list(array.shape), "sha256": _array_digest(array)}
        for key, array in arrays.items()
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "digest": _digest(data, {key: facts["sha256"] for key, facts in described.items()}),
        "arrays": described,
        "circuit": data,
    }
    text = json.dumps(_encoded(content), indent=1, allow_nan=False)
    staged, staged_arrays = (file.with_name(f".{file.name}.{uuid4().hex}") for file in (target, companion))
    try:
        _write(staged, text.encode())
        if arrays:
            _write(staged_arrays, arrays)
        _move(staged, target, staged_arrays if arrays else None, companion)
    finally:
        staged.unlink(missing_ok=True)
        staged_arrays.unlink(missing_ok=True)
    return target


def load(path: str | Path) -> Circuit:
    """Read a circuit.

    Parameters
    ----------
    path
        The JSON file; the ``.npz`` of the same name must stand beside it where there are arrays.

    Raises
    ------
    FileFormatError
        If a file is missing, cut off, changed, or of another format or a newer version.
    """
    source = Path(path)
    content = _read_json(source)
    found = {key: content.get(key) for key in ("format", "version", "digest", "arrays", "circuit")}
    if found["format"] != FORMAT:
        raise FileFormatError(f"{source} is no circuit file: its format is {found['format']!r}, not {FORMAT!r}.")
    version = found["version"]
    if isinstance(version, int) and version > VERSION:
        raise FileFormatError(
            f"{source} was written by a newer neurosim: its schema version is {version}, this one reads up to "
            f"{VERSION}. Upgrade neurosim."
        )
    if version != VERSION or not isinstance(found["arrays"], dict) or not isinstance(found["circuit"], dict):
        raise FileFormatError(
            f"{source} is damaged: version, arrays or circuit is missing. Restore it from where it came."
        )
    companion = source.with_suffix(".npz")
    arrays = _read_arrays(companion, found["arrays"]) if found["arrays"] else {}
    if found["digest"] != _digest(found["circuit"], {key: _array_digest(array) for key, array in arrays.items()}):
        raise FileFormatError(
            f"{source} was changed after it was written: its content does not match its digest. Restore it; to change "
            "a circuit, load it, use replace() and save() the result."
        )
    try:
        return from_dict(found["circuit"], arrays)
    except FileFormatError as error:
        raise FileFormatError(f"{source}: {error}") from error


# -- digests ---------------------------------------------------------------------------------------------------------


def _digest(data: Data, array_digests: Mapping[str, str]) -> str:
    content = {"circuit": _encoded(data, signed_zero=False), "arrays": dict(array_digests)}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _portable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that numbers of another have in files and digests: whole ones 8 bytes, whatever memory holds."""
    return np.dtype("<i8") if dtype.kind == "i" else dtype.newbyteorder("<")


def _array_digest(array: np.ndarray) -> str:
    dtype, flat = _portable(array.dtype), np.ascontiguousarray(array).reshape(-1)
    found = hashlib.sha256(f"{dtype.str}{list(array.shape)}".encode())
    for part in edge_blocks(flat.size):
        # Adding zero turns -0.0, which equals 0.0, into 0.0.
        some = flat[part] + 0.0 if dtype.kind == "f" else flat[part]
        found.update(some.astype(dtype, copy=False).tobytes())
    return found.hexdigest()


def _encoded(tree: Any, *, signed_zero: bool = True) -> Any:
    """Return a tree that strict JSON can hold, infinities as ``{"$float": "inf"}``."""
    if isinstance(tree, dict):
        return {key: _encoded(value, signed_zero=signed_zero) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_encoded(value, signed_zero=signed_zero) for value in tree]
    if isinstance(tree, float):
        number = float(tree)
        if not np.isfinite(number):
            return {_FLOAT: repr(number)}
        return number if signed_zero else number + 0.0
    return tree


def _decoded(data: Data) -> Any:
    return float(data[_FLOAT]) if data.keys() == {_FLOAT} else data


# -- reading and writing ---------------------------------------------------------------------------------------------


def _read_json(source: Path) -> Data:
    try:
        content = json.loads(source.read_bytes().decode(), object_hook=_decoded, parse_constant=_refuse)
    except FileNotFoundError:
        raise FileFormatError(f"there is no circuit file {source}.") from None
    except json.JSONDecodeError as error:
        raise FileFormatError(
            f"{source} is cut off or damaged: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(f"{source} cannot be read as a circuit file: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{source} is no circuit file: it holds {type(content).__name__}, not an object.")
    return content


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON.")


def _read_arrays(companion: Path, described: Mapping[str, Any]) -> Arrays:
    arrays: Arrays = {}
    key = ""
    try:
        with companion.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for key, facts in described.items():
                arrays[key] = archive[key]
                if _array_digest(arrays[key]) != facts["sha256"]:
                    raise FileFormatError(f"{companion} was changed after it was written: the array {key!r} differs.")
            extra = sorted(set(archive.files) - set(described))
    except FileFormatError:
        raise
    except FileNotFoundError:
        raise FileFormatError(f"{companion} is missing: it holds {len(described)} arrays of the circuit.") from None
    except (
        AttributeError,
        EOFError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        what = f"the array {key!r} cannot be read" if key else "it cannot be opened"
        raise FileFormatError(f"{companion} is cut off or damaged: {what} ({error}).") from error
    if extra:
        raise FileFormatError(f"{companion} holds arrays that the circuit does not name: {', '.join(extra[:5])}.")
    return arrays


def _write(path: Path, content: bytes | Arrays) -> None:
    with path.open("xb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            _write_arrays(file, content)
        file.flush()
        os.fsync(file.fileno())


def _write_arrays(file: BinaryIO, arrays: Arrays) -> None:
    named: dict[str, Any] = {key: array.astype(_portable(array.dtype), copy=False) for key, array in arrays.items()}
    np.savez(file, **named)


def _move(staged: Path, target: Path, staged_arrays: Path | None, companion: Path) -> None:
    """Move both files to their places; if one cannot be moved, the old pair stands as it was."""
    owned = staged_arrays is not None or _has_arrays(target)
    backup = companion.with_name(f".{companion.name}.{uuid4().hex}.old")
    kept = owned and companion.exists()
    if kept:
        companion.replace(backup)
    try:
        if staged_arrays is not None:
            staged_arrays.replace(companion)
        staged.replace(target)
    except BaseException:
        if staged_arrays is not None:
            companion.unlink(missing_ok=True)
        if kept:
            backup.replace(companion)
        raise
    backup.unlink(missing_ok=True)


def _has_arrays(path: Path) -> bool:
    """Tell whether the circuit file that is replaced has an ``.npz`` of its own."""
    try:
        content = _read_json(path)
    except FileFormatError:
        return False
    return content.get("format") == FORMAT and bool(content.get("arrays"))
