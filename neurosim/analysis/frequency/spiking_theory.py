r"""Rate and linear response of integrate-and-fire neurons in white noise, in closed form.

The perfect integrator is :math:`dv = \mu\,dt + \sqrt{2D}\,dW`, from its reset up to a threshold at distance
:math:`\Delta`. The leaky one is :math:`\tau\,\dot v = \mu - v + \sigma\sqrt\tau\,\xi`, with threshold
:math:`\theta` and reset :math:`v_r`, without refractory period: v has the standard deviation
:math:`\sigma/\sqrt2` if it never fires.

References
----------
J. Pressley, T. W. Troyer: Complementary responses to mean and variance modulations in the perfect integrate-and-fire
model. Biol. Cybern. 101 (2009) 63, doi:10.1007/s00422-009-0317-6.
N. Brunel, F. S. Chance, N. Fourcaud, L. F. Abbott: Effects of synaptic noise and filtering on the frequency response of
spiking neurons. Phys. Rev. Lett. 86 (2001) 2186, doi:10.1103/PhysRevLett.86.2186.
J. Schuecker, M. Diesmann, M. Helias: Modulated escape from a metastable state driven by colored noise. Phys. Rev. E 92
(2015) 052119, doi:10.1103/PhysRevE.92.052119 (the response in parabolic cylinder functions).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]

#: -zeta(1/2)/sqrt(2 pi): a random walk that is looked at in steps passes a threshold so many steps' deviations late.
OVERSHOOT = 0.5825971579390107


def perfect_response(
    frequency: Any, *, mean: float, diffusion: float = 0.0, distance: float = 1.0
) -> NDArray[np.complex128]:
    """Return the response of a perfect integrate-and-fire neuron's rate to its drift, hertz per unit of drift.

    Parameters
    ----------
    frequency
        Hertz, any shape.
    mean
        Drift per second, positive.
    diffusion
        D, squared units per second; without noise the gain is flat, ``1/distance``.
    distance
        From reset to threshold.

    Examples
    --------
    >>> [round(float(abs(perfect_response(f, mean=20, diffusion=5))), 3) for f in (1, 10, 100)]
    [0.991, 0.744, 0.314]
    """
    if mean <= 0 or diffusion < 0 or distance <= 0:
        raise AnalysisError(
            f"perfect_response: mean ({mean}) and distance ({distance}) must be positive, diffusion ({diffusion}) not "
            "negative."
        )
    omega = 2 * np.pi * np.asarray(frequency, dtype=np.float64)
    return np.asarray(2 / distance / (1 + np.sqrt(1 + 4j * omega * diffusion / mean**2)), dtype=np.complex128)


def leaky_rate(
    *, mu: float, sigma: float, tau: Any, threshold: float = 1.0, reset: float = 0.0, dt: Any = None
) -> float:
    r"""Return the rate of a leaky integrate-and-fire neuron in white noise, in hertz.

    .. math::

        \nu_0^{-1} = \tau\sqrt\pi \int_{(v_r - \mu)/\sigma}^{(\theta - \mu)/\sigma} e^{u^2}\operatorname{erfc}(-u)\,du

    Parameters
    ----------
    mu, sigma
        Mean and size of the noise, in the unit of the threshold; sigma positive.
    tau
        Membrane time constant.
    threshold, reset
        Of the membrane.
    dt
        A step in which the noise is integrated exactly but the threshold only looked at once: it then acts as if it
        were higher by 0.5826 ``sigma*sqrt(dt/tau)``, for small steps. Continuous by default.

    Examples
    --------
    >>> round(leaky_rate(mu=0.8, sigma=0.4, tau=0.02), 4)
    16.8518
    """
    from scipy.integrate import quad
    from scipy.special import erfcx

    constant = _checked(sigma, tau, threshold, reset)
    upper = shifted_threshold(threshold, sigma, tau, dt)
    # erfcx(-u) = exp(u^2) erfc(-u) keeps its digits where exp(u^2)*(1 + erf(u)) has none left.
    low, high = (reset - mu) / sigma, (upper - mu) / sigma
    if high > 26:  # the integrand leaves the range of floats, the rate falls below 1e-290 Hz
        return 0.0
    integral = quad(lambda u: erfcx(-u), low, high, epsabs=0, epsrel=1e-12, limit=200)[0]
    return float(1 / (constant * np.sqrt(np.pi) * integral))


def shifted_threshold(threshold: float, sigma: float, tau: Any, dt: Any) -> float:
    """Return where a threshold acts that is looked at once a step (see :func:`leaky_rate`)."""
    if dt is None:
        return threshold
    return threshold + OVERSHOOT * sigma * float(np.sqrt(one_time(dt, "dt") / one_time(tau, "tau")))


def leaky_fire_response(
    frequency: Any, *, mu: float, sigma: float, tau: Any, threshold: float = 1.0, reset: float = 0.0, dt: Any = None
) -> NDArray[np.complex128]:
    r"""Return the response of a leaky integrate-and-fire neuron's rate to its mean input, hertz per unit of mu.

    .. math::

        N(\omega) = \frac{\sqrt2\,\nu_0/\sigma}{1 + i\omega\tau}
        \frac{\Psi'(x_\theta) - \Psi'(x_r)}{\Psi(x_\theta) - \Psi(x_r)}, \quad
        \Psi(x) = e^{x^2/4}\,U(i\omega\tau - \tfrac12, -x), \quad x = \sqrt2\,(v - \mu)/\sigma

    with U the parabolic cylinder function and :math:`\Psi'` its derivative. For high frequencies the gain falls as
    :math:`\sqrt2\,\nu_0/(\sigma\sqrt{\omega\tau})`, half as fast in logarithms as a leaky membrane's, 45 degrees late.

    Parameters
    ----------
    frequency
        Hertz, any shape; 0 gives the slope of the rate.
    mu, sigma, tau, threshold, reset, dt
        As of :func:`leaky_rate`.

    Examples
    --------
    >>> [round(float(abs(leaky_fire_response(f, mu=0.8, sigma=0.4, tau=0.02))), 3) for f in (0, 10, 100)]
    [42.708, 42.052, 17.971]
    """
    from mpmath import exp, mp, mpc, mpf, pcfu

    constant = _checked(sigma, tau, threshold, reset)
    upper = shifted_threshold(threshold, sigma, tau, dt)
    rate = leaky_rate(mu=mu, sigma=sigma, tau=tau, threshold=upper, reset=reset)
    f = np.asarray(frequency, dtype=np.float64)
    if np.any(f < 0) or not np.all(np.isfinite(f)):
        raise AnalysisError("leaky_fire_response: frequencies must be finite and not negative.")
    ends = [mpf(float(np.sqrt(2) * (v - mu) / sigma)) for v in (upper, reset)]

    def psi(order: Any, x: Any) -> Any:
        return exp(x * x / 4) * pcfu(order, -x)

    def at(hertz: float) -> complex:
        if hertz == 0:
            return complex(_slope_of_rate(rate, mu, sigma, constant, upper, reset))
        turns = mpc(0, 2 * np.pi * hertz * constant)
        order = turns - mpf(1) / 2
        value = psi(order, ends[0]) - psi(order, ends[1])
        slope = turns * (psi(order + 1, ends[0]) - psi(order + 1, ends[1]))
        return complex(np.sqrt(2) * rate / sigma / (1 + turns) * slope / value)

    with mp.workdps(30):  # the two ends nearly cancel at low frequency
        values = [at(float(one)) for one in f.ravel()]
    return np.asarray(values, dtype=np.complex128).reshape(f.shape)


def population_coherence(gain: Any, density: Any, *, rate: float, n_cells: int) -> Floats:
    r"""Return the coherence of a population's rate with a weak input that all cells share, if nothing else is shared.

    .. math:: C = \frac{|H|^2 S}{|H|^2 S + 2\nu_0/N}

    Parameters
    ----------
    gain
        Of the rate, hertz by the unit of the input, any shape.
    density
        S, one-sided power density of the input, its unit squared per hertz.
    rate
        Of a cell, in hertz; its spikes are as irregular as Poisson's.
    n_cells
        How many cells the rate is the mean of.

    Examples
    --------
    >>> round(float(population_coherence(1.0, 25 / 200, rate=20, n_cells=100)), 3)
    0.238
    """
    if rate <= 0 or n_cells < 1:
        raise AnalysisError(f"population_coherence: rate ({rate}) and n_cells ({n_cells}) must be positive.")
    follows = np.abs(np.asarray(gain)) ** 2 * np.asarray(density, dtype=np.float64)
    coherence: Floats = follows / (follows + 2 * rate / n_cells)
    return coherence


def _slope_of_rate(rate: float, mu: float, sigma: float, tau: float, threshold: float, reset: float) -> float:
    from scipy.special import erfcx

    ends = [float(erfcx(-(v - mu) / sigma)) for v in (threshold, reset)]
    return rate**2 * tau * float(np.sqrt(np.pi)) * (ends[0] - ends[1]) / sigma


def _checked(sigma: float, tau: Any, threshold: float, reset: float) -> float:
    constant = one_time(tau, "tau")
    if not sigma > 0 or constant <= 0 or not reset < threshold:
        raise AnalysisError(
            f"leaky integrate-and-fire: sigma ({sigma}) and tau ({constant} s) must be positive, and the reset "
            f"({reset}) below the threshold ({threshold})."
        )
    return constant
