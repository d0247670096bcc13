"""`neurosim analyse` and `neurosim compare`: recordings by name, file and folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from analysis.comparison.comparison_data import poisson
from neurosim.analysis.comparison import STATISTICS, compare, overview
from neurosim.datasets import recordings
from neurosim.units import ms

Neurosim = Callable[..., Any]
SAMPLE = "mouse-postsubiculum:sample"


@pytest.fixture
def saved(workplace: Path) -> ns.Recording:
    """Return a recording that lies in the workplace as a file of its own and as the result of a run."""
    recording = ns.Recording({"exc": poisson(7, 4.0, rhythm=0.5), "inh": poisson(1, 4.0, rate=20.0)})
    recording.save(workplace / "one.zarr")
    (workplace / "run").mkdir()
    recording.save(workplace / "run" / "recording.zarr")
    return recording


def test_analyse(neurosim: Neurosim, saved: ns.Recording) -> None:
    done = neurosim("analyse", "one.zarr")
    assert (done.code, done.out) == (0, f"{overview(saved)}\n")
    assert "left out: inh: correlation, dimensions: there is no pair of neurons" in done.out
    assert neurosim("analyse", "run").out == done.out
    shown = json.loads(neurosim("analyse", "one.zarr", "--json", "--start", "1s", "--window", "50ms").out)
    expected = overview(saved.restrict((1, 4)), window=0.05).to_dict()
    assert shown == {**expected, "files": []}


def test_analyse_by_name(neurosim: Neurosim) -> None:
    done = neurosim("analyse", SAMPLE)
    expected = overview(recordings.load("mouse-postsubiculum", sample=True))
    assert (done.code, done.out) == (0, f"{expected}\n")


def test_analyse_traces(neurosim: Neurosim, workplace: Path) -> None:
    """A worm's calcium and a simulated graded circuit hold no spikes."""
    done = neurosim("analyse", "celegans-calcium:sample", "--seed", "1", "--figures", "drawn")
    expected = overview(recordings.load("celegans-calcium", sample=True), seed=1)
    assert done.code == 0
    assert done.out.startswith(f"{expected}\n")
    assert {fact.population for fact in expected.facts} == {"neurons.calcium"}
    assert (workplace / "drawn" / "overview.png").stat().st_size > 10_000
    simulated = ns.simulate(_ring(), 400 * ms, backend="brian2", record={"cells": ["v"]})
    simulated.save(workplace / "ring.zarr")
    shown = json.loads(neurosim("analyse", "ring.zarr", "--json").out)
    assert list(shown["sizes"]) == ["cells.v"]
    assert {fact["name"] for fact in shown["facts"]} >= {"mean", "standard deviation", "correlation", "dimensions"}


def _ring() -> ns.Circuit:
    circuit = ns.Circuit("ring", dt=0.5 * ms, seed=1)
    equations = "dv/dt = (-v + tanh(drive) + i_ext)/tau : 1\ndrive : 1\ni_ext : 1"
    cells = circuit.population("cells", 9, ns.NeuronModel(equations, parameters={"tau": 5 * ms}))
    synapse = ns.SynapseModel("drive_post = w*v_pre : 1 (summed)")
    circuit.connect(cells, cells, ns.FixedProbability(0.5), synapse=synapse, weight=ns.Uniform(0, 1))
    circuit.inject("noise", cells, "i_ext", ns.FilteredNoise(mean=0.0, std=0.5, tau=5 * ms))
    return circuit


def test_compare(neurosim: Neurosim, saved: ns.Recording) -> None:
    done = neurosim("compare", "one.zarr", SAMPLE, "--pairs", "exc=group0_psb", "--start", "500ms", "--json")
    recorded = recordings.load("mouse-postsubiculum", sample=True)
    expected = compare(saved.restrict((0.5, 4.0)), recorded, {"exc": "group0_psb"})
    assert done.code == 0
    assert json.loads(done.out) == {**expected.to_dict(), "files": []}


def test_compare_responses(neurosim: Neurosim, workplace: Path) -> None:
    simulated = recordings.drawn_session(1).per_trial("tone", (0.0, 0.4))
    simulated.save(workplace / "sim.zarr")
    recordings.drawn_session().save(workplace / "rec.zarr")
    words = ("--pairs", "cortex=cortex", "--events", "=tone", "--label", "pitch", "--response", "0ms:400ms")
    done = neurosim("compare", "sim.zarr", "rec.zarr", *words, "--json")
    expected = compare(
        simulated, recordings.drawn_session(), {"cortex": "cortex"}, events=(None, "tone"), label="pitch",
        response=(0.0, 0.4),
    )  # fmt: skip
    assert done.code == 0
    assert json.loads(done.out) == {**expected.to_dict(), "files": []}
    assert {"psth", "tuning", "selectivity", "trajectory"} < {line.statistic for line in expected}
    done = neurosim(
        "compare", "sim.zarr", "rec.zarr", *words, "--variable", "spikes=fluorescence", "--response-bin", "50ms"
    )
    assert done.code == 0
    assert "trajectory (rad)" in done.out
    assert "psth, tuning: rate (Hz) and fluorescence (1) are not the same quantity." in done.out


def test_figures(neurosim: Neurosim, saved: ns.Recording, workplace: Path) -> None:
    done = neurosim("compare", "one.zarr", "run", "--figures", "drawn")
    assert done.code == 0
    assert done.out.endswith("wrote drawn/comparison.png\nwrote drawn/manifest.json\n")
    assert (workplace / "drawn" / "comparison.png").stat().st_size > 10_000
    manifest = json.loads((workplace / "drawn" / "manifest.json").read_text())
    assert {line["statistic"] for line in manifest["lines"]} == set(STATISTICS)
    assert manifest["command"][:2] == ["neurosim", "compare"]
    assert "exists already" in neurosim("compare", "one.zarr", "run", "--figures", "drawn").err
    assert neurosim("analyse", "one.zarr", "--figures", "drawn", "--overwrite").code == 0
    assert (workplace / "drawn" / "overview.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyse", "mouse-postsubiculun"], "Did you mean 'mouse-postsubiculum'"),
        (["analyse", "mouse-postsubiculum"], "Licence: MIT"),
        (["analyse", "one.zarr", "--start", "5s"], "--start 5s: the recording ends at 4 s"),
        (["analyse", "one.zarr", "--start", "5"], "write 5ms or 5s"),
        (["compare", "one.zarr", "run", "--pairs", "exc"], "write SIM=REC"),
        (["compare", "one.zarr", "run", "--pairs", "ex=inh"], "Did you mean 'exc'"),
        (["compare", "one.zarr", "run", "--events", "tone", "--response", "400ms"], "write START:STOP"),
        (["compare", "one.zarr", "run", "--events", "tone"], "events= need response="),
    ],
)
def test_what_does_not_fit(
    neurosim: Neurosim, saved: ns.Recording, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", "empty")
    done = neurosim(*arguments)
    assert done.code == 2
    assert message in done.err
