from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.circuits.delay_snn import experiment, order_detection, study
from neurosim.circuits.delay_snn.circuit import build
from neurosim.circuits.delay_snn.sizes import DELAYS, Size
from neurosim.circuits.delay_snn.study import Accuracies, Padded, Task, compare, train
from neurosim.circuits.delay_snn.tasks import (
    deployed_task,
    digits_task,
    direct_digits_task,
    shd_task,
    timing_task,
)
from neurosim.circuits.delay_snn.trained_in_brian2 import Deployed, deploy
from neurosim.circuits.delay_snn.training import Annealing, Rates, optimiser, prepared
from neurosim.datasets.spoken_digits import load_spoken_digits
from neurosim.errors import CircuitError


def small(**changes: Any) -> ns.Circuit:
    return build(**{"inputs": 10, "hidden": (8, 6), "outputs": 3, **changes})


def few(n: int = 64, **changes: Any) -> Task:
    """Return the timing task with few items of few classes."""
    from neurosim.datasets.timing import DelayPatterns

    settings: dict[str, Any] = {"n_classes": 2, "n_channels": 4, "period": 16, "cycles": 2, "span": 8, "seed": 7}
    sets = [DelayPatterns(**settings, size=n, split=split) for split in ("train", "test")]
    values: dict[str, Any] = {"epochs": 3, "batch_size": 16, "rates": Rates(weights=2e-2, delays=0.5)}
    return Task("few", sets[0], sets[1], Size(4, (4,), 2), longest=8, equal="neurons", **{**values, **changes})


# -- what is trained --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delays", ["learned", "random", "none"])
@pytest.mark.parametrize("kernels", [1, 2])
def test_a_module_trains_as_many_numbers_as_its_size_says(delays: str, kernels: int) -> None:
    module = prepared(small(delays=delays, kernels=kernels), dropout=0.4)
    size = Size(10, (8, 6), 3, kernels, delays)
    assert sum(parameter.numel() for parameter in module.parameters()) == size.trained
    plain = prepared(small(delays=delays, kernels=kernels), batch_norm=False)
    assert sum(parameter.numel() for parameter in plain.parameters()) == replace(size, batch_norm=False).trained


def test_rates_mean_the_weights_themselves() -> None:
    """A parameter is a weight in units of a scale: one step of Adam moves each weight by the rate."""
    module = prepared(small(inputs=64))
    made = optimiser(module, Rates(weights=3e-3, delays=0.25, decay=0.0))
    before = {name: module.part(name).values.current()["w"].detach().clone() for name in module.program.projections}
    delays = module.get_parameter("in_to_hidden1.delay").detach().clone()
    x = (torch.rand(40, 4, 64, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    module({"in": x}, record={"out": "v"})[0]["out"]["v"].sum().backward()
    made.step()
    scales = {module.part(name).values.scale("w") for name in module.program.projections}
    assert len(scales) > 1
    for name, weight in before.items():
        moved = (module.part(name).values.current()["w"].detach() - weight).abs()
        assert moved.max().item() == pytest.approx(3e-3, rel=1e-3), name
    moved = (module.get_parameter("in_to_hidden1.delay").detach() - delays).abs()
    assert moved.max().item() == pytest.approx(0.25, rel=1e-3)
    decays = {group["name"]: group["weight_decay"] for group in optimiser(module, Rates()).param_groups}
    assert decays["*.delay"] == decays["others"] == 0
    assert decays["in_to_hidden1.weight"] == pytest.approx(1e-5 * module.in_to_hidden1.values.scale("w") ** 2)


def test_each_epoch_has_its_rates_and_width() -> None:
    module = prepared(small())
    rates = Rates()
    made = optimiser(module, rates)
    annealing = Annealing(made, rates)
    seen = []
    for epoch in range(150):
        annealing(module, epoch, 150)
        groups = {group["name"]: group for group in made.param_groups}
        weights = groups["in_to_hidden1.weight"]
        width = float(module.in_to_hidden1.delay_width)
        seen.append(
            (
                weights["lr"] * module.in_to_hidden1.values.scale("w"),
                weights["betas"][0],
                groups["*.delay"]["lr"],
                width,
            )
        )
    assert seen[0] == pytest.approx((2e-4, 0.95, 0.1, 12.27))
    assert seen[44][0] == pytest.approx(5e-3)
    assert seen[44][1] == pytest.approx(0.85)
    assert [row[3] for row in seen[37:]] == pytest.approx([0.5] * 113)
    assert seen[36][3] > 0.5
    assert seen[149] == pytest.approx((2e-8, 0.95, 0.1 * np.sin(np.pi / 300) ** 2, 0.5), rel=1e-3)
    assert {float(module.part(name).delay_width) for name in module.program.projections} == {0.5}


def test_delays_that_settle_are_whole_steps_and_rest() -> None:
    module = prepared(small())
    made = optimiser(module, Rates())
    annealing = Annealing(made, Rates(), narrowest=0.0, settle=0.25)
    with torch.no_grad():
        module.get_parameter("in_to_hidden1.delay").uniform_(0, 24)
    for epoch, settled in ((11, False), (12, True), (15, True)):
        annealing(module, epoch, 16)
        delay = module.get_parameter("in_to_hidden1.delay").detach()
        assert bool((delay == delay.round()).all()) is settled
        assert float(module.in_to_hidden1.delay_width) == 0
        rate = next(group["lr"] for group in made.param_groups if group["name"] == "*.delay")
        assert (rate == 0) is settled
    assert module.delay_rounding()["in_to_hidden1"].changed == 0
    fixed = prepared(small(delays="random"))
    Annealing(optimiser(fixed, Rates()), Rates())(fixed, 0, 10)  # nothing to narrow


# -- the study --------------------------------------------------------------------------------------------------------


def test_items_go_on_in_silence_and_counts_become_spikes() -> None:
    padded = Padded([({"in": np.array([[0, 3], [1, 0]], np.uint8)}, np.int64(4))], 3)
    frames, target = padded[0]
    assert frames.tolist() == [[0, 1], [1, 0], [0, 0], [0, 0], [0, 0]]
    assert (frames.dtype, target, len(padded)) == (np.float32, 4, 1)
    counts = Padded([(np.array([[0, 3]]), 0)], 1, counts=True)
    assert counts[0][0].tolist() == [[0, 3], [0, 0]]


def test_interval_of_three_seeds() -> None:
    found = Accuracies((0.5, 0.6, 0.7), 1234)
    assert found.mean == pytest.approx(0.6)
    assert found.half_interval == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-6)
    assert str(found) == "60.0 ± 24.8 % (50.0, 60.0, 70.0; 1,234 parameters)"
    assert str(Accuracies((0.5,), 7)) == "50.0 % (50.0; 7 parameters)"


def test_a_run_that_is_kept_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = few()
    whole = train(task, "learned", 1)
    said: list[str] = []
    kept = compare(task, (1,), kinds=("learned",), folder=tmp_path, say=said.append)
    assert kept["learned"].values == (whole.accuracy,)
    assert said == ["few: learned delays, seed 1"]
    monkeypatch.setattr(study.Annealing, "__call__", lambda *_: pytest.fail("trained again"))
    again = train(task, "learned", 1, folder=tmp_path)
    assert (again.accuracy, again.loss) == (whole.accuracy, whole.loss)
    for one, other in zip(whole.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_networks_of_a_task() -> None:
    task = few()
    assert task.network("none") == Size(4, (4,), 2, delays="none")
    assert replace(task, equal="parameters").network("none").hidden[0] > 6
    circuit = replace(task, tau_out=0.03).build("random", 5)
    assert (circuit.dt, circuit.seed) == (0.01, 5)
    assert circuit.parameter("out", "tau_mem") == 0.03
    assert circuit.edges("in_to_hidden1").steps.max() <= 8


def test_no_channels_of_a_class_fire_together_in_the_timing_task() -> None:
    task = timing_task()
    for offsets in task.train.offsets:
        assert len(set(offsets.tolist())) == task.train.n_channels
    np.testing.assert_array_equal(task.train.offsets, task.test.offsets)


def test_spoken_digits_are_a_task_for_networks_of_equal_size() -> None:
    task = digits_task(16, sample=True)
    assert len(task.train) > len(task.test) > 10
    frames, target = task.padded(task.test)[3]
    assert frames.shape == (84 + 24 + 4, 140)
    assert set(np.unique(frames)) == {0, 1}
    assert frames[:84].sum() > 100
    assert target == 3
    assert not set(task.train.speakers) & set(task.test.speakers)
    sizes = {kind: task.network(kind) for kind in ("learned", "random", "none")}
    assert max(size.trained for size in sizes.values()) < 1.02 * min(size.trained for size in sizes.values())


def test_recorded_digits_are_trained_as_published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(split: str, **given: Any) -> Any:
        asked.append((split, given))
        return load_spoken_digits(split, sample=True)  # type: ignore[arg-type]

    monkeypatch.setattr("neurosim.datasets.load_shd", load, raising=False)
    task = shd_task(tmp_path)
    assert asked == [("train", {}), ("test", {"study": tmp_path, "again": True})]
    assert task.network("learned").trained == 214_016
    assert task.network("none").hidden == (256, 256)
    assert (task.epochs, task.batch_size, task.dropout, task.narrowest, task.settle) == (150, 256, 0.4, 0.5, 0)
    assert task.rates == Rates(5e-3, 0.1, 1e-5)
    frames, _ = task.padded(task.train)[0]
    assert frames.max() > 1, "counts, as there"


@pytest.mark.slow
def test_where_only_delays_tell_learned_beat_random_and_random_beat_none() -> None:
    found = compare(timing_task(), (0,))
    assert found["learned"].mean > found["random"].mean + 0.1
    assert found["random"].mean > 0.3
    assert found["none"].mean == pytest.approx(1 / 8, abs=0.05)


@pytest.mark.parametrize("milliseconds", [1, 10])
def test_a_trained_network_gives_the_spikes_of_a_script_of_brian2(milliseconds: int) -> None:
    """Two hidden layers, learned delays, batch normalisation folded; a wrong order of the step is found out."""
    task = few(n=16, epochs=2, settle=0.0, step=milliseconds / 1000, tau_mem=0.015)
    found = deploy(replace(task, size=Size(4, (12, 12), 2)), 0)
    assert found.spikes > 100
    assert (found.by_script, found.by_module) == (0, 0)
    assert found.by_wrong_script > 50
    assert 1e-12 < found.margin < 0.1
    assert 0.05 < found.moved < 0.45


def test_the_recipe_of_the_command_line() -> None:
    quick = ns.circuits.recipe("delay-snn")(quick=True, seed=3, width=8)
    assert quick.module.circuit.seed == 3
    assert quick.module.circuit.populations["hidden2"].n == 8
    assert len(quick.dataset) < 500
    frames, _ = quick.test[0]
    assert frames.shape == (84 + 24 + 4, 140)
    timing = ns.circuits.recipe("delay-snn")(task="timing", delays="none", quick=True)
    assert (timing.epochs, timing.module.circuit.edges("in_to_out").steps.max()) == (12, 0)
    with pytest.raises(CircuitError, match=r"task='digit' is unknown\. Did you mean 'digits'"):
        ns.circuits.recipe("delay-snn")(task="digit")
    with pytest.raises(CircuitError, match="delays='learnt' is unknown"):
        ns.circuits.recipe("delay-snn")(delays="learnt")


# -- the whole --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quick", "data"), [(True, False), (False, True)])
def test_what_is_reported(quick: bool, data: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called = []

    def compared(task: Any, seeds: Any, *, kinds: Any = DELAYS, folder: Any, say: Any) -> dict[str, Accuracies]:
        called.append((task, tuple(seeds), folder))
        values = {"learned": 0.93, "random": 0.5, "none": 0.9 if task == "shd" else 0.125}
        return {kind: Accuracies((values[kind],) * len(seeds), 100) for kind in kinds}

    monkeypatch.setattr(experiment, "compare", compared)
    for name in ("timing", "digits", "direct_digits", "shd", "deployed"):
        monkeypatch.setattr(experiment, f"{name}_task", lambda *_, name=name: name)
    wrong = 0 if data else 7
    monkeypatch.setattr(experiment, "deploy", lambda *_, **__: Deployed(90, 0, 0, wrong, 1e-5, 0.24))
    monkeypatch.setattr(
        experiment.order_detection, "train", lambda **_: order_detection.Outcome((0.6931,), 1.0, np.zeros(1))
    )
    found = ns.circuits.reproduce("delay-snn", quick=quick, folder=tmp_path, data=data)
    rows = {row.what: row for row in found.rows}
    assert rows["trained parameters of the module: SHD, 2 layers of 256"].obtained == 214_016
    assert rows["timing task: mean with learned delays against random delays"].ok
    assert not rows["order of two spikes: right with delays frozen at 0 (%)"].ok
    assert rows["trained at 1 ms: a script that delivers too early"].ok is not data
    longer = {"digits": (0, 1, 2), "direct_digits": (0, 1, 2), "shd": (0,)}
    expected = {"timing": (0,)} if quick else {"timing": (0, 1, 2), **longer}
    assert {task: seeds for task, seeds, _ in called} == expected
    assert {folder for *_, folder in called} == {tmp_path}
    measured = [item.what for item in found.measured]
    assert ("synthetic digits, no delays" in measured) is not quick
    if data:
        assert (rows["SHD, learned delays (%)"].reported, rows["SHD, learned delays (%)"].ok) == (93.8, True)
    listed = [item.what for item in found.skipped]
    assert any("93.8 % with learned delays, 90.4 % with no delays" in what for what in listed) is not data
    assert any("90.1 %" in what for what in listed)


def test_the_deployed_networks_have_two_hidden_layers() -> None:
    task = deployed_task(0.001, quick=True)
    assert len(task.size.hidden) == 2
    assert task.build("learned", 0).dt == 0.001
    assert task.build("learned", 0).edges("hidden1_to_hidden2").delay.max() == pytest.approx(20e-3)


def test_without_hidden_neurons_as_many_numbers_are_trained() -> None:
    """Several random delays a pair, and weights alone, as in D'Agostino et al. (2024)."""
    task, direct = digits_task(sample=True), direct_digits_task(sample=True)
    assert abs(direct.network("random").trained / task.network("learned").trained - 1) < 0.05
    circuit = direct.build("random", 0)
    assert list(circuit.projections) == ["in_to_out"]
    assert circuit.edges("in_to_out").pre.size == 140 * 20 * 7
    assert all(not address.endswith(".delay") for address in circuit.trainables())
