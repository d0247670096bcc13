"""Runs that are stopped and go on: the same numbers to the last bit; runs that may not go on."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.backends.snntorch.layers import Dropout
from neurosim.errors import FileFormatError, TrainingError
from neurosim.training import EveryStep, History, Monitor, Trainer, TrainingInterrupted, groups
from neurosim.training.folder import RunFolder
from neurosim.units import ms
from training.tasks import Readout, Spikes, module

EPOCHS, BATCH, ITEMS = 3, 4, 10
STEPS = 9


class Dropping(Readout):
    """A loss that draws from torch's own generator, as torch's dropout does."""

    def __call__(self, outputs: Any, targets: Tensor) -> Tensor:
        return super().__call__({"out": {"v": nn_dropout(outputs["out"]["v"])}}, targets)


def nn_dropout(value: Tensor) -> Tensor:
    return torch.nn.functional.dropout(value, 0.3)


class Interrupting(Spikes):
    """Trials that send this process a Ctrl-C when a certain number of them has been fetched, or end it."""

    def __init__(self, items: int, at: int, *, dead: bool = False, **options: Any) -> None:
        super().__init__(items, **options)
        self.left, self.dead = at, dead

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.left -= 1
        if self.left == 0:
            if self.dead:
                raise RuntimeError("dead")
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


def trainer(folder: Path | None, **options: Any) -> Trainer:
    """Return a trainer with all that has a state: optimisers, schedules, noise, batch norm, dropout, patience."""
    found = module(noisy=True, modules={"in_to_hidden": "batch_norm", "hidden": Dropout(0.2)})
    delays = torch.optim.SGD([found.get_parameter("in_to_hidden.delay")], lr=0.5, momentum=0.9)
    weights = torch.optim.AdamW(
        groups(found, {"hidden_*.weight": {"lr": 0.05}})[:1] + groups(found, {"in_*.weight": {}})[:1], lr=0.02
    )
    schedule = [
        EveryStep(torch.optim.lr_scheduler.OneCycleLR(weights, 0.1, total_steps=STEPS)),
        torch.optim.lr_scheduler.MultiStepLR(delays, [1, 2]),
    ]
    settings: dict[str, Any] = {
        "seed": 3, "clip": 0.5, "checkpoint_every": 1, "monitor": Monitor(patience=5), **options,
    }  # fmt: skip
    if folder is None:
        del settings["checkpoint_every"]
    return Trainer(found, Dropping(), [delays, weights], schedule, folder=folder, **settings)


def fit(made: Trainer, dataset: Any = None, **options: Any) -> History:
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "validation": Spikes(6), **options}
    return made.fit(Spikes(ITEMS, jitter=True) if dataset is None else dataset, **settings)


def final(made: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in made.module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Tensor], History, str]:
    """Return values, history and log of a run that is never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    made = trainer(folder)
    history = fit(made)
    return final(made), history, (folder / "log.jsonl").read_text()


@pytest.mark.parametrize("step", [1, 3, 5, 9])
def test_interrupted_and_resumed_is_uninterrupted(step: int, whole: Any, tmp_path: Path) -> None:
    """Within an epoch, at its end, and after the very last step: values, history and log are those of the whole run."""
    folder = tmp_path / "run"
    fetched = [0, 4, 8, 10, 14, 18, 20, 24, 28, 30]
    with pytest.raises(TrainingInterrupted, match=f"stopped after {step} of 9 steps; .*run holds them.*resume=True"):
        fit(trainer(folder), Interrupting(ITEMS, fetched[step], jitter=True))
    again = trainer(folder)
    history = fit(again, resume=True)
    assert same(final(again), whole[0])
    assert history == whole[1]
    assert (folder / "log.jsonl").read_text() == whole[2]


def test_checkpoints_are_what_is_gone_on_from(whole: Any, tmp_path: Path) -> None:
    """A process that dies between two checkpoints does the steps since the last one again."""
    folder = tmp_path / "run"

    with pytest.raises(RuntimeError, match="dead"):
        fit(trainer(folder, checkpoint_every=2), Interrupting(ITEMS, 19, jitter=True, dead=True))
    assert len((folder / "log.jsonl").read_text().splitlines()) == 6, (
        "5 steps and an epoch; the last checkpoint is of step 4"
    )
    again = trainer(folder, checkpoint_every=2)
    assert fit(again, resume=True) == whole[1]
    assert same(final(again), whole[0])
    assert (folder / "log.jsonl").read_text() == whole[2]


def test_resuming_what_has_not_begun_and_what_is_over(whole: Any, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    begun = trainer(folder)
    assert fit(begun, resume=True) == whole[1]
    over = trainer(folder)
    assert fit(over, resume=True) == whole[1]
    assert same(final(over), whole[0])
    longer = trainer(folder, on_epoch=lambda module, epoch, epochs: None)
    with pytest.raises(ValueError, match="Tried to step 10 times"):  # torch's OneCycleLR knows its end
        fit(longer, epochs=EPOCHS + 1, resume=True)


def test_more_epochs_of_a_run_that_is_over(tmp_path: Path) -> None:
    def made(folder: Path | None) -> Trainer:
        found = module()
        return Trainer(found, Readout(), torch.optim.Adam(found.parameters(), lr=0.1), folder=folder)

    whole = made(None)
    fit(whole)
    fit(made(tmp_path), epochs=1)
    longer = made(tmp_path)
    assert len(fit(longer, resume=True)) == EPOCHS
    assert same(final(longer), final(whole))


def test_on_epoch_is_called_again_within_an_epoch(tmp_path: Path) -> None:
    called: list[int] = []

    def begin(module: Any, epoch: int, epochs: int) -> None:
        called.append(epoch)
        if len(called) == 3:  # when it is called again, what it does to the values does not count
            module.get_parameter("in_to_hidden.weight").data.zero_()

    with pytest.raises(TrainingInterrupted):
        fit(trainer(tmp_path, on_epoch=begin), Interrupting(ITEMS, 14, jitter=True))
    stopped = RunFolder(tmp_path, {}, resume=True).load()
    assert called == [0, 1]
    with pytest.raises(TrainingInterrupted):
        fit(trainer(tmp_path, on_epoch=begin), Interrupting(ITEMS, 1, jitter=True), resume=True)
    assert called == [0, 1, 1]
    gone_on = RunFolder(tmp_path, {}, resume=True).load()
    assert gone_on["step"] == stopped["step"] + 1
    assert gone_on["module"]["in_to_hidden.weight"].abs().sum() > 1


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingInterrupted, match="nothing is on the disk") as stopped:
        fit(trainer(None), Interrupting(ITEMS, 1))
    assert isinstance(stopped.value, KeyboardInterrupt)
    assert (stopped.value.step, stopped.value.steps, stopped.value.folder) == (1, 9, None)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was stopped after a step."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    with pytest.raises(TrainingInterrupted):
        fit(trainer(folder), Interrupting(ITEMS, 1, jitter=True))
    return folder


def other_rate(folder: Path) -> History:
    found = module(noisy=True)
    return fit(Trainer(found, Dropping(), torch.optim.Adam(found.parameters(), lr=0.5), folder=folder), resume=True)


@pytest.mark.parametrize(
    ("go_on", "message"),
    [
        (lambda folder: fit(trainer(folder)), "holds a training run already. Give resume=True"),
        (lambda folder: fit(trainer(folder), Spikes(11), resume=True), "data.items is 10 there, 11 here"),
        (lambda folder: fit(trainer(folder), batch_size=5, resume=True), "data.batch_size is 4 there, 5 here"),
        (lambda folder: fit(trainer(folder, seed=4), resume=True), "data.seed is 3 there, 4 here"),
        (lambda folder: fit(trainer(folder, clip=1.0), resume=True), r"clip.norm is 0.5 there, 1.0 here"),
        (other_rate, r'optimisers\[0\].kind is "SGD" there, "Adam" here.*and \d+ more'),
    ],
    ids=["not asked for", "items", "batch size", "seed", "clip", "optimiser"],
)
def test_another_run_is_refused(go_on: Callable[[Path], Any], message: str, begun: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(begun, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(TrainingError, match=message):
        go_on(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_circuit_is_refused(begun: Path) -> None:
    made = trainer(begun)
    changed = made.module.circuit.replace({"hidden.tau_mem": 9 * ms})
    identity = json.loads((begun / "run.json").read_text())["identity"]
    with (
        pytest.raises(TrainingError, match=r"circuit is .* there, .* here"),
        RunFolder(begun, {**identity, "circuit": changed.digest()}, resume=True),
    ):
        pass


def test_damaged_folders(begun: Path, tmp_path: Path) -> None:
    for name, content, message in (
        ("last.safetensors", b"cut", "cannot be read"),
        ("run.json", b"{", "damaged or not of a training run"),
        ("run.json", b'{"version": 9, "identity": {}}', "version 9"),
    ):
        folder = tmp_path / name / str(len(content))
        shutil.copytree(begun, folder)
        (folder / name).write_bytes(content)
        with pytest.raises(FileFormatError, match=message):
            fit(trainer(folder), resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="is a file"):
        fit(trainer(tmp_path / "file"))
    with pytest.raises(TrainingError, match="holds no best epoch"):
        trainer(begun).load_best()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with RunFolder(tmp_path, {}, resume=True):
        with (
            pytest.raises(TrainingError, match="is being written to by another training run"),
            RunFolder(tmp_path, {}, resume=True),
        ):
            pass
    with RunFolder(tmp_path, {}, resume=True):
        pass
