"""Trains the small task and writes what came out; run it alone, or under torchrun.

``python two_processes.py FOLDER``: values and gradients go to ``FOLDER/RANK-WORLD.json``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from neurosim.errors import TrainingError
from neurosim.training import Monitor, Trainer, TrainingInterrupted
from training.tasks import Readout, Spikes, module

#: Eleven items in batches of five: the last batch is one item, of which the second process has none.
ITEMS, BATCH = 11, 5


class Counting(Spikes):
    """Counts what is fetched, and presses Ctrl-C at a certain item."""

    def __init__(self, items: int, interrupt: int = 0) -> None:
        super().__init__(items)
        self.fetched, self.interrupt = 0, interrupt

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.fetched += 1
        if self.fetched == self.interrupt:
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


def lists(values: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in values}


def made(folder: Path, **options: Any) -> Trainer:
    torch.set_num_threads(1)
    trained = module(dtype="float64", **options)
    optimiser = torch.optim.Adam(trained.parameters(), lr=0.02)
    return Trainer(trained, Readout(), optimiser, clip=0.3, folder=folder, monitor=Monitor(patience=3))


def train(folder: Path) -> None:
    """Train, and write values, gradients, history and what is refused."""
    found: dict[str, Any] = {}
    for items in (BATCH, ITEMS):
        trainer, dataset = made(folder / f"run-{items}"), Counting(items)
        history = trainer.fit(dataset, epochs=2, batch_size=BATCH, validation=Spikes(7))
        parameters = trainer.module.named_parameters()
        found[str(items)] = {
            "fetched": dataset.fetched,
            "gradients": lists((name, parameter.grad) for name, parameter in parameters),
            "values": lists(trainer.module.state_dict().items()),
            "history": history.epochs,
            "best": trainer.load_best(),
        }
    normalised = made(folder / "normalised", modules={"in_to_hidden": "batch_norm"})
    normalised.fit(Spikes(ITEMS), epochs=1, batch_size=BATCH, validation=Spikes(3))
    found["normalised"] = lists(normalised.module.state_dict().items())
    try:
        trainer.fit(Spikes(ITEMS), epochs=2, batch_size=BATCH, validation=Spikes(7))
    except TrainingError as error:
        found["refused"] = str(error)
    write(folder, found)


def stop_and_go_on(folder: Path) -> None:
    """Press Ctrl-C in the second process alone, and go on."""
    second = os.environ["RANK"] == "1"
    found: dict[str, Any] = {}
    try:
        dataset = Counting(ITEMS, interrupt=3 if second else 0)
        made(folder / "run").fit(dataset, epochs=2, batch_size=BATCH, validation=Spikes(7))
    except TrainingInterrupted as stopped:
        found["step"] = stopped.step
    trainer = made(folder / "run")
    trainer.fit(Spikes(ITEMS), epochs=2, batch_size=BATCH, validation=Spikes(7), resume=True)
    write(folder, {**found, "values": lists(trainer.module.state_dict().items())})


def write(folder: Path, found: Any) -> None:
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    (folder / f"{rank}-{world}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    train(Path(sys.argv[1]))
