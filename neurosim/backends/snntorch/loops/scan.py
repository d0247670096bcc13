"""All steps of populations that reach themselves, in one compiled loop, differentiable.

The loops do what :class:`~neurosim.backends.snntorch.stepper.Stepper` does; it is their reference, and takes over
wherever they do not reach. Each thread owns whole trials, and every sum runs in one order, so that no result depends on
the number of threads. Of a step only what the way back reads is kept, spikes as bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.compiled_modules import compiled
from neurosim.backends.snntorch.loops import kernels as kernel
from neurosim.backends.snntorch.loops.source import Arrival, LoopSource
from neurosim.backends.snntorch.row_events import RowEvents, events_of_bits
from neurosim.backends.snntorch.scanned import Scanned, slope_of
from neurosim.backends.snntorch.sparse_linear import spike_gradient, weight_gradient
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen

Array = np.ndarray


class EdgeTable(Frozen):
    """The edges of a projection in the orders of both loops.

    Parameters
    ----------
    pre, post
        The neurons at the ends of each edge, (edge,).
    delay
        In steps, (edge,).
    n_pre
        Number of presynaptic neurons.
    """

    def __init__(self, pre: Array, post: Array, delay: Array, n_pre: int) -> None:
        self.pre, self.post, self.delay = (np.ascontiguousarray(array, np.int64) for array in (pre, post, delay))
        self.n_pre = n_pre
        #: Arrivals of a step in the order of the contract: the earliest emission first, then the neuron, then the edge.
        self.order = np.lexsort((np.arange(len(pre)), pre, -self.delay))
        self.delays = np.unique(self.delay)[::-1].copy()
        rank = np.searchsorted(-self.delays, -self.delay)
        keys = (rank * n_pre + self.pre)[self.order]
        self.starts = np.searchsorted(keys, np.arange(len(self.delays) * n_pre + 1))
        self.by_pre = np.argsort(self.pre, kind="stable")
        self.pre_starts = np.searchsorted(self.pre[self.by_pre], np.arange(n_pre + 1))


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
    workspace
        Lends the large arrays.
    """

    source: LoopSource
    loops: Mapping[str, Callable[..., Any]]
    arrivals: tuple[Arrival, ...]
    links: tuple[int | EdgeTable | None, ...]
    surrogates: tuple[Callable[[Tensor], Tensor] | None, ...]
    keep: bool
    workspace: Workspace


def make_loops(
    source: LoopSource,
    dtype: torch.dtype,
    arrivals: Sequence[Arrival],
    links: Sequence[int | EdgeTable | None],
    surrogates: Sequence[Any],
    *,
    keep: bool,
    workspace: Workspace,
) -> Loops:
    """Return the loops of a component, compiled when they are first run."""
    loops = compiled(source.text.replace("np.REAL", "np.float32" if dtype == torch.float32 else "np.float64"))
    return Loops(source, loops, tuple(arrivals), tuple(links), tuple(surrogates), keep, workspace)


def run_loops(
    scan: Loops, inputs: Mapping[str, Tensor], events: Mapping[int, RowEvents], last: Mapping[int, Tensor],
    step: int, dt: float, steps: int,
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
        ``W_0``, a weight matrix, (post, pre); ``amounts_0``, what an edge adds, (edge,).
    events
        Of arrivals that are spikes from outside: these as lists, by step and trial.
    last
        The step in which each neuron fired last, (batch, neuron), of members that rest.
    step, dt
        The first step and how long one takes, in seconds.
    steps
        How many.

    Returns
    -------
    list
        What each member did.
    """
    names = tuple(inputs)
    outputs = _Loops.apply(scan, names, dict(events), dict(last), step, dt, steps, *inputs.values())  # type: ignore[no-untyped-call]
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
                active if text.rests else None,
            )
        )  # fmt: skip
    return found


class _Loops(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, scan: Loops, names: tuple[str, ...], events: dict[int, RowEvents], last: dict[int, Tensor],
        step: int, dt: float, steps: int, *tensors: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Run forward; keep what the way back reads."""
        source = scan.source
        given = {
            name: tensor.detach().contiguous().numpy()
            for name, tensor in zip(names, tensors, strict=True)
            if not name.startswith("R_")
        }
        arrays: dict[str, Any] = dict(given)
        batch = next(iter(given.values())).shape[0]
        dtype = next(iter(given.values())).dtype
        for text in source.members:
            arrays.update(_room(scan.workspace, text, given, last, batch, steps))
        for place, link in enumerate(scan.links):
            arrays.update(_ways(place, link, given))
        for place, found in events.items():
            arrays.update(zip((f"start_{place}", f"column_{place}", f"value_{place}"), found.arrays, strict=True))
        taken = [arrays[name] for name in source.forward]
        in_parts(scan.loops["forward"], batch, torch.get_num_threads(), step, dt, steps, *taken)
        ctx.set_materialize_grads(False)
        ctx.scan, ctx.names, ctx.step, ctx.dt, ctx.sizes = scan, names, step, dt, (steps, batch)
        ctx.events = events
        ctx.dtype = dtype
        if scan.keep:
            _keep(ctx, scan, arrays, dict(zip(names, tensors, strict=True)))
        results: list[Tensor] = []
        for text in source.members:
            member = _results(text, arrays)
            ctx.mark_non_differentiable(*member[1:3])
            results += member
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run backward from the last step to the first."""
        scan, (steps, batch) = ctx.scan, ctx.sizes
        arrays: dict[str, Any] = {
            name: tensor.detach().numpy() for name, tensor in zip(ctx.kept_names, ctx.saved_tensors, strict=True)
        }
        arrays.update(ctx.numbers)
        for place, link in enumerate(scan.links):
            arrays.update(_ways_back(place, link, arrays))
        left = list(gradients)
        for text, surrogate in zip(scan.source.members, scan.surrogates, strict=True):
            count = 3 + len(text.item.state) + len(text.member.traced)
            targets = {item.target for item in scan.arrivals if item.post == text.place}
            past = ctx.numbers.get(f"past{text.place}", 0)
            arrays.update(_upstream(scan.workspace, text, left[:count], targets, past, (steps, batch), ctx.dtype))
            if surrogate is not None:
                arrays[f"H{text.place}"] = slope_of(surrogate, torch.from_numpy(arrays[f"U{text.place}"])).numpy()
            del left[:count]
        taken = [arrays[name] for name in scan.source.backward]
        in_parts(scan.loops["backward"], batch, torch.get_num_threads(), ctx.step, ctx.dt, steps, *taken)
        wanted = ctx.needs_input_grad[7:]
        found = [
            _gradient(scan, name, ctx.events, arrays) if wants else None
            for name, wants in zip(ctx.names, wanted, strict=True)
        ]
        return (None, None, None, None, None, None, None, *found)


def _room(
    lent: Workspace, text: Any, given: Mapping[str, Array], last: Mapping[int, Tensor], batch: int, steps: int
) -> dict[str, Any]:
    """Return the arrays that the way forward writes for a member."""
    i, state, keep = text.place, text.item.state, text.keep
    n, dtype = text.item.n, given[f"B{i}_{state[0]}"].dtype
    found: dict[str, Any] = {f"V{i}_{key}": given[f"B{i}_{key}"].copy() for key in state}
    found.update({f"T{i}_{key}": lent.empty((steps, batch, n), dtype) for key in text.member.traced})
    if keep:
        found.update({f"Q{i}_{key}": lent.empty((steps, batch, n), dtype) for key in text.kept})
    if text.spiking:
        past = given[f"past{i}"]
        spikes = lent.empty((len(past) + steps, batch, n), dtype)
        spikes[: len(past)] = past
        found[f"S{i}"] = spikes
        found[f"Z{i}"] = np.zeros((len(spikes), batch, (n + 7) // 8), np.uint8)
        found[f"past{i}"] = len(past)
        found[f"ring{i}"] = len(past) + 1
        if text.member.slope is None and keep:
            found[f"U{i}"] = lent.empty((steps, batch, n), dtype)
    if text.rests:
        found[f"L{i}"] = last[i].detach().numpy().copy()
        found[f"A{i}"] = np.zeros((steps, batch, (n + 7) // 8), np.uint8)
    return found


def _ways(place: int, link: int | EdgeTable | None, given: Mapping[str, Array]) -> dict[str, Any]:
    """Return the weights of an arrival as the way forward reads them."""
    if isinstance(link, EdgeTable):
        return {
            f"delays_{place}": link.delays, f"starts_{place}": link.starts, f"posts_{place}": link.post[link.order],
            f"amounts_{place}": given[f"amounts_{place}"][link.order],
        }  # fmt: skip
    lines = {f"W_{place}": np.ascontiguousarray(given[f"W_{place}"].T)} if f"W_{place}" in given else {}
    return lines if link is None else {f"delay_{place}": link, **lines}


def _ways_back(place: int, link: int | EdgeTable | None, given: Mapping[str, Array]) -> dict[str, Any]:
    """Return the weights of an arrival as the way back reads them."""
    if isinstance(link, EdgeTable):
        return {
            f"delays_{place}": link.delay[link.by_pre], f"starts_{place}": link.pre_starts,
            f"posts_{place}": link.post[link.by_pre], f"amounts_{place}": given[f"amounts_{place}"][link.by_pre],
        }  # fmt: skip
    if link is not None:
        return {f"delay_{place}": link, f"M_{place}": np.ascontiguousarray(given[f"W_{place}"])}
    return {}


def _keep(ctx: Any, scan: Loops, arrays: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> None:
    """Save what the way back reads, and what the gradients of weights are found from."""
    names = [name for name in scan.source.backward if name in arrays and isinstance(arrays[name], np.ndarray)]
    names = [name for name in names if not name.startswith(("delays_", "starts_", "posts_", "amounts_"))]
    names += [f"Z{text.place}" for text in scan.source.members if text.spiking and f"Z{text.place}" not in names]
    names += [f"U{text.place}" for text in scan.source.members if f"U{text.place}" in arrays]
    for place, link in enumerate(scan.links):
        if f"W_{place}" in inputs or link is not None:
            names.append(f"amounts_{place}" if isinstance(link, EdgeTable) else f"W_{place}")
    names = list(dict.fromkeys(names))
    kept = [inputs[name] if name in inputs else torch.from_numpy(arrays[name]) for name in names]
    ctx.kept_names = names
    ctx.numbers = {name: value for name, value in arrays.items() if isinstance(value, int)}
    ctx.save_for_backward(*kept)


def _results(text: Any, arrays: Mapping[str, Any]) -> list[Tensor]:
    """Return what a member did, as tensors."""
    i, state = text.place, text.item.state
    nothing = np.zeros((0, 0, 0), arrays[f"V{i}_{state[0]}"].dtype)
    spikes = arrays[f"S{i}"][arrays[f"past{i}"] :] if text.spiking else nothing
    since, active = np.zeros((0, 0), np.int64), np.zeros((0, 0), np.bool_)
    if text.rests:
        since = arrays[f"L{i}"]
        bits = np.unpackbits(arrays[f"A{i}"][-1], axis=-1, count=spikes.shape[2], bitorder="little")
        # What was still resting in the last step, apart from those that fired in it.
        active = bits.astype(np.bool_) & (spikes[-1] == 0)
    found = [spikes, since, active, *(arrays[f"V{i}_{key}"] for key in state)]
    return [torch.from_numpy(array) for array in (*found, *(arrays[f"T{i}_{key}"] for key in text.member.traced))]


def _upstream(
    lent: Workspace, text: Any, gradients: Sequence[Tensor | None], targets: set[str], past: int,
    whole: tuple[int, int], dtype: Any,
) -> dict[str, Array]:  # fmt: skip
    """Return the gradients that arrive at a member, and room for those that leave it."""
    i, state, (steps, batch), n = text.place, text.item.state, whole, text.item.n
    upstream = [None if gradient is None else np.ascontiguousarray(gradient.numpy()) for gradient in gradients]
    ends, traces = upstream[3 : 3 + len(state)], upstream[3 + len(state) :]
    found = {
        f"C{i}_{key}": np.zeros((batch, n), dtype) if gradient is None else gradient.copy()
        for key, gradient in zip(state, ends, strict=True)
    }
    for key, gradient in zip(text.member.traced, traces, strict=True):
        found[f"GT{i}_{key}"] = lent.zeros((steps, batch, n), dtype) if gradient is None else gradient
    if text.spiking:
        found[f"G{i}"] = lent.zeros((steps, batch, n), dtype) if upstream[0] is None else upstream[0]
        found[f"E{i}"] = np.zeros((past, batch, n), dtype)
    found.update({f"D{i}_{key}": lent.empty((steps, batch, n), dtype) for key in targets})
    found.update({f"DP{i}_{key}": np.zeros((batch, n), dtype) for key in text.fixed if key in text.member.learned})
    found.update(
        {f"DI{i}_{key}": lent.zeros((steps, batch, n), dtype) for key in text.driven if key in text.member.learned}
    )
    return found


def _gradient(scan: Loops, name: str, events: Mapping[int, RowEvents], arrays: Mapping[str, Any]) -> Tensor:
    """Return the gradient of an input after the way back."""
    kind, _, key = name.partition("_")
    if kind in ("X", "R", "W", "amounts"):
        return torch.from_numpy(_of_arrival(scan, kind, int(key), events, arrays))
    if kind.startswith("past"):
        return torch.from_numpy(arrays[f"E{kind.removeprefix('past')}"])
    place = kind[1:]
    if kind[0] == "B":
        return torch.from_numpy(arrays[f"C{place}_{key}"])
    if kind[0] == "P":
        return torch.from_numpy(arrays[f"DP{place}_{key}"].sum(0))
    return torch.from_numpy(arrays[f"DI{place}_{key}"])


def _of_arrival(
    scan: Loops, kind: str, place: int, events: Mapping[int, RowEvents], arrays: Mapping[str, Any]
) -> Array:
    """Return the gradient of what arrives, or of the weights that it comes by."""
    item, link = scan.arrivals[place], scan.links[place]
    g: Array = arrays[f"D{item.post}_{item.target}"]
    if kind == "X":
        return g
    steps, batch, n_post = g.shape
    if kind == "R":
        return spike_gradient(g.reshape(-1, n_post), arrays[f"W_{place}"], scan.workspace).reshape(steps, batch, -1)
    if place in events:
        return weight_gradient(events[place], g.reshape(-1, n_post), arrays[f"W_{place}"].shape[1], scan.workspace)
    bits, n_pre = arrays[f"Z{item.pre}"], scan.source.members[item.pre].item.n
    past, threads = len(bits) - steps, torch.get_num_threads()
    first = 0 if isinstance(link, EdgeTable) else past - (link or 0)
    count = len(bits) if isinstance(link, EdgeTable) else steps
    rows = bits[first : first + count].reshape(count * batch, -1)
    spikes = events_of_bits(rows, n_pre, g.dtype, threads, scan.workspace)
    if isinstance(link, EdgeTable):
        by_input = spikes.by_column(n_pre, threads, scan.workspace)
        found = np.zeros(len(link.pre), g.dtype)
        edges = (link.pre, link.post, link.delay, by_input.start, by_input.column, g.reshape(-1, n_post), batch, past)
        in_parts(kernel.edge_gradients, len(link.pre), threads, found, *edges)
        return found
    return weight_gradient(spikes, g.reshape(-1, n_post), n_pre, scan.workspace)
