from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.errors import TrainingError
from neurosim.training import Clip, EveryStep, Monitor, Trainer, groups, losses
from neurosim.training.batches import Batches, Plan, step_seed
from training.tasks import Readout, Spikes, module


def adam(found: nn.Module, lr: float = 0.02) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups(found, {"*.delay": {"lr": 5 * lr}}), lr=lr)


def values(found: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in found.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_does_what_a_plain_loop_does() -> None:
    """The same numbers to the last bit: nothing happens in the trainer that a reader would not write himself."""
    trained, dataset = module(noisy=True), Spikes(10)
    optimiser = adam(trained)
    history = Trainer(trained, Readout(), optimiser, seed=5, clip=0.1).fit(dataset, epochs=2, batch_size=4)

    plain, plan, loss, step, means = module(noisy=True), Plan(10, 4, seed=5), Readout(), 0, []
    by_hand = adam(plain)
    for epoch in range(2):
        total = 0.0
        for inputs, targets, count in Batches(dataset, plan, epoch).load(0, 0):
            outputs, _ = plain({"in": inputs}, record={"out": ["v"]}, seed=step_seed(5, "noise", step))
            value = loss(outputs, targets)
            by_hand.zero_grad()
            value.backward()
            # In the order of the optimiser's groups: a sum of squares in another order may differ in its last bit.
            nn.utils.clip_grad_norm_([one for group in by_hand.param_groups for one in group["params"]], 0.1)
            by_hand.step()
            plain.project()
            total += value.item() * count
            step += 1
        means.append(total / 10)
    assert equal(values(trained), values(plain))
    assert history["loss"] == means
    assert history["step"] == [3, 6]
    assert not equal(values(trained), values(module(noisy=True)))


def test_it_learns_and_reports() -> None:
    trained = module()
    trainer = Trainer(trained, Readout(), adam(trained), metrics={"silent": silence})
    history = trainer.fit(Spikes(20), epochs=5, batch_size=8, validation=Spikes(30))
    assert history["validation_loss"][-1] < 0.7 * history["validation_loss"][0]
    assert history["accuracy"][-1] == 1.0
    assert trainer.evaluate(Spikes(30), batch_size=8) == {
        name: history[f"validation_{name}"][-1] for name in ("loss", "silent", "accuracy")
    }
    assert trained.training
    whole = trainer.evaluate(Spikes(30), batch_size=30)
    assert whole["accuracy"] == trainer.evaluate(Spikes(30), batch_size=7)["accuracy"]
    assert whole["loss"] == pytest.approx(trainer.evaluate(Spikes(30), batch_size=7)["loss"])
    again = ns.compile(trained.to_circuit(), backend="snntorch")
    assert Trainer(again, Readout(), adam(again)).evaluate(Spikes(30), batch_size=30)["accuracy"] == whole["accuracy"]


def silence(outputs: Any, targets: Tensor) -> Tensor:
    return (outputs["hidden"]["spikes"].sum(0) == 0).float().mean()


silence.records = {"hidden": "spikes"}  # type: ignore[attr-defined]


def test_bounds_hold_after_each_step() -> None:
    trained = module()
    trainer = Trainer(trained, Readout(), torch.optim.SGD(trained.parameters(), lr=1e4))
    trainer.fit(Spikes(4), epochs=2, batch_size=4)
    delay = trained.get_parameter("in_to_hidden.delay")
    assert bool(((delay >= 0) & (delay <= 4)).all())
    assert bool(((delay == 0) | (delay == 4)).any()), "such steps lead out of the bounds"


def test_it_leaves_torchs_own_random_numbers_alone() -> None:
    class Dropping(Readout):
        def __call__(self, outputs: Any, targets: Tensor) -> Tensor:
            return super().__call__(outputs, targets) * torch.rand(())

    def trained(seed: int) -> dict[str, Tensor]:
        found = module()
        Trainer(found, Dropping(), adam(found), seed=seed).fit(Spikes(8, jitter=True), epochs=1, batch_size=4)
        return values(found)

    before = torch.random.get_rng_state()
    first = trained(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    assert equal(first, trained(1)), "what was drawn before makes no difference"
    assert not equal(first, trained(2))


def test_the_librarys_losses_fit(tmp_path: Path) -> None:
    found = module()
    loss = losses.softmax_over_time("out.v") + 0.1 * losses.rate_error("hidden.spikes", target="rate")
    dataset = [
        (spikes, {"target": label, "rate": torch.full((5,), 0.1), "steps": 9})
        for spikes, label in map(Spikes(8).__getitem__, range(8))
    ]
    history = Trainer(found, loss, adam(found)).fit(dataset, epochs=3, batch_size=4)
    assert history["loss"][-1] < history["loss"][0]
    assert 0 <= history["accuracy"][0] <= 1


def test_several_optimisers_and_schedules() -> None:
    found = module()
    delays = torch.optim.SGD([found.get_parameter("in_to_hidden.delay")], lr=0.0)
    weights = torch.optim.Adam([found.get_parameter("hidden_to_out.weight")], lr=0.1)
    before = values(found)
    by_step = EveryStep(torch.optim.lr_scheduler.LambdaLR(weights, lambda step: 0.5**step))
    trainer = Trainer(found, Readout(), [delays, weights], [by_step, torch.optim.lr_scheduler.StepLR(weights, 1)])
    trainer.fit(Spikes(8), epochs=1, batch_size=4)
    after = values(found)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"hidden_to_out.weight"}
    assert weights.param_groups[0]["lr"] == pytest.approx(0.1 * 0.25 * 0.1)


def test_clipping() -> None:
    def step(clip: Any) -> Tensor:
        found = module(delays=False)
        before = found.get_parameter("in_to_hidden.weight").detach().clone()
        optimiser = torch.optim.SGD(found.parameters(), lr=1.0)
        Trainer(found, Readout(), optimiser, clip=clip).fit(Spikes(4), epochs=1, batch_size=4)
        return before - found.get_parameter("in_to_hidden.weight").detach()

    free, by_value, by_norm = step(None), step(Clip(value=0.01)), step(1e-3)
    assert torch.allclose(by_value, free.clamp(-0.01, 0.01), atol=1e-6)
    assert float(by_norm.norm()) <= 1e-3 < float(free.norm())
    assert torch.allclose(by_norm / by_norm.norm(), free / free.norm(), atol=1e-3)


def test_it_stops_when_nothing_gets_better_and_keeps_the_best(tmp_path: Path) -> None:
    found = module()
    rates = iter([0.05, 0.05, -0.3, -0.3, -0.3, -0.3])  # downhill, then uphill
    optimiser = torch.optim.SGD(found.parameters(), lr=1.0)
    kept: list[dict[str, Tensor]] = []

    def begin(module: Any, epoch: int, epochs: int) -> None:
        assert epochs == 6
        kept.append(values(module))
        optimiser.param_groups[0]["lr"] = next(rates)

    trainer = Trainer(found, Readout(), optimiser, folder=tmp_path / "run", monitor=Monitor(patience=2), on_epoch=begin)
    history = trainer.fit(Spikes(8), epochs=6, batch_size=4, validation=Spikes(8))
    best = min(range(len(history)), key=history["validation_loss"].__getitem__)
    assert history.best == best == len(history) - 3
    assert not equal(values(found), kept[best + 1])
    assert trainer.load_best() == best
    assert equal(values(found), kept[best + 1])


def test_forward_can_be_ones_own() -> None:
    called: list[Any] = []

    def forward(module: Any, inputs: Any, *, record: Any, seed: int) -> Any:
        called.append((record, seed))
        return module(inputs, record=record, seed=seed)

    found = module()
    Trainer(found, Readout(), adam(found), forward=forward).fit(Spikes(4), epochs=1, batch_size=2)
    assert called == [({"out": ["v"]}, step_seed(0, "noise", step)) for step in range(2)]


def test_logs(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = module()
    trainer = Trainer(found, Readout(), adam(found), folder=tmp_path, log_every=2, tensorboard=True)
    history = trainer.fit(Spikes(8), epochs=2, batch_size=3, validation=Spikes(4))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["step"], line["epoch"]) for line in lines] == [
        ("step", 2, 0), ("epoch", 3, 0), ("step", 4, 1), ("step", 6, 1), ("epoch", 6, 1),
    ]  # fmt: skip
    assert lines[0].keys() == {"kind", "step", "epoch", "loss", "accuracy", "gradient_norm", "learning_rate"}
    assert lines[0]["learning_rate"] == [0.1, 0.02]
    assert {name: value for name, value in lines[-1].items() if name not in ("kind", "epoch")} == history.epochs[-1]
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    shown = {event.step: event.value for event in board.Scalars("epoch/validation_loss")}
    assert shown == {3: pytest.approx(history["validation_loss"][0]), 6: pytest.approx(history["validation_loss"][1])}
    assert len(board.Scalars("step/learning_rate/1")) == 3


class Infinite(Readout):
    def __call__(self, outputs: Any, targets: Tensor) -> Tensor:
        return super().__call__(outputs, targets) / 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimiser": "adam"}, "not str"),
        ({"optimiser": []}, "the list is empty"),
        ({"optimiser": torch.optim.SGD([nn.Parameter(torch.ones(3))])}, "not the module's"),
        ({"schedule": "cosine"}, "scheduler of torch"),
        ({"checkpoint_every": 3}, "need a folder="),
        ({"tensorboard": True}, "need a folder="),
        ({"log_every": 0}, "log_every must be at least 1"),
        ({"monitor": Monitor()}, "needs validation="),
        ({"loss": Infinite()}, r"step 0: the loss is not a finite number \(inf\)"),
        ({"precision": "16-true"}, "16-mixed"),
        ({"precision": "16-mixed"}, "for a GPU"),
        ({"precision": "bf16-mixd"}, "Did you mean 'bf16-mixed'"),
        ({"precision": "64-true"}, "compile it with dtype='float64'"),
        ({"dtype": "float64", "precision": "bf16-mixed"}, "makes no sense"),
        ({"fit": {"epochs": 0}}, "epochs must be at least 1"),
        ({"fit": {"resume": True}}, "no folder="),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    given = dict(options)
    found = module(dtype=given.pop("dtype", "float32"))
    loss, optimiser, how = given.pop("loss", Readout()), given.pop("optimiser", None), given.pop("fit", {})
    before = values(found)
    with pytest.raises(TrainingError, match=message):
        Trainer(found, loss, adam(found) if optimiser is None else optimiser, **given).fit(
            Spikes(4), **{"epochs": 1, "batch_size": 2, **how}
        )
    assert equal(values(found), before)


def test_optimisers_that_do_not_fit() -> None:
    found = module()
    with pytest.raises(TrainingError, match="LBFGS evaluates the loss several times"):
        Trainer(found, Readout(), torch.optim.LBFGS(found.parameters()))
    weights = [found.get_parameter("hidden_to_out.weight")]
    with pytest.raises(TrainingError, match=r"hidden_to_out.weight belongs to two optimisers"):
        Trainer(found, Readout(), [torch.optim.SGD(weights), torch.optim.SGD(weights)])
    linear: Any = nn.Linear(2, 2)
    with pytest.raises(TrainingError, match="not Linear"):
        Trainer(linear, Readout(), torch.optim.SGD(linear.parameters()))
    with pytest.raises(TrainingError, match="load_best: the Trainer has no folder="):
        Trainer(found, Readout(), adam(found)).load_best()


def test_inputs_without_a_name_need_one_source() -> None:
    circuit = ns.Circuit("two", dt=1 * ns.units.ms)
    circuit.source("a", ns.SpikeSource(2))
    circuit.source("b", ns.SpikeSource(2))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ns.units.ms))
    circuit.connect("a", "out", ns.OneToOne(), receptor="v", weight=ns.Trainable(1.0))
    circuit.connect("b", "out", ns.OneToOne(), receptor="v", weight=ns.Trainable(1.0))
    found = ns.compile(circuit, backend="snntorch")
    trainer = Trainer(found, Readout(), torch.optim.SGD(found.parameters()))
    items = [(torch.ones(5, 2), 0), (torch.zeros(5, 2), 1)]
    with pytest.raises(TrainingError, match=r"2 sources \(a, b\)"):
        trainer.fit(items, epochs=1, batch_size=2)
    named = [({"a": inputs, "b": inputs}, target) for inputs, target in items]
    assert trainer.fit(named, epochs=1, batch_size=2)["step"] == [1]


def test_mixed_precision_keeps_the_state_in_float32() -> None:
    """On a CPU bfloat16 products are slow but exist; what comes out is close to float32, and is float32."""
    dtypes: set[torch.dtype] = set()

    class Looking(Readout):
        def __call__(self, outputs: Any, targets: Tensor) -> Tensor:
            dtypes.add(outputs["out"]["v"].dtype)
            return super().__call__(outputs, targets)

    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        found = module()
        trainer = Trainer(found, Looking(), adam(found), precision=precision)
        losses[precision] = trainer.fit(Spikes(8), epochs=1, batch_size=8)["loss"][0]
        assert {parameter.dtype for parameter in found.parameters()} == {torch.float32}
    assert dtypes == {torch.float32}
    assert losses["bf16-mixed"] != losses["32-true"]
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.02)
