"""What neurosim requires of a machine beside what is installed there."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

DISTRIBUTION = "neurosim-circuits"
#: What each extra gives.
EXTRAS = {
    "datasets": "recorded and synthetic data sets",
    "plot": "figures: --plot, and the plots of recordings",
    "nir": "exchange of networks as NIR graphs",
    "exchange": "recordings as Neo, pynapple and NWB",
    "analysis": "structure of networks; images of digits",
    "training": "ns.training.Trainer: devices, several processes, checkpoints, logs",
    "fitting": "ns.fit with method='cma-es'",
    "swimmer": "bodies that circuits move, in MuJoCo",
    "gpu": "fused kernels on NVIDIA devices",
}


@dataclass(frozen=True)
class Package:
    """One requirement: what is asked for, and what is there."""

    name: str
    wanted: str
    installed: str | None
    extra: str | None  # what it belongs to; None for what neurosim cannot do without
    fits: bool


def python_wanted() -> tuple[str, bool]:
    """Return which versions of Python neurosim supports, and whether this is one."""
    from packaging.specifiers import SpecifierSet

    try:
        wanted = str(metadata(DISTRIBUTION)["Requires-Python"] or "")
    except PackageNotFoundError:
        return "", True
    return wanted, platform.python_version() in SpecifierSet(wanted, prereleases=True)


def packages(
    lines: Sequence[str] | None = None, installed: Callable[[str], str] = version, distribution: str = DISTRIBUTION
) -> tuple[Package, ...]:
    """Return what neurosim requires beside what is there.

    Parameters
    ----------
    lines
        Requirements as in a package's metadata; by default those of neurosim as installed.
    installed
        Returns the version of a package, or raises ``PackageNotFoundError``.
    distribution
        Whose requirements; one on itself only joins extras.
    """
    from packaging.requirements import Requirement

    if lines is None:
        try:
            lines = requires(distribution) or ()
        except PackageNotFoundError:
            return ()
    found = []
    for requirement in map(Requirement, lines):
        extra = None
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            names = [name for name in EXTRAS if requirement.marker.evaluate({"extra": name})]
            if not names:
                continue  # for another platform, or for developers
            extra = names[0]
        if requirement.name == distribution:
            continue
        try:
            there: str | None = installed(requirement.name)
        except PackageNotFoundError:
            there = None
        wanted = ",".join(sorted(map(str, requirement.specifier), reverse=True))  # the lowest first
        fits = there is not None and requirement.specifier.contains(there, prereleases=True)
        found.append(Package(requirement.name, wanted, there, extra, fits))
    return tuple(found)
