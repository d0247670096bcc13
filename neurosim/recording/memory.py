"""How much memory there is to record into."""

from __future__ import annotations

import os
from pathlib import Path

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def available_bytes(meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the bytes that can be allocated without swapping, or None where the system does not say.

    Parameters
    ----------
    meminfo
        Where Linux lists its memory.
    group
        Where a container's own limit (control group, version 2) is written, which `meminfo` does not know of.
    """
    figures = [figure for figure in (_of_system(meminfo), _of_group(group)) if figure is not None]
    return min(figures, default=None)


def byte_text(count: float) -> str:
    """Return a number of bytes as a reader wants it: ``"1.5 GB"``."""
    power = 0
    while count >= 999.5 and power < len(_UNITS) - 1:
        count /= 1000
        power += 1
    return f"{count:.3g} {_UNITS[power]}"


def _of_system(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    names = getattr(os, "sysconf_names", {})
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):  # macOS knows only the second
        if pages in names and "SC_PAGE_SIZE" in names:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_group(group: Path) -> int | None:
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        statistics = (group / "memory.stat").read_text(encoding="ascii").split()
    except OSError:
        return None
    if limit == "max":
        return None
    cached = int(dict(zip(statistics[::2], statistics[1::2], strict=True)).get("inactive_file", "0"))
    return max(0, int(limit) - used + cached)  # cached files are given up when memory is needed
