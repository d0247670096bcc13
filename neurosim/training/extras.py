"""Packages that only training needs, and that may not be installed."""

from __future__ import annotations

import importlib.util
import warnings
from importlib import import_module
from typing import Any

from neurosim.errors import TrainingError

EXTRA = "training"


def extra(module: str, package: str, purpose: str) -> Any:
    """Import an optional package, or say how to install it.

    Parameters
    ----------
    module
        What to import.
    package
        What it is called where packages are installed from.
    purpose
        What it is needed for, as the error should say it.

    Raises
    ------
    TrainingError
        If it is not installed.
    """
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise TrainingError(
            f"{purpose} needs {package}, which is not installed: pip install 'neurosim-circuits[{EXTRA}]'."
        )
    with warnings.catch_warnings():
        # Lightning imports torchmetrics where it is installed, and with it all that warns of deprecations of its own.
        warnings.simplefilter("ignore")
        return import_module(module)
