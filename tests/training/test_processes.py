"""Two processes on a CPU compute what one computes."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.two_processes import BATCH, ITEMS, stop_and_go_on, train

SCRIPT = Path(__file__).with_name("two_processes.py")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def as_rank(function: Callable[..., None], folder: Path, rank: int, port: int) -> None:
    """Call a function as torchrun would have it called."""
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", GROUP_RANK="0",
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_RUN_ID="test",
    )  # fmt: skip
    function(folder)


def run_as_two(function: Callable[..., None], folder: Path) -> None:
    """Call a function in two forks of this process, which have imported everything already."""
    context, port = multiprocessing.get_context("fork"), free_port()
    processes = [context.Process(target=as_rank, args=(function, folder, rank, port)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    ended = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert ended == [0, 0]


def difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the largest difference of two dicts of arrays, relative to the largest number of each."""
    assert one.keys() == other.keys()
    pairs = [(np.asarray(one[name]), np.asarray(other[name])) for name in one]
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-300)) for a, b in pairs)


def both(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}-2.json").read_text()) for rank in range(2)]


def check(folder: Path, alone: dict[str, Any]) -> None:
    first, second = both(folder)
    for items, shares in ((BATCH, (3, 2)), (ITEMS, (3 + 3 + 1, 2 + 2 + 0))):
        assert first[str(items)].pop("fetched") == 2 * shares[0]
        assert second[str(items)].pop("fetched") == 2 * shares[1]
    assert first == second, "both hold the same, to the bit"
    (mean,) = (value for name, value in first["normalised"].items() if name.endswith("running_mean"))
    assert all(mean), "statistics of batch norm"
    for items in (BATCH, ITEMS):
        one, two = alone[str(items)], first[str(items)]
        assert difference(one["gradients"], two["gradients"]) < 1e-6
        assert difference(one["values"], two["values"]) < 1e-9
        assert one["best"] == two["best"]
        for row, other in zip(one["history"], two["history"], strict=True):
            assert row == pytest.approx(other, rel=1e-9)
    assert "holds a training run already" in first["refused"]
    lines = (folder / f"run-{ITEMS}" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 2 * 3 + 2, "the first process writes, once"


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, Any]:
    folder = tmp_path / "alone"
    folder.mkdir()
    train(folder)
    found: dict[str, Any] = json.loads((folder / "0-1.json").read_text())
    return found


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_two_processes_compute_what_one_computes(alone: dict[str, Any], tmp_path: Path) -> None:
    run_as_two(train, tmp_path)
    check(tmp_path, alone)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_ctrl_c_in_one_process_stops_both_after_the_same_step(tmp_path: Path) -> None:
    run_as_two(stop_and_go_on, tmp_path)
    first, second = both(tmp_path)
    assert first == second
    assert first["step"] == 2, "the third item of the second process is in its second step"
    (tmp_path / "whole").mkdir()
    run_as_two(train, tmp_path / "whole")
    assert first["values"] == both(tmp_path / "whole")[0][str(ITEMS)]["values"], "as if it had not been stopped"


@pytest.mark.slow
def test_torchrun(alone: dict[str, Any], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-port",
        str(free_port()),
    ]
    done = subprocess.run(
        [*command, str(SCRIPT), str(tmp_path)], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check(tmp_path, alone)
