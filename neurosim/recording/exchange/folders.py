"""Folders of files that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurosim.errors import FileFormatError


@contextmanager
def whole_folder(target: Path, *, overwrite: bool, mark: str, kind: str) -> Iterator[Path]:
    """Yield a new folder, which becomes `target` when all went well and is removed otherwise.

    Parameters
    ----------
    target
        Where it is to be.
    overwrite
        Whether a folder of this kind that is there already may be replaced.
    mark
        The file by which a folder of this kind is known.
    kind
        What such a folder is called in an error.

    Raises
    ------
    FileFormatError
        If something is there already that may not be replaced.
    """
    if not target.parent.is_dir():
        raise FileFormatError(f"{target.parent} is not a folder; create it first.")
    if target.exists() and not overwrite:
        raise FileFormatError(f"{target} exists already. Choose another name, or give overwrite=True.")
    if target.exists() and not (target / mark).is_file():
        raise FileFormatError(f"{target} exists and is no {kind}, so it is not replaced. Choose another name.")
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=target.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        yield new
        if target.exists():
            target.rename(Path(scratch) / "old")
        shutil.move(new, target)
