"""Groups, schedules, monitors, histories: what a run is told and what it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from neurosim.errors import TrainingError
from neurosim.training import Clip, EveryStep, History, Monitor, groups
from neurosim.training.extras import extra
from neurosim.training.logs import Log
from neurosim.training.monitor import Watch
from neurosim.training.schedules import Schedules
from training.tasks import module


def test_groups_by_address() -> None:
    found = groups(module(), {"*.delay": {"lr": 0.1}, "in_to_hidden.*": {"weight_decay": 0.5}}, lr=0.01)
    assert [(group["name"], len(group["params"])) for group in found] == [
        ("*.delay", 1), ("in_to_hidden.*", 1), ("others", 1),
    ]  # fmt: skip
    optimiser = torch.optim.Adam(found, lr=0.3)
    assert [(group["lr"], group["weight_decay"]) for group in optimiser.param_groups] == [
        (0.1, 0),
        (0.3, 0.5),
        (0.01, 0),
    ]
    assert [group["name"] for group in groups(module(delays=False), {"*": {}})] == ["*"]
    with pytest.raises(TrainingError, match=r"no parameter is called '\*.dely'.*Known: hidden_to_out.weight"):
        groups(module(), {"*.dely": {}})


def test_schedules_advance_by_epoch_or_by_step() -> None:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    by_epoch = torch.optim.lr_scheduler.StepLR(optimiser, 1, gamma=0.5)
    schedules = Schedules([by_epoch, EveryStep(torch.optim.lr_scheduler.StepLR(optimiser, 1, gamma=0.1))])
    schedules.after_step()
    assert Schedules.rates([optimiser]) == [pytest.approx(0.1)]
    schedules.after_epoch(3.0)
    assert Schedules.rates([optimiser]) == [pytest.approx(0.05)]
    plateau = Schedules(torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=0, factor=0.5))
    plateau.after_epoch(1.0)
    plateau.after_epoch(2.0)
    assert Schedules.rates([optimiser]) == [pytest.approx(0.025)]
    with pytest.raises(TrainingError, match="EveryStep"):
        Schedules("cosine")
    with pytest.raises(TrainingError, match="without EveryStep"):
        Schedules(EveryStep(torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser)))


def test_watching() -> None:
    watch = Watch(Monitor("accuracy", mode="max", patience=2, least=0.05))
    told = [watch.better({"accuracy": value}, epoch) for epoch, value in enumerate([0.5, 0.52, 0.6, 0.6])]
    assert told == [True, False, True, False]
    assert (watch.best, watch.found, watch.exhausted) == (0.6, 2, False)
    other = Watch(watch.monitor)
    other.load(watch.state())
    assert not other.better({"accuracy": float("nan")}, 4)
    assert other.exhausted
    low = Watch(Monitor("loss"))
    assert [low.better({"loss": value}, 0) for value in (float("inf"), 2.0, 1.0, 1.5)] == [False, True, True, False]
    assert not low.exhausted
    with pytest.raises(TrainingError, match="Did you mean 'loss'"):
        Watch(Monitor("los")).better({"loss": 1.0}, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Monitor(mode="least"), "mode='least'"),  # type: ignore[arg-type]
        (lambda: Monitor(patience=0), "at least 1 epoch"),
        (lambda: Clip(), "either norm= or value="),
        (lambda: Clip(norm=1.0, value=1.0), "either norm="),
        (lambda: Clip(norm=0.0), "must be positive"),
        (lambda: Clip(value=-1.0), "a limit must be positive"),
        (lambda: History(({"loss": 1.0},))["lost"], "Did you mean 'loss'"),
        (
            lambda: extra("no_such_module", "this", package="no-such"),
            r"this needs no-such.*neurosim-circuits\[training\]",
        ),
    ],
)
def test_what_is_refused(make: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        make()


def test_history() -> None:
    history = History(({"loss": 2.0}, {"loss": 1.0}), best=1)
    assert (history["loss"], len(history)) == ([2.0, 1.0], 2)


def test_a_log_goes_on_where_the_checkpoint_is(tmp_path: Path) -> None:
    log = Log(tmp_path, kept=0, step=0, tensorboard=False)
    log.write("step", 1, {"loss": 1.0, "learning_rate": [0.1, float("inf")]}, epoch=0)
    size = log.size()
    log.write("step", 2, {"loss": 2.0}, epoch=0)
    log.close()
    again = Log(tmp_path, kept=size, step=1, tensorboard=False)
    again.write("step", 2, {"loss": 3.0}, epoch=0)
    again.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [
        {"kind": "step", "step": 1, "epoch": 0, "loss": 1.0, "learning_rate": [0.1, "inf"]},
        {"kind": "step", "step": 2, "epoch": 0, "loss": 3.0},
    ]
