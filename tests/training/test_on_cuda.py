"""The trainer on an NVIDIA GPU: what the CPU computes, within float32; mixed precision; a run that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from neurosim.training import EveryStep, History, Trainer
from training.tasks import Readout, Spikes, module

pytestmark = pytest.mark.cuda


def trained(device: str, *, epochs: int = 2, **options: Any) -> tuple[Trainer, History]:
    """Train the small task, or go on with it where there is a folder; return trainer and history."""
    found = module(device=device, modules={"in_to_hidden": "batch_norm"})
    optimiser = torch.optim.Adam(found.parameters(), lr=0.02)
    schedule = EveryStep(torch.optim.lr_scheduler.StepLR(optimiser, 5))
    trainer = Trainer(found, Readout(), optimiser, schedule, clip=1.0, **options)
    resume = {"resume": True} if "folder" in options else {}
    return trainer, trainer.fit(Spikes(16), epochs=epochs, batch_size=4, validation=Spikes(8), **resume)


def test_the_losses_of_the_cpu() -> None:
    on_cpu, on_gpu = trained("cpu")[1], trained("cuda")[1]
    assert on_gpu["loss"] == pytest.approx(on_cpu["loss"], rel=1e-2)


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_mixed_precision(precision: str) -> None:
    if precision == "bf16-mixed" and not torch.cuda.is_bf16_supported():
        pytest.skip("this GPU has no bfloat16")
    trainer, history = trained("cuda", precision=precision)
    assert {parameter.dtype for parameter in trainer.module.parameters()} == {torch.float32}
    assert history["loss"] == pytest.approx(trained("cuda")[1]["loss"], rel=0.1)


def test_a_run_goes_on(tmp_path: Path) -> None:
    whole = trained("cuda", folder=tmp_path / "whole")[1]
    trained("cuda", folder=tmp_path / "run", epochs=1)
    resumed = trained("cuda", folder=tmp_path / "run")[1]
    assert len(resumed) == 2
    assert resumed["loss"] == pytest.approx(whole["loss"], rel=1e-2)
