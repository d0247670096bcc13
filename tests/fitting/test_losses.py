import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.spikes import bits_per_spike
from neurosim.analysis.spikes import van_rossum as distance
from neurosim.errors import TrainingError
from neurosim.fitting import losses
from neurosim.fitting.losses import Compared
from neurosim.fitting.on_steps import expected_counts, times_of_spikes
from neurosim.units import ms, mV

DT = 1e-3


def spikes(*trains: list[int], n: int = 400) -> torch.Tensor:
    """Return trains as candidates, (time, 1, 1, candidate, 1)."""
    dense = torch.zeros((n, 1, 1, len(trains), 1), dtype=torch.float64)
    for candidate, steps in enumerate(trains):
        dense[steps, 0, 0, candidate, 0] = 1.0
    return dense


def compared(simulated: torch.Tensor, recorded: list[int], counted: slice = slice(None)) -> dict[object, Compared]:
    n = len(simulated)
    mask = torch.zeros((n, 1, 1), dtype=torch.float64)
    mask[counted] = 1.0
    return {(None, None): Compared(simulated, spikes(recorded, n=n)[:, :, 0, 0], mask, DT)}


SPIKE_LOSSES = [
    losses.counts(), losses.counts(bin=50 * ms), losses.van_rossum(10 * ms), losses.intervals(3),
    losses.counts() + 2.0 * losses.van_rossum(10 * ms),
]  # fmt: skip


@pytest.mark.parametrize("loss", SPIKE_LOSSES)
def test_a_perfect_simulation_costs_nothing(loss: losses.Loss) -> None:
    recorded = [30, 90, 170, 260]
    found = loss(compared(spikes(recorded, [30, 90]), recorded))
    assert found[0] == 0.0
    assert found[1] > 0.0


@pytest.mark.parametrize("loss", [losses.counts(), losses.counts(bin=50 * ms), losses.van_rossum(10 * ms)])
def test_silence_costs_one(loss: losses.Loss) -> None:
    assert loss(compared(spikes([]), [30, 90, 170]))[0].item() == pytest.approx(1.0)


@pytest.mark.parametrize("loss", [losses.counts(), losses.van_rossum(10 * ms), losses.intervals(3)])
def test_what_does_not_count_costs_nothing(loss: losses.Loss) -> None:
    found = loss(compared(spikes([30, 90, 300], [30, 90]), [30, 90, 250, 280], counted=slice(0, 200)))
    assert found.tolist() == [0.0, 0.0]


def test_counts_by_hand() -> None:
    found = losses.counts()(compared(spikes([1, 2, 3], [1, 2, 3, 4, 5, 6]), [10, 20, 30, 40]))
    assert found.tolist() == [1 / 16, 4 / 16]


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 250), max_size=8), st.sets(st.integers(0, 250), min_size=1, max_size=8))
def test_van_rossum_is_that_of_the_analysis(mine: set[int], theirs: set[int]) -> None:
    """Without bins, and where the traces have decayed at the end, it is the distance between two lists of times."""
    found = losses.van_rossum(20 * ms, bin=1 * ms)(compared(spikes(sorted(mine), n=600), sorted(theirs)))
    first, second = ([step * DT for step in sorted(train)] for train in (mine, theirs))
    wanted = (distance(first, second, tau=20e-3) / distance([], second, tau=20e-3)) ** 2
    assert found[0].item() == pytest.approx(wanted, abs=1e-6)


def test_intervals_by_hand() -> None:
    """Recorded 40 and 60 steps, simulated 50 and 60; a train that is too short goes on to the end."""
    found = losses.intervals(2)(compared(spikes([10, 60, 120], [10], n=210), [10, 50, 110]))
    assert found[0].item() == pytest.approx((0.25**2 + 0.0) / 2)
    assert found[1].item() == pytest.approx((((200 - 40) / 40) ** 2 + 1.0) / 2)


def test_the_derivative_of_a_spike_time() -> None:
    train = torch.zeros(10, dtype=torch.float64)
    train[4] = 1.0
    train.requires_grad_()
    times_of_spikes(train, torch.ones_like(train), 1)[0].backward()
    assert train.grad is not None
    # A spike more at step 2 would bring the first one 2 steps forward; one less at step 4 leaves none until the end.
    assert train.grad[2].item() == pytest.approx(-0.5 * (2 + 6))
    assert (train.grad[6:] == -0.5 * np.arange(4, 0, -1)).all()


def test_the_likelihood_is_bits_per_spike() -> None:
    rng = np.random.default_rng(3)
    rate = 0.02 * (1 + np.sin(np.arange(400) / 20))
    repeats = torch.from_numpy((rng.random((400, 1, 50, 1, 1)) < rate[:, None, None, None, None]).astype(float))
    recorded = np.flatnonzero(rng.random(400) < rate).tolist()
    found = losses.likelihood(1 * ms, smooth=5 * ms)(compared(repeats, recorded))
    expected = expected_counts(repeats.mean(2), 5.0, 0.02)[:, 0, 0].numpy()
    wanted = bits_per_spike(np.bincount(recorded, minlength=400)[:, np.newaxis], expected)
    assert -found[0].item() == pytest.approx(wanted[0])
    assert -found[0].item() > 0


def test_a_trace_is_compared_away_from_spikes() -> None:
    recorded = torch.linspace(-1, 1, 100, dtype=torch.float64).reshape(100, 1, 1)
    simulated = recorded[:, :, None, None].repeat(1, 1, 1, 2, 1)
    simulated[48:56, :, :, 0] = 7.0  # around the spike
    simulated[:, :, :, 1] += 0.5
    train, mask = torch.zeros((100, 1, 1), dtype=torch.float64), torch.ones((100, 1, 1), dtype=torch.float64)
    train[50] = 1.0
    gaps = recorded.clone()
    gaps[::3] = float("nan")
    given = {
        ("cell", "v"): Compared(simulated, gaps, mask, DT),
        ("cell", None): Compared(torch.zeros_like(simulated), train, mask, DT),
    }
    found = losses.trace("cell.v", before=2 * ms, after=5 * ms, scale=0.5)(given)
    assert found.tolist() == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.intervals(0), "count must be 1"),
        (lambda: losses.van_rossum(0 * ms), "tau must be above 0"),
        (lambda: losses.likelihood(1 * ms, smooth=1 * ms, floor=0.0), "floor must be above 0"),
        (lambda: losses.trace("cell.v", scale=-1 * mV), "scale must be one positive"),
        (lambda: losses.counts(bin=0.3 * ms)(compared(spikes([1]), [1])), "multiple of dt"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        make()  # type: ignore[operator]
