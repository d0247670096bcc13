"""The Poisson likelihood as a loss: against torch's own and scipy, in bins of steps, with gaps and masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training import losses
from neurosim.units import ms

DRAW = np.random.default_rng(1)
MEANS = torch.as_tensor(DRAW.uniform(0.05, 3, (12, 4, 3)))
COUNTS = torch.as_tensor(DRAW.poisson(MEANS.numpy()).astype(float))


def outputs(trace: Tensor) -> dict[str, dict[str, Tensor]]:
    return {"out": {"rate": trace}}


def test_against_torch_and_scipy() -> None:
    theirs = torch.nn.functional.poisson_nll_loss(MEANS, COUNTS, log_input=False, eps=0.0)
    loss = losses.poisson("out.rate")
    assert loss.records == {"out": ["rate"]}
    assert loss(outputs(MEANS), COUNTS).item() == pytest.approx(theirs.item(), rel=1e-12)
    logs = losses.poisson("out.rate", log=True)
    assert logs(outputs(MEANS.log()), COUNTS).item() == pytest.approx(theirs.item(), rel=1e-12)
    assert torch.allclose(logs.expected(outputs(MEANS.log())), MEANS)
    # two models differ by as much as their log-likelihoods do: the factorial is no matter
    known = [stats.poisson.logpmf(COUNTS, factor * MEANS).mean() for factor in (1.0, 1.5)]
    found = [loss(outputs(factor * MEANS), COUNTS).item() for factor in (1.0, 1.5)]
    assert found[1] - found[0] == pytest.approx(known[0] - known[1], rel=1e-9)


@pytest.mark.parametrize("log", [False, True])
def test_gradient(log: bool) -> None:
    trace = (MEANS.log() if log else MEANS).clone().requires_grad_()
    for loss, counts in (
        (losses.poisson("out.rate", log=log), COUNTS),
        (losses.poisson("out.rate", log=log, every=3), COUNTS.reshape(4, 3, 4, 3).sum(1)),
    ):
        assert torch.autograd.gradcheck(lambda values: loss(outputs(values), counts), (trace,))  # noqa: B023


def test_logarithms_have_a_slope_where_nothing_is_expected() -> None:
    trace = torch.full((1, 1, 1), -60.0, dtype=torch.float64, requires_grad=True)
    losses.poisson("out.rate", log=True)(outputs(trace), torch.ones(1, 1, 1)).backward()
    assert trace.grad is not None
    assert trace.grad.item() == pytest.approx(-1.0)


def test_bins_of_several_steps_and_rates() -> None:
    counts = COUNTS.reshape(4, 3, 4, 3).sum(1)
    whole = losses.poisson("out.rate")(outputs(MEANS.reshape(4, 3, 4, 3).sum(1)), counts)
    assert losses.poisson("out.rate", every=3)(outputs(MEANS), counts).item() == pytest.approx(whole.item())
    hertz = losses.poisson("out.rate", every=3, dt=20 * ms)
    assert hertz(outputs(MEANS / 0.02), counts).item() == pytest.approx(whole.item())
    logs = losses.poisson("out.rate", log=True, dt=20 * ms)
    assert logs(outputs((MEANS / 0.02).log()), COUNTS).item() == pytest.approx(
        losses.poisson("out.rate")(outputs(MEANS), COUNTS).item()
    )


def test_what_is_not_asked_for_does_not_count() -> None:
    loss = losses.poisson("out.rate", every=3)
    counts = COUNTS.reshape(4, 3, 4, 3).sum(1)
    gaps = counts.clone()
    gaps[3] = torch.nan
    first = loss(outputs(MEANS[:9]), counts[:3])
    trace = MEANS.clone().requires_grad_()
    found = loss(outputs(trace), gaps)
    assert found.item() == pytest.approx(first.item(), rel=1e-12)
    found.backward()
    assert trace.grad is not None
    assert (trace.grad[9:] == 0).all()
    mask = torch.ones(12, 4)
    mask[10] = 0  # of the last bin one step is missing: it does not count
    assert loss(outputs(MEANS), {"target": counts, "mask": mask}).item() == pytest.approx(first.item(), rel=1e-12)


def test_a_rate_of_zero_is_finite() -> None:
    zero = torch.zeros(2, 1, 1, requires_grad=True)
    value = losses.poisson("out.rate")(outputs(zero), torch.tensor([[[1.0]], [[0.0]]]))
    assert torch.isfinite(value)


def test_refusals() -> None:
    with pytest.raises(TrainingError, match="every"):
        losses.poisson("out.rate", every=0)
    with pytest.raises(TrainingError, match="whole number of bins of 5"):
        losses.poisson("out.rate", every=5)(outputs(MEANS), COUNTS)
    with pytest.raises(TrainingError, match="targets of shape"):
        losses.poisson("out.rate", every=3)(outputs(MEANS), COUNTS)
