"""All steps of populations that reach themselves, in one compiled loop, differentiable.

The loops do what :class:`~neurosim.backends.snntorch.stepper.Stepper` does; it is their reference, and takes over
wherever they do not reach. Each thread owns whole trials, and every sum runs in one order, so that no result depends on
the number of threads. Of a step only what the way back reads is kept, spikes as bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.compiled_modules import compiled
from neurosim.backends.snntorch.loops.again import FOUND_AGAIN, pieces, worth_it
from neurosim.backends.snntorch.loops.edge_table import EdgeTable
from neurosim.backends.snntorch.loops.graded_arrays import (
    EdgesOfPost,
    kept_of_graded,
    rooms,
    rooms_back,
    sum_over_edges,
)
from neurosim.backends.snntorch.loops.gradients import gradient_of
from neurosim.backends.snntorch.loops.kernel_links import KernelBothWays
from neurosim.backends.snntorch.loops.room import Link, results_of, room, trains, upstream, ways, ways_back
from neurosim.backends.snntorch.loops.source import Arrival, LoopSource
from neurosim.backends.snntorch.matrices import turned
from neurosim.backends.snntorch.row_events import RowBits
from neurosim.backends.snntorch.scanned import Scanned, slope_of
from neurosim.backends.snntorch.sparse_linear import is_few
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen


@dataclass(frozen=True)
class Loops(Frozen):
    """The loops of one component and what they are run with.

    Parameters
    ----------
    source, loops
        The loops, as text and compiled.
    arrivals
        In the order of the contract.
    links
        For each arrival its delay in steps, its edges, or nothing where it is known for all steps.
    surrogates
        By member, where the surrogate's derivative is not in the loops.
    keep
        Whether the way back will be gone.
    again
        Whether variables are found again on the way back, where that keeps less.
    workspace
        Lends the large arrays.
    tables
        The edges of graded projections that are summed edge by edge, by term.
    kernels
        Those that are convolved, by term.
    scales
        By arrival, what makes a matrix of weights SI; read in every call.
    """

    source: LoopSource
    loops: Mapping[str, Callable[..., Any]]
    arrivals: tuple[Arrival, ...]
    links: tuple[Link | None, ...]
    surrogates: tuple[Callable[[Tensor], Tensor] | None, ...]
    keep: bool
    again: bool
    workspace: Workspace
    tables: Mapping[int, EdgesOfPost]
    kernels: Mapping[int, KernelBothWays]
    scales: Mapping[int, float] = field(default_factory=dict)


def make_loops(
    source: LoopSource,
    dtype: torch.dtype,
    arrivals: Sequence[Arrival],
    links: Sequence[Link | None],
    surrogates: Sequence[Any],
    *,
    keep: bool,
    again: bool,
    workspace: Workspace,
    tables: Mapping[int, EdgesOfPost],
    kernels: Mapping[int, KernelBothWays],
) -> Loops:
    """Return the loops of a component, compiled when they are first run."""
    loops = compiled(source.text.replace("np.REAL", "np.float32" if dtype == torch.float32 else "np.float64"))
    return Loops(
        source, loops, tuple(arrivals), tuple(links), tuple(surrogates), keep, again, workspace, tables, kernels
    )


def run_loops(
    scan: Loops, inputs: Mapping[str, Tensor], events: Mapping[int, RowBits], last: Mapping[int, Tensor],
    clock: tuple[int, float, int], trials: int, drawn: Mapping[str, Callable[[], Tensor]],
) -> list[Scanned]:  # fmt: skip
    """Run all steps.

    Parameters
    ----------
    scan
        The loops.
    inputs
        By name. Of member 0: ``B0_v``, variables at the start, (batch, neuron); ``P0_tau``, values of the run,
        (neuron,); ``I0_i``, inputs, (time, batch, neuron); ``past0``, spikes before the first step, oldest first. Of
        arrival 0: ``X_0``, what arrives, (time, batch, neuron); ``R_0``, spikes from outside, (time, batch, neuron);
        ``W_0``, a weight matrix, (post, pre), as it is kept; ``amounts_0``, what an edge adds, (edge,). Of the graded
        stage what :func:`~neurosim.backends.snntorch.loops.graded_arrays.graded_inputs` says.
    events
        Of arrivals that are spikes from outside: where these are, by step and trial.
    last
        The step in which each neuron fired last, (batch, neuron), of members that rest.
    clock
        The first step, how long one takes, in seconds, and how many there are.
    trials
        How many.
    drawn
        Draws an input again that is random, by name.

    Returns
    -------
    list
        What each population did.
    """
    names, noted = tuple(inputs), dict[str, np.ndarray]()
    outputs = _Loops.apply(scan, names, dict(events), dict(last), clock, trials, drawn, noted, *inputs.values())  # type: ignore[no-untyped-call]
    found, place = [], 0
    for text in scan.source.members:
        spikes, since, active = outputs[place : place + 3]
        count, traced = len(text.item.state), text.member.traced
        place += 3
        final = dict(zip(text.item.state, outputs[place : place + count], strict=True))
        place += count
        traces = dict(zip(traced, outputs[place : place + len(traced)], strict=True))
        place += len(traced)
        found.append(
            Scanned(
                spikes if text.spiking else None, traces, final, since if text.rests else None,
                active if text.rests else None, noted.get(f"Z{text.place}"), noted.get(f"K{text.place}"),
            )
        )  # fmt: skip
    if scan.source.graded is not None:
        found += [Scanned(None, {}, {}, None, None) for _ in scan.source.graded.stage.items[len(found) :]]
        for (owner, key), values in zip(scan.source.graded.traced, outputs[place:], strict=True):
            found[owner].traces[key] = values
    return found


class _Loops(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, scan: Loops, names: tuple[str, ...], events: dict[int, RowBits], last: dict[int, Tensor],
        clock: tuple[int, float, int], trials: int, drawn: Mapping[str, Callable[[], Tensor]],
        noted: dict[str, np.ndarray], *tensors: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Run forward; keep what the way back reads."""
        source = scan.source
        given = {
            name: _array(name, tensor) for name, tensor in zip(names, tensors, strict=True) if not name.startswith("R_")
        }
        sizes = (clock[2], trials)
        dtype = next(iter(given.values())).dtype
        again = scan.again and worth_it(scan, given, frozenset(drawn), sizes)
        arrays: dict[str, Any] = {**given, "base": 0, "whole": int(not again), "trials": trials}
        for text in source.members:
            arrays.update(room(scan.workspace, text, given, last, sizes, whole=not again))
        arrays.update(rooms(scan, given, sizes, dtype))
        for place, link in enumerate(scan.links):
            arrays.update(ways(scan.workspace, place, link, given, scan.scales.get(place, 1.0)))
        arrays.update(trains(events))
        taken = [arrays[name] for name in source.forward]
        in_parts(scan.loops["forward"], trials, torch.get_num_threads(), *clock, *taken)
        ctx.set_materialize_grads(False)
        ctx.scan, ctx.names, ctx.clock, ctx.sizes = scan, names, clock, sizes
        ctx.events = events
        ctx.dtype = dtype
        ctx.drawn, ctx.last = (drawn, last) if again else ({}, None)
        if scan.keep:
            _keep(ctx, scan, arrays, dict(zip(names, tensors, strict=True)), again=again)
        for text in source.members:
            if text.feels:
                noted[f"K{text.place}"] = arrays[f"K{text.place}"]
            if text.spiking and scan.keep:
                noted[f"Z{text.place}"] = arrays[f"Z{text.place}"][arrays[f"past{text.place}"] :]
        results: list[Tensor] = []
        for text in source.members:
            member = results_of(text, arrays)
            ctx.mark_non_differentiable(*member[1:3])
            results += member
        if source.graded is not None:
            results += [torch.from_numpy(arrays[f"T{place}_{key}"]) for place, key in source.graded.traced]
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run backward from the last step to the first."""
        scan, (steps, batch) = ctx.scan, ctx.sizes
        arrays: dict[str, Any] = {
            name: _array(name, tensor) for name, tensor in zip(ctx.kept_names, ctx.saved_tensors, strict=True)
        }
        arrays.update({name: draw().numpy() for name, draw in ctx.drawn.items()})
        given = {name: arrays[name] for name in ctx.names if name in arrays}
        kept = {name: array for name, array in arrays.items() if name not in given} | ctx.numbers
        arrays.update(ctx.numbers)
        for place, link in enumerate(scan.links):
            arrays.update(ways_back(place, link, arrays))
            bits = arrays.get(f"K{scan.arrivals[place].pre}")
            if bits is not None and isinstance(link, int):
                lines = arrays[f"M_{place}"]
                few = is_few(bits.reshape(steps * batch, -1), *lines.shape[::-1])
                threads = torch.get_num_threads()
                turned_over = turned(lines, 1.0, threads, scan.workspace) if few else lines
                arrays.update({f"few_{place}": int(few), f"N_{place}": turned_over})
        left = list(gradients)
        for text in scan.source.members:
            count = 3 + len(text.item.state) + len(text.member.traced)
            targets = {item.target for item in scan.arrivals if item.post == text.place}
            past = ctx.numbers.get(f"past{text.place}", 0)
            arrays.update(upstream(scan.workspace, text, left[:count], targets, past, (steps, batch), ctx.dtype))
            del left[:count]
        arrays |= {
            name: value
            for name, value in rooms_back(scan, arrays, left, ctx.sizes, ctx.dtype).items()
            if name not in arrays or not name.startswith("D")
        }
        parts: Iterable[tuple[int, int, dict[str, Any]]] = [(0, batch, {})]
        if ctx.last is not None:
            parts = pieces(scan, given, kept, ctx.events, ctx.last, ctx.clock, batch)
        for first, count, found_again in parts:
            arrays.update(found_again)
            for text, surrogate in zip(scan.source.members, scan.surrogates, strict=True):
                if surrogate is not None:
                    arrays[f"H{text.place}"] = slope_of(surrogate, torch.from_numpy(arrays[f"U{text.place}"])).numpy()
            taken = [arrays[name] for name in scan.source.backward]
            in_parts(scan.loops["backward"], count, torch.get_num_threads(), *ctx.clock, *taken, begin=first)
        sum_over_edges(scan, arrays, *ctx.clock)
        wanted = ctx.needs_input_grad[8:]
        found = [
            gradient_of(scan, name, ctx.events, arrays) if wants else None
            for name, wants in zip(ctx.names, wanted, strict=True)
        ]
        return (None, None, None, None, None, None, None, None, *found)


def _array(name: str, tensor: Tensor) -> np.ndarray:
    """Return an input as the loops take it; a weight matrix is turned over, if at all, when it is known which way."""
    tensor = tensor.detach()
    array: np.ndarray = (tensor if name.startswith("W_") else tensor.contiguous()).numpy()
    return array


#: Arrays that are made from the links and weights of arrivals.
_KNOWN = ("delays_", "starts_", "posts_", "amounts_", "sizes_", "elements_")


def _keep(ctx: Any, scan: Loops, arrays: Mapping[str, Any], inputs: Mapping[str, Tensor], *, again: bool) -> None:
    """Save what the way back reads, and what the gradients of weights are found from."""
    names = [name for name in scan.source.backward if name in arrays and isinstance(arrays[name], np.ndarray)]
    names = [name for name in names if not name.startswith(_KNOWN)]
    names += [f"Z{text.place}" for text in scan.source.members if text.spiking and f"Z{text.place}" not in names]
    names += [f"U{text.place}" for text in scan.source.members if f"U{text.place}" in arrays]
    weights: dict[str, Tensor] = {}
    for place, link in enumerate(scan.links):
        if isinstance(link, EdgeTable):
            names.append(f"amounts_{place}")
        elif f"W_{place}" in inputs and (link is not None or again or inputs[f"R_{place}"].requires_grad):
            weights[f"W_{place}"] = inputs[f"W_{place}"].detach() * scan.scales.get(place, 1.0)
    names += weights
    if again:
        names = [name for name in names if name[0] not in FOUND_AGAIN]
        names += [f"A{text.place}" for text in scan.source.members if text.rests]
        names += [f"K{text.place}" for text in scan.source.members if text.feels]
        names += [name for name in inputs if not name.startswith("R_") and name not in ctx.drawn]
    names = list(dict.fromkeys(kept_of_graded(scan, names)))
    # Weights as they were used: the parameters may have changed when the way back is gone.
    known = {**inputs, **weights}
    kept = [known[name] if name in known else torch.from_numpy(arrays[name]) for name in names]
    ctx.kept_names = names
    ctx.numbers = {name: value for name, value in arrays.items() if isinstance(value, int)}
    ctx.save_for_backward(*kept)
