"""`neurosim train`: a recipe in a file or of a ready-made circuit, stopped and resumed, and its circuit simulated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from neurosim.circuits import registry
from neurosim.training.value_files import read_values

RECIPE = '''
import signal

import numpy as np
import torch

import neurosim as ns
from neurosim.units import ms

print("a file may print")


def circuit():
    made = ns.Circuit("order", dt=1 * ms, seed=1)
    made.source("in", ns.SpikeSource(4))
    made.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    made.connect("in", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.0, 0.3)))
    return made


def items(first, n, stop=0):
    rng = np.random.default_rng(first)
    rates = np.where(np.arange(4) // 2 == np.arange(n)[:, None] % 2, 0.4, 0.1)
    return [((rng.random((8, 4)) < rate).astype(np.float32), index % 2) for index, rate in enumerate(rates)]


class Stopping(list):
    """Presses Ctrl-C when the tenth item is fetched."""

    left = 10

    def __getitem__(self, index):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


def recipe(quick=False, seed=0, rate=0.05, stop=False):
    module = ns.compile(circuit(), backend="snntorch")
    optimiser = torch.optim.Adam(module.parameters(), lr=rate)
    data = items(0, 8 if quick else 16)
    return ns.training.Recipe(
        module=module, loss=ns.training.losses.mean_over_time("out.v"), optimiser=optimiser,
        dataset=Stopping(data) if stop else data, validation=items(1, 8), test=items(2, 8), epochs=3, batch_size=4,
        schedule=lambda epochs, steps: ns.training.EveryStep(
            torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
        ),
        options={"clip": 1.0},
    )


def plain():
    return circuit()


def slow():
    return recipe()
'''
Neurosim = Callable[..., Any]


@pytest.fixture
def file(workplace: Path) -> str:
    """Write a file with recipes, and return its name."""
    (workplace / "task.py").write_text(RECIPE, encoding="utf-8")
    return "task.py"


def test_training_by_a_recipe(neurosim: Neurosim, file: str, workplace: Path) -> None:
    done = neurosim("train", f"{file}:recipe", "--folder", "run", "--set", "rate=0.1", "--epochs", "4")
    assert done.code == 0, done.err
    first, best, test, wrote = done.out.splitlines()
    assert first.startswith("epoch 4: step 16, loss ")
    assert best.startswith("best, epoch ")
    assert test.startswith("test: loss ")
    assert wrote == "wrote run/circuit.json"
    assert "a file may print" in done.err
    manifest = json.loads((workplace / "run" / "manifest.json").read_text())
    trained = ns.Circuit.load(workplace / "run" / "circuit.json")
    assert manifest["circuit_digest"] == trained.digest()
    assert manifest["command"][:2] == ["neurosim", "train"]
    values = read_values(workplace / "run" / "best.safetensors", "neurosim-trained-values")
    assert values["epoch"] == manifest["best"]
    scale = values["module"]["in_to_out.values.scale_w"]
    kept = (values["module"]["in_to_out.weight"] * scale).T.reshape(-1)
    assert trained.edges("in_to_out").weight.tolist() == pytest.approx(kept.tolist())
    ran = neurosim("run", "run/circuit.json", "--duration", "10ms")
    assert ran.code == 0, ran.err


def test_stopped_and_resumed(neurosim: Neurosim, file: str, workplace: Path) -> None:
    whole = neurosim("train", f"{file}:recipe", "--folder", "whole", "--json", "--seed", "3")
    stopped = neurosim("train", f"{file}:recipe", "--folder", "run", "--seed", "3", "--set", "stop=true")
    assert stopped.code == 130
    assert "stopped after 3 of 12 steps; run holds them; to go on, give the same command with --resume" in stopped.err
    assert not (workplace / "run" / "circuit.json").exists()
    again = neurosim("train", f"{file}:recipe", "--folder", "run", "--seed", "3")
    assert (again.code, "holds a training run already" in again.err) == (2, True)
    other = neurosim("train", f"{file}:recipe", "--folder", "run", "--seed", "4", "--resume")
    assert (other.code, "data.seed is 3 there, 4 here" in other.err) == (2, True)
    resumed = neurosim("train", f"{file}:recipe", "--folder", "run", "--seed", "3", "--resume", "--json")
    assert resumed.code == 0, resumed.err
    one, two = json.loads(whole.out), json.loads(resumed.out)
    assert one.pop("folder") == "whole"
    assert two.pop("folder") == "run"
    assert one == two
    assert len(two["epochs"]) == 3
    assert two["test"].keys() == {"loss", "accuracy"}


def test_quick_batch_size_and_the_folder_of_its_own(neurosim: Neurosim, file: str, workplace: Path) -> None:
    done = neurosim(
        "train", f"{file}:recipe", "--quick", "--batch-size", "8", "--epochs", "1", "--tensorboard", "--json"
    )
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["epochs"][0]["step"] == 1
    assert found["folder"] == "order-training"
    assert list((workplace / "order-training" / "tensorboard").iterdir())


def test_a_ready_made_circuit(neurosim: Neurosim, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(registry.describe("coba"), recipe="a_module:a_function")
    names: dict[str, Any] = {}
    exec(compile(Path(file).read_text(), file, "exec"), names)
    monkeypatch.setattr(registry, "_ENTRIES", (entry,))
    monkeypatch.setattr(registry, "_BY_NAME", {"coba": entry, "brunel": registry.describe("brunel")})
    monkeypatch.setattr(registry, "_imported", lambda place: names["recipe"])
    done = neurosim("train", "coba", "--quick", "--epochs", "1")
    assert done.code == 0, done.err
    none = neurosim("train", "brunel")
    assert none.code == 2
    assert "there is no recipe to train 'brunel'. Known: coba." in none.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["task.py:plain"], "must return a neurosim.training.Recipe, which says how to train; got Circuit"),
        (["task.py:recpie"], "Did you mean 'recipe'"),
        (["task.py:recipe", "--set", "rat=1"], "has no argument 'rat'. Did you mean 'rate'"),
        (["task.py:recipe", "--set", "seed=1"], "has no argument 'seed'"),
        (["task.py:slow", "--quick"], "has no quick version"),
        (["circuit.json"], "not how it is trained"),
        (["cobra"], "Did you mean 'coba'"),
        (["task.py:recipe", "--device", "cuda:99"], "cuda:99"),
        (["task.py:recipe", "--precision", "16-true"], "16-mixed"),
        (["task.py:recipe", "--epochs", "0"], "at least 1"),
    ],
)
def test_what_is_refused(words: list[str], message: str, neurosim: Neurosim, file: str, workplace: Path) -> None:
    done = neurosim("train", *words)
    assert done.code == 2
    assert message in done.err
    assert [path.name for path in workplace.iterdir()] == [file]
