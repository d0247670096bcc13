r"""Losses that decide between classes: cross entropy on what a readout makes of the outputs.

With the logits :math:`z_i` of a sample of class `c` each is :math:`-\log \mathrm{softmax}_c(z)`, averaged over the
batch. They differ in where the logits come from.
"""

from __future__ import annotations

from typing import Any

from neurosim.errors import TrainingError
from neurosim.training import readouts
from neurosim.training.losses.cross_entropy import CrossEntropy, EveryStep


def _options(gain: float, smoothing: float, weights: Any, target: str) -> dict[str, Any]:
    listed = None if weights is None else tuple(float(weight) for weight in weights)
    return {"gain": float(gain), "smoothing": float(smoothing), "weights": listed, "target": target}


def rate(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on spike counts, :math:`z_i = g \sum_t s_i[t]`.

    Parameters
    ----------
    address
        Of the spikes, such as ``"out.spikes"``: one neuron for each class.
    gain
        :math:`g`: what one spike is worth. With many spikes 1 makes a hard decision; 1/10 leaves room.
    smoothing
        Label smoothing: the part of the target that is spread over all classes.
    weights
        One for each class.
    target
        Which one, where targets are a mapping.

    Notes
    -----
    With the defaults this is snnTorch's ``ce_count_loss``.

    References
    ----------
    Eshraghian et al., Training Spiking Neural Networks Using Lessons From Deep Learning, Proceedings of the IEEE 111
    (2023), appendix on spike count losses.
    """
    return CrossEntropy("rate", address, readout=readouts.spike_count, **_options(gain, smoothing, weights, target))


def latency(
    address: str, *, scale: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on first spikes, :math:`z_i = -T_i/\sigma`: the class is that of the neuron that fires first.

    Parameters
    ----------
    address
        Of the spikes: one neuron for each class.
    scale
        :math:`\sigma`, in steps: how much earlier makes a difference of e.
    smoothing, weights, target
        See :func:`rate`.

    Notes
    -----
    :math:`T_i` is :func:`neurosim.training.readouts.first_spike`, the number of steps for a neuron that does not fire,
    and differentiable for it as well.

    References
    ----------
    Mostafa, Supervised Learning Based on Temporal Coding in Spiking Neural Networks, IEEE TNNLS 29 (2018); Göltz et
    al., Fast and energy-efficient neuromorphic deep learning with first-spike times, Nature Machine Intelligence 3
    (2021).
    """
    if not scale > 0:
        raise TrainingError(f"latency: scale must be positive, got {scale}.")
    options = _options(-1.0 / scale, smoothing, weights, target)
    return CrossEntropy("latency", address, readout=readouts.first_spike, **options)


def softmax_over_time(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on summed softmaxes, :math:`z_i = g \sum_t \mathrm{softmax}_i(v[t])`.

    Parameters
    ----------
    address
        Of a membrane or another trace: one neuron for each class.
    gain, smoothing, weights, target
        See :func:`rate`.

    References
    ----------
    Hammouamri, Khalfaoui-Hassani and Masquelier, Learning Delays in Spiking Neural Networks using Dilated Convolutions
    with Learnable Spacings, ICLR 2024; Bittar and Garner, A surrogate gradient spiking baseline for speech command
    recognition, Frontiers in Neuroscience 16 (2022).
    """
    options = _options(gain, smoothing, weights, target)
    return CrossEntropy("softmax_over_time", address, readout=readouts.softmax_over_time, **options)


def max_over_time(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on largest values, :math:`z_i = g \max_t v_i[t]`.

    Parameters
    ----------
    address
        Of a membrane or another trace: one neuron for each class.
    gain, smoothing, weights, target
        See :func:`rate`.

    Notes
    -----
    With the defaults this is snnTorch's ``ce_max_membrane_loss``.

    References
    ----------
    Zenke and Vogels, The Remarkable Robustness of Surrogate Gradient Learning for Instilling Complex Function in
    Spiking Neural Networks, Neural Computation 33 (2021).
    """
    options = _options(gain, smoothing, weights, target)
    return CrossEntropy("max_over_time", address, readout=readouts.max_over_time, **options)


def mean_over_time(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on means, :math:`z_i = \frac{g}{T} \sum_t v_i[t]`.

    Parameters
    ----------
    address
        Of a membrane or another trace: one neuron for each class.
    gain, smoothing, weights, target
        See :func:`rate`.
    """
    options = _options(gain, smoothing, weights, target)
    return CrossEntropy("mean_over_time", address, readout=readouts.mean_over_time, **options)


def last_value(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy on values at the end, :math:`z_i = g\, v_i[T-1]`; with padding, at each sample's own end.

    Parameters
    ----------
    address
        Of a membrane or another trace: one neuron for each class.
    gain, smoothing, weights, target
        See :func:`rate`.

    References
    ----------
    Cramer et al., The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural Networks, IEEE TNNLS
    33 (2022): last-time-step loss beside the max-over-time loss.
    """
    options = _options(gain, smoothing, weights, target)
    return CrossEntropy("last_value", address, readout=readouts.last_value, **options)


def every_step(
    address: str, *, gain: float = 1.0, smoothing: float = 0.0, weights: Any = None, target: str = "target"
) -> CrossEntropy:
    r"""Cross entropy of every step, averaged: :math:`-\frac{1}{T}\sum_t \log \mathrm{softmax}_c(g\, v[t])`.

    Parameters
    ----------
    address
        Of a trace or of spikes: one neuron for each class.
    gain, smoothing, weights, target
        See :func:`rate`.

    Notes
    -----
    With the defaults, on spikes, this is snnTorch's ``ce_rate_loss``: the right neuron is to fire in every step, the
    others never. The decision is the class of the largest mean, which is that of the largest mean log probability.
    """
    options = _options(gain, smoothing, weights, target)
    return EveryStep("every_step", address, readout=readouts.mean_over_time, **options)
