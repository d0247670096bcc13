"""Losses, padding, constraints and chunks inside the Trainer: what each promises holds there too."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from neurosim.training import Trainer, chunked, constraints, losses, regularisers
from training.tasks import STEPS, Spikes, module

LOSS = losses.mean_over_time("out.v") + 0.1 * regularisers.upper_rate("hidden.spikes", 0.2, power=1)


class Padded(Spikes):
    """Sequences with steps of noise behind them, and how long each is without."""

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        spikes, label = super().__getitem__(index)
        length = STEPS - 3 * (index % 3)
        rest = (torch.rand(STEPS + 4 - length, 6, generator=torch.Generator().manual_seed(index)) < 0.5).float()
        return torch.cat([spikes[:length], rest]), {"target": label, "steps": length}


def train(dataset: Any, *, loss: Any = LOSS, prepare: Any = None, **options: Any) -> tuple[Any, Any]:
    trained = module(dtype="float64", noisy=True)
    optimiser = torch.optim.Adam(trained.parameters(), lr=0.05)
    if prepare is not None:
        prepare(trained, optimiser)
    trainer = Trainer(trained, loss, optimiser, show_progress=False, **options)
    return trained, trainer.fit(dataset, epochs=2, batch_size=5, validation=dataset)


def test_checkpointed_training_is_training() -> None:
    (plain, one), (checkpointed, other) = (
        train(Spikes(), **options) for options in ({}, {"forward": partial(chunked, steps_per_chunk=5)})
    )
    for (name, found), (_, expected) in zip(checkpointed.named_parameters(), plain.named_parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12, msg=name)
    assert other["loss"] == pytest.approx(one["loss"], rel=1e-9)
    assert 0 <= one["accuracy"][-1] <= 1


def test_padding_is_left_out_of_training() -> None:
    class Cut(Padded):
        """The same with silence behind them: another padding."""

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            spikes, targets = super().__getitem__(index)
            return pad(spikes[: targets["steps"]], (0, 0, 0, len(spikes) - targets["steps"])), targets

    (noise, one), (silence, other) = train(Padded()), train(Cut())
    for (name, found), (_, expected) in zip(noise.named_parameters(), silence.named_parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12, msg=name)
    assert one["validation_accuracy"] == other["validation_accuracy"]


def test_constraints_hold() -> None:
    def prune(trained: Any, optimiser: torch.optim.Optimizer) -> None:
        with torch.no_grad():
            trained.part("in_to_hidden").weight[::2] = 0.0
        constraints.hold(trained, optimiser, constraints.keep_zeros(trained, "*.weight"))

    trained, _ = train(Spikes(), prepare=prune)
    weight = trained.part("in_to_hidden").weight.detach().numpy()
    assert np.all(weight[::2] == 0)
    assert np.all(weight[1::2] != 0)
