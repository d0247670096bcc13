from __future__ import annotations

import os
from pathlib import Path

import pytest

from neurosim.recording.memory import available_bytes, byte_text


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:       32000 kB\nMemAvailable:    2000 kB\nSwapFree: 9 kB\n")
    return path


def group(folder: Path, limit: str, used: int, cached: int) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\n")
    return folder


def test_available_memory_is_read(meminfo: Path, tmp_path: Path) -> None:
    assert available_bytes(meminfo, tmp_path / "none") == 2000 * 1024


def test_the_limit_of_a_container_counts(meminfo: Path, tmp_path: Path) -> None:
    assert available_bytes(meminfo, group(tmp_path, "1000000", 300000, 50000)) == 750000
    assert available_bytes(meminfo, group(tmp_path, "100", 300000, 50000)) == 0
    assert available_bytes(meminfo, group(tmp_path, "999000000", 0, 0)) == 2000 * 1024
    assert available_bytes(meminfo, group(tmp_path, "max", 300000, 50000)) == 2000 * 1024


def test_without_linux_the_pages_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf_names", sizes)
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert available_bytes(tmp_path / "none", tmp_path / "none") == 4096000
    monkeypatch.setattr(os, "sysconf_names", {})
    assert available_bytes(tmp_path / "none", tmp_path / "none") is None


def test_this_machine_tells_its_memory() -> None:
    found = available_bytes()
    assert found is None or found > 0


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (999_999, "1 MB"), (12.34e9, "12.3 GB"), (5e17, "500 PB")],
)
def test_byte_text(count: float, text: str) -> None:
    assert byte_text(count) == text
