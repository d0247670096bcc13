"""The arrays that loops read and write, made before either loop, and what is handed on after the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.loops.convolving import channels_before_last, channels_behind_last
from neurosim.backends.snntorch.loops.edge_table import EdgeTable
from neurosim.backends.snntorch.loops.kernel_links import KernelLinks
from neurosim.backends.snntorch.matrices import turned
from neurosim.backends.snntorch.row_events import RowBits
from neurosim.backends.snntorch.workspace import Workspace

Array = np.ndarray
#: What arrivals from inside come by: a matrix after a delay, edges, a kernel.
Link = int | EdgeTable | KernelLinks


def room(
    lent: Workspace, text: Any, given: Mapping[str, Array], last: Mapping[int, Tensor], sizes: tuple[int, int],
    *, whole: bool,
) -> dict[str, Any]:  # fmt: skip
    """Return the arrays that the way forward writes for a member, of some steps and trials.

    Where they are not wanted `whole`, variables of all steps are written into the room of one.
    """
    i, state, keep, (steps, batch) = text.place, text.item.state, text.keep, sizes
    of_variables = (steps if whole else 1, batch, text.item.n)
    n, dtype = text.item.n, given[f"B{i}_{state[0]}"].dtype
    found: dict[str, Any] = {f"V{i}_{key}": given[f"B{i}_{key}"].copy() for key in state}
    found.update({f"T{i}_{key}": lent.empty((steps, batch, n), dtype) for key in text.member.traced})
    if keep:
        found.update({f"Q{i}_{key}": lent.empty(of_variables, dtype) for key in text.kept})
    if text.spiking:
        past = given[f"past{i}"]
        spikes = lent.empty((len(past) + steps, batch, n), dtype)
        spikes[: len(past)] = past
        found[f"S{i}"] = spikes
        found[f"Z{i}"] = np.zeros((len(spikes), batch, (n + 7) // 8), np.uint8)
        found[f"past{i}"] = len(past)
        found[f"ring{i}"] = len(past) + 1
        if text.feels:
            found[f"K{i}"] = np.zeros((steps, batch, (n + 7) // 8), np.uint8)
        if text.member.slope is None and keep:
            found[f"U{i}"] = lent.empty(of_variables, dtype)
    if text.rests:
        found[f"L{i}"] = last[i].detach().numpy().copy()
        found[f"A{i}"] = np.zeros((steps, batch, (n + 7) // 8), np.uint8)
    return found


def ways(lent: Workspace, place: int, link: Link | None, given: Mapping[str, Array], scale: float) -> dict[str, Any]:
    """Return the weights of an arrival as the way forward reads them: a matrix, multiplied by `scale`, by its lines."""
    if isinstance(link, EdgeTable):
        return {
            f"delays_{place}": link.delays, f"starts_{place}": link.starts, f"posts_{place}": link.post[link.order],
            f"amounts_{place}": given[f"amounts_{place}"][link.order],
        }  # fmt: skip
    if isinstance(link, KernelLinks):
        return {**link.arrays(place), f"W_{place}": channels_behind_last(given[f"W_{place}"], link.groups)}
    found: dict[str, Any] = {} if link is None else {f"delay_{place}": link}
    if f"W_{place}" in given:
        found[f"W_{place}"] = turned(given[f"W_{place}"], scale, torch.get_num_threads(), lent)
    return found


def trains(events: Mapping[int, RowBits]) -> dict[str, Array]:
    """Return the spikes of each arrival that comes from outside as the way forward reads them."""
    found: dict[str, Array] = {}
    for place, spikes in events.items():
        found.update({f"bits_{place}": spikes.bits, f"numbers_{place}": spikes.numbers})
    return found


def ways_back(place: int, link: Link | None, given: Mapping[str, Array]) -> dict[str, Any]:
    """Return the weights of an arrival as the way back reads them."""
    if isinstance(link, EdgeTable):
        return {
            f"delays_{place}": link.delay[link.by_pre], f"starts_{place}": link.pre_starts,
            f"posts_{place}": link.post[link.by_pre], f"amounts_{place}": given[f"amounts_{place}"][link.by_pre],
        }  # fmt: skip
    if isinstance(link, KernelLinks):
        return {**link.arrays(place), f"M_{place}": channels_before_last(given[f"W_{place}"])}
    if link is not None:
        return {f"delay_{place}": link, f"M_{place}": np.ascontiguousarray(given[f"W_{place}"])}
    return {}


def results_of(text: Any, arrays: Mapping[str, Any]) -> list[Tensor]:
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


def upstream(
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
