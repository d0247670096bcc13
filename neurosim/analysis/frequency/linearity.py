"""Whether a response grows with its input, as a transfer function supposes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.analysis.frequency.transfer import TransferFunction
from neurosim.errors import AnalysisError


@dataclass(frozen=True)
class Linearity:
    """What two measurements with different amplitudes say.

    Parameters
    ----------
    linear
        Whether the gains agree at all frequencies where both were measured well enough.
    largest
        The largest difference of the gains that is more than chance, by the gain.
    frequency
        Where that is, in hertz.
    ratio
        How many times larger the second input was.
    """

    linear: bool
    largest: float
    frequency: float
    ratio: float

    def __str__(self) -> str:
        """Return a sentence."""
        if self.linear:
            return f"linear: the same gain with {self.ratio:.3g} times the input"
        return (
            f"NOT LINEAR: with {self.ratio:.3g} times the input the gain differs by {100 * self.largest:.3g} % at "
            f"{self.frequency:.4g} Hz"
        )


def linearity(
    first: TransferFunction, second: TransferFunction, *, tolerance: float = 0.05, deviations: float = 4.0
) -> Linearity:
    """Hold two measurements against each other that differ in the amplitude of the drive.

    Parameters
    ----------
    first, second
        Of the same response at the same frequencies.
    tolerance
        Difference of the gains, by the gain, that is let pass.
    deviations
        Standard errors that a difference must exceed besides; the default leaves one in 15,000 to chance.

    Raises
    ------
    AnalysisError
        If the frequencies differ.
    """
    if not np.array_equal(first.frequency, second.frequency):
        raise AnalysisError("linearity: the two measurements are at different frequencies.")
    good = first.significant & second.significant
    if not good.any():
        raise AnalysisError("linearity: nothing stands above the noise in both measurements; measure longer.")
    mean = (first.gain + second.gain) / 2
    difference = np.abs(first.gain - second.gain)
    # A gain of nothing but noise is not negative: what lies within the errors may all be chance.
    chance = deviations * np.hypot(first.error, second.error)
    beyond = np.where(good & (difference > chance) & (mean > 0), difference / np.maximum(mean, 1e-300), 0.0)
    worst = int(np.argmax(beyond))
    ratio = second.facts.deviation / first.facts.deviation
    largest = float(beyond[worst])
    return Linearity(largest <= tolerance, largest, float(first.frequency[worst]), ratio)
