"""A script and the file of arrays beside it, written so that both are there or neither."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from neurosim.errors import FileFormatError


def checked_target(path: str | Path, *libraries: str, overwrite: bool) -> Path:
    """Return where a script goes, before anything is computed for it.

    Parameters
    ----------
    path
        Ends in ``.py``.
    libraries
        What the script imports: it must not have their name, nor that of something that they import.
    overwrite
        Whether files that exist may be replaced.

    Raises
    ------
    FileFormatError
        If the path does not end in ``.py`` or would hide a module, or a file exists.
    """
    target = Path(path)
    if target.suffix != ".py":
        raise FileFormatError(f"{target}: the path of a script must end in .py.")
    if target.stem.lower() in _names_that_hide(libraries):
        raise FileFormatError(
            f"{target}: a script of that name would be imported in place of the module {target.stem}; choose another."
        )
    for existing in (target, target.with_suffix(".npz")):
        check_free(existing, overwrite=overwrite)
    return target


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that exists already.

    Raises
    ------
    FileFormatError
        If it does and may not be replaced.
    """
    if path.exists() and not overwrite:
        raise FileFormatError(f"{path} exists already; choose another path or pass overwrite=True.")


def write_script(target: Path, text: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a script, and its arrays into the ``.npz`` of the same name; under other names first."""
    companion = target.with_suffix(".npz")
    named: dict[str, Any] = dict(arrays)
    staged, staged_arrays = (file.with_name(f".{file.name}.{uuid4().hex}") for file in (target, companion))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with staged_arrays.open("wb") as file:
            np.savez_compressed(file, **named)
        staged.write_text(text, encoding="ascii")
        os.replace(staged_arrays, companion)
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)
        staged_arrays.unlink(missing_ok=True)


def _names_that_hide(libraries: tuple[str, ...]) -> set[str]:
    """Return the names of modules that a script imports, itself or through others: Python looks beside it first."""
    needed = [line for library in libraries for line in requires(library) or ()]
    names = [re.split(r"[^\w-]", line, maxsplit=1)[0].lower() for line in needed]
    return {name.lower() for name in sys.stdlib_module_names} | {*libraries, *names}
