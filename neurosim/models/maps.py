"""Neurons that are maps: a step of the map is a step of the simulation, whatever its length."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import CircuitError, nearest
from neurosim.models.arguments import checked_arguments

# The new values have names of their own: every line reads the state as it was, whatever the order of writing.
_SCHEMES = {
    "published": (
        "drive = i_syn + i_ext + noise_std*randn()",
        "v_half = v + 0.5*(0.04*v**2 + 5*v + 140 - u + drive)",
        "v_next = v_half + 0.5*(0.04*v_half**2 + 5*v_half + 140 - u + drive)",
        "u_next = u + a*(b*v_next - u)",
        "v = v_next; u = u_next; i_syn = 0",
    ),
    "euler": (
        "drive = i_syn + i_ext + noise_std*randn()",
        "v_next = v + (0.04*v**2 + 5*v + 140 - u + drive)",
        "u_next = u + a*(b*v - u)",
        "v = v_next; u = u_next; i_syn = 0",
    ),
}
_RULKOV = (
    "drive = i_syn + i_ext",
    "lift = y + beta_e*drive",
    "low = alpha/(1 - clip(x, -inf, 0)) + lift",
    "high = int(x < alpha + lift)*(alpha + lift + 1) - 1",
    "x_next = int(x <= 0)*low + int(x > 0)*high",
    "y_next = y - mu*(x + 1 - sigma - sigma_e*drive)",
    "x = x_next; y = y_next; i_syn = 0",
)


def izhikevich_map(
    *,
    a: Any = 0.02,
    b: Any = 0.2,
    c: Any = -65.0,
    d: Any = 8.0,
    v_peak: Any = 30.0,
    noise_std: Any = 0.0,
    scheme: str = "published",
    name: str = "izhikevich_map",
) -> NeuronModel:
    r"""Return the simple model of 2003 as the map that its paper iterates, one iteration a millisecond.

    The published scheme moves v by two half steps and then u by a whole one, from the new v. Per step:

    .. math::

        I = i_{syn} + i_{ext} + \sigma\,\xi,\quad v' = v + \tfrac12 f(v, u, I),\quad v'' = v' + \tfrac12 f(v', u, I),
        \quad u'' = u + a\,(b v'' - u), \qquad f(v, u, I) = 0.04 v^2 + 5 v + 140 - u + I

    then a spike where ``v >= v_peak``, arrivals added to ``i_syn`` for the next step, and the reset
    :math:`v \leftarrow c,\; u \leftarrow u + d`. The program of the paper tests at the start of an iteration, so its
    time stamps are one step later.

    Parameters
    ----------
    a, b, c, d
        Rate and sensitivity of the recovery u, reset of v, jump of u. The defaults are a regular spiking cell.
    v_peak
        Cut-off.
    noise_std
        Standard deviation of a normal input drawn anew for each neuron and step.
    scheme
        ``"published"``, or ``"euler"``: v and u by one whole step from the old values.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Plain variables ``v``, ``u``, ``i_syn`` (pulses add to it, the next step consumes it) and the input ``i_ext``.
        It starts at v = -65, u = b*v. Use a circuit with ``dt=1*ms``.

    Raises
    ------
    CircuitError
        For an unknown scheme.
    UnitError
        If something has a unit.

    Notes
    -----
    The scheme is part of the model: at a constant input of 10 the default cell fires at 19 Hz in the published scheme
    and at 22 Hz where the equations are integrated finely.

    References
    ----------
    E. M. Izhikevich: Simple model of spiking neurons. IEEE Transactions on Neural Networks 14, 1569-1572 (2003),
    doi:10.1109/TNN.2003.820440.
    """
    if scheme not in _SCHEMES:
        raise CircuitError(f"model {name!r}: unknown scheme {scheme!r}.{nearest(str(scheme), _SCHEMES)}")
    own = {"a": a, "b": b, "c": c, "d": d, "v_peak": v_peak, "noise_std": noise_std}
    return NeuronModel(
        "v : 1\nu : 1\ni_syn : 1\ni_ext : 1",
        threshold="v >= v_peak",
        reset="v = c; u += d",
        update="\n".join(_SCHEMES[scheme]),
        parameters=checked_arguments({key: (value, "1") for key, value in own.items()}, f"model {name!r}"),
        initial={"v": -65.0, "u": "b*v"},
        name=name,
    )


def rulkov(
    *,
    alpha: Any = 4.0,
    mu: Any = 0.001,
    sigma: Any = 0.1,
    beta_e: Any = 0.133,
    sigma_e: Any = 1.0,
    name: str = "rulkov",
) -> NeuronModel:
    r"""Return Rulkov's two-dimensional map with a fast variable x that spikes and a slow y.

    .. math::

        x_{n+1} = f(x_n, y_n + \beta_e I_n), \quad y_{n+1} = y_n - \mu\,(x_n + 1 - \sigma - \sigma_e I_n), \qquad
        f(x, y) = \begin{cases} \alpha/(1 - x) + y & x \le 0 \\ \alpha + y & 0 < x < \alpha + y \\ -1 & x \ge \alpha + y
        \end{cases}

    Each rise of x above 0 is one spike: the neuron is refractory while x is above.

    Parameters
    ----------
    alpha
        Nonlinearity: above 4 the map can burst.
    mu
        Rate of the slow variable.
    sigma
        Excitation at rest.
    beta_e, sigma_e
        How strongly the input I acts on the fast and on the slow variable.
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Plain variables ``x``, ``y``, ``i_syn`` (pulses add to it, the next step consumes it) and the input ``i_ext``;
        I is their sum. It starts at x = -1, where it would rest with sigma = 0.

    Raises
    ------
    UnitError
        If something has a unit.

    Notes
    -----
    Silent for ``sigma < 2 - sqrt(alpha/(1 - mu))``, which is -0.001 for the defaults of `alpha` and `mu`, and spiking
    above.

    References
    ----------
    N. F. Rulkov: Modeling of spiking-bursting neural behavior using two-dimensional map. Physical Review E 65, 041922
    (2002), doi:10.1103/PhysRevE.65.041922.
    """
    own = {"alpha": alpha, "mu": mu, "sigma": sigma, "beta_e": beta_e, "sigma_e": sigma_e}
    return NeuronModel(
        "x : 1\ny : 1\ni_syn : 1\ni_ext : 1",
        threshold="x > 0",
        refractory="x > 0",
        update="\n".join(_RULKOV),
        parameters=checked_arguments({key: (value, "1") for key, value in own.items()}, f"model {name!r}"),
        initial={"x": -1.0, "y": "-1 - alpha/2"},
        name=name,
    )
