"""Losses that measure how far outputs are from what they should be: rates, traces, times of spikes, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from neurosim.errors import TrainingError
from neurosim.training import readouts
from neurosim.training.clock import a_rate, a_time, one_number, step_length
from neurosim.training.losses.squared_error import LevelError, SquaredError
from neurosim.training.losses.targets import shaped_as, target_of
from neurosim.training.terms import OneVariable, Outputs, Targets


def rate_error(
    address: str,
    *,
    correct: Any = None,
    incorrect: Any = None,
    dt: Any = None,
    scale: Any = 1.0,
    target: str = "target",
) -> SquaredError | LevelError:
    r"""Mean squared error of firing rates, :math:`\langle (r_i - \hat r_i)^2 \rangle / \sigma^2`.

    Parameters
    ----------
    address
        Of the spikes, such as ``"out.spikes"``.
    correct, incorrect
        The rate of the neuron that stands for the class and that of the others, where targets are classes; without them
        targets are rates, (batch, neuron), NaN where none is asked for.
    dt
        Count rates in hertz, of steps that long; by default they are in spikes per step.
    scale
        :math:`\sigma`: what an error of 1 is, in the same unit.
    target
        Which one, where targets are a mapping.

    Notes
    -----
    Times the number of steps this is snnTorch's ``mse_count_loss``.

    References
    ----------
    Shrestha and Orchard, SLAYER: Spike Layer Error Reassignment in Time, NeurIPS 2018, section 4.
    """
    length = step_length(dt)

    def measure(spikes: Tensor, mask: Tensor | None) -> Tensor:
        return readouts.mean_over_time(spikes, mask) / length

    pair = _pair(correct, incorrect, "rate_error")
    size = a_rate(scale, dt, "rate_error: scale")
    if pair is None:
        return SquaredError("rate_error", address, target, measure, size, over_time=False)
    levels = (a_rate(pair[0], dt, "rate_error: correct"), a_rate(pair[1], dt, "rate_error: incorrect"))
    return LevelError("rate_error", address, target, measure, size, False, (levels,), measure)


def trace_error(
    address: str, *, correct: Any = None, incorrect: Any = None, scale: Any = 1.0, target: str = "target"
) -> SquaredError | LevelError:
    r"""Mean squared error of a membrane or another trace, :math:`\langle (v_i[t] - \hat v_i[t])^2 \rangle / \sigma^2`.

    Parameters
    ----------
    address
        Of the trace, such as ``"out.v"``.
    correct, incorrect
        The level of the neuron that stands for the class and that of the others, throughout, where targets are classes;
        without them targets are traces, (time, batch, neuron), in SI units, NaN where nothing is asked for.
    scale
        :math:`\sigma`: what an error of 1 is; with membranes in volts, ``1*mV`` rather than the volt.
    target
        Which one, where targets are a mapping.

    Notes
    -----
    With levels 1 and 0 this is snnTorch's ``mse_membrane_loss``.
    """
    pair = _pair(correct, incorrect, "trace_error")
    size = one_number(scale, "trace_error: scale")
    if pair is None:
        return SquaredError("trace_error", address, target, _itself, size, over_time=True)
    levels = (one_number(pair[0], "trace_error: correct"), one_number(pair[1], "trace_error: incorrect"))
    return LevelError("trace_error", address, target, _itself, size, True, (levels,), readouts.mean_over_time)


def spike_time_error(
    address: str,
    *,
    count: int = 1,
    correct: Any = None,
    incorrect: Any = None,
    dt: Any = None,
    scale: Any = 1.0,
    target: str = "target",
) -> SquaredError | LevelError:
    r"""Mean squared error of the times of spikes, :math:`\langle (T_{k,i} - \hat T_{k,i})^2 \rangle / \sigma^2`.

    Parameters
    ----------
    address
        Of the spikes.
    count
        How many spikes of each neuron have a time.
    correct, incorrect
        The time of the neuron that stands for the class and that of the others (`count` times each, where that is not
        1), where targets are classes; without them targets are times, (count, batch, neuron), or (batch, neuron) where
        it is 1, NaN where none is asked for.
    dt
        Count times in seconds, in steps that long; by default they are in steps.
    scale
        :math:`\sigma`: what an error of 1 is, in the same unit.
    target
        Which one, where targets are a mapping.

    Notes
    -----
    :math:`T_k` is :func:`neurosim.training.readouts.spike_times`: the number of steps for a spike that is missing, with
    derivatives by every spike that would change it. To ask for no spike, ask for the number of steps. Spikes after the
    last one that has a time are free.

    References
    ----------
    Bohte, Kok and La Poutré, Error-backpropagation in temporally encoded networks of spiking neurons, Neurocomputing 48
    (2002), with the derivatives above in place of a linear membrane.
    """
    length = step_length(dt)

    def measure(spikes: Tensor, mask: Tensor | None) -> Tensor:
        times = readouts.spike_times(spikes, count, mask) * length
        return times[0] if count == 1 else times

    def decide(spikes: Tensor, mask: Tensor | None) -> Tensor:
        return -readouts.first_spike(spikes, mask)

    if count < 1:
        raise TrainingError(f"spike_time_error: count must be 1 or more, got {count}.")
    pair = _pair(correct, incorrect, "spike_time_error")
    size = a_time(scale, dt, "spike_time_error: scale")
    if pair is None:
        return SquaredError("spike_time_error", address, target, measure, size, over_time=False)
    both = [[a_time(value, dt, "spike_time_error: a time") for value in _listed(each, count)] for each in pair]
    levels = tuple(zip(*both, strict=True))
    return LevelError("spike_time_error", address, target, measure, size, False, levels, decide)


def events(address: str, *, gain: float = 1.0, positive: float = 1.0, target: str = "target") -> Events:
    r"""Binary cross entropy of every neuron in every step: whether something is there, now.

    .. math:: -\langle p\, y \log \sigma(g v) + (1 - y) \log(1 - \sigma(g v)) \rangle

    Parameters
    ----------
    address
        Of the trace whose sigmoid is the probability, such as ``"out.v"``.
    gain
        :math:`g`.
    positive
        :math:`p`: how much a step with an event counts, against 1 for a step without.
    target
        Which one, where targets are a mapping: :math:`y`, 0 or 1, (time, batch, neuron).

    References
    ----------
    Grimaldi and Perrinet, Learning heterogeneous delays in a layer of spiking neurons for fast motion detection,
    Biological Cybernetics 117 (2023).
    """
    if not positive > 0:
        raise TrainingError(f"events: positive must be above 0, got {positive}.")
    return Events("events", address, float(gain), float(positive), target)


@dataclass(frozen=True, eq=False)
class Events(OneVariable):
    """Binary cross entropy of every step (see :func:`events`)."""

    gain: float
    positive: float
    target: str

    def __call__(self, outputs: Outputs, targets: Targets = None) -> Tensor:
        """Return the mean over the steps that count, then over batch and neurons."""
        trace, mask = self.read(outputs, targets)
        wanted = shaped_as(target_of(targets, self.target, trace, self.name), trace, self.name)
        entropy = binary_cross_entropy_with_logits(
            self.gain * trace, wanted, pos_weight=trace.new_tensor(self.positive), reduction="none"
        )
        return readouts.mean_over_time(entropy, mask).mean()

    def probability(self, outputs: Outputs) -> Tensor:
        """Return the probability of an event, (time, batch, neuron)."""
        return (self.gain * self.read(outputs)[0]).sigmoid()


def _itself(trace: Tensor, mask: Tensor | None) -> Tensor:
    return trace


def _pair(correct: Any, incorrect: Any, where: str) -> tuple[Any, Any] | None:
    if (correct is None) != (incorrect is None):
        raise TrainingError(f"{where}: give both correct= and incorrect=, or neither.")
    return None if correct is None else (correct, incorrect)


def _listed(value: Any, count: int) -> Sequence[Any]:
    listed: Sequence[Any] = list(value) if hasattr(value, "__len__") else [value]
    if len(listed) != count:
        raise TrainingError(f"spike_time_error: give {count} times for correct= and for incorrect=, got {len(listed)}.")
    return listed
