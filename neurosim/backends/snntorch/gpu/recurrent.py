"""All steps of populations that reach themselves, in kernels of Triton, differentiable.

What :mod:`neurosim.backends.snntorch.loops.scan` does in compiled loops on a CPU; that and the steps of
:class:`~neurosim.backends.snntorch.stepper.Stepper` are what the kernels are held against. Of a step only what the way
back reads is kept, and the gradients of weights are one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.gpu.delayed_sum import edge_gradients
from neurosim.backends.snntorch.gpu.edge_gather import DelayedEdges
from neurosim.backends.snntorch.gpu.modules import kernels, on
from neurosim.backends.snntorch.gpu.recurrent_member import MemberKernels
from neurosim.backends.snntorch.gpu.recurrent_source import BACKWARD, FORWARD, RecurrentSource
from neurosim.backends.snntorch.gpu.scan import copied
from neurosim.backends.snntorch.loops.source import Arrival
from neurosim.backends.snntorch.scanned import Scanned, slope_of
from neurosim.program.frozen import Frozen

#: Neurons for each thread of a program.
PER_THREAD = 2
#: Threads of a program, in warps.
MOST_WARPS = 16


@dataclass(frozen=True)
class RecurrentScan(Frozen):
    """The kernels of one component and what they are run with.

    Parameters
    ----------
    source
        The kernels.
    kernels
        The same, compiled when they are first run.
    arrivals
        In the order of the contract.
    links
        For each arrival its delay in steps, its edges, or nothing where it is known for all steps.
    surrogates
        By member, where the surrogate's derivative is not in the kernels.
    keep
        Whether the way back will be gone.
    """

    source: RecurrentSource
    kernels: Mapping[str, Any]
    arrivals: tuple[Arrival, ...]
    links: tuple[int | DelayedEdges | None, ...]
    surrogates: tuple[Callable[[Tensor], Tensor] | None, ...]
    keep: bool


def make_recurrent(
    source: RecurrentSource,
    arrivals: Sequence[Arrival],
    links: Sequence[int | DelayedEdges | None],
    surrogates: Sequence[Any],
    *,
    keep: bool,
) -> RecurrentScan:
    """Return the kernels of a component, compiled when they are first run."""
    compiled = kernels(source.text, tuple(source.arrays))
    return RecurrentScan(source, compiled, tuple(arrivals), tuple(links), tuple(surrogates), keep)


def run_recurrent(
    scan: RecurrentScan, inputs: Mapping[str, Tensor], last: Mapping[int, Tensor], step: int, dt: float, steps: int
) -> list[Scanned]:
    """Run all steps.

    Parameters
    ----------
    scan
        The kernels.
    inputs
        By name, as :func:`neurosim.backends.snntorch.loops.scan.run_loops` takes them.
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
    outputs = _Recurrent.apply(scan, tuple(inputs), dict(last), step, dt, steps, *inputs.values())  # type: ignore[no-untyped-call]
    found, place = [], 0
    for text in scan.source.members:
        spikes, since, active = outputs[place : place + 3]
        ends = place + 3 + len(text.item.state)
        final = dict(zip(text.item.state, outputs[place + 3 : ends], strict=True))
        place = ends + len(text.member.traced)
        traces = dict(zip(text.member.traced, outputs[ends:place], strict=True))
        rested = (since, active) if text.rests else (None, None)
        found.append(Scanned(spikes if text.spiking else None, traces, final, *rested))
    return found


class _Recurrent(torch.autograd.Function):
    """The kernels, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, scan: RecurrentScan, names: tuple[str, ...], last: dict[int, Tensor], step: int, dt: float,
        steps: int, *tensors: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Run forward; keep what the way back reads."""
        source = scan.source
        # Under autocast a product may come in half precision.
        dtype, batch = tensors[0].dtype, len(tensors[0])
        arrays = {name: tensor.to(dtype).contiguous() for name, tensor in zip(names, tensors, strict=True)}
        for text in source.members:
            arrays.update(_room(text, arrays, last, batch, steps))
        for place, link in enumerate(scan.links):
            if isinstance(link, DelayedEdges):
                arrays.update(link.by_post(place, arrays[f"amounts_{place}"]))
            elif link is not None:
                arrays[f"M_{place}"] = arrays[f"W_{place}"].t().contiguous()
        _launch(scan, "forward", arrays, step, dt, steps, batch)
        ctx.set_materialize_grads(False)
        ctx.scan, ctx.names, ctx.step, ctx.dt, ctx.sizes = scan, names, step, dt, (steps, batch)
        if scan.keep:
            ctx.kept_names = _kept(scan, arrays)
            ctx.save_for_backward(*(arrays[name] for name in ctx.kept_names))
        results: list[Tensor] = []
        for text in source.members:
            member = _results(text, arrays, steps)
            ctx.mark_non_differentiable(*member[1:3])
            results += member
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run backward from the last step to the first, then sum over all steps."""
        scan, (steps, batch) = ctx.scan, ctx.sizes
        arrays: dict[str, Tensor] = dict(zip(ctx.kept_names, ctx.saved_tensors, strict=True))
        for place, link in enumerate(scan.links):
            if isinstance(link, DelayedEdges):
                arrays.update(link.by_pre(place, arrays[f"amounts_{place}"]))
        left = list(gradients)
        for text, surrogate in zip(scan.source.members, scan.surrogates, strict=True):
            count = 3 + len(text.item.state) + len(text.member.traced)
            arrays.update(_upstream(text, left[:count], arrays, (steps, batch)))
            if surrogate is not None:
                arrays[f"H{text.place}"] = slope_of(surrogate, arrays[f"U{text.place}"])
            del left[:count]
        _launch(scan, "backward", arrays, ctx.step, ctx.dt, steps, batch)
        wanted = ctx.needs_input_grad[6:]
        found = [
            _gradient(scan, name, arrays, steps) if wants else None
            for name, wants in zip(ctx.names, wanted, strict=True)
        ]
        return (None, None, None, None, None, None, *found)


def warps(block: int) -> int:
    """Return how many warps go through a block of neurons."""
    return min(max(block // (32 * PER_THREAD), 1), MOST_WARPS)


def _launch(
    scan: RecurrentScan, way: str, arrays: Mapping[str, Tensor], step: int, dt: float, steps: int, batch: int
) -> None:
    """Run one kernel over all steps, or one for every part of every step."""
    source = scan.source
    layout, some = source.layout, next(iter(arrays.values()))
    options: dict[str, Any] = {"num_warps": warps(layout.block), "num_stages": 1, "enable_fp_fusion": False}
    if not batch:
        return
    with on(some.device):
        if source.at_once:
            given = [arrays[name] for name in source.arrays[way]]
            scan.kernels[way][(batch,)](step, steps, batch, *given, DT=dt, **options)
            return
        grid = (batch, max(layout.tiles(place) for place in range(len(layout.sizes))))

        def part(name: str, t: int) -> None:
            if name in source.arrays:
                given = [arrays[key] for key in source.arrays[name]]
                scan.kernels[name][grid](step, t, steps, batch, *given, DT=dt, **options)

        before = range(-max(layout.depths), 0)
        for t in before if way == "forward" else ():
            part("note", t)
        for t in range(steps) if way == "forward" else reversed(range(steps)):
            for name in FORWARD if way == "forward" else BACKWARD:
                part(name, t)
        for t in before if way == "backward" else ():
            part("early", t)


def _room(
    text: MemberKernels, given: Mapping[str, Tensor], last: Mapping[int, Tensor], batch: int, steps: int
) -> dict[str, Tensor]:
    """Return the arrays that the way forward writes for a member."""
    i, state, n = text.place, text.item.state, text.item.n
    like = given[f"B{i}_{state[0]}"]
    found = {f"V{i}_{key}": copied(given[f"B{i}_{key}"]) for key in state}
    found.update({f"T{i}_{key}": like.new_empty((steps, batch, n)) for key in text.member.traced})
    if text.keep:
        found.update({f"Q{i}_{key}": like.new_empty((steps, batch, n)) for key in text.kept})
    if text.spiking:
        past = given[f"past{i}"]
        found[f"S{i}"] = torch.cat([past, like.new_empty((steps, batch, n))])
        if text.member.slope is None and text.keep:
            found[f"U{i}"] = like.new_empty((steps, batch, n))
        if text.heard:
            tiles, block = text.layout.tiles(i), text.layout.block
            lists = (len(past) + 1, batch, tiles)
            found[f"NE{i}"] = torch.empty((*lists, block), dtype=torch.int32, device=like.device)
            found[f"NC{i}"] = torch.empty(lists, dtype=torch.int32, device=like.device)
    if text.rests:
        found[f"L{i}"] = copied(last[i])
        found[f"A{i}"] = torch.empty((steps, batch, n), dtype=torch.int8, device=like.device)
    return found


def _kept(scan: RecurrentScan, arrays: Mapping[str, Tensor]) -> list[str]:
    """Return the names of what the way back reads, and of what the gradients of weights are found from."""
    source = scan.source
    ways = ("backward", *BACKWARD, "early")
    names = [name for way in ways for name in source.arrays.get(way, ()) if name in arrays]
    names += [f"{kind}{text.place}" for text in source.members for kind in "SU" if f"{kind}{text.place}" in arrays]
    names += [name for name in arrays if name.startswith(("W_", "amounts_"))]
    return list(dict.fromkeys(names))


def _results(text: MemberKernels, arrays: Mapping[str, Tensor], steps: int) -> list[Tensor]:
    """Return what a member did."""
    i, state = text.place, text.item.state
    like = arrays[f"V{i}_{state[0]}"]
    spikes = arrays[f"S{i}"][len(arrays[f"S{i}"]) - steps :] if text.spiking else like.new_empty((0, 0, 0))
    since, active = (torch.empty((0, 0), dtype=dtype, device=like.device) for dtype in (torch.int64, torch.bool))
    if text.rests:
        since = arrays[f"L{i}"]
        # What was still resting in the last step, apart from those that fired in it.
        active = (arrays[f"A{i}"][-1] != 0) & (spikes[-1] == 0)
    ends = [arrays[f"V{i}_{key}"] for key in state]
    return [spikes, since, active, *ends, *(arrays[f"T{i}_{key}"] for key in text.member.traced)]


def _upstream(
    text: MemberKernels, gradients: Sequence[Tensor | None], arrays: Mapping[str, Tensor], whole: tuple[int, int]
) -> dict[str, Tensor]:
    """Return the gradients that arrive at a member, and room for those that leave it."""
    i, state, traced = text.place, text.item.state, text.member.traced
    now, series = (whole[1], text.item.n), (*whole, text.item.n)
    like = arrays[f"S{i}"] if text.spiking else next(iter(arrays.values()))

    def given(gradient: Tensor | None, shape: tuple[int, ...]) -> Tensor:
        return like.new_zeros(shape) if gradient is None else gradient.contiguous()

    ends, traces = gradients[3 : 3 + len(state)], gradients[3 + len(state) :]
    found = {f"C{i}_{key}": copied(given(gradient, now)) for key, gradient in zip(state, ends, strict=True)}
    found.update({f"GT{i}_{key}": given(gradient, series) for key, gradient in zip(traced, traces, strict=True)})
    if text.spiking:
        found[f"G{i}"], found[f"R{i}"] = given(gradients[0], series), like.new_empty(now)
        found[f"E{i}"] = like.new_zeros((text.layout.depths[i], *now))
    found.update({f"D{i}_{key}": like.new_empty(series) for key in text.targets})
    learned = text.member.learned
    found.update({f"DP{i}_{key}": like.new_zeros(now) for key in text.fixed if key in learned})
    found.update({f"DI{i}_{key}": like.new_zeros(series) for key in text.driven if key in learned})
    return found


def _gradient(scan: RecurrentScan, name: str, arrays: Mapping[str, Tensor], steps: int) -> Tensor:
    """Return the gradient of an input after the way back."""
    kind, _, key = name.partition("_")
    if kind in ("X", "W", "amounts"):
        return _of_arrival(scan, kind, int(key), arrays, steps)
    if kind.startswith("past"):
        return arrays[f"E{kind.removeprefix('past')}"]
    place = kind[1:]
    if kind[0] == "B":
        return arrays[f"C{place}_{key}"]
    return arrays[f"DP{place}_{key}"].sum(0) if kind[0] == "P" else arrays[f"DI{place}_{key}"]


def _of_arrival(scan: RecurrentScan, kind: str, place: int, arrays: Mapping[str, Tensor], steps: int) -> Tensor:
    """Return the gradient of what arrives, or of the weights that it comes by."""
    item, link = scan.arrivals[place], scan.links[place]
    g = arrays[f"D{item.post}_{item.target}"]
    if kind == "X":
        return g
    spikes = arrays[f"S{item.pre}"]
    past = len(spikes) - steps
    if isinstance(link, DelayedEdges):
        return edge_gradients(spikes, g, link.edges.pre, link.edges.post, link.delay, past)
    first = past - (link or 0)
    return g.flatten(0, 1).t() @ spikes[first : first + steps].flatten(0, 1)
