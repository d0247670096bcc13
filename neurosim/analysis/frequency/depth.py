"""The same numbers for each layer of a network, in the order of depth: where high frequencies are lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.analysis.frequency.transfer import Band, TransferFunction, hertz
from neurosim.errors import AnalysisError


@dataclass(frozen=True)
class Bias:
    """What sums up one response.

    Parameters
    ----------
    name, stage
        What answered, and what it is: spikes as they are, a membrane, or spikes behind a filter.
    rate
        Spikes per second and cell, or None.
    gain
        Mean gain over the low band.
    cut_off, peak, peak_ratio
        Where the gain has fallen to 1/sqrt(2) (NaN if it does not), where it is largest, and how large by the low band.
    slope
        Of the log power gain over the high band, per decade of frequency over ten.
    bias_db
        Gain of the high band by that of the low one, in decibel.
    high_frequency_ratio
        Part of the output's power at and above the high band's lower end.
    coherence_low, coherence_high, level
        Mean coherence of both bands and the level of chance; NaN for a sum of sines.
    axis
        ``"temporal"``.
    """

    name: str
    stage: str
    rate: float | None
    gain: float
    cut_off: float
    peak: float
    peak_ratio: float
    slope: float
    bias_db: float
    high_frequency_ratio: float
    coherence_low: float
    coherence_high: float
    level: float
    axis: str

    @property
    def lost(self) -> bool:
        """Whether the high band's coherence is below the level of chance: its gain may be nothing but noise."""
        return self.coherence_high < self.level


@dataclass(frozen=True)
class DepthProfile:
    """The biases of layers in order, and what a chain of the first one would do.

    Parameters
    ----------
    layers
        One for each response.
    expected_db
        What the first layer's bias comes to with each further equal stage, in decibel: a product of gains.
    low, high
        The bands, in hertz.
    """

    layers: tuple[Bias, ...]
    expected_db: tuple[float, ...]
    low: tuple[float, float]
    high: tuple[float, float]

    def __str__(self) -> str:
        """Return a table; the bias of raw spikes is put in brackets, one that is lost in noise follows a <."""
        width = max(len("response"), *(len(layer.name) for layer in self.layers))
        lines = [
            f"temporal frequency: low {self.low[0]:g} to {self.low[1]:g} Hz, high {self.high[0]:g} to "
            f"{self.high[1]:g} Hz",
            f"{'response':{width}} {'rate':>7} {'cut-off':>8} {'bias':>10} {'coherence low, high (level)':>28}",
        ]
        for layer in self.layers:
            rate = "" if layer.rate is None else f"{layer.rate:.3g} Hz"
            bias = f"{'<' if layer.lost else ''}{layer.bias_db:+.1f} dB"
            bias = f"({bias})" if layer.stage == "spikes" else bias
            coherence = (
                ""
                if np.isnan(layer.coherence_low)
                else f"{layer.coherence_low:.2f}, {layer.coherence_high:.2f} ({layer.level:.2f})"
            )
            lines.append(f"{layer.name:{width}} {rate:>7} {layer.cut_off:8.4g} {bias:>10} {coherence:>28}")
        if any(layer.stage == "spikes" for layer in self.layers):
            lines.append(
                "(in brackets: raw spikes are sharp and have all frequencies; the stage behind tells the bias)"
            )
        if any(layer.lost for layer in self.layers):
            lines.append("(<: the coherence of the high band is that of chance, and so may be its gain)")
        return "\n".join(lines)


def bias_of(measured: TransferFunction, low: Band, high: Band) -> Bias:
    """Return what sums up one transfer function, given a low and a high band (each from, to in hertz)."""
    place, ratio = measured.peak(low)
    coherence = [float("nan")] * 2
    if measured.coherence is not None:
        coherence = [_mean(measured, band) for band in (low, high)]
    return Bias(
        measured.facts.response, measured.facts.stage, measured.facts.rate,
        float(measured.gain[measured.inside(low)].mean()), measured.cut_off(low), place, ratio, measured.slope(high),
        measured.bias_db(low, high), measured.high_frequency_ratio(high[0]), coherence[0], coherence[1], measured.level,
        measured.axis,
    )  # fmt: skip


def through_depth(measured: Mapping[str, TransferFunction], low: Band, high: Band) -> DepthProfile:
    """Return the biases of several responses to one drive, in order of depth.

    Parameters
    ----------
    measured
        By name, from the first layer to the last: what :func:`measure_response` returns.
    low, high
        The bands that are compared: from and to, in hertz.

    Raises
    ------
    AnalysisError
        If there is nothing, or nothing was measured in a band.
    """
    if not measured:
        raise AnalysisError("through_depth: there are no responses.")
    layers = tuple(bias_of(one, low, high) for one in measured.values())
    first = next(iter(measured.values()))
    bands = [first.inside(band) for band in (low, high)]

    def product(stages: int) -> float:
        means = [float(np.mean(first.gain[band] ** stages)) for band in bands]
        return float(20 * np.log10(means[1] / means[0]))

    edges = [(hertz(band[0], "band"), hertz(band[1], "band")) for band in (low, high)]
    return DepthProfile(layers, tuple(product(stage + 1) for stage in range(len(layers))), edges[0], edges[1])


def _mean(measured: TransferFunction, band: Band) -> float:
    values = measured.coherence
    return float("nan") if values is None else float(values[measured.inside(band)].mean())
