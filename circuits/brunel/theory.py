"""The rate that theory gives the stationary state, by which a simulation can be judged."""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx


def response(mean: float, std: float, *, tau_mem: float, v_threshold: float, v_reset: float, tau_ref: float) -> float:
    """Return the rate of a neuron with white input: Brunel's equation 4.7, after Siegert and Ricciardi. SI units.

    Parameters
    ----------
    mean, std
        Mean input, and the standard deviation of its fluctuations (those of the free potential times the root of 2).
    tau_mem, v_threshold, v_reset, tau_ref
        Of the neuron, which rests at 0.
    """
    low, high = ((level - mean) / std for level in (v_reset, v_threshold))

    # exp(u**2)*(1 + erf(u)), written as it neither overflows nor cancels for negative u.
    def integrand(u: float) -> float:
        return float(erfcx(-u))

    area, _ = quad(integrand, low, min(high, 25.0), limit=200)
    return float(1 / (tau_ref + tau_mem * np.sqrt(np.pi) * area))


def stationary_rate(
    g: float,
    external: float,
    *,
    inputs: int = 1000,
    inhibitory: float = 0.25,
    weight: float = 1e-4,
    tau_mem: float = 20e-3,
    v_threshold: float = 20e-3,
    v_reset: float = 10e-3,
    tau_ref: float = 2e-3,
) -> float:
    """Return the self-consistent rate of the asynchronous state in hertz, the lowest where there are several.

    Parameters
    ----------
    g, external
        As :func:`~neurosim.circuits.brunel.circuit.build` takes them.
    inputs, inhibitory
        Excitatory inputs of a neuron, and how many inhibitory ones there are to each of them.
    weight, tau_mem, v_threshold, v_reset, tau_ref
        SI units.

    References
    ----------
    N. Brunel, Journal of Computational Neuroscience 8, 183-208 (2000), section 4: inputs without correlation.
    """
    outside = external * v_threshold / (weight * tau_mem)  # from all excitatory inputs outside, in hertz

    def excess(rate: float) -> float:
        mean = weight * tau_mem * (outside + inputs * rate * (1 - inhibitory * g))
        std = weight * np.sqrt(tau_mem * (outside + inputs * rate * (1 + inhibitory * g**2)))
        own = {"tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": v_reset, "tau_ref": tau_ref}
        return response(mean, std, **own) - rate

    rates = np.linspace(0, 1 / tau_ref, 2001)
    values = np.array([excess(rate) for rate in rates])
    crossing = int(np.argmax((values[:-1] > 0) & (values[1:] <= 0)))
    return float(brentq(excess, rates[crossing], rates[crossing + 1]))
