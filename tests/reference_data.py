"""Real recordings of a developer's disk, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def reference_folder(name: str) -> Path:
    """Return a folder of real data, or skip the test."""
    folder = Path(os.environ.get("NEUROSIM_REFERENCE_DATA", ""), name)
    if not os.environ.get("NEUROSIM_REFERENCE_DATA") or not folder.is_dir():
        pytest.skip(f"NEUROSIM_REFERENCE_DATA names no folder with {name}")
    return folder
