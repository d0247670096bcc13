"""Where neurosim keeps what it can make again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neurosim.cache_folder import _system_folder, cache_folder


def test_the_environment_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("NEUROSIM_CACHE", "~/kept")
    assert cache_folder() == Path.home() / "kept"
    monkeypatch.delenv("NEUROSIM_CACHE")
    assert cache_folder() == _system_folder(sys.platform)


@pytest.mark.parametrize(("system", "module"), [("linux", "unix"), ("darwin", "macos")])
@pytest.mark.parametrize("named", [True, False])
def test_systems_as_platformdirs_knows_them(
    system: str, module: str, named: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("platformdirs", reason="only to compare with")
    from importlib import import_module

    kind = {"unix": "Unix", "macos": "MacOS"}[module]
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if named and system == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    expected = getattr(import_module(f"platformdirs.{module}"), kind)("neurosim").user_cache_path
    assert _system_folder(system) == expected


def test_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert _system_folder("win32") == tmp_path / "neurosim" / "neurosim" / "Cache"
    monkeypatch.delenv("LOCALAPPDATA")
    assert _system_folder("win32").parts[-4:] == ("Local", "neurosim", "neurosim", "Cache")
