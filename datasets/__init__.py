"""Loaders of recorded and anatomical data: real formats, read as they are, with licence and citation attached.

Nothing is downloaded without being asked. A loader that cannot find its data says which command installs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.datasets.connectome import ChemicalSynapses, Connectome, GapJunctions, load_connectome

__all__ = ["ChemicalSynapses", "Connectome", "GapJunctions", "load_connectome"]

_HOMES = {name: "neurosim.datasets.connectome" for name in __all__}


def __getattr__(name: str) -> Any:
    """Import a loader's module when one of its names is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
