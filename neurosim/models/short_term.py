"""Synapses whose strength depends on the last spikes only: facilitation and depression, release by chance."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import as_value
from neurosim.errors import CircuitError
from neurosim.models.arguments import checked_arguments
from neurosim.units import DIMENSIONLESS, ms


def tsodyks_markram(
    *, u0: Any = 0.5, tau_facilitation: Any = 0 * ms, tau_depression: Any = 800 * ms, name: str = "tsodyks_markram"
) -> SynapseModel:
    r"""Return a synapse with short-term facilitation and depression.

    .. math::

        \dot u = -u/\tau_f, \qquad \dot x = (1 - x)/\tau_d, \qquad
        \text{spike:}\; u \leftarrow u + U(1 - u),\; \text{transmit } w\,u\,x,\; x \leftarrow x - u\,x

    The use of resources u is raised before the spike transmits, and x is what was left before it.

    Parameters
    ----------
    u0
        U: the part of the resources that the first spike uses.
    tau_facilitation
        How long the use stays raised; 0 for none, where every spike uses U.
    tau_depression
        How long the resources take to recover.
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        Variables ``x`` and (with facilitation) ``u``; the weight stays as it is. Give ``receptor=`` to ``connect``.

    Raises
    ------
    UnitError
        If a value has another unit.

    Notes
    -----
    Under regular spikes at intervals T it settles at :math:`u = U/(1 - (1 - U)e^{-T/\tau_f})` and
    :math:`x = (1 - e^{-T/\tau_d})/(1 - (1 - u)e^{-T/\tau_d})`. With the defaults at 20 Hz each spike transmits 0.0571
    of the weight.

    References
    ----------
    M. Tsodyks, K. Pawelzik, H. Markram: Neural networks with dynamic synapses. Neural Computation 10, 821-835 (1998),
    doi:10.1162/089976698300017502.
    """
    where = f"synapse {name!r}"
    parameters = checked_arguments({"u0": (u0, DIMENSIONLESS), "tau_depression": (tau_depression, "second")}, where)
    facilitation = checked_arguments({"tau_facilitation": (tau_facilitation, "second")}, where)
    recovery = "dx/dt = (1 - x)/tau_depression : 1 (event-driven)"
    if as_value(tau_facilitation, "second", where) == 0.0:
        return SynapseModel(
            recovery, on_pre="receptor_post += w*u0*x; x -= u0*x", parameters=parameters, initial={"x": 1.0}, name=name
        )
    return SynapseModel(
        f"du/dt = -u/tau_facilitation : 1 (event-driven)\n{recovery}",
        on_pre="u += u0*(1 - u); receptor_post += w*u*x; x -= u*x",
        parameters={**parameters, **facilitation},
        initial={"x": 1.0},
        name=name,
    )


def stochastic_release(*, probability: Any = 0.5, sites: int = 1, name: str = "stochastic_release") -> SynapseModel:
    r"""Return a synapse whose release sites each release by chance.

    .. math::

        \text{spike:}\quad \text{transmit}\;\; w\,\frac{K}{n}, \qquad K \sim \mathrm{Binomial}(n, p)

    Parameters
    ----------
    probability
        p: that a site releases; one value, or one per edge through ``parameters=`` of ``connect``.
    sites
        n: number of sites of a synapse, at most 16.
    name
        What the model is called in listings.

    Returns
    -------
    SynapseModel
        Every edge and step has random numbers of its own, from the run's seed. Give ``receptor=`` to ``connect``.

    Raises
    ------
    CircuitError
        If the number of sites is not between 1 and 16.

    Notes
    -----
    The mean is p w and the variance p (1 - p) w²/n: with the defaults 0.5 w and 0.25 w².

    References
    ----------
    J. del Castillo, B. Katz: Quantal components of the end-plate potential. Journal of Physiology 124, 560-573 (1954),
    doi:10.1113/jphysiol.1954.sp005129.
    """
    where = f"synapse {name!r}"
    if not 1 <= sites <= 16 or sites != int(sites):
        raise CircuitError(f"{where}: sites= must be a whole number from 1 to 16, got {sites!r}.")
    parameters = checked_arguments({"probability": (probability, DIMENSIONLESS)}, where)
    released = " + ".join(["int(rand() < probability)"] * sites)
    amount = f"w*{released}" if sites == 1 else f"w*({released})/{sites}"
    return SynapseModel(on_pre=f"receptor_post += {amount}", parameters=parameters, name=name)
