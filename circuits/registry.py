"""The ready-made circuits by name. Listing them loads none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

from neurosim.circuit import Circuit
from neurosim.errors import CircuitError, nearest
from neurosim.experiments import Experiment, Reproduction


@dataclass(frozen=True)
class CircuitEntry:
    """What is known of a circuit without building it.

    Parameters
    ----------
    name
        What it is called.
    builder
        ``"module:function"`` of the function that builds it, keywords only.
    summary
        One line.
    duration
        How long a run should be to see what it does, in seconds.
    citation
        Where it comes from.
    record
        What to record of it, by population; empty for the spikes of all.
    experiment
        ``"module:function"`` of its published experiment, an :class:`~neurosim.experiments.Experiment`; empty if it
        has none.
    recipe
        ``"module:function"`` that returns how it is trained, a :class:`neurosim.training.recipe.Recipe`; empty if it is
        not. The function may take ``quick`` and ``seed``, and what ``--set`` is to change.
    """

    name: str
    builder: str
    summary: str
    duration: float
    citation: str
    record: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    experiment: str = ""
    recipe: str = ""

    def load(self) -> Callable[..., Circuit]:
        """Import and return the function that builds the circuit."""
        loaded: Callable[..., Circuit] = _imported(self.builder)
        return loaded

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the circuit with their defaults."""
        return {name: parameter.default for name, parameter in inspect.signature(self.load()).parameters.items()}


def _imported(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(import_module(module), function)


# A new circuit is one entry here; its folder is also named in pyproject.toml.
_ENTRIES = (
    CircuitEntry(
        "balanced-network",
        "neurosim.circuits.balanced_network.circuit:build",
        "4,000 current-based integrate-and-fire neurons that keep themselves firing irregularly",
        0.3,
        "T. P. Vogels, L. F. Abbott, J. Neurosci. 25:10786 (2005); R. Brette et al., J. Comp. Neurosci. 23:349 (2007)",
    ),
    CircuitEntry(
        "brunel",
        "neurosim.circuits.brunel.circuit:build",
        "12,500 sparsely connected integrate-and-fire neurons in one of four regimes, driven by Poisson spikes",
        0.5,
        "N. Brunel, J. Comput. Neurosci. 8:183 (2000)",
    ),
    CircuitEntry(
        "ca3-memory",
        "neurosim.circuits.ca3_memory.circuit:build",
        "a memory of the hippocampus that learns, and recalls by address and by content, through plastic synapses",
        0.1,
        "D. Casanueva-Morato et al., Neural Networks 178:106474 (2024)",
        experiment="neurosim.circuits.ca3_memory.experiment:reproduce",
    ),
    CircuitEntry(
        "celegans-connectome",
        "neurosim.circuits.celegans_connectome.circuit:build",
        "the 302 neurons of the worm on their real wiring: graded synapses and gap junctions, two stimuli",
        3.0,
        "S. J. Cook et al., Nature 571:63 (2019); J. Kunert, E. Shlizerman, J. N. Kutz, Phys. Rev. E 89:052805 (2014)",
        MappingProxyType({"worm": ("v",)}),
    ),
    CircuitEntry(
        "coba",
        "neurosim.circuits.coba.circuit:build",
        "4,000 integrate-and-fire neurons with synapses that are conductances, or currents (kind=current)",
        0.3,
        "R. Brette et al., J. Comput. Neurosci. 23:349 (2007)",
    ),
    CircuitEntry(
        "delay-snn",
        "neurosim.circuits.delay_snn.circuit:build",
        "layers of leaky neurons with a delay for every synapse, to be trained (rate=20Hz: with random input)",
        1.0,
        "I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier, ICLR (2024), arXiv:2306.17670",
        experiment="neurosim.circuits.delay_snn.experiment:reproduce",
        recipe="neurosim.circuits.delay_snn.recipe:recipe",
    ),
    CircuitEntry(
        "dendritic-segments",
        "neurosim.circuits.dendritic_segments.circuit:build",
        "a neuron that knows sparse patterns by its dendritic segments, beside one that adds up all synapses",
        0.022,
        "S. Ahmad, J. Hawkins, arXiv:1601.00720 (2016)",
        experiment="neurosim.circuits.dendritic_segments.experiment:reproduce",
    ),
    CircuitEntry(
        "fly-brain",
        "neurosim.circuits.fly_brain.circuit:build",
        "127,400 neurons of a fly's brain, driven by sugar: real wiring where its files are, else drawn (scale=0.02)",
        0.1,
        "P. K. Shiu et al., Nature 634:210 (2024); S. Dorkenwald et al., Nature 634:124 (2024)",
        experiment="neurosim.circuits.fly_brain.experiment:reproduce",
    ),
    CircuitEntry(
        "frequency-bias",
        "neurosim.circuits.frequency_bias.circuit:build",
        "spiking layers behind pooling or convolutions, to be trained to tell textures apart (shown=5: with an image)",
        0.02,
        "W. Fang et al., NeurIPS (2025), arXiv:2505.18608",
        experiment="neurosim.circuits.frequency_bias.experiment:reproduce",
    ),
    CircuitEntry(
        "izhikevich-network",
        "neurosim.circuits.izhikevich_network.circuit:build",
        "1,000 simple neurons of different kinds, coupled all to all and driven by noise",
        1.0,
        "E. M. Izhikevich, IEEE Trans. Neural Netw. 14:1569 (2003)",
    ),
    CircuitEntry(
        "izhikevich-patterns",
        "neurosim.circuits.izhikevich_patterns.circuit:build",
        "one simple neuron with the input that brings out one of twenty firing patterns",
        0.1,
        "E. M. Izhikevich, IEEE Trans. Neural Netw. 15:1063 (2004)",
    ),
    CircuitEntry(
        "motif-detection",
        "neurosim.circuits.delay_snn.motif_circuit:build",
        "neurons with several delays for every input, each of which finds one motif in a raster of spikes",
        1.024,
        "L. U. Perrinet, ICANN (2023), arXiv:2307.11555",
        experiment="neurosim.circuits.delay_snn.motif_experiment:reproduce",
    ),
    CircuitEntry(
        "motion-detection",
        "neurosim.circuits.delay_snn.motion_circuit:build",
        "a field of neurons with delays from every pixel, which tell the direction in which a texture moves",
        0.2,
        "A. Grimaldi, L. U. Perrinet, Biol. Cybernetics (2023), doi:10.1007/s00422-023-00975-8",
        experiment="neurosim.circuits.delay_snn.motion_experiment:reproduce",
    ),
    CircuitEntry(
        "oscillatory-memory",
        "neurosim.circuits.oscillatory_memory.circuit:build",
        "15 recurrent cells that learn patterns, complete them from fragments, and go on oscillating",
        0.085,
        "D. Casanueva-Morato et al., IJCNN (2022), arXiv:2205.04782",
        experiment="neurosim.circuits.oscillatory_memory.experiment:reproduce",
    ),
    CircuitEntry(
        "polychronous",
        "neurosim.circuits.polychronous.circuit:build",
        "1,000 simple neurons with delays of up to 20 ms: a rhythm of 3 Hz, and learning (plastic=True)",
        2.0,
        "E. M. Izhikevich, Neural Comput. 18:245 (2006)",
    ),
)
#: Why an experiment may not take an argument.
_WITHOUT = {"folder": "it keeps no runs", "data": "it needs no data beside those that come with neurosim"}
_BY_NAME: Mapping[str, CircuitEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def names() -> tuple[str, ...]:
    """Return the names of all circuits."""
    return tuple(_BY_NAME)


def describe(name: str) -> CircuitEntry:
    """Return what is known of a circuit.

    Raises
    ------
    CircuitError
        If there is none of that name.

    Examples
    --------
    >>> describe("izhikevich-network").duration
    1.0
    """
    if name not in _BY_NAME:
        raise CircuitError(f"there is no ready-made circuit {name!r}.{nearest(str(name), _BY_NAME)}")
    return _BY_NAME[name]


def build(name: str, **parameters: Any) -> Circuit:
    """Build a ready-made circuit.

    Parameters
    ----------
    name
        One of :func:`names`.
    parameters
        What its own ``build`` takes; see ``describe(name).parameters()``.

    Raises
    ------
    CircuitError
        If there is no such circuit, or it has no such parameter.

    Examples
    --------
    >>> build("balanced-network", scale=0.1)
    <Circuit 'balanced-network', dt 0.0001 s, seed 0: exc (320), inh (80)>
    """
    entry = describe(name)
    known = entry.parameters()
    for parameter in parameters:
        if parameter not in known:
            raise CircuitError(f"circuit {name!r} has no parameter {parameter!r}.{nearest(parameter, known)}")
    return entry.load()(**parameters)


def recipes() -> tuple[str, ...]:
    """Return the names of the circuits that say how they are trained."""
    return tuple(entry.name for entry in _ENTRIES if entry.recipe)


def recipe(name: str) -> Callable[..., Any]:
    """Return the function that makes the recipe of a circuit's training.

    Raises
    ------
    CircuitError
        If there is none.
    """
    if name not in recipes():
        raise CircuitError(f"there is no recipe to train {name!r}.{nearest(str(name), recipes())}")
    made: Callable[..., Any] = _imported(describe(name).recipe)
    return made


def experiments() -> tuple[str, ...]:
    """Return the names of the circuits whose published experiment can be reproduced."""
    return tuple(entry.name for entry in _ENTRIES if entry.experiment)


def reproduce(
    name: str,
    *,
    quick: bool = False,
    backend: str = "brian2",
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Reproduction:
    """Run the published experiment of a circuit.

    Parameters
    ----------
    name
        One of :func:`experiments`.
    quick
        Do what takes less than two minutes.
    backend, options
        What runs it, as for ``neurosim.compile``.
    more
        What only some experiments take: ``folder``, where long runs are kept and gone on with; ``data=True``, to run
        what needs data that do not come with neurosim.

    Returns
    -------
    neurosim.experiments.Reproduction
        Published values beside those obtained, and whether they agree.

    Raises
    ------
    CircuitError
        If there is no such experiment, or it does not take something.
    """
    if name not in experiments():
        raise CircuitError(f"there is no experiment {name!r}.{nearest(str(name), experiments())}")
    experiment: Experiment = _imported(describe(name).experiment)
    known = inspect.signature(experiment).parameters
    for argument in more:
        if argument not in known:
            raise CircuitError(
                f"the experiment {name!r} takes no {argument}: {_WITHOUT.get(argument, 'leave it out')}."
            )
    return experiment(quick=quick, backend=backend, options=options or {}, **more)
