"""Transfer functions from an input and a response: averaged segments for noise, lines for sums of sines.

References
----------
P. D. Welch: The use of fast Fourier transform for the estimation of power spectra. IEEE Trans. Audio Electroacoust. 15
(1967) 70, doi:10.1109/TAU.1967.1161901 (segments, and what overlapping ones are worth).
J. S. Bendat, A. G. Piersol: Random Data, 4th ed., Wiley 2010 (errors of gain and coherence).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.frequency.drives import Drive
from neurosim.analysis.frequency.responses import Response, as_response
from neurosim.analysis.frequency.transfer import Facts, TransferFunction
from neurosim.errors import AnalysisError
from neurosim.recording import Recording
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]

#: With fewer steps than this a temporal spectrum has hardly any frequencies.
FEW_STEPS = 64
#: Lines on either side of a sine from which its noise is taken.
NEIGHBOURS = 10


def transfer_function(
    drive: Any,
    response: Any,
    *,
    of: str | None = None,
    dt: Any = None,
    segment: Any = None,
    window: str = "hann",
    overlap: float = 0.5,
    confidence: float = 0.95,
    amplitude: float = 1.0,
) -> TransferFunction:
    r"""Return how a response follows an input over temporal frequency: gain, phase, coherence.

    .. math:: H = S_{xy}/S_{xx}, \qquad C = |S_{xy}|^2/(S_{xx} S_{yy})

    Parameters
    ----------
    drive
        The input: a :class:`Drive`, whose lead is left out of both sides, or numbers (time,) or (trial, time).
    response
        What answers, on the same steps: a recording (with `of`), a :class:`Response`, or numbers (time,) or
        (trial, time).
    of
        Of a recording: ``"exc.spikes"`` (the rate of the population in hertz) or ``"exc.v"`` (the mean).
    dt
        Time between samples, where both sides are numbers; the width of the bins, where spikes were measured.
    segment
        Length of a segment, a time; frequencies are its inverse apart. By default a sixteenth of a trial. Whole trials
        are used for a sum of sines.
    window, overlap
        Of the segments: any window of ``scipy.signal.get_window``, and the part that neighbours share.
    confidence
        Of the level below which the coherence of unrelated signals stays.
    amplitude
        By what the drive was multiplied when it was fed, in SI: the response is by that unit.

    Returns
    -------
    TransferFunction
        For a drive that is a sum of sines at its frequencies only, from whole periods.

    Raises
    ------
    AnalysisError
        If lengths or steps differ, values are not finite, the input does not vary, or there are too few segments.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=4096)
    >>> later = transfer_function(x, np.roll(x, 3), dt=0.001, segment=0.128)
    >>> late = -later.phase[1:-1] / (2 * np.pi * later.frequency[1:-1])
    >>> bool(np.allclose(late, 0.003, atol=2e-4))
    True
    """
    answer = as_response(response, _width(drive, response, dt), of, "response")
    if isinstance(drive, Drive):
        asked, lead, name = drive.values[None], drive.lead, drive.kind
        if abs(answer.dt - drive.dt) > 1e-6 * drive.dt:
            raise AnalysisError(
                f"the drive has steps of {drive.dt:g} s, {answer.name!r} of {answer.dt:g} s; record at every step."
            )
    else:
        given = as_response(drive, answer.dt, None, "drive")
        asked, lead, name = given.values, 0, given.name
    if asked.shape[1] != answer.values.shape[1] or asked.shape[0] not in (1, answer.values.shape[0]):
        raise AnalysisError(
            f"the drive has shape {asked.shape} (trial, time), {answer.name!r} {answer.values.shape}: they must cover "
            "the same steps."
        )
    asked, values = asked[:, lead:] * amplitude, answer.values[:, lead:]
    if values.shape[1] < FEW_STEPS:
        warnings.warn(
            f"a temporal spectrum of {values.shape[1]} steps has {values.shape[1] // 2} frequencies; "
            f"take {FEW_STEPS} steps or more",
            stacklevel=2,
        )
    if not np.all(asked.std(axis=1) > 0):
        raise AnalysisError("the input does not vary; nothing can follow it.")
    if isinstance(drive, Drive) and drive.frequencies.size:
        return _lines(drive, amplitude, values, answer, name)
    steps = _segment(segment, answer.dt, values.shape[1])
    return _welch(asked, values, answer, name, steps, window, overlap, confidence)


def _width(drive: Any, response: Any, dt: Any) -> Any:
    """Return the time between samples that numbers have, or the bins of measured spikes."""
    if isinstance(response, Recording):
        measured = "n_steps" not in response.metadata
        return drive.dt if dt is None and measured and isinstance(drive, Drive) else dt
    return drive.dt if isinstance(drive, Drive) else dt


def _segment(segment: Any, dt: float, n_samples: int) -> int:
    if segment is None:
        return max(2, n_samples // 16)
    steps = round(one_time(segment, "segment") / dt)
    if not 2 <= steps <= n_samples:
        raise AnalysisError(f"segment: {segment} is {steps} steps; the measurement has {n_samples}.")
    return steps


def _welch(
    asked: Floats,
    values: Floats,
    answer: Response,
    name: str,
    segment: int,
    window: str,
    overlap: float,
    confidence: float,
) -> TransferFunction:
    from scipy.signal import csd, get_window

    if not 0 <= overlap < 1 or not 0 < confidence < 1:
        raise AnalysisError(
            f"overlap ({overlap}) must be from 0 to below 1, confidence ({confidence}) between 0 and 1."
        )
    shared = min(round(overlap * segment), segment - 1)
    weights = get_window(window, segment)
    in_trial = (values.shape[1] - shared) // (segment - shared)
    effective = independent_segments(weights, segment - shared, in_trial) * values.shape[0]
    if effective < 1.5:
        raise AnalysisError(
            f"{in_trial * values.shape[0]} segments of {segment} steps are worth {effective:.3g} independent ones; any "
            "two signals are then coherent. Use shorter segments, or measure longer."
        )

    def power(first: Floats, second: Floats) -> NDArray[np.complex128]:
        spectra = csd(
            first, second, fs=1 / answer.dt, window=weights, nperseg=segment, noverlap=shared, detrend="constant"
        )[1]
        return np.asarray(spectra[:, 1:].mean(axis=0), dtype=np.complex128)

    spread = np.broadcast_to(asked, values.shape)
    across, before, after = power(spread, values), power(asked, asked).real, power(values, values).real
    if np.any(before <= 0):
        raise AnalysisError("the input has no power at some frequencies.")
    response = across / before
    # A response without power follows nothing; rounding may carry the ratio a little above 1.
    coherence = np.zeros(before.shape)
    np.divide(np.abs(across) ** 2, before * after, out=coherence, where=after > 0)
    coherence = np.minimum(coherence, 1.0)
    noise = np.maximum(1 - coherence, 0) / np.maximum(2 * coherence * effective, 1e-300)
    facts = Facts(
        "welch", answer.dt, values.shape[1], values.shape[0], answer.n_cells, _rate(answer, values), segment, window,
        overlap, in_trial * values.shape[0], effective, confidence, float(asked.std()), name, answer.name, answer.stage,
    )  # fmt: skip
    frequency = np.arange(1, segment // 2 + 1) / (segment * answer.dt)
    level = 1 - (1 - confidence) ** (1 / (effective - 1))
    error = np.abs(response) * np.sqrt(noise)
    return TransferFunction(frequency, response, error, coherence, level, before, after, None, facts)


def independent_segments(window: Floats, shift: int, count: int) -> float:
    """Return how many independent segments so many overlapping ones are worth (Welch 1967).

    Parameters
    ----------
    window
        Shape (time,).
    shift
        Steps from one segment to the next.
    count
        How many segments.
    """
    total = float(np.sum(window**2)) ** 2
    worth = 1.0
    for distance in range(1, min(count, -(-window.size // shift))):
        common = float(np.sum(window[distance * shift :] * window[: -distance * shift])) ** 2 / total
        worth += 2 * (1 - distance / count) * common
    return count / worth


def _lines(drive: Drive, amplitude: float, values: Floats, answer: Response, name: str) -> TransferFunction:
    trials, count = values.shape
    spectrum = 2 * np.fft.rfft(values, axis=1) / count
    place = np.round(drive.frequencies * count * drive.dt).astype(np.int64)
    sizes = drive.amplitudes * abs(amplitude)
    lines = spectrum[:, place].mean(axis=0)
    response = lines * np.exp(-1j * drive.phases) / (drive.amplitudes * amplitude)
    # Neither a sine nor a multiple of one is noise.
    taken = np.zeros(spectrum.shape[1], dtype=bool)
    taken[0] = True
    for factor in range(1, 6):
        taken[place[place * factor < taken.size] * factor] = True
    noise = np.array([_noise(spectrum, taken, int(one)) for one in place])
    twice = np.full(place.shape, np.nan)
    fits = place * 2 < spectrum.shape[1]
    twice[fits] = np.abs(spectrum[:, 2 * place[fits]].mean(axis=0))
    facts = Facts(
        "lines", answer.dt, count, trials, answer.n_cells, _rate(answer, values), count, "boxcar", 0.0, trials,
        float(trials), float("nan"), float(np.sqrt(np.sum(sizes**2) / 2)), name, answer.name, answer.stage,
    )  # fmt: skip
    order = np.argsort(drive.frequencies)
    distortion = np.divide(twice, np.abs(lines), out=np.full(place.shape, np.nan), where=np.abs(lines) > 0)
    return TransferFunction(
        drive.frequencies[order],
        response[order],
        (np.sqrt(noise / (2 * trials)) / sizes)[order],
        None,
        float("nan"),
        (sizes**2)[order],
        (np.abs(lines) ** 2)[order],
        distortion[order],
        facts,
    )


def _rate(answer: Response, values: Floats) -> float | None:
    """Return the rate after the lead: also of filtered spikes, whose filter passes the mean as it is."""
    return None if answer.rate is None else float(values.mean())


def _noise(spectrum: NDArray[np.complex128], taken: NDArray[np.bool_], place: int) -> float:
    """Return the mean power of the noise in the free lines around one."""
    free = np.flatnonzero(~taken)
    near = free[np.argsort(np.abs(free - place), kind="stable")[: 2 * NEIGHBOURS]]
    # The median of normal noise's power is ln 2 of its mean, and heeds few lines that hold what sines make together.
    return float(np.median(np.abs(spectrum[:, near]) ** 2) / np.log(2)) if near.size else float("nan")
