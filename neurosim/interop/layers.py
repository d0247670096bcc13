r"""A circuit as a stack of layers, each stepped as the backends step it: what layered libraries of torch can hold.

A layered network passes a spike on within the step: ``lif2(fc2(lif1(fc1(x))))``. A circuit passes it on after the
threshold was looked at, so that it acts one step later. Layer l (counted from 1) of a layered network is therefore at
index t where the circuit is at step t + l, and it has to begin where the circuit is after l steps without input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.sources import SpikeSource
from neurosim.errors import UnsupportedError
from neurosim.interop.layer_steps import Layer, always_fires, constant_signal, read_layer
from neurosim.interop.linear_neuron import NotLinearError
from neurosim.interop.links import MOST_ENTRIES, Link, NotALinkError, read_link
from neurosim.program.lowering import lower
from neurosim.program.step_program import StepProgram


@dataclass(frozen=True)
class Layers:
    """A whole circuit as layers.

    Parameters
    ----------
    circuit, source
        Names of the circuit and of its source.
    shape
        Of the source.
    dt
        Seconds.
    layers
        From the first behind the source to the last.
    """

    circuit: str
    source: str
    shape: tuple[int, ...]
    dt: float
    layers: tuple[Layer, ...]


def read_layers(circuit: Circuit, library: str) -> Layers:
    """Return a circuit as layers.

    Parameters
    ----------
    circuit
        One source of spikes, and populations in a chain behind it.
    library
        Which it is for, as errors should say it.

    Raises
    ------
    UnsupportedError
        If it is no such stack, with everything that is in the way.
    """
    program = lower(circuit)
    problems = _parts_in_the_way(circuit)
    links, refused = _links(circuit, program)
    problems += refused
    always = {name for name, item in program.populations.items() if always_fires(item)}
    sources = [name for name, part in circuit.populations.items() if isinstance(part.model, SpikeSource)]
    chain = _chain(circuit, program, sources, always, problems)
    layers: list[Layer] = []
    for number, name in enumerate(chain, start=1):
        try:
            mine = [link for link in links.values() if link.post == name]
            constant = [link for link in mine if link.pre in always]
            arriving = [link for link in mine if link.pre not in always]
            layers.append(read_layer(circuit, program.populations[name], number, arriving, constant))
        except NotLinearError as error:
            problems.append(f"population {name!r}: {error}")
    if problems or not layers:
        raise refusal(circuit, library, problems or ["it has no population"])
    return Layers(circuit.name, sources[0], circuit.populations[sources[0]].shape, circuit.dt, tuple(layers))


def refusal(circuit: Circuit, library: str, problems: list[str]) -> UnsupportedError:
    """Return the error that lists what a library cannot hold."""
    listed = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
    return UnsupportedError(f"circuit {circuit.name!r} cannot be expressed as layers of {library}:\n{listed}")


def _parts_in_the_way(circuit: Circuit) -> list[str]:
    found = [f"poisson {name!r}: background pulses are drawn at run time" for name in circuit.poisson_inputs]
    for name, injection in circuit.injections.items():
        if constant_signal(injection.signal) is None:
            found.append(f"injection {name!r}: layers take spikes alone, and a constant current (Step without times)")
    return found


def _links(circuit: Circuit, program: StepProgram) -> tuple[dict[str, Link], list[str]]:
    links: dict[str, Link] = {}
    problems = []
    for name, item in program.projections.items():
        n_entries = circuit.populations[item.pre].n * circuit.populations[item.post].n
        try:
            link = read_link(circuit, item)
        except NotALinkError as error:
            problems.append(f"projection {name!r}: {error}")
            continue
        if link.source is not None:
            problems.append(f"projection {name!r}: layers take spikes alone, and it passes {link.source} on")
        elif np.any(link.delay):
            problems.append(f"projection {name!r}: it has delays, of up to {link.delay.max() * circuit.dt:g} s")
        elif link.kernel is None and n_entries > MOST_ENTRIES:
            problems.append(f"projection {name!r}: its matrix of weights would have {n_entries} entries")
        else:
            links[name] = link
    return links, problems


def _chain(
    circuit: Circuit, program: StepProgram, sources: list[str], always: set[str], problems: list[str]
) -> list[str]:
    """Return the populations in the order in which spikes pass them; what is no chain goes to the problems.

    Neurons that spike in every step are not among them: they are a constant.
    """
    neurons = [name for name, item in program.populations.items() if item.kind == "neurons" and name not in always]
    others = [name for name in circuit.populations if name not in (*neurons, *sources, *always)]
    problems += [f"source {name!r}: layers are fed spikes, so give a SpikeSource" for name in others]
    if len(sources) != 1:
        problems.append(f"there must be one SpikeSource, and there are {len(sources)}")
    before: dict[str, list[str]] = {name: [] for name in neurons}
    for item in program.projections.values():
        if item.pre != item.post and item.pre not in always and item.pre not in before.get(item.post, [item.pre]):
            before[item.post].append(item.pre)
    for name, pre in before.items():
        if len(pre) != 1:
            problems.append(f"population {name!r}: a layer follows one other; it receives from {_named(pre)}")
    after = {name: [post for post, pre in before.items() if name in pre] for name in circuit.populations}
    for name, post in after.items():
        if len(post) > 1:
            problems.append(f"population {name!r}: a layer is followed by one other; it reaches {_named(post)}")
    chain: list[str] = []
    here = sources[0] if len(sources) == 1 else None
    while here is not None:
        here = next((name for name in after[here] if name not in chain), None)
        chain += [] if here is None else [here]
    beside = [name for name in neurons if name not in chain]
    if sources and beside:
        problems.append(f"no chain of layers leads from the source to {_named(beside)}")
    return chain + beside


def _named(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
