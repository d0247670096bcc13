"""`neurosim run`, stopped by Ctrl-C and continued."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from neurosim.backends.interruption import Stop
from neurosim.recording import concatenate

RUN = ("run", "../nets.py:relay", "--backend", "snntorch", "--record", "first.spikes", "--record", "second.v")


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process a SIGINT when a run begins to listen for it: it stops after a step, or a block of them."""
    enter = Stop.__enter__

    def entered(stop: Stop) -> Stop:
        enter(stop)
        signal.raise_signal(signal.SIGINT)
        return stop

    monkeypatch.setattr(Stop, "__enter__", entered)


def test_stopped_and_continued(neurosim: Callable[..., Any], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert neurosim(*RUN, "--duration", "30ms", "--out", "whole").code == 0
    with monkeypatch.context() as patched:
        interrupt(patched)
        stopped = neurosim(*RUN, "--duration", "30ms", "--out", "part")
    assert stopped.code == 130
    done = re.search(r"interrupted after ([\d.]+) ms of 30 ms", stopped.err)
    assert done is not None
    remaining = 30 - float(done[1])
    assert 0 < remaining < 30
    how = f"--state part/recording.zarr --duration {remaining:.6g}ms"
    assert how in stopped.err
    assert json.loads((workplace / "part" / "manifest.json").read_text())["remaining"] == pytest.approx(remaining / 1e3)
    assert neurosim(*RUN, *how.split(), "--out", "rest").code == 0
    whole, part, rest = (ns.Recording.load(workplace / name / "recording.zarr") for name in ("whole", "part", "rest"))
    assert len(whole.spikes["first"]) > 0
    assert concatenate(part, rest) == whole


def test_nothing_is_kept_unasked(
    neurosim: Callable[..., Any], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch)
    stopped = neurosim(*RUN, "--duration", "30ms")
    assert stopped.code == 130
    assert "give --out or --store" in stopped.err
    assert list(workplace.iterdir()) == []


def test_states_that_do_not_fit(neurosim: Callable[..., Any], workplace: Path) -> None:
    missing = neurosim(*RUN, "--duration", "1ms", "--state", "nowhere.zarr")
    assert (missing.code, "nowhere.zarr does not exist" in missing.err) == (2, True)
    assert neurosim("run", "../nets.py:ring", "--duration", "1ms", "--out", "ring").code == 0
    other = neurosim(*RUN, "--duration", "1ms", "--state", "ring/recording.zarr")
    assert other.code == 2
    assert "state=" in other.err
    ns.Recording.load(workplace / "ring" / "recording.zarr").state.save(workplace / "state.zarr")  # type: ignore[union-attr]
    assert neurosim("run", "../nets.py:ring", "--duration", "1ms", "--state", "state.zarr").code == 0


def test_a_store_goes_on(neurosim: Callable[..., Any], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert neurosim(*RUN, "--duration", "30ms", "--out", "whole").code == 0
    command = (*RUN, "--duration", "30ms", "--store", "long.zarr")
    with monkeypatch.context() as patched:
        interrupt(patched)
        stopped = neurosim(*command)
    assert stopped.code == 130
    assert "wrote long.zarr" in stopped.out
    assert re.search(
        r"interrupted after [\d.]+ ms of 30 ms; to go on, give the same command with --resume", stopped.err
    )
    again = neurosim(*command)
    assert (again.code, "exists already" in again.err) == (2, True)
    assert neurosim(*command, "--resume").code == 0
    assert ns.Recording.load(workplace / "long.zarr") == ns.Recording.load(workplace / "whole" / "recording.zarr")
    both = neurosim(*command, "--out", "both")
    assert (both.code, "leave --out out" in both.err) == (2, True)
    alone = neurosim(*RUN, "--duration", "30ms", "--resume")
    assert (alone.code, "give store=" in alone.err) == (2, True)
