"""Wrong input ends with 2, says what to do, and neither writes nor replaces anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.test_commands import RELAY, RING, Neurosim, entries


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "balanced-netwerk"], "Did you mean 'balanced-network'?"),
        (["show", "balanced-network", "--set", "scale=abc"], "--set scale must be like 1.0"),
        (["show", "balanced-network", "--set", "scale=5mV"], "--set scale must be a plain number"),
        (["show", "izhikevich-network", "--set", "scheme=3"], "--set scheme must be like 'published'"),
        (["run", "../nets.py"], "../nets.py:FUNCTION"),
        (["run", "nix.json"], "there is no circuit file nix.json"),
        (["run", "nix.py:f"], "there is no file nix.py"),
        (["run", "../nets.py:relai"], "has no function 'relai'. Did you mean 'relay'?"),
        (["run", "../nets.py:broken"], "nets.py, line 43: KeyError: 'no such wiring'"),
        (["run", "../nets.py:nothing"], "must return a Circuit, got int"),
        (["run", RELAY], "give --duration"),
        (["run", RELAY, "--duration", "5"], "must be a time with its unit"),
        (["run", RELAY, "--duration", "5mV"], "duration must be in second"),
        (["run", RELAY, "--duration", "0.55ms", "--dt", "0.1ms"], "multiple of dt"),
        (["run", RELAY, "--set", "first.tau_mum=3ms"], "Did you mean 'tau_mem'?"),
        (["run", RELAY, "--set", "first.tau_mem=3mV"], "must be in second"),
        (["run", RELAY, "--set", "m=3"], "has no argument 'm'"),
        (["run", RELAY, "--set", "n"], "--set takes ADDRESS=VALUE"),
        (["run", RELAY, "--set", "n=1", "--set", "n=2"], "an address is given twice"),
        (["run", RELAY, "--duration", "5ms", "--backend", "brian"], "Did you mean 'brian2'?"),
        (["run", RELAY, "--duration", "5ms", "--backend", "brian2:c"], "target 'c' is unknown"),
        (["run", RELAY, "--duration", "5ms", "--backend", "snntorch:eager"], "targets are of brian2"),
        (["run", RELAY, "--duration", "5ms", "--dtype", "float32"], "--dtype is an option of the snntorch backend"),
        (["run", RELAY, "--duration", "5ms", "--record", "first.w"], "has no variable 'w'"),
        (["run", RELAY, "--duration", "5ms", "--trials", "0"], "trials must be"),
        (["run", RELAY, "--duration", "5ms", "--plot", "raster.txt"], "the name must end in one of"),
        (["run", RELAY, "--duration", "5ms", "--plot", "a.png", "b.png"], "at most one file"),
        (["run", RELAY, "--durations", "5ms"], "--duration"),
        (["run", RELAY, "--trials", "few"], "--trials"),
        (["run"], "CIRCUIT"),
        (["export", "balanced-netwerk"], "Did you mean 'balanced-network'?"),
        (["export", RELAY], "give --duration"),
        (["export", RELAY, "--duration", "5ms", "--out", "relay.txt"], "must end in .py"),
        (["export", RELAY, "--duration", "5ms", "--to", "nest"], "--to"),
        (["export", RELAY, "--duration", "5ms", "--statements", "fast"], "--statements"),
        (["export", RELAY, "--duration", "5ms", "--set", "first.tau_mum=3ms"], "Did you mean 'tau_mem'?"),
        (["rum", RELAY], "rum"),
        ([], "run"),
        (["show", RELAY, "--set", "first.tau_mem=3mss"], "there is no unit 'mss'"),
        (["verify", RELAY, "--duration", "5ms", "--backends", "brian2"], "two or more different backends"),
        (["verify", RELAY, "--duration", "5ms", "--dtype", "float16"], "'float16' cannot hold"),
        (["verify", RELAY, "--duration", "5ms", "--tolerance=-1"], "tolerance must be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_ends_with_2_and_writes_nothing(
    arguments: list[str], message: str, neurosim: Neurosim, workplace: Path
) -> None:
    if arguments and arguments[0] in ("run", "verify"):
        plots = [] if "--plot" in arguments else ["--plot", "plot.png"]
        arguments = [*arguments, *(["--out", "kept", *plots] if len(arguments) > 1 else [])]
    done = neurosim(*arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    assert entries(workplace) == set()


@pytest.mark.parametrize("verb", ["run", "verify"])
def test_nothing_is_replaced_unasked(verb: str, neurosim: Neurosim, workplace: Path) -> None:
    arguments = (verb, RING, "--duration", "5ms", "--out", "kept", "--plot", "kept/ring.png")
    assert neurosim(*arguments).code == 0
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    done = neurosim(*arguments, "--seed", "1")
    assert done.code == 2
    assert "exists already; choose another place or give --overwrite" in done.err
    assert {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()} == before
    assert neurosim(*arguments, "--seed", "1", "--overwrite").code == 0
    assert json.loads((workplace / "kept" / "manifest.json").read_text())["seed"] == 1
    assert entries(workplace / "kept") == {
        "manifest.json", "ring.png", "recording.zarr" if verb == "run" else "report.json",
    }  # fmt: skip


def test_a_file_in_the_place_of_the_folder(neurosim: Neurosim, workplace: Path) -> None:
    (workplace / "kept").write_text("mine")
    done = neurosim("run", RING, "--duration", "5ms", "--out", "kept", "--overwrite")
    assert (done.code, (workplace / "kept").read_text()) == (2, "mine")
    assert "--out kept is no folder" in done.err


def test_a_failure_while_writing_leaves_nothing(
    neurosim: Neurosim, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("neurosim.cli.figures.save", fail)
    done = neurosim("run", RING, "--duration", "5ms", "--out", "kept", "--plot")
    assert (done.code, done.err.splitlines()[-1]) == (2, "neurosim: the disk is full")
    assert entries(workplace) == set()


def test_what_nobody_foresaw_is_no_failed_check(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.cli.circuits.load_circuit", lambda *_: 1 / 0)
    done = neurosim("show", RING)
    assert done.code == 2
    assert "Traceback" in done.err

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosim.cli.circuits.load_circuit", interrupt)
    assert neurosim("show", RING)[::2] == (130, "neurosim: interrupted\n")
