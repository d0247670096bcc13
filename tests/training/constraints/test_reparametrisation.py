"""Reparametrised modules are their circuits, stay inside their bounds whatever pulls, and give their values back."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.networks import RECORD, differences, gradients, mixed, mixed_inputs, scalar
from neurosim.errors import TrainingError
from neurosim.training import constraints
from neurosim.units import ms

MARKS = {
    "in_to_h.weight": ns.Trainable(ns.Uniform(0.2, 0.8), sign=1),
    "h_to_h.weight": ns.Trainable(ns.Uniform(-0.8, -0.2), bounds=(None, 0.5)),
    "h_to_h.delay": ns.Trainable(ns.Uniform(0.6 * ms, 3.4 * ms), bounds=(0 * ms, 4 * ms)),
    "h_to_out.weight": ns.Trainable(ns.Uniform(-0.5, 0.5), bounds=(-0.6, 0.6)),
    "h.tau_mem": ns.Trainable([7 * ms, 8 * ms, 9 * ms, 10 * ms, 11 * ms], bounds=(5 * ms, 20 * ms)),
    "h.v_threshold": ns.Trainable(1.0, bounds=(0.4, None)),
}


def compiled(marks: Any = None, **options: Any) -> Any:
    given = {"dtype": "float64", **options}
    return ns.compile(mixed(), backend="snntorch", trainable=MARKS if marks is None else marks, **given)


@pytest.mark.parametrize("one_sided", ["softplus", "exp"])
def test_a_reparametrised_module_is_its_circuit(one_sided: Any) -> None:
    module, plain = compiled(), compiled()
    addresses = constraints.reparametrise(module, "*", one_sided=one_sided)
    assert set(addresses) == set(MARKS)
    inputs = mixed_inputs()
    found, expected = (each(inputs, record=RECORD)[0]["out"]["v"] for each in (module, plain))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
    ours, theirs = module.to_circuit(), plain.to_circuit()
    for name in ("in_to_h", "h_to_h", "h_to_out"):
        np.testing.assert_allclose(ours.edges(name).weight, theirs.edges(name).weight, rtol=1e-12)
    np.testing.assert_allclose(
        module.part("h").values.trained()["tau_mem"], [7e-3, 8e-3, 9e-3, 10e-3, 11e-3], rtol=1e-12
    )
    assert "h.parametrizations.tau_mem.original" in dict(module.named_parameters())


@pytest.mark.parametrize("one_sided", ["softplus", "exp"])
def test_values_stay_inside_whatever_pulls_without_projection(one_sided: Any) -> None:
    module = compiled()
    constraints.reparametrise(module, "*", one_sided=one_sided)
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        for parameter in module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        optimiser.step()
    trained = {
        f"{name}.{key}": value
        for name in ("in_to_h", "h_to_h", "h_to_out", "h")
        for key, value in module.part(name).values.trained().items()
    }
    limits = {
        "in_to_h.w": (0, np.inf), "h_to_h.w": (-np.inf, 0.5), "h_to_h.delay": (0, 4), "h_to_out.w": (-0.6, 0.6),
        "h.tau_mem": (5e-3, 20e-3), "h.v_threshold": (0.4, np.inf),
    }  # fmt: skip
    assert set(trained) == set(limits)
    for name, (low, high) in limits.items():
        assert np.all((trained[name] > low) & (trained[name] < high)), name
    module.project()  # finds nothing to do, and does not fail on values that are computed
    again = module.part("h").values.trained()["tau_mem"]
    assert np.array_equal(again, trained["h.tau_mem"])
    assert np.array_equal(module.to_circuit().edges("in_to_h").weight, trained["in_to_h.w"])


def test_gradients_go_through() -> None:
    module = compiled(relaxed=True)
    constraints.reparametrise(module, "*")
    inputs = mixed_inputs()
    with torch.no_grad():  # the two taps of a delay bend at whole steps, where a circuit starts
        module.get_parameter("h_to_h.parametrizations.delay.original").add_(0.3)

    def loss() -> torch.Tensor:
        return scalar(module(inputs, record=RECORD)[0])

    expected = differences(module, loss)
    for name, slope in gradients(module, loss).items():
        assert np.abs(slope).max() > 0
        np.testing.assert_allclose(slope, expected[name], rtol=2e-6, atol=2e-8, err_msg=name)


def test_tied_values_stay_tied() -> None:
    mark = ns.Trainable(0.4, per="all", tie="w", bounds=(0.1, 2.0))
    module = compiled({"in_to_h.weight": mark, "h_to_h.weight": mark})
    assert set(constraints.reparametrise(module, "in_to_h.weight")) == {"in_to_h.weight", "h_to_h.weight"}
    (parameter,) = module.parameters()
    with torch.no_grad():
        parameter.add_(0.7)
    one, other = (module.part(name).values.trained()["w"] for name in ("in_to_h", "h_to_h"))
    assert one == other
    assert one > 0.5
    assert np.all(module.to_circuit().edges("h_to_h").weight == one)


def test_copies_are_apart_and_dtypes_change() -> None:
    module = compiled()
    constraints.reparametrise(module, "*")
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    expected = compiled().part("h").values.trained()["tau_mem"]
    np.testing.assert_allclose(module.part("h").values.trained()["tau_mem"], expected, rtol=1e-12)
    assert np.all(twin.part("h").values.trained()["tau_mem"] > expected)
    outputs, _ = twin.float()(mixed_inputs(), record=RECORD)
    assert outputs["out"]["v"].dtype == torch.float32


def test_a_trained_circuit_gives_the_same_spikes_on_brian2() -> None:
    module = compiled({**MARKS, "h.v_threshold": ns.Trainable(0.6, bounds=(0.2, None))})
    constraints.reparametrise(module, "*")
    optimiser = torch.optim.Adam(module.parameters(), lr=0.1)
    inputs = mixed_inputs(steps=40, batch=1)
    for _ in range(3):
        optimiser.zero_grad()
        scalar(module(inputs, record=RECORD)[0]).backward()
        optimiser.step()
    trained = module.to_circuit()
    fed = {"in": inputs["in"][:, 0].numpy() > 0, "level": inputs["level"][:, 0].numpy()}
    record = {"h": "spikes", "out": "v"}
    runs = [
        ns.simulate(trained, 40 * ms, backend="brian2", inputs=fed, record=record),
        module.run(40 * ms, inputs=fed, record=record),
    ]
    spikes = [run.spikes["h"] for run in runs]
    assert len(spikes[0]) > 5
    assert np.array_equal(spikes[0].times, spikes[1].times)
    assert np.array_equal(spikes[0].neurons, spikes[1].neurons)
    assert np.array_equal(*(run.traces["out"]["v"].values for run in runs))


def test_what_cannot_be_is_refused() -> None:
    module = compiled({"h_to_h.weight": ns.Trainable(), "in_to_h.weight": ns.Trainable(ns.Uniform(-0.1, 0.5), sign=1)})
    with pytest.raises(TrainingError, match=r"h_to_h\.weight has neither bounds nor a sign"):
        constraints.reparametrise(module, "h_to_h.weight")
    with pytest.raises(TrainingError, match=r"in_to_h\.weight: \d+ of \d+ values lie on a bound or beyond"):
        constraints.reparametrise(module, "in_to_h.weight")
    assert not any("parametrizations" in name for name, _ in module.named_parameters())
    with pytest.raises(TrainingError, match="one_sided='soft' is unknown"):
        constraints.reparametrise(module, "*", one_sided="soft")  # type: ignore[arg-type]
    done = compiled()
    constraints.reparametrise(done, "h.tau_mem")
    with pytest.raises(TrainingError, match=r"h\.tau_mem is reparametrised already"):
        constraints.reparametrise(done, "h.*")
    with pytest.raises(TrainingError, match="hold it in one way or the other"):
        constraints.keep_zeros(done, "h.tau_mem")
    pair = {
        "in_to_h.weight": ns.Trainable(0.4, per="all", tie="w", bounds=(0.1, 2.0)),
        "h_to_h.weight": ns.Trainable(0.4, per="all", tie="w", bounds=(0.1, 3.0)),
    }
    with pytest.raises(TrainingError, match=r"in_to_h\.weight and h_to_h\.weight are tied, but their bounds differ"):
        constraints.reparametrise(compiled(pair), "*")
