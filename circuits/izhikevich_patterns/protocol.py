"""Parameters and inputs of the twenty patterns, as the program ``figure1.m`` of the paper sets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Input = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pattern:
    """One panel of the figure. Times are in ms, voltages in mV, without their units.

    Parameters
    ----------
    title
        What it shows.
    a, b, c, d
        Parameters of the cell.
    v0
        Where v starts.
    step, duration
        Time step and length of the run.
    current
        The input at some times.
    linear, constant
        The terms of ``0.04*v**2 + linear*v + constant``.
    shift, restoring
        The recovery changes by ``a*(b*(v + shift) - restoring*u)``.
    u0
        Where u starts; ``None`` for ``b*v0``.
    """

    title: str
    a: float
    b: float
    c: float
    d: float
    v0: float
    step: float
    duration: float
    current: Input
    linear: float = 5.0
    constant: float = 140.0
    shift: float = 0.0
    restoring: float = 1.0
    u0: float | None = None

    @property
    def steps(self) -> int:
        """Number of steps: the last one starts at `duration`."""
        return round(self.duration / self.step) + 1

    def input(self) -> np.ndarray:
        """Return the input of every step, shape (step,)."""
        return np.asarray(self.current(np.arange(self.steps) * self.step), dtype=np.float64)


def _on(amplitude: float, *spans: tuple[float, float], base: float = 0.0) -> Input:
    """Return an input that is `amplitude` strictly inside the spans, else `base`."""

    def current(t: np.ndarray) -> np.ndarray:
        inside = np.any([(t > start) & (t < stop) for start, stop in spans], axis=0)
        return np.where(inside, amplitude, base)

    return current


def _threshold_variability(t: np.ndarray) -> np.ndarray:
    return _on(1.0, (10, 15), (80, 85))(t) + _on(-6.0, (70, 75))(t)


def _accommodation(t: np.ndarray) -> np.ndarray:
    return np.where(t < 200, t / 25, np.where((t >= 300) & (t < 312.5), (t - 300) / 12.5 * 4, 0.0))


_EVER = float("inf")
_INHIBITION = _on(80.0, (-1, 50), (250, _EVER), base=75.0)

#: By letter, as in the figure.
PATTERNS: dict[str, Pattern] = {
    "A": Pattern("tonic spiking", 0.02, 0.2, -65, 6, -70, 0.25, 100, _on(14, (10, _EVER))),
    "B": Pattern("phasic spiking", 0.02, 0.25, -65, 6, -64, 0.25, 200, _on(0.5, (20, _EVER))),
    "C": Pattern("tonic bursting", 0.02, 0.2, -50, 2, -70, 0.25, 220, _on(15, (22, _EVER))),
    "D": Pattern("phasic bursting", 0.02, 0.25, -55, 0.05, -64, 0.2, 200, _on(0.6, (20, _EVER))),
    "E": Pattern("mixed mode", 0.02, 0.2, -55, 4, -70, 0.25, 160, _on(10, (16, _EVER))),
    "F": Pattern("spike frequency adaptation", 0.01, 0.2, -65, 8, -70, 0.25, 85, _on(30, (8.5, _EVER))),
    "G": Pattern(
        "class 1 excitable", 0.02, -0.1, -55, 6, -60, 0.25, 300, lambda t: np.where(t > 30, 0.075 * (t - 30), 0.0),
        linear=4.1, constant=108,
    ),
    "H": Pattern(
        "class 2 excitable", 0.2, 0.26, -65, 0, -64, 0.25, 300,
        lambda t: np.where(t > 30, -0.5 + 0.015 * (t - 30), -0.5),
    ),
    "I": Pattern("spike latency", 0.02, 0.2, -65, 6, -70, 0.2, 100, _on(7.04, (10, 13))),
    "J": Pattern("subthreshold oscillation", 0.05, 0.26, -60, 0, -62, 0.25, 200, _on(2, (20, 25))),
    "K": Pattern(
        "resonator", 0.1, 0.26, -60, -1, -62, 0.25, 400, _on(0.65, (40, 44), (60, 64), (280, 284), (320, 324))
    ),
    "L": Pattern(
        "integrator", 0.02, -0.1, -55, 6, -60, 0.25, 100,
        _on(9, (100 / 11, 100 / 11 + 2), (100 / 11 + 5, 100 / 11 + 7), (70, 72), (80, 82)), linear=4.1, constant=108,
    ),
    "M": Pattern("rebound spike", 0.03, 0.25, -60, 4, -64, 0.2, 200, _on(-15, (20, 25))),
    "N": Pattern("rebound burst", 0.03, 0.25, -52, 0, -64, 0.2, 200, _on(-15, (20, 25))),
    "O": Pattern("threshold variability", 0.03, 0.25, -60, 4, -64, 0.25, 100, _threshold_variability),
    "P": Pattern("bistability", 0.1, 0.26, -60, 0, -61, 0.25, 300, _on(1.24, (37.5, 42.5), (216, 221), base=0.24)),
    "Q": Pattern("after-depolarisation", 1, 0.2, -60, -21, -70, 0.1, 50, _on(20, (9, 11))),
    "R": Pattern("accommodation", 0.02, 1, -55, 4, -65, 0.5, 400, _accommodation, shift=65, restoring=0, u0=-16),
    "S": Pattern("inhibition-induced spiking", -0.02, -1, -60, 8, -63.8, 0.5, 350, _INHIBITION),
    "T": Pattern("inhibition-induced bursting", -0.026, -1, -45, -2, -63.8, 0.5, 350, _INHIBITION),
}  # fmt: skip
