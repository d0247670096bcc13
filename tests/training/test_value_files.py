from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosim.errors import FileFormatError, TrainingError
from neurosim.training import value_files
from neurosim.training.value_files import clear_partial, read_values, write_values

SHARED = torch.arange(6.0).reshape(2, 3)
CONTENT: dict[str, Any] = {
    "tensors": [SHARED, SHARED, SHARED.T, torch.tensor(3, dtype=torch.int64), torch.zeros(0), torch.tensor(True)],
    "state": {0: {"step": torch.tensor(2.0), "half": torch.ones(3, dtype=torch.bfloat16)}, "name": None},
    "numbers": (0.1, math.inf, -math.inf, 1e-300, 2**70, True, "text", [], ()),
    "milestones": Counter({3: 2}),
    "numpy": np.float64(0.3),
}


def same(one: Any, other: Any) -> bool:
    """Tell whether two trees are equal, types included."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "values.safetensors"
    write_values(path, CONTENT, "test")
    found = read_values(path, "test")
    assert same(found, {**CONTENT, "numpy": 0.3})
    assert not same(found, {**CONTENT, "numpy": 0.4})
    assert os.listdir(tmp_path) == ["values.safetensors"]
    assert b"pickle" not in path.read_bytes()


def test_not_a_number(tmp_path: Path) -> None:
    write_values(tmp_path / "a", {"x": math.nan}, "test")
    assert math.isnan(read_values(tmp_path / "a", "test")["x"])


@pytest.mark.parametrize("value", [{1, 2}, object(), {(1, 2): 3}, lambda: 3])
def test_what_cannot_be_saved(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="saved"):
        write_values(tmp_path / "a", {"x": value}, "test")
    assert os.listdir(tmp_path) == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "values"
    write_values(path, {"x": 1}, "test")

    def full(descriptor: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(value_files.os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_values(path, {"x": 2}, "test")
    assert read_values(path, "test") == {"x": 1}
    assert os.listdir(tmp_path) == ["values"]
    (tmp_path / ".values.123.partial").write_bytes(b"half")
    clear_partial(tmp_path)
    assert os.listdir(tmp_path) == ["values"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "values"
    write_values(path, {"x": torch.arange(100.0)}, "test")
    whole = path.read_bytes()
    with pytest.raises(FileFormatError, match="is no other file"):
        read_values(path, "other")
    for damaged, message in (
        (whole[:-50], "cannot be read"),
        (whole[:-3] + b"abc", "digest"),
        (whole.replace(b'\\"x\\"', b'\\"y\\"'), "digest"),
        (whole.replace(b'"version":"1"', b'"version":"7"'), "version '7'"),
        (b"no such thing", "cannot be read"),
    ):
        assert damaged != whole
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match=message):
            read_values(path, "test")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_values(tmp_path / "nowhere", "test")
