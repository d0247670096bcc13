"""Packages that only some things need, and that may not be installed."""

from __future__ import annotations

import importlib.util
import warnings
from importlib import import_module
from typing import Any


def optional(
    module: str, purpose: str, *, extra: str, error: type[Exception], package: str | None = None, quiet: bool = False
) -> Any:
    """Import an optional package, or say how to install it.

    Parameters
    ----------
    module
        What to import.
    purpose
        What it is needed for, as the error should say it.
    extra
        The extra of neurosim that brings it.
    error
        What is raised if it is not installed.
    package
        What it is called where packages are installed from, if not like the module.
    quiet
        Keep back what it warns of while it is imported.
    """
    root = module.partition(".")[0]
    if importlib.util.find_spec(root) is None:
        raise error(
            f"{purpose} needs {package or root}, which is not installed: pip install 'neurosim-circuits[{extra}]'."
        )
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        return import_module(module)
