"""A run is killed (SIGKILL) at random moments and resumed each time: it ends with the numbers of one that never was."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from neurosim.training import Monitor, Trainer, groups
from training.tasks import Readout, Spikes, module

EPOCHS, ITEMS, BATCH = 5, 22, 4
CONTEXT = multiprocessing.get_context("fork")  # the child has imported everything already
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


class Waiting(Spikes):
    """Trials that say when the first of them is fetched."""

    def __init__(self, items: int, begun: Any) -> None:
        super().__init__(items, jitter=True)
        self.begun = begun

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.begun.set()
        return super().__getitem__(index)


def train(folder: Path, begun: Any, answer: Path) -> None:
    """Begin the run in a folder, or go on with it."""
    torch.set_num_threads(1)
    found = module(noisy=True)
    optimiser = torch.optim.AdamW(groups(found, {"*.delay": {"lr": 0.1}}), lr=0.02)
    trainer = Trainer(
        found, Readout(), optimiser, torch.optim.lr_scheduler.StepLR(optimiser, 2), seed=8, folder=folder, clip=1.0,
        checkpoint_every=1, monitor=Monitor(patience=9),
    )  # fmt: skip
    history = trainer.fit(Waiting(ITEMS, begun), epochs=EPOCHS, batch_size=BATCH, validation=Spikes(6), resume=True)
    begun.set()  # where no item was left to fetch
    values = {name: value.tolist() for name, value in found.state_dict().items()}
    answer.write_text(json.dumps({"values": values, "history": history.epochs, "best": history.best}))


def start(folder: Path, answer: Path) -> Any:
    """Return a process that trains, when its first item is being fetched or none is left."""
    begun = CONTEXT.Event()
    process = CONTEXT.Process(target=train, args=(folder, begun, answer))
    process.start()
    assert begun.wait(60)
    return process


def killed(folder: Path, kills: int, draws: random.Random) -> None:
    """Train in a folder, killed so many times, and compare with a run that never was."""
    train(folder / "first", CONTEXT.Event(), folder / "first.json")  # loads all that is loaded when it is used
    whole = start(folder / "whole", folder / "whole.json")
    started = time.perf_counter()
    whole.join(60)
    assert whole.exitcode == 0
    seconds = time.perf_counter() - started
    reached = []
    for _ in range(kills):
        process = start(folder / "killed", folder / "killed.json")
        time.sleep(draws.uniform(0.1, 0.8) * seconds / kills)
        process.kill()
        process.join(60)
        if process.exitcode == 0:
            break  # the machine is quicker than it was a moment ago, and the run was over before it could be killed
        assert process.exitcode == -9
        log = folder / "killed" / "log.jsonl"
        reached.append(len(log.read_bytes().splitlines()) if log.exists() else 0)
    last = start(folder / "killed", folder / "killed.json")
    last.join(60)
    assert last.exitcode == 0
    print(f"killed in lines {reached} of the log of {EPOCHS * 7}")
    assert json.loads((folder / "killed.json").read_text()) == json.loads((folder / "whole.json").read_text()), reached
    logs = [(folder / name / "log.jsonl").read_bytes() for name in ("whole", "killed")]
    assert logs[0] == logs[1]
    assert len(reached) > kills // 2
    assert reached[-1] > 0, "some of it was done before the last time"
    assert not list((folder / "killed").glob(".*.partial"))


def test_killed_three_times(tmp_path: Path) -> None:
    killed(tmp_path, 3, random.Random())


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(5))
def test_killed_ten_times(repetition: int, tmp_path: Path) -> None:
    killed(tmp_path, 10, random.Random())
