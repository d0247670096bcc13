"""Packages that only a data set needs, and that may not be installed."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from neurosim.errors import BackendError

EXTRA = "datasets"


def extra(module: str, purpose: str) -> Any:
    """Import an optional package, or say how to install it.

    Parameters
    ----------
    module
        What to import.
    purpose
        What it is needed for, as the error should say it.

    Raises
    ------
    BackendError
        If it is not installed.
    """
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise BackendError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed: pip install "
            f"'neurosim-circuits[{EXTRA}]'."
        )
    return import_module(module)
