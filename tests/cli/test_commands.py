"""Every verb of the command, in this process and as a process, on small circuits."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim import circuits
from neurosim.cli import main
from neurosim.cli.circuits import load_circuit
from neurosim.datasets import recordings
from neurosim.units import ms
from neurosim.verification import VerifyReport

Neurosim = Callable[..., Any]
RELAY, RING, PAIR = "../nets.py:relay", "../nets.py:ring", "../nets.py:pair"
PLACE = {"step", "time", "population", "neuron", "variable"}


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# -- list and show ---------------------------------------------------------------------------------------------------


def test_list(neurosim: Neurosim) -> None:
    done = neurosim("list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(circuits.names())
    listed = json.loads(neurosim("list", "--json").out)
    assert [item["name"] for item in listed] == list(circuits.names())
    assert listed[0]["duration"] == circuits.describe(listed[0]["name"]).duration


def test_list_recordings(neurosim: Neurosim) -> None:
    done = neurosim("list", "recordings")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(recordings.names())
    assert "MATLAB 5; MIT" in done.out
    listed = json.loads(neurosim("list", "recordings", "--json").out)
    assert [item["licence"] for item in listed] == [recordings.describe(item["name"]).licence for item in listed]


def test_show(neurosim: Neurosim) -> None:
    done = neurosim("show", RELAY)
    assert (done.code, done.out) == (
        0,
        f"{load_circuit(RELAY, []).circuit}\n\nbuilt with n=4, bias=12.0 (--set changes them)\n",
    )
    shown = json.loads(neurosim("show", RELAY, "--json", "--set", "n=5").out)
    assert shown["populations"]["first"]["neurons"] == 5
    assert shown["projections"]["first_to_second"] == {"pre": "first", "post": "second", "edges": 15}
    assert shown["digest"] == load_circuit(RELAY, ["n=5"]).circuit.digest()


def test_circuits_of_the_library(neurosim: Neurosim) -> None:
    done = neurosim("show", "balanced-network", "--set", "scale=0.02", "--set", "exc.tau_mem=5ms")
    assert done.code == 0
    expected = circuits.build("balanced-network", scale=0.02).replace({"exc.tau_mem": 5 * ms})
    assert done.out.startswith(f"{expected}\n\nbuilt with scale=0.02, ")


def test_circuit_files(neurosim: Neurosim, workplace: Path) -> None:
    load_circuit(RELAY, []).circuit.save(workplace / "relay.json")
    done = neurosim("show", "relay.json", "--set", "first.tau_mem=5ms", "--set", "seed=9")
    assert done.code == 0
    assert "seed 9" in done.out
    assert "tau_mem = 5 ms" in done.out


@pytest.mark.parametrize("verb", ["show", "run", "verify", "export"])
@pytest.mark.parametrize("source", ["izhikevich-patterns", "saved.json", "../nets.py:ring"])
def test_every_verb_takes_every_spelling_of_a_circuit(
    verb: str, source: str, neurosim: Neurosim, workplace: Path
) -> None:
    load_circuit(RING, []).circuit.save(workplace / "saved.json")
    options = [] if verb == "show" else ["--duration", "5ms"]
    setting = ["--set", "pattern=B"] if source == "izhikevich-patterns" else ["--set", "cells.tau=7ms"]
    done = neurosim(verb, source, *options, *setting, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["circuit"] == ("izhikevich-patterns" if source == "izhikevich-patterns" else "ring")
    plain = json.loads(neurosim(verb, source, *options, "--json", *(["--overwrite"] if verb == "export" else [])).out)
    if verb != "verify":
        key = "digest" if verb == "show" else "circuit_digest"
        assert json.loads(done.out)[key] != plain[key], "the setting changed nothing"


# -- run -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_run_keeps_the_recording_and_where_it_came_from(backend: str, neurosim: Neurosim, workplace: Path) -> None:
    done = neurosim(
        "run", RELAY, "--duration", "20ms", "--backend", backend, "--out", "kept", "--seed", "3", "--trials", "2",
        "--record", "first.v", "--record", "second.spikes", "--set", "bias=15.0",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert entries(workplace / "kept") == {"recording.zarr", "manifest.json"}
    assert entries(workplace) == {"kept"}
    kept = ns.Recording.load(workplace / "kept" / "recording.zarr")
    circuit = load_circuit(RELAY, ["bias=15.0"]).circuit
    options = {"dtype": "float64"} if backend == "snntorch" else {}
    again = ns.simulate(
        circuit, 20 * ms, backend=backend, seed=3, trials=2, record=["first.v", "second.spikes"], **options
    )
    assert kept == again
    assert len(kept.spikes["second"]) > 0
    manifest = json.loads((workplace / "kept" / "manifest.json").read_text())
    assert manifest["command"][:3] == ["neurosim", "run", RELAY]
    assert manifest["circuit_digest"] == circuit.digest()
    found = {name: manifest[name] for name in ("circuit", "duration", "dt", "seed", "trials", "files")}
    assert found == {
        "circuit": "relay", "duration": pytest.approx(0.02), "dt": 1e-4, "seed": 3, "trials": 2,
        "files": ["kept/recording.zarr"],
    }  # fmt: skip
    assert manifest["backend"]["backend"] == backend
    assert manifest["versions"]["neurosim"] == ns.__version__
    assert manifest["time"].startswith("20")
    assert "platform" in manifest
    assert "second:" in done.out


def test_parts_of_included_circuits_have_addresses(neurosim: Neurosim, workplace: Path) -> None:
    load_circuit(PAIR, []).circuit.save(workplace / "pair.json")
    done = neurosim(
        "run", "pair.json", "--duration", "20ms", "--out", "kept", "--plot", "--record", "left/first.v",
        "--record", "right/second.spikes", "--set", "left/first.tau_mem=8ms",
    )  # fmt: skip
    assert done.code == 0, done.err
    kept = ns.Recording.load(workplace / "kept" / "recording.zarr")
    circuit = load_circuit(PAIR, []).circuit.replace({"left/first.tau_mem": 8 * ms})
    again = ns.simulate(circuit, 20 * ms, record=["left/first.v", "right/second.spikes"])
    assert np.array_equal(kept["left/first"]["v"], again["left/first"]["v"])
    assert kept.spikes == again.spikes
    assert len(kept.spikes["right/second"])
    shown = json.loads(neurosim("show", "pair.json", "--json").out)
    assert shown["projections"]["left_second_to_right_first"]["pre"] == "left/second"
    assert neurosim("verify", "pair.json", "--duration", "10ms", "--plot", "both.png").code == 0


def test_run_prints_one_object(neurosim: Neurosim, workplace: Path) -> None:
    done = neurosim("run", RELAY, "--duration", "20ms", "--dt", "0.2ms", "--json")
    outcome = json.loads(done.out)
    recording = ns.simulate(load_circuit(RELAY, []).circuit, 20 * ms, dt=0.2 * ms)
    assert outcome["dt"] == pytest.approx(2e-4)
    assert outcome["spikes"] == {name: len(trains) for name, trains in recording.spikes.items()}
    assert outcome["rates"]["first"] == pytest.approx(len(recording.spikes["first"]) / 4 / 0.02)
    assert outcome["circuit_digest"] == recording.metadata["circuit_digest"]
    assert outcome["files"] == []
    assert "a file may print" in done.err, "what the file prints belongs elsewhere"
    assert entries(workplace) == set()


def test_populations_that_do_not_spike_are_recorded_unasked(neurosim: Neurosim) -> None:
    outcome = json.loads(neurosim("run", RING, "--duration", "5ms", "--json").out)
    assert (outcome["traces"], outcome["spikes"]) == (["cells.v"], {})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--plot"], {"relay.png", "relay.manifest.json"}),
        (["--plot", "fig/raster.svg"], {"fig", "fig/raster.svg", "fig/raster.manifest.json"}),
        (["--plot", "--out", "kept"], {"kept", "kept/plot.png", "kept/recording.zarr", "kept/manifest.json"}),
    ],
)
def test_plots(options: list[str], expected: set[str], neurosim: Neurosim, workplace: Path) -> None:
    done = neurosim("run", RELAY, "--duration", "20ms", "--record", "first.spikes", "--record", "first.v", *options)
    assert done.code == 0, done.err
    found = {str(path.relative_to(workplace)) for path in workplace.rglob("*") if "recording.zarr/" not in str(path)}
    assert found == expected
    for path in workplace.rglob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    for name in expected - {"kept", "fig"}:
        assert f"wrote {name}" in done.out


def test_neurons_are_drawn_by_name(neurosim: Neurosim, workplace: Path) -> None:
    assert neurosim("run", RING, "--duration", "20ms", "--plot", "ring.svg").code == 0
    drawn = (workplace / "ring.svg").read_text()
    assert "AVA0" in drawn, "the driven cell moves most, so it is among those drawn"
    assert drawn.count("<!-- AVA") == 6


def test_the_worm_has_a_figure_of_its_own(neurosim: Neurosim, workplace: Path) -> None:
    pytest.importorskip("neurosim.datasets")
    done = neurosim("run", "celegans-connectome", "--duration", "20ms", "--plot", "worm.svg")
    if "not installed" in done.err:
        pytest.skip("the wiring of the worm is not installed")
    assert done.code == 0, done.err
    assert "<!-- motor neurons -->" in (workplace / "worm.svg").read_text()


# -- verify ----------------------------------------------------------------------------------------------------------


def test_verify_identical(neurosim: Neurosim, workplace: Path) -> None:
    done = neurosim("verify", RELAY, "--duration", "20ms", "--out", "kept", "--plot")
    assert done.code == 0, done.err
    assert "IDENTICAL" in done.out
    assert entries(workplace / "kept") == {"report.json", "plot.png", "manifest.json"}
    report = VerifyReport.load(workplace / "kept" / "report.json")
    assert report.identical
    assert done.out.startswith(report.text())
    manifest = json.loads((workplace / "kept" / "manifest.json").read_text())
    assert manifest["identical"] is True
    assert manifest["backends"] == ["brian2", "snntorch", "snntorch:eager"]


def test_verify_prints_one_object(neurosim: Neurosim) -> None:
    done = neurosim("verify", RING, "--duration", "10ms", "--json")
    assert done.code == 0
    outcome = json.loads(done.out)
    assert outcome == {
        "circuit": "ring", "identical": True, "first_divergence": None,
        "spikes": {"brian2": 0, "snntorch": 0, "snntorch:eager": 0},
        "final_state_max_abs_diff": pytest.approx(0, abs=1e-9), "final_state_max_rel_diff": pytest.approx(0, abs=1e-9),
        "tolerance": 1e-9, "dt": 5e-4, "duration": pytest.approx(0.01), "dtype": "float64",
    }  # fmt: skip


def test_verify_of_what_differs_ends_with_1(neurosim: Neurosim, workplace: Path) -> None:
    arguments = ("verify", RELAY, "--duration", "20ms", "--backends", "brian2,snntorch", "--dtype", "float32")
    done = neurosim(*arguments, "--json", "--out", "kept")
    assert done.code == 1
    outcome = json.loads(done.out)
    assert outcome["identical"] is False
    assert outcome["first_divergence"].keys() == PLACE
    assert outcome["dtype"] == "float32"
    assert not VerifyReport.load(workplace / "kept" / "report.json").identical
    assert neurosim(*arguments, "--tolerance", "0.01").code == 0


def test_the_command_as_a_process(workplace: Path) -> None:
    """The installed command: its exit code, and one object on stdout whatever else happens."""
    command = [sys.executable, "-m", "neurosim.cli", "verify", RING, "--duration", "5ms", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=workplace, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["identical"] is True
    assert done.stdout.count("\n") == 1
    failed = subprocess.run(
        [*command[:4], "nix.json"], capture_output=True, text=True, cwd=workplace, timeout=120, check=False
    )
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "neurosim: there is no circuit file nix.json.\n"


# -- export ----------------------------------------------------------------------------------------------------------


def test_export_writes_a_script_and_its_arrays(neurosim: Neurosim, workplace: Path) -> None:
    arguments = ("export", RELAY, "--duration", "20ms", "--seed", "3", "--set", "bias=15.0")
    done = neurosim(*arguments)
    assert (done.code, done.out) == (0, "wrote relay.py\nwrote relay.npz\n"), done.err
    assert entries(workplace) == {"relay.py", "relay.npz"}
    assert "SEED, TRIAL = 3, 0" in (workplace / "relay.py").read_text()
    refused = neurosim(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert "relay.py exists already" in refused.err
    outcome = json.loads(neurosim(*arguments, "--overwrite", "--json", "--statements", "native", "--dt", "0.2ms").out)
    assert outcome["files"] == ["relay.py", "relay.npz"]
    assert outcome["statements"] == "native"
    text = (workplace / "relay.py").read_text()
    assert "STEPS = 100 " in text
    assert 'method="exact"' in text
    done = subprocess.run(
        [sys.executable, "relay.py"], capture_output=True, text=True, cwd=workplace, timeout=120, check=True
    )
    assert done.stdout.startswith("first: ")


# -- help and progress -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["run", "verify", "analyse", "compare", "list", "show"])
def test_every_verb_explains_itself(verb: str, neurosim: Neurosim) -> None:
    done = neurosim(verb, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"neurosim {verb}" in done.out
    assert verb in neurosim("--help").out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_are_drawn_on_a_terminal_only(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    err, out = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["verify", RING, "--duration", "20ms", "--json"]) == 0
    for backend in ("brian2", "snntorch", "snntorch:eager"):
        assert backend in err.getvalue()
    assert json.loads(out.getvalue())["identical"] is True
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    assert main(["run", RING, "--duration", "20ms", "--json"]) == 0
    assert quiet.getvalue() == "a file may print\n"


def test_the_path_of_modules_is_left_as_it_was(neurosim: Neurosim, workplace: Path) -> None:
    (workplace.parent / "neighbour_of_nets.py").write_text("SIZE = 7\n")
    (workplace.parent / "more.py").write_text(
        "from nets import relay\nfrom neighbour_of_nets import SIZE\n\ndef build():\n    return relay(n=SIZE)\n"
    )
    before = list(sys.path)
    shown = json.loads(neurosim("show", "../more.py:build", "--json").out)
    assert shown["populations"]["first"]["neurons"] == 7
    assert sys.path == before
    assert np.all([name not in sys.path for name in (str(workplace), str(workplace.parent))])
