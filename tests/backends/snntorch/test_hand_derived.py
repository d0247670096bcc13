"""Gradients of one neuron, worked out by hand: through its surrogate, its reset and a delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import snntorch
import torch

import neurosim as ns
from neurosim.units import ms

STEPS, TAU, DELAY = 12, 8.0, 2
ALPHA = 2.0
GIVEN = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0], dtype=float)
SPIKE_WEIGHTS = np.linspace(-1.0, 1.5, STEPS)
VALUE_WEIGHTS = np.cos(np.arange(STEPS))


@dataclass
class Dual:
    """A number and its derivative by one parameter."""

    value: float
    slope: float = 0.0

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)


def atan_slope(argument: float) -> float:
    return ALPHA / 2 / (1 + (np.pi / 2 * ALPHA * argument) ** 2)


def by_hand(parameters: dict[str, float], by: str) -> tuple[float, float, list[int]]:
    """Return the loss, its derivative by one parameter, and the steps of spikes, from the definition of a step."""

    def dual(name: str) -> Dual:
        return Dual(parameters[name], float(name == by))

    weight, loop, threshold, reset, tau = (dual(name) for name in ("weight", "loop", "threshold", "reset", "tau"))
    decay_value = np.exp(-1.0 / tau.value)
    decay = Dual(decay_value, decay_value / tau.value**2 * tau.slope)
    v, loss = Dual(0.0), Dual(0.0)
    spikes: list[Dual] = []
    for step in range(STEPS):
        v = decay * v
        width = threshold + reset * Dual(-1.0)
        distance = v + threshold * Dual(-1.0)
        argument = distance.value / width.value
        slope = distance.slope / width.value - distance.value * width.slope / width.value**2
        spike = Dual(float(distance.value > 0), atan_slope(argument) * slope)
        spikes.append(spike)
        if step >= DELAY:
            v = v + weight * Dual(GIVEN[step - DELAY])
        if step >= 3:
            v = v + loop * spikes[step - 3]
        chosen = reset if spike.value else v
        v = Dual(chosen.value, chosen.slope + spike.slope * (reset.value - v.value))
        loss = loss + spike * Dual(SPIKE_WEIGHTS[step]) + v * Dual(VALUE_WEIGHTS[step])
    return loss.value, loss.slope, [step for step, spike in enumerate(spikes) if spike.value]


VALUES = {"weight": 0.9, "loop": 0.35, "threshold": 1.0, "reset": 0.1, "tau": TAU}
ADDRESSES = {
    "weight": "in_to_p.weight", "loop": "p_to_p.weight", "threshold": "p.v_threshold", "reset": "p.v_reset",
    "tau": "p.tau_mem",
}  # fmt: skip


def network() -> ns.Circuit:
    circuit = ns.Circuit("one", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(1))
    model = ns.models.lif(tau_mem=TAU * ms, v_threshold=VALUES["threshold"], v_reset=VALUES["reset"], v_leak=0.0)
    circuit.population("p", 1, model)
    circuit.connect("in", "p", ns.OneToOne(), receptor="v", weight=VALUES["weight"], delay=DELAY * ms)
    circuit.connect("p", "p", ns.OneToOne(), receptor="v", weight=VALUES["loop"], delay=3 * ms)
    return circuit


@pytest.mark.parametrize("by", ADDRESSES)
def test_one_neuron_one_synapse_one_loop(by: str) -> None:
    loss, slope, steps = by_hand(VALUES, by)
    assert len(steps) >= 2
    assert slope != 0
    surrogate = snntorch.surrogate.atan(alpha=ALPHA)
    module = ns.compile(network(), dtype="float64", surrogate=surrogate, trainable={ADDRESSES[by]: ns.Trainable()})
    outputs, _ = module({"in": torch.tensor(GIVEN)[:, None, None]}, record={"p": ["spikes", "v"]})
    spikes, v = (outputs["p"][name][:, 0, 0] for name in ("spikes", "v"))
    assert torch.nonzero(spikes)[:, 0].tolist() == steps
    total = (spikes * torch.tensor(SPIKE_WEIGHTS)).sum() + (v * torch.tensor(VALUE_WEIGHTS)).sum()
    assert total.item() == pytest.approx(loss, rel=1e-12)
    total.backward()
    ((_, parameter),) = module.named_parameters()
    # The parameter is a scaled value; by hand it is the value itself, and tau in steps.
    assert parameter.grad.item() * parameter.item() == pytest.approx(slope * VALUES[by], rel=1e-6)


def test_the_derivation_itself_against_finite_differences_between_spikes() -> None:
    """Away from spikes the loss is smooth, and the derivative by hand must be its slope but for the surrogate."""
    quiet = {**VALUES, "threshold": 1e6}
    for by in ("weight", "tau"):
        step = 1e-6
        up, down = (by_hand({**quiet, by: quiet[by] + sign * step}, by)[0] for sign in (1, -1))
        assert by_hand(quiet, by)[1] == pytest.approx((up - down) / (2 * step), rel=1e-5)
