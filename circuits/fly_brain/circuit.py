r"""The brain of a fly as leaky integrate-and-fire neurons that differ only in their wiring: Shiu et al. (2024).

.. math:: \tau_m\,\dot v = v_0 - v + g, \qquad \tau_s\,\dot g = -g

A synapse adds its share to :math:`g` when a spike arrives, positive or negative as the neuron that sends it excites or
inhibits. While a neuron is refractory, v and g stand still and what arrives is lost. Neurons that are driven receive
Poisson kicks that make them fire at once, and have no refractory period.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.cache_folder import cache_folder
from neurosim.circuit import Circuit, NeuronModel
from neurosim.circuits.fly_brain.drawn import SENSORY, draw_wiring
from neurosim.datasets.fly_wiring import CITATION, FILES, LICENCE, FlyWiring, load_fly_wiring
from neurosim.errors import CircuitError, nearest
from neurosim.units import Hz, ms, mV

NAME = "fly-brain"
POPULATION = "brain"
#: Where the wiring may come from.
WIRINGS = ("auto", "drawn", "630", "783")
#: Sensory neurons of the right side that answer to sugar, by their numbers in version 630 of FlyWire: what the
#: published example drives.
SUGAR = (
    720575940624963786, 720575940630233916, 720575940637568838, 720575940638202345, 720575940617000768,
    720575940630797113, 720575940632889389, 720575940621754367, 720575940621502051, 720575940640649691,
    720575940639332736, 720575940616885538, 720575940639198653, 720575940620900446, 720575940617937543,
    720575940632425919, 720575940633143833, 720575940612670570, 720575940628853239, 720575940629176663,
    720575940611875570,
)  # fmt: skip
#: The motor neuron of the proboscis whose rate the paper reports, in version 630.
MN9 = 720575940660219265

_EQUATIONS = """
dv/dt = (v_rest - v + g)/tau_mem : volt (unless refractory)
dg/dt = -g/tau_syn : volt (unless refractory)
tau_ref : second (constant)
"""
_REST, _THRESHOLD = -52 * mV, -45 * mV


def neuron(
    *,
    tau_mem: Any = 20 * ms,
    tau_syn: Any = 5 * ms,
    tau_ref: Any = 2.2 * ms,
    v_rest: Any = _REST,
    v_threshold: Any = _THRESHOLD,
) -> NeuronModel:
    """Return the neuron, with receptors ``"synapse"`` (adds to g) and ``"kick"`` (adds to v)."""
    return NeuronModel(
        _EQUATIONS,
        threshold="v > v_threshold",
        reset="v = v_rest\ng = 0*volt",
        refractory="tau_ref",
        method="exact",
        parameters={
            "tau_mem": tau_mem, "tau_syn": tau_syn, "tau_ref": tau_ref, "v_rest": v_rest, "v_threshold": v_threshold,
        },
        initial={"v": "v_rest"},
        receptors={"synapse": "g", "kick": "v"},
        name="fly neuron",
    )  # fmt: skip


def build(
    *,
    wiring: str | FlyWiring = "auto",
    folder: str | Path | None = None,
    scale: float = 1.0,
    driven: Sequence[int] | None = None,
    rate: Any = 200 * Hz,
    silenced: Sequence[int] = (),
    synapse: Any = 0.275 * mV,
    kick: float = 250.0,
    delay: Any = 1.8 * ms,
    tau_mem: Any = 20 * ms,
    tau_syn: Any = 5 * ms,
    tau_ref: Any = 2.2 * ms,
    v_rest: Any = _REST,
    v_threshold: Any = _THRESHOLD,
    seed: int = 0,
    dt: Any = 0.1 * ms,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    wiring
        ``"630"`` or ``"783"``: that version of FlyWire, from files that :func:`neurosim.datasets.load_fly_wiring` says
        how to get. ``"drawn"``: a graph of the same size from random numbers, which is no brain
        (:mod:`neurosim.circuits.fly_brain.drawn`). ``"auto"``: version 630 where its files are there and `scale` is 1,
        else drawn. Or a wiring that was loaded before. The circuit's name tells which: ``"fly-brain-630"``,
        ``"fly-brain-drawn"``.
    folder
        Where the files are, if not in the cache.
    scale
        Factor of the number of neurons of a drawn graph; each keeps its number of inputs while enough remain.
    driven
        Neurons that receive kicks, by the numbers that FlyWire gives them. By default the 21 of :data:`SUGAR` in
        version 630, and the 21 sensory neurons of a drawn graph; none are known of other versions.
    rate
        Of the kicks to each.
    silenced
        Neurons whose synapses onto others have no effect. They may still spike.
    synapse
        What one synapse adds to g.
    kick
        How much a kick adds to v, in synapses.
    delay, tau_mem, tau_syn, tau_ref, v_rest, v_threshold
        Of all neurons; they are reset to rest. Driven ones have no refractory period.
    seed
        Of a drawn graph, and of the circuit.
    dt
        Time step.

    Returns
    -------
    Circuit
        Population ``"brain"``, projection ``"synapses"`` and, if any are driven, the Poisson input ``"drive"``.

    Raises
    ------
    CircuitError
        If there is no such wiring or neuron, or too few neurons remain.
    FileFormatError
        If files are missing or cannot be read.

    References
    ----------
    P. K. Shiu et al.: A Drosophila computational brain model reveals sensorimotor processing. Nature 634, 210-219
    (2024), doi:10.1038/s41586-024-07763-9. Code: https://github.com/philshiu/Drosophila_brain_model.
    """
    graph = _graph(wiring, folder, scale, seed)
    targets = graph.places(_driven(graph) if driven is None else driven) if driven != () else np.empty(0, np.int64)
    periods: Any = tau_ref
    if targets.size:
        factors = np.ones(graph.n)
        factors[targets] = 0.0
        periods = factors * tau_ref
    circuit = Circuit(f"{NAME}-{graph.version}", dt=dt, seed=seed)
    cell = neuron(tau_mem=tau_mem, tau_syn=tau_syn, v_rest=v_rest, v_threshold=v_threshold)
    brain = circuit.population(POPULATION, graph.n, cell, parameters={"tau_ref": periods})
    circuit.connect(
        POPULATION, POPULATION, graph.edges(), receptor="synapse", weight=_weights(graph, silenced) * synapse,
        delay=delay, name="synapses",
    )  # fmt: skip
    if targets.size:
        circuit.poisson("drive", brain[targets], receptor="kick", rate=rate, weight=kick * synapse)
    return circuit


def notes(*, wiring: str | FlyWiring = "auto", folder: str | Path | None = None, scale: float = 1.0, **_: Any) -> str:
    """Return which wiring the circuit has, with its licence and whom to cite."""
    version = _version(wiring, folder, scale) if isinstance(wiring, str) else wiring.version
    if version == "drawn":
        return (
            "The wiring is drawn from random numbers, with the numbers of neurons, edges and synapses of FlyWire 630; "
            "it is no brain. neurosim.datasets.load_fly_wiring says how to get the real one."
        )
    return f"The wiring is version {version} of FlyWire. Licence: {LICENCE}. Cite: {CITATION}."


def _version(wiring: str, folder: str | Path | None, scale: float) -> str:
    if wiring not in WIRINGS:
        raise CircuitError(f"{NAME}: unknown wiring {wiring!r}.{nearest(wiring, WIRINGS)}")
    if wiring != "auto":
        return wiring
    base = cache_folder() / "fly_wiring" if folder is None else Path(folder).expanduser()
    there = all((base / name).is_file() for name in FILES["630"])
    return "630" if there and scale == 1 else "drawn"


def _graph(wiring: str | FlyWiring, folder: str | Path | None, scale: float, seed: int) -> FlyWiring:
    if isinstance(wiring, str):
        version = _version(wiring, folder, scale)
        if version == "drawn":
            return draw_wiring(scale, seed=seed)
    if scale != 1:
        raise CircuitError(f"{NAME}: scale={scale!r} is for a drawn wiring; a real one has its size.")
    if isinstance(wiring, FlyWiring):
        return wiring
    return load_fly_wiring("783" if version == "783" else "630", folder=folder)


def _driven(graph: FlyWiring) -> NDArray[np.int64]:
    if graph.version == "drawn":
        return graph.ids[: min(SENSORY, graph.n)]
    if graph.version == "630":
        return np.array(SUGAR)
    raise CircuitError(
        f"{NAME}: which neurons answer to sugar is known here of version 630 only; name those of version "
        f"{graph.version} in driven=, or give driven=() for none."
    )


def _weights(graph: FlyWiring, silenced: Sequence[int]) -> NDArray[np.float64]:
    """Return the signed numbers of synapses, 0 from neurons that are silenced."""
    numbers = graph.synapses.astype(np.float64)
    if len(silenced):
        silent = np.zeros(graph.n, bool)
        silent[graph.places(silenced)] = True
        numbers[silent[graph.pre]] = 0.0
    return numbers
