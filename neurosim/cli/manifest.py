"""What a result came from, written beside it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from neurosim.cli.circuits import NamedCircuit
from neurosim.program.step_program import STEP_SEMANTICS
from neurosim.version import __version__

_PACKAGES = ("brian2", "torch", "snntorch", "numpy", "scipy", "xarray", "zarr")


def manifest(
    command: Sequence[str], named: NamedCircuit, *, duration: float, seed: int, trials: int, **facts: Any
) -> dict[str, Any]:
    """Return the manifest of a result, but for its files and its own time.

    Parameters
    ----------
    command
        What followed the name of the program.
    named
        The circuit.
    duration
        In seconds, as run.
    seed, trials
        Of the run.
    facts
        What else belongs to it, JSON values.
    """
    return {
        "command": ["neurosim", *command],
        "circuit": named.circuit.name,
        "circuit_source": named.source,
        "circuit_digest": named.circuit.digest(),
        "circuit_seed": named.circuit.seed,
        "dt": named.circuit.dt,
        "duration": duration,
        "seed": seed,
        "trials": trials,
        **facts,
        **surroundings(),
    }


def surroundings() -> dict[str, Any]:
    """Return where and with which versions a result comes about."""
    return {
        "semantics": STEP_SEMANTICS,
        "versions": {"neurosim": __version__, "python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> Mapping[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
