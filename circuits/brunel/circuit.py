"""Sparsely connected excitatory and inhibitory neurons that differ only in sign: model A of Brunel (2000).

What the network does depends on two numbers: how much stronger inhibition is, and how strong the input from outside.
`REGIMES` names the four points of the paper's figure 8; :mod:`neurosim.circuits.brunel.activity` measures them.
"""

from __future__ import annotations

from typing import Any

from neurosim import models
from neurosim.circuit import Circuit, FixedInDegree
from neurosim.errors import CircuitError, nearest
from neurosim.units import ms, mV

NAME = "brunel"
#: Inhibition relative to excitation and rate from outside relative to the threshold rate, by panel of figure 8.
REGIMES = {
    "synchronous-regular": (3.0, 2.0),
    "fast": (6.0, 4.0),
    "asynchronous": (5.0, 2.0),
    "slow": (4.5, 0.9),
}
SIZES = {"exc": 10_000, "inh": 2_500}


def build(
    *,
    regime: str = "asynchronous",
    g: float | None = None,
    external: float | None = None,
    scale: float = 1.0,
    n_exc: int = SIZES["exc"],
    n_inh: int = SIZES["inh"],
    connectivity: float = 0.1,
    weight: Any = 0.1 * mV,
    delay: Any = 1.5 * ms,
    tau_mem: Any = 20 * ms,
    v_threshold: Any = 20 * mV,
    v_reset: Any = 10 * mV,
    tau_ref: Any = 2 * ms,
    seed: int = 0,
    dt: Any = 0.1 * ms,
) -> Circuit:
    r"""Build the circuit.

    Parameters
    ----------
    regime
        A panel of figure 8: ``"synchronous-regular"`` (A), ``"fast"`` (B), ``"asynchronous"`` (C) or ``"slow"`` (D)
        oscillation of irregular neurons.
    g, external
        Inhibition relative to excitation, and rate from outside relative to the rate :math:`\nu_{thr} =
        \theta/(C_E J \tau)` that would hold the mean potential at threshold. They replace those of the regime.
    scale
        Factor of the number of neurons. Each keeps its number of inputs as long as there are so many neurons; a small
        network is the more synchronous the more of its inputs any two neurons share.
    n_exc, n_inh, connectivity
        Sizes at scale 1, and the part of each population that a neuron receives from.
    weight, delay
        Jump of the potential at an excitatory spike, and the time from spike to jump.
    tau_mem, v_threshold, v_reset, tau_ref
        Of the neuron; it rests at 0 mV.
    seed
        Of the edges.
    dt
        Time step.

    Returns
    -------
    Circuit
        Populations ``"exc"`` and ``"inh"``, four projections, and the input from outside ``"external_exc"`` and
        ``"external_inh"``, as many Poisson neurons for each neuron as it has excitatory inputs at scale 1.

    Raises
    ------
    CircuitError
        If the regime is unknown, or too few neurons remain for a neuron to have inputs.

    Notes
    -----
    A neuron has neither itself nor another twice as an input. In the first steps no spike has arrived yet and the
    potentials start at rest: leave out the first 0.2 s.

    References
    ----------
    N. Brunel: Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons. Journal of
    Computational Neuroscience 8, 183-208 (2000), doi:10.1023/A:1008925309027.
    """
    if regime not in REGIMES:
        raise CircuitError(f"{NAME}: unknown regime {regime!r}.{nearest(str(regime), REGIMES)}")
    inhibition, drive = (
        own if given is None else float(given) for own, given in zip(REGIMES[regime], (g, external), strict=True)
    )
    numbers = {"exc": n_exc, "inh": n_inh}
    sizes = {name: round(scale * n) if scale > 0 else 0 for name, n in numbers.items()}
    if min(sizes.values()) < 2:
        raise CircuitError(f"{NAME}: scale={scale!r} leaves no inhibitory neuron with another; give a larger one.")
    inputs = {name: min(round(connectivity * n), sizes[name] - 1) for name, n in numbers.items()}
    if min(inputs.values()) < 1:
        raise CircuitError(f"{NAME}: connectivity={connectivity!r} leaves a neuron without inputs.")
    cell = models.lif(
        tau_mem=tau_mem, v_threshold=v_threshold, v_reset=v_reset, v_leak=0 * mV, tau_ref=tau_ref,
        receptors={"jump": models.Delta()},
    )  # fmt: skip
    circuit = Circuit(NAME, dt=dt, seed=seed)
    for name, size in sizes.items():
        circuit.population(name, size, cell)
    for pre, sign in (("exc", 1.0), ("inh", -inhibition)):
        for post in sizes:
            rule = FixedInDegree(inputs[pre], autapses=False, multapses=False)
            circuit.connect(pre, post, rule, receptor="jump", weight=sign * weight, delay=delay)
    outside = round(connectivity * n_exc)
    threshold_rate = v_threshold / (outside * weight * tau_mem)
    for name in sizes:
        circuit.poisson(
            f"external_{name}", name, receptor="jump", rate=drive * threshold_rate, weight=weight, count=outside
        )
    return circuit
