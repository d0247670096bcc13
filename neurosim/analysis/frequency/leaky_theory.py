r"""What a leaky membrane without threshold does to each frequency, in closed form.

:math:`\tau\,\dot v = x - v` passes a sine with :math:`H = 1/(1 + 2\pi i f\tau)`. In steps,
:math:`v_n = b\,v_{n-1} + (1 - b)\,x_n` with :math:`b = e^{-dt/\tau}` (exact, the input held through a step) or
:math:`b = 1 - dt/\tau` (Euler) passes it with :math:`H = (1 - b)/(1 - b\,e^{-2\pi i f dt})`, the output stamped with
the step of the input that entered it last, as a recording has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError, nearest
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]
METHODS = ("exact", "euler")


def leaky_decay(tau: Any, dt: Any, method: str = "exact") -> float:
    """Return what is left of the membrane after a step: ``exp(-dt/tau)``, or ``1 - dt/tau`` by Euler's method."""
    constant, step = one_time(tau, "tau"), one_time(dt, "dt")
    if method not in METHODS:
        raise AnalysisError(f"unknown method {method!r}.{nearest(str(method), METHODS)}")
    if constant <= 0 or step <= 0:
        raise AnalysisError(f"tau ({constant} s) and dt ({step} s) must be positive.")
    return float(np.exp(-step / constant)) if method == "exact" else 1 - step / constant


def leaky_response(
    frequency: Any, tau: Any, *, dt: Any = None, method: str = "exact", stages: int = 1
) -> NDArray[np.complex128]:
    """Return the transfer function of leaky integrators in a row.

    Parameters
    ----------
    frequency
        Hertz, any shape.
    tau
        Time constant of each.
    dt
        Step; in continuous time by default.
    method
        ``"exact"`` or ``"euler"``: how a step is taken.
    stages
        How many there are, one behind the other, without a delay between them.

    Examples
    --------
    >>> round(float(abs(leaky_response(10.0, 0.02))), 6), round(float(abs(leaky_response(10.0, 0.02, dt=0.001))), 6)
    (0.622677, 0.622779)
    """
    f = np.asarray(frequency, dtype=np.float64)
    if dt is None:
        one = 1 / (1 + 2j * np.pi * f * one_time(tau, "tau"))
    else:
        decay = leaky_decay(tau, dt, method)
        one = (1 - decay) / (1 - decay * np.exp(-2j * np.pi * f * one_time(dt, "dt")))
    return np.asarray(one**stages, dtype=np.complex128)


def leaky_cut_off(tau: Any, *, dt: Any = None, method: str = "exact", stages: int = 1) -> float:
    """Return where the gain of leaky integrators in a row is 1/sqrt(2), in hertz; NaN if that is nowhere.

    Examples
    --------
    >>> round(leaky_cut_off(0.02), 4), round(leaky_cut_off(0.02, dt=0.001, method="euler"), 4)
    (7.9577, 8.1654)
    """
    fall = 2 ** (1 / stages) - 1  # of each stage: |H|^2 = 1/(1 + fall)
    if dt is None:
        return float(np.sqrt(fall) / (2 * np.pi * one_time(tau, "tau")))
    decay = leaky_decay(tau, dt, method)
    if decay == 0:
        return float("nan")
    cosine = (1 + decay**2 - (1 - decay) ** 2 * (1 + fall)) / (2 * decay)
    return float(np.arccos(cosine) / (2 * np.pi * one_time(dt, "dt"))) if abs(cosine) <= 1 else float("nan")


def leaky_variance_ratio(decay: float) -> float:
    """Return the variance of a leaky integrator's output by that of white input: ``(1 - b)/(1 + b)``."""
    return (1 - decay) / (1 + decay)


def leaky_high_frequency_ratio(decay: float, above: float = 0.25) -> float:
    """Return the part of the output's power at and above a frequency, for white input.

    Parameters
    ----------
    decay
        b, from 0 to below 1.
    above
        Cycles per step, at most 0.5.

    Examples
    --------
    >>> round(leaky_high_frequency_ratio(0.5), 4)
    0.2048
    """
    return float(1 - 2 / np.pi * np.arctan((1 + decay) / (1 - decay) * np.tan(np.pi * above)))
