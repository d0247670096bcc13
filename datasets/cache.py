"""How files get into the folder of data sets whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Yield the name of a file beside `path`, which becomes `path` when all went well and is removed otherwise.

    Who reads `path` sees it whole or not at all, also when this process is killed; several may write it at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
