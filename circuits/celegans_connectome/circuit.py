r"""The 302 neurons of *C. elegans* as graded neurons on their real wiring.

Every neuron obeys the equations that Wicks et al. (1996) wrote for the touch circuit and Kunert et al. (2014) for the
whole worm:

.. math::

    C\,\dot v_i &= g_{leak}(e_{leak} - v_i) + \sum_j \bar g^{gap}_{ij}(v_j - v_i)
                 + \sum_j \bar g^{syn}_{ij}\, s_j\, (e_j - v_i) + I_i \\
    \dot s_i &= a_r\,\phi(v_i)\,(1 - s_i) - a_d\, s_i, \qquad
    \phi(v_i) = \frac{1}{1 + e^{-\beta (v_i - v^{th}_i)}}

The threshold of release :math:`v^{th}_i` is the neuron's resting potential in the network. It is no free parameter:
at rest every :math:`\phi = 1/2`, so every :math:`s = s_{eq} = a_r/(a_r + 2 a_d)`, and the resting potentials solve a
linear system (:func:`resting_potentials`). The circuit starts there and stays until it is stimulated.

**Stiffness.** A neuron's gap junctions add up to a hundred times its leak. Taken as a current they would ask for steps
below a tenth of a millisecond (of microseconds at the published conductances). Here each projection sums *conductances*
and conductance-weighted voltages, which leaves the equation linear in v with every conductance in its rate;
``exponential_euler`` is then stable at every step, as the new v lies between the old one and the voltages that pull at
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.circuit import Circuit, Edges, NeuronModel, Step, SynapseModel
from neurosim.datasets.connectome import Connectome, load_connectome
from neurosim.datasets.connectome_types import UnknownSign
from neurosim.errors import CircuitError
from neurosim.units import ms, mV, pA, pF, psiemens, quantity, second, to_si

NAME = "celegans-connectome"
POPULATION = "worm"

_EQUATIONS = """
dv/dt = (g_leak*(e_leak - v) + g_exc*(e_exc - v) + g_inh*(e_inh - v) + i_gap - g_gap*v + i_ext)/C : volt
ds/dt = a_r*(1 - s)/(1 + exp(-beta*(v - v_th))) - a_d*s : 1
v_th : volt (constant)
g_exc : siemens
g_inh : siemens
g_gap : siemens
i_gap : amp
i_ext : amp
"""
_RISE, _DECAY = 1 / second, 5 / second
_STEEPNESS = 125 / (1000 * mV)
_LEAK_POTENTIAL, _EXCITATORY, _INHIBITORY = -35 * mV, 0 * mV, -48 * mV


@dataclass(frozen=True)
class Pulse:
    """A constant current into each of some named neurons, from `start` to `stop`."""

    neurons: tuple[str, ...]
    amplitude: Any
    start: Any
    stop: Any


#: The stimuli of the default protocol: the command neurons of crawling forward, then those of crawling backward.
COMMANDS = {
    "forward": Pulse(("AVBL", "AVBR"), 20 * pA, 250 * ms, 1000 * ms),
    "backward": Pulse(("AVAL", "AVAR"), 20 * pA, 1500 * ms, 2250 * ms),
}


def build(
    *,
    dt: Any = 0.5 * ms,
    synapse: Any = 10 * psiemens,
    gap_junction: Any = 10 * psiemens,
    leak: Any = 100 * psiemens,
    capacitance: Any = 1 * pF,
    stimuli: Mapping[str, Pulse] | None = None,
    unknown_sign: UnknownSign = "positive",
    path: str | Path | None = None,
    connectome: Connectome | None = None,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    dt
        Time step.
    synapse, gap_junction
        Conductance of a chemical synapse and of a gap junction per electron-microscope section.
    leak, capacitance
        Of every neuron.
    stimuli
        Currents by name, each an injection that ``inputs=`` can replace; :data:`COMMANDS` by default.
    unknown_sign
        What to do with synapses whose sign the presynaptic transmitter does not tell: ``"positive"``, ``"negative"`` or
        ``"drop"`` (see :func:`neurosim.datasets.load_connectome`).
    path
        A wiring file instead of the installed table.
    connectome
        A wiring that was loaded before; `unknown_sign` and `path` are then not looked at.

    Returns
    -------
    Circuit
        One population ``"worm"``, labelled by the names of the cells (``worm["AVBL", "AVBR"]``), with the projections
        ``"excitatory"``, ``"inhibitory"`` and ``"gap_junctions"``, and an injection per stimulus.

    Raises
    ------
    FileFormatError
        If the wiring is not installed (the message says how to install it) or cannot be read.
    CircuitError, UnitError
        If a stimulus names no neuron, or a value has another unit.

    Notes
    -----
    Kunert et al. use 100 pS per contact and a leak of 10 pS. Sections are not contacts (a synapse has several), and
    with those values the cells rest at -3 mV (median) on this wiring, where excitation, towards 0 mV, has next to no
    pull. The defaults, 10 pS per section and a leak of 100 pS, are a choice of this project: the cells rest at -24 mV
    (median). Both settings show the same two responses.

    References
    ----------
    S. R. Wicks, C. J. Roehrig, C. H. Rankin: A dynamic network simulation of the nematode tap withdrawal circuit.
    Journal of Neuroscience 16, 4017-4031 (1996), doi:10.1523/JNEUROSCI.16-12-04017.1996.

    J. Kunert, E. Shlizerman, J. N. Kutz: Low-dimensional functionality of complex network dynamics: neurosensory
    integration in the Caenorhabditis elegans connectome. Physical Review E 89, 052805 (2014),
    doi:10.1103/PhysRevE.89.052805.

    M. Chalfie et al.: The neural circuit for touch sensitivity in Caenorhabditis elegans. Journal of Neuroscience 5,
    956-964 (1985), doi:10.1523/JNEUROSCI.05-04-00956.1985.
    """
    wiring = load_connectome(path=path, unknown_sign=unknown_sign) if connectome is None else connectome
    rest = resting_potentials(wiring, synapse=synapse, gap_junction=gap_junction, leak=leak)
    circuit = Circuit(NAME, dt=dt)
    worm = circuit.population(
        POPULATION,
        len(wiring.names),
        _neuron(leak, capacitance),
        parameters={"v_th": quantity(rest, "volt")},
        labels=wiring.names,
    )
    chemical = wiring.chemical
    for name, sign, variable in (("excitatory", 1, "g_exc"), ("inhibitory", -1, "g_inh")):
        chosen = chemical.sign == sign
        circuit.connect(
            worm,
            worm,
            Edges(chemical.pre[chosen], chemical.post[chosen]),
            synapse=SynapseModel(f"{variable}_post = w*s_pre : siemens (summed)", name="graded_synapse"),
            weight=synapse * chemical.weight[chosen],
            name=name,
        )
    pre, post, sections = _junctions(wiring)
    circuit.connect(
        worm,
        worm,
        Edges(pre, post),
        synapse=SynapseModel(
            "i_gap_post = w*v_pre : amp (summed)\ng_gap_post = w : siemens (summed)", name="gap_junction"
        ),
        weight=gap_junction * sections,
        name="gap_junctions",
    )
    for name, pulse in (COMMANDS if stimuli is None else stimuli).items():
        signal = Step(pulse.amplitude, start=pulse.start, stop=pulse.stop)
        circuit.inject(name, worm[tuple(pulse.neurons)], "i_ext", signal)
    return circuit


def notes(*, unknown_sign: UnknownSign = "positive", path: str | Path | None = None, **_: Any) -> str:
    """Return what the wiring consists of: cells and connections by sign and by transmitter, and its source.

    Parameters
    ----------
    unknown_sign, path
        As of :func:`build`, whose other arguments may be given as well.
    """
    wiring = load_connectome(path=path, unknown_sign=unknown_sign)
    return f"{wiring.summary()}\n{wiring.citation}"


def resting_potentials(connectome: Connectome, *, synapse: Any, gap_junction: Any, leak: Any) -> np.ndarray:
    r"""Return the potential of every neuron at rest.

    At rest nothing changes and every synapse is open to :math:`s_{eq} = a_r/(a_r + 2 a_d)`, which leaves

    .. math::

        \Big[ g_{leak} + L + \mathrm{diag}\big(s_{eq} \textstyle\sum_j \bar g^{syn}_{ij}\big) \Big]\, v
            = g_{leak}\, e_{leak} + s_{eq} \textstyle\sum_j \bar g^{syn}_{ij}\, e_j

    with L the Laplacian of the gap junctions: the sum of a neuron's junctions on the diagonal, minus each off it.

    Parameters
    ----------
    connectome
        The wiring.
    synapse, gap_junction
        Conductance per section.
    leak
        Leak conductance.

    Returns
    -------
    numpy.ndarray
        Volt, shape (neuron,), rounded to a nanovolt: what remains is the same on every machine.

    Raises
    ------
    CircuitError, UnitError
        If a conductance is negative, not one number, or no conductance.
    """
    per_synapse, per_junction = _conductance(synapse, "synapse"), _conductance(gap_junction, "gap_junction")
    g_leak = _conductance(leak, "leak")
    if g_leak == 0:
        raise CircuitError("leak must be positive: without it nothing holds the cells at a potential.")
    n = len(connectome.names)
    chemical = connectome.chemical
    rise, decay = (to_si(rate, "hertz", "rate") for rate in (_RISE, _DECAY))
    open_at_rest = rise / (rise + 2 * decay)
    incoming = {
        sign: open_at_rest * per_synapse * np.bincount(
            chemical.post[chemical.sign == sign], weights=chemical.weight[chemical.sign == sign], minlength=n
        )
        for sign in (1, -1)
    }  # fmt: skip
    junctions = np.zeros((n, n))
    pre, post, sections = _junctions(connectome)
    junctions[post, pre] = per_junction * sections
    matrix = np.diag(g_leak + junctions.sum(axis=1) + incoming[1] + incoming[-1]) - junctions
    e_leak, e_exc, e_inh = (to_si(value, "volt", "potential") for value in (_LEAK_POTENTIAL, _EXCITATORY, _INHIBITORY))
    return np.round(np.linalg.solve(matrix, g_leak * e_leak + incoming[1] * e_exc + incoming[-1] * e_inh), 9)


def _conductance(value: Any, name: str) -> float:
    siemens = to_si(value, "siemens", name)
    if not isinstance(siemens, float) or not 0 <= siemens < np.inf:
        raise CircuitError(f"{name} must be one conductance that is not negative, got {value}.")
    return siemens


def _neuron(leak: Any, capacitance: Any) -> NeuronModel:
    return NeuronModel(
        _EQUATIONS,
        method="exponential_euler",
        parameters={
            "C": capacitance, "g_leak": leak, "e_leak": _LEAK_POTENTIAL, "e_exc": _EXCITATORY, "e_inh": _INHIBITORY,
            "a_r": _RISE, "a_d": _DECAY, "beta": _STEEPNESS,
        },
        initial={"v": "v_th", "s": "a_r/(a_r + 2*a_d)"},
        name="graded_worm_neuron",
    )  # fmt: skip


def _junctions(connectome: Connectome) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every gap junction in both directions; a cell's junction with itself carries no current."""
    pre, post, sections = connectome.gap.ordered()
    two = pre != post
    return pre[two], post[two], sections[two]
