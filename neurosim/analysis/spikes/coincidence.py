"""Which spikes of a train come together with those of another, beyond chance."""

from __future__ import annotations

from typing import Any

from neurosim.analysis.spikes.trains import times_of
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time


def coincidence_factor(simulated: Any, recorded: Any, *, precision: Any, duration: Any) -> float:
    r"""Return how many spikes coincide, less those that chance would bring, as a share of all.

    .. math:: \Gamma = \frac{n_{coinc} - 2\nu\Delta\,n_{rec}}{\frac12 (n_{sim} + n_{rec})}\,\frac{1}{1 - 2\nu\Delta},
        \qquad \nu = n_{sim} / T

    Parameters
    ----------
    simulated, recorded
        Times in seconds.
    precision
        :math:`\Delta`: how far from each other two spikes may be that coincide. Each spike coincides with one at most.
    duration
        :math:`T`: how long both were observed.

    Returns
    -------
    float
        1 where all spikes coincide, 0 at chance: that of a Poisson train of the simulation's rate. NaN where neither
        train has a spike, or where the rate is so high that chance fills all of the time
        (:math:`2\nu\Delta \ge 1`).

    References
    ----------
    W. M. Kistler, W. Gerstner, J. L. van Hemmen: Reduction of the Hodgkin-Huxley equations to a single-variable
    threshold model. Neural Comput. 9:1015 (1997). R. Jolivet et al.: A benchmark test for a quantitative assessment of
    simple neuron models. J. Neurosci. Methods 169:417 (2008).
    """
    width, length = one_time(precision, "precision"), one_time(duration, "duration")
    if not (width > 0 and length > 0):
        raise AnalysisError(f"coincidence_factor: precision and duration must be above 0, got {width:g}, {length:g} s.")
    a, b = times_of(simulated, "simulated"), times_of(recorded, "recorded")
    chance = 2 * width * a.size / length
    if not a.size + b.size or chance >= 1:
        return float("nan")
    together, place = 0, 0
    reach = width * (1 + 1e-9)  # times are products: what is `precision` away on paper coincides
    for time in b:
        while place < a.size and a[place] < time - reach:
            place += 1
        if place < a.size and a[place] <= time + reach:
            together += 1
            place += 1
    return float((together - chance * b.size) / (0.5 * (a.size + b.size)) / (1 - chance))
