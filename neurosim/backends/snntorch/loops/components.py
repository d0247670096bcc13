"""Which components run in compiled loops, and how what drives them reaches the loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from neurosim.backends.snntorch.kernel_projection import KernelProjection
from neurosim.backends.snntorch.loops.edge_table import EdgeTable
from neurosim.backends.snntorch.loops.exchange import feels, handed_over, last_fired, only_read, taken_back
from neurosim.backends.snntorch.loops.graded_arrays import EdgesOfPost, graded_inputs
from neurosim.backends.snntorch.loops.graded_terms import GradedStage
from neurosim.backends.snntorch.loops.graded_text import GradedText
from neurosim.backends.snntorch.loops.kernel_links import KernelBothWays, KernelLinks
from neurosim.backends.snntorch.loops.learned_delays import two_edges
from neurosim.backends.snntorch.loops.member import Member
from neurosim.backends.snntorch.loops.room import Link
from neurosim.backends.snntorch.loops.scan import Loops, make_loops, run_loops
from neurosim.backends.snntorch.loops.source import Arrival, loop_source
from neurosim.backends.snntorch.portion import has_variables, in_places
from neurosim.backends.snntorch.row_events import RowBits
from neurosim.backends.snntorch.scanned import Scanned
from neurosim.backends.snntorch.sparse_linear import SparseProduct
from neurosim.backends.snntorch.surrogate_slopes import slope_text, support_text
from neurosim.circuit.sources import SIGNAL
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.program.components import Component, adds_constants
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import PoissonProgram, PopulationProgram, PostPathway, ProjectionProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule
    from neurosim.backends.snntorch.stepper import Stepper


#: The edges of a projection whose delays are learned.
Table = TypeVar("Table")
#: What other components bring, by projection and target: (time, batch, neuron), or a product that is not computed yet.
Ahead = Mapping[str, Mapping[str, Tensor | SparseProduct]]


def is_recurrent(component: Component) -> bool:
    """Tell whether a component reaches itself."""
    return len(component.populations) > 1 or bool(component.within)


def why_projection_stepped(module: CircuitModule, name: str) -> str | None:
    """Return why a projection inside a component is stepped, or ``None`` where loops know it."""
    item = module.program.projections[name]
    if item.dynamics is not None:
        return f"the edges of {name} have a state"
    if not item.graded and not adds_constants(item):
        return f"what {name} brings depends on the neurons at its ends, or on the time"
    return None


def try_loops(module: CircuitModule, component: Component) -> None:
    """Write the loops of a component as far as they can fail.

    Raises
    ------
    Uncovered
        If a population does something that the loops do not know.
    """
    items = {name: module.program.populations[name] for name in component.populations}
    names = [name for name in in_places(items) if has_variables(items[name])]
    stage = module.paths.graded_stage(in_places(items))
    members = [member_of(module, name, (), None) for name in names]
    learned = {name: _everything(item) for name, item in items.items()}
    learned |= {item.name: frozenset(item.values) for item in module.program.graded}
    loop_source(members, [], keep=True, graded=_graded(stage, {name: () for name in items}, learned, keep=True))


def _graded(
    stage: GradedStage | None, traced: Mapping[str, Sequence[str]], learned: Mapping[str, frozenset[str]], *, keep: bool
) -> GradedText | None:
    """Return the text of a graded stage (see :func:`component_loops`)."""
    if stage is None:
        return None
    sums = {(total.place, total.variable) for total in stage.totals}
    wanted = [
        (place, key) for place, item in enumerate(stage.items) for key in traced[item.name] if (place, key) in sums
    ]
    by_place = [learned[item.name] for item in stage.items]
    edges = {term.projection: learned.get(term.projection, frozenset()) for term in stage.terms}
    return GradedText(stage, wanted, by_place, edges, keep=keep)


def _everything(item: PopulationProgram) -> frozenset[str]:
    """Return whatever of a population may have a gradient."""
    return frozenset([*item.parameters, *item.inputs, *(site.symbol for site in item.noise), SIGNAL])


def member_of(module: CircuitModule, name: str, traced: Sequence[str], learned: frozenset[str] | None) -> Member:
    """Return a population as loops take it; `learned` is ``None`` where everything may be."""
    item, part = module.program.populations[name], module.part(name)
    driven = (*item.inputs, *(site.symbol for site in item.noise))
    slope, support = (
        (slope_text(part.spike_grad), support_text(part.spike_grad)) if item.threshold is not None else (None, None)
    )
    traces = tuple(key for key in traced if key in item.state)
    return Member(
        item, part.dynamics, driven, traces, _everything(item) if learned is None else learned, slope, support
    )


def component_loops(
    module: CircuitModule,
    arrivals: Sequence[tuple[Arrival, str]],
    traced: Mapping[str, Sequence[str]],
    learned: Mapping[str, frozenset[str]],
    *,
    keep: bool,
) -> Loops:
    """Return the compiled loops of a component.

    Parameters
    ----------
    module
        The module.
    arrivals
        In the order of the contract, each with the name of what it comes by.
    traced, learned
        By population, in order: what is recorded, and what has a gradient; by graded projection, which values of its
        edges have one.
    keep
        Whether the way back will be gone.
    """
    items = {name: module.program.populations[name] for name in traced}
    names = [name for name in in_places(items) if has_variables(items[name])]
    members = [member_of(module, name, traced[name], learned[name]) for name in names]
    stage = module.paths.graded_stage(in_places(items))
    bare = [item for item, _ in arrivals]
    links: list[Link | None] = []
    for arrival, name in arrivals:
        if arrival.kind in ("ahead", "train"):
            links.append(None)
            continue
        item = module.program.projections[name]
        if arrival.kind == "lines":
            links.append(item.max_delay)
        elif isinstance(item, ConvolutionProgram) and arrival.kind == "kernel":
            links.append(KernelLinks(item.sliding, item.max_delay))
        elif module.part(name).learns_delays:
            links.append(None)  # they are others in every call
        else:
            links.append(EdgeTable(item.pre_index, item.post_index, item.delay, module.part(name).n_pre))
    surrogates = [
        module.part(member.item.name).spike_grad if member.slope is None and member.item.threshold is not None else None
        for member in members
    ]
    source = loop_source(members, bare, keep=keep, graded=_graded(stage, traced, learned, keep=keep))
    tables = {} if stage is None else _tables(module, stage)
    again = keep and stage is None and module.options.keep == "spikes"
    return make_loops(
        source, module.torch_dtype, bare, links, surrogates, keep=keep, again=again, workspace=module.paths.workspace,
        tables=tables, kernels={} if stage is None else _kernels(module, stage),
    )  # fmt: skip


def _tables(module: CircuitModule, stage: GradedStage) -> dict[int, EdgesOfPost]:
    """Return the edges of graded projections that are summed edge by edge, by term."""
    found: dict[int, EdgesOfPost] = {}
    for number, term in enumerate(stage.terms):
        if term.kind == "edges":
            item = module.program.projections[term.projection]
            found[number] = EdgesOfPost(item.pre_index, item.post_index, stage.items[term.post].n)
    return found


def _kernels(module: CircuitModule, stage: GradedStage) -> dict[int, KernelBothWays]:
    """Return the kernels of graded projections, by term."""
    items = [(number, module.program.projections[term.projection]) for number, term in enumerate(stage.terms)]
    return {
        number: KernelBothWays(item.sliding)
        for number, item in items
        if isinstance(item, ConvolutionProgram) and stage.terms[number].kind == "kernel"
    }


def arrivals_of(
    stepper: Stepper, ahead: Ahead, pulses: Mapping[str, Tensor], split: Callable[..., tuple[Table, Tensor]],
    scales: dict[int, float] | None = None,
) -> tuple[list[tuple[Arrival, str]], dict[str, Tensor], dict[int, RowBits], dict[int, Table]]:  # fmt: skip
    """Return what is added to which variable, in the order of the contract, what tells how much, and learned delays.

    Parameters
    ----------
    stepper
        Of the component.
    ahead
        What other components bring.
    pulses
        Counts of each Poisson input, (time, batch, receiving neuron).
    split
        Returns edges whose delays are learned, as they are at present, and what each adds, from a projection, its
        delays in steps and what its edges add.
    scales
        Where given, matrices of weights are left as they are kept, and what makes them SI is written here.
    """
    place = {name: count for count, name in enumerate(stepper.portion.places)}
    found: list[tuple[Arrival, str]] = []
    values: dict[str, Tensor] = {}
    events: dict[int, RowBits] = {}
    tables: dict[int, Table] = {}

    def add(kind: str, item: ProjectionProgram | PoissonProgram, target: str, **given: Tensor) -> None:
        pre = -1 if kind in ("ahead", "train") or isinstance(item, PoissonProgram) else place[item.pre]
        values.update({f"{name}_{len(found)}": value for name, value in given.items()})
        found.append((Arrival(kind, place[item.post], target, pre), item.name))

    def weight(kind: str, item: ProjectionProgram, target: str, kept: Tensor, scale: float, **given: Tensor) -> None:
        if scales is None:
            kept = kept * scale
        else:
            scales[len(found)] = scale
        add(kind, item, target, W=kept, **given)

    for item in stepper.deliveries:
        if isinstance(item, PostPathway):
            raise TypeError("edges with a state are stepped")
        part = stepper.module.part(item.name)
        if isinstance(item, PoissonProgram):
            counts = pulses[item.name]
            amount = part.pulses((counts * stepper.background[item.name]).flatten(0, 1))
            add("ahead", item, item.target, X=amount.reshape(*counts.shape[:2], -1))
        elif item.name in ahead:
            for target, brought in ahead[item.name].items():
                if isinstance(brought, SparseProduct):
                    events[len(found)] = brought.bits
                    weight("train", item, target, brought.weight, brought.scale, R=brought.spikes)
                else:
                    add("ahead", item, target, X=brought)
        elif part.by_matrix:
            ((target, _),) = part.expressions.terms
            weight("lines", item, target, *part.values.scaled(WEIGHT))
        else:
            edge_values = stepper.edges[item.name]
            for target in dict.fromkeys(addition.target for addition in item.additions):
                for name, printed in part.expressions.terms:
                    if name == target and isinstance(part, KernelProjection) and part.by_convolution:
                        add("kernel", item, target, W=edge_values[WEIGHT])
                    elif name == target:
                        amount = printed({key: edge_values[key] for key in printed.reads})["value"]
                        amount = torch.as_tensor(amount, dtype=stepper.dtype, device=stepper.device)
                        amount = amount.expand(item.n)
                        if part.learns_delays:
                            tables[len(found)], amount = split(part, part.steps(edge_values), amount)
                        add("edges", item, target, amounts=amount)
    return found, values, events, tables


def run_in_loops(
    stepper: Stepper,
    ahead: Ahead,
    rows: Mapping[str, Tensor],
    driven: Mapping[str, Mapping[str, Tensor]],
    traced: Mapping[str, Sequence[str]],
    steps: int,
    noise: Callable[[str], Mapping[str, Tensor]],
) -> dict[str, Scanned]:
    """Run all steps of a component in loops, and leave the stepper in the state after them.

    Parameters
    ----------
    stepper
        Of the component.
    ahead
        What other components bring.
    rows
        Of each Poisson input, (time, batch, receiving neuron).
    driven
        By population, the inputs that have a value in every step, (time, batch, neuron).
    traced
        By population, what is recorded besides spikes.
    steps
        How many.
    noise
        Draws the random numbers of a population once more.
    """
    scales: dict[int, float] = {}
    arrivals, values, events, tables = arrivals_of(stepper, ahead, rows, two_edges, scales)
    names = stepper.portion.places
    stage = stepper.module.paths.graded_stage(names)
    inputs = {**handed_over(stepper, driven), **values}
    inputs.update({} if stage is None else graded_inputs(stepper, stage, rows))
    keep = torch.is_grad_enabled() and any(map(feels, inputs.values()))
    learned = learned_among(names, stage, inputs, keep=keep)
    scan = stepper.module.paths.loops(arrivals, traced, learned, keep=keep)
    links = tuple(tables.get(place, link) for place, link in enumerate(scan.links))
    scan = replace(scan, links=links, scales=scales)
    besides = () if scan.source.graded is None else scan.source.graded.given
    inputs = only_read(stepper, inputs, scan.source.members, besides)
    drawn = {
        f"I{place}_{site.symbol}": partial(_drawn, noise, name, site.symbol)
        for place, name in enumerate(names)
        for site in stepper.populations[name].noise
        if f"I{place}_{site.symbol}" in inputs
    }
    clock = (stepper.step_number, stepper.dt, steps)
    found = run_loops(scan, inputs, events, last_fired(stepper), clock, stepper.batch, drawn)
    return taken_back(stepper, found, steps)


def _drawn(noise: Callable[[str], Mapping[str, Tensor]], name: str, symbol: str) -> Tensor:
    return noise(name)[symbol]


def learned_among(
    names: Sequence[str], stage: GradedStage | None, inputs: Mapping[str, Any], *, keep: bool
) -> dict[str, frozenset[str]]:
    """Return what has a gradient, by population and by graded projection: sums do wherever the way back is gone."""
    felt = [key for key, value in inputs.items() if feels(value)]
    found = {
        name: frozenset(key.partition("_")[2] for key in felt if key.startswith((f"P{place}_", f"I{place}_")))
        for place, name in enumerate(names)
    }
    if stage is None or not keep:
        return found
    for total in stage.totals:
        found[names[total.place]] |= {total.variable}
    for number, term in enumerate(stage.terms):
        start = f"GE_{number}_"
        own = frozenset(key.removeprefix(start) for key in felt if key.startswith(start))
        found[term.projection] = found.get(term.projection, frozenset()) | own
    return found
