"""What the objects of a network do in a step, for :mod:`neurosim.interop.brian2_network.schedule`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neurosim.interop.brian2_network.collecting import Objects
from neurosim.interop.brian2_network.projections import Draft
from neurosim.interop.brian2_network.schedule import (
    ARRIVALS,
    EDGES,
    GRADED,
    NEURONS,
    RESETS,
    THRESHOLDS,
    Action,
    action,
    read_by,
)

_SPIKES = "_spikespace"


def actions_of_groups(objects: Objects) -> list[Action]:
    """Return what neurons and sources do."""
    found = []
    for group in objects.neurons:
        refractory = group._refractory is not False
        masks = ["not_refractory", "lastspike"] if refractory else []
        texts = [equation.expr.code for equation in group.user_equations.values() if equation.expr is not None]
        texts += [group._refractory] if isinstance(group._refractory, str) else []
        if group.equations.diff_eq_names or refractory:
            changed = [*group.equations.diff_eq_names, *masks[:1]]
            read = "\n".join((*texts, *masks))
            found.append(action(group.state_updater, (NEURONS,), group.variables, read, also=changed))
        if "spike" in group.thresholder:
            read = "\n".join((group.events["spike"], *masks[:1]))
            found.append(
                action(group.thresholder["spike"], (THRESHOLDS,), group.variables, read, also=[_SPIKES, *masks])
            )
        if "spike" in group.resetter:
            code = f"{group.event_codes['spike']}\n{_SPIKES}"
            found.append(action(group.resetter["spike"], (RESETS,), group.variables, code))
    for group in objects.poisson_groups:
        runner, read = group.thresholder["spike"], group.events["spike"]
        found.append(action(runner, (THRESHOLDS,), group.variables, read, also=[_SPIKES]))
    found += [action(group, (THRESHOLDS,), group.variables, "", also=[_SPIKES]) for group in objects.generators]
    return found


def actions_of_poisson(part: Any, place: int) -> list[Action]:
    """Return what a ``PoissonInput`` does, as the arrival of that number."""
    read = part.weight if isinstance(part.weight, str) else ""
    variables = part._group.variables
    return [action(part, (ARRIVALS, place, 1), variables, f"{read}\n{part.target_var}", also=[part.target_var])]


def actions_of_draft(draft: Draft, place: int, last: int, *, post_first: bool) -> list[Action]:
    """Return what a projection does.

    Parameters
    ----------
    draft
        The projection.
    place
        Its number among what arrives.
    last
        A number greater than all of these.
    post_first
        Whether its ``on_post`` comes just before its ``on_pre``.
    """
    variables = draft.synapses.variables
    found = [
        action(updater, (GRADED, 0), variables, updater.expression.code, also=[updater.target_varname])
        for updater in draft.updaters
    ]
    if draft.updaters:
        return found
    if draft.relay is not None and draft.synapses.state_updater is not None:
        changed = list(draft.relay.variables)
        read = "\n".join(line.expression for line in draft.relay.lines)
        found.append(action(draft.synapses.state_updater, (NEURONS,), variables, read, also=changed))
    clocked = [line for line in draft.edge.lines if line.flag == "clock-driven"]
    if clocked:
        read = "\n".join(line.expression for line in clocked)
        changed = [line.name for line in clocked]
        found.append(action(draft.synapses.state_updater, (EDGES,), variables, read, also=changed))
    driven = [line for line in draft.edge.lines if line.flag == "event-driven"]
    for pathways, order in ((draft.pre, (place, 1)), (draft.post, (place, 0) if post_first else (last, place))):
        for number, pathway in enumerate(pathways):
            text = pathway.code if len(pathways) > 1 else (draft.edge.on_pre or draft.edge.on_post)
            code = "\n".join((text, *(line.expression for line in driven)))
            changed = [line.name for line in driven]
            does = action(pathway, (ARRIVALS, *order, number), variables, code, also=changed)
            spikes = frozenset(read_by(pathway.variables, pathway.eventspace_name))
            found.append(replace(does, reads=does.reads | spikes))
    return found


def ranked(graded: Sequence[Action]) -> list[Action]:
    """Return graded input placed as a circuit has it: each after those that it reads."""
    ranks: Mapping[int, int] = dict.fromkeys(range(len(graded)), 0)
    for _ in graded:  # as many rounds as the longest chain needs
        ranks = {
            number: 1 + max((ranks[other] for other, earlier in enumerate(graded)
                             if other != number and earlier.writes & item.reads), default=-1)
            for number, item in enumerate(graded)
        }  # fmt: skip
    return [replace(item, place=(GRADED, ranks[number])) for number, item in enumerate(graded)]
