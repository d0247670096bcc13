"""Two ways to train a circuit: a loop of your own, and the Trainer, which goes on where it was stopped.

A word is a sweep over twenty channels, upwards or downwards, in noise; how many spikes there are says nothing.

Run it: ``python examples/06_training.py [FIGURE]``
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils.data import Dataset

import neurosim as ns
from neurosim.training import EveryStep, Trainer, TrainingInterrupted, groups, losses
from neurosim.units import ms

CHANNELS, STEPS, EPOCHS, BATCH = 20, 40, 8, 16
LOSS = losses.mean_over_time("out.v")


def build() -> ns.Circuit:
    """Return a network with learned delays: a hidden layer, and a leaky output for each class."""
    circuit = ns.Circuit("sweeps", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(CHANNELS))
    circuit.population("hidden", 16, ns.models.lif(tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=20 * ms))
    delay = ns.Trainable(ns.Uniform(0 * ms, 15 * ms), bounds=(0 * ms, 15 * ms))
    weight = ns.Trainable(ns.Normal(0.15, 0.15))
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="v", weight=weight, delay=delay)
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.0, 0.3)))
    return circuit


class Sweeps(Dataset[Any]):
    """Spikes (time, channel) of sweeps, and whether they go down: functions of the index."""

    def __init__(self, first: int, n: int) -> None:
        self.first, self.n = first, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        rng, down = np.random.default_rng(self.first + index), index % 2
        spikes = rng.random((STEPS, CHANNELS)) < 0.02
        order = np.arange(CHANNELS)[::-1] if down else np.arange(CHANNELS)
        times = rng.integers(0, 10) + order + rng.integers(-2, 3, CHANNELS)
        spikes[np.clip(times, 0, STEPS - 1), np.arange(CHANNELS)] |= rng.random(CHANNELS) < 0.8
        return spikes, down


class Interrupted(Sweeps):
    """Presses Ctrl-C in the middle of the training."""

    fetched = 0

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        self.fetched += 1
        if self.fetched == EPOCHS * len(self) // 2 + 10:
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


def prepare() -> tuple[Any, torch.optim.Optimizer, Any]:
    """Return a module, its optimiser with a rate of its own for the delays, and the schedule of both rates."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = ns.compile(build(), backend="snntorch", device=device)
    optimiser = torch.optim.Adam(groups(module, {"*.delay": {"lr": 0.5}}), lr=0.05)
    return module, optimiser, torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * 8)


def by_hand(training: Sweeps) -> list[float]:
    """Train in a loop of torch's own; return the loss of each epoch."""
    module, optimiser, schedule = prepare()
    history = []
    for epoch in range(EPOCHS):
        total = 0.0
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(BATCH):
            spikes, labels = zip(*(training[int(index)] for index in batch), strict=True)
            outputs, _ = module({"in": np.stack(spikes, axis=1)}, record=LOSS.records)
            loss = LOSS(outputs, torch.tensor(labels, device=module.device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            module.project()
            schedule.step()
            total += loss.item() * len(batch)
        history.append(total / len(training))
    return history


def by_trainer(training: Sweeps, folder: Path, **options: Any) -> tuple[Trainer, Any]:
    """Train with the Trainer; return it and the history."""
    module, optimiser, schedule = prepare()
    trainer = Trainer(module, LOSS, optimiser, EveryStep(schedule), folder=folder)
    return trainer, trainer.fit(training, epochs=EPOCHS, batch_size=BATCH, validation=Sweeps(10_000, 64), **options)


def main(figure: Path) -> None:
    """Train both ways, stop one in the middle and go on, test on sweeps that were not seen, draw."""
    training = Sweeps(0, 8 * BATCH)
    alone = by_hand(training)
    print(f"a loop of one's own: loss {alone[0]:.2f} to {alone[-1]:.2f}")
    with tempfile.TemporaryDirectory() as scratch:
        _, whole = by_trainer(training, Path(scratch) / "whole")
        try:
            by_trainer(Interrupted(0, 8 * BATCH), Path(scratch) / "stopped")
        except TrainingInterrupted as stopped:
            print(f"the Trainer: stopped after {stopped.step} of {stopped.steps} steps")
        trainer, resumed = by_trainer(training, Path(scratch) / "stopped", resume=True)
        print("resumed: the same losses as if it had not been stopped:", resumed == whole)
        trainer.load_best()
    test = Sweeps(20_000, 200)
    print(f"sweeps that were not seen: {trainer.evaluate(test)['accuracy']:.0%} right")

    circuit = trainer.module.to_circuit()
    spikes = np.stack([test[index][0] for index in range(2)], axis=1)
    recordings = [
        ns.simulate(circuit, STEPS * ms, backend=name, inputs={"in": spikes}, trials=2, record={"out": "v"})
        for name in ("brian2", "snntorch")
    ]
    voltages = [recording["out"]["v"].values for recording in recordings]
    print("in Brian2 and in torch the same voltages:", np.array_equal(*voltages))

    _, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    epochs = np.arange(1, EPOCHS + 1)
    left.plot(epochs, alone, "o-", color="0.6", label="a loop of one's own")
    left.plot(epochs, whole["loss"], "o-", color="C0", label="Trainer")
    left.plot(epochs, whole["validation_loss"], "o--", color="C0", label="not seen")
    left.plot(epochs, resumed["loss"], "x", color="C3", label="stopped, resumed", zorder=3)
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    left.legend(frameon=False)
    for trial, (panel, title) in enumerate(((middle, "upwards"), (right, "downwards"))):
        times, channels = np.nonzero(spikes[:, trial])
        panel.plot(times, (channels + 0.5) / CHANNELS, "|", color="0.7", transform=panel.get_xaxis_transform())
        panel.plot(voltages[0][trial], label=["up", "down"])
        panel.set(title=title, xlabel="time (ms)", ylabel="v, in Brian2")
    middle.legend(frameon=False)
    for panel in (left, middle, right):
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(figure, dpi=110)
    print("wrote", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "06_training.png")
