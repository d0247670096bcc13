"""The gradients of what loops were given, found when the way back has been gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.loops import kernels as kernel
from neurosim.backends.snntorch.loops.convolving import kernel_gradients
from neurosim.backends.snntorch.loops.edge_table import EdgeTable
from neurosim.backends.snntorch.loops.graded_arrays import gradient_of_graded
from neurosim.backends.snntorch.loops.kernel_links import KernelLinks
from neurosim.backends.snntorch.row_events import RowBits, RowEvents
from neurosim.backends.snntorch.sparse_linear import spike_gradient, weight_gradient
from neurosim.backends.snntorch.threads import in_parts

if TYPE_CHECKING:
    from neurosim.backends.snntorch.loops.scan import Loops

Array = np.ndarray


def gradient_of(scan: Loops, name: str, events: Mapping[int, RowBits], arrays: Mapping[str, Any]) -> Tensor:
    """Return the gradient of an input after the way back."""
    kind, _, key = name.partition("_")
    if kind in ("GW", "GE", "F") or kind.startswith("J"):
        return gradient_of_graded(scan, name, arrays)
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


def _of_arrival(scan: Loops, kind: str, place: int, events: Mapping[int, RowBits], arrays: Mapping[str, Any]) -> Array:
    """Return the gradient of what arrives, or of the weights that it comes by."""
    item, link = scan.arrivals[place], scan.links[place]
    g: Array = arrays[f"D{item.post}_{item.target}"]
    if kind == "X":
        return g
    steps, batch, n_post = g.shape
    if kind == "R":
        felt, weight = events[place].felt, arrays[f"W_{place}"]
        return spike_gradient(g.reshape(-1, n_post), weight, scan.workspace, felt).reshape(steps, batch, -1)
    if place in events:
        return weight_gradient(events[place], g.reshape(-1, n_post), scan.workspace, scan.scales[place])
    bits, n_pre = arrays[f"Z{item.pre}"], scan.source.members[item.pre].item.n
    past, threads = len(bits) - steps, torch.get_num_threads()
    if isinstance(link, EdgeTable):
        spikes = RowBits(bits.reshape(len(bits) * batch, -1), n_pre, g.dtype)
        by_input = spikes.by_column(threads, scan.workspace).listed(threads, scan.workspace)
        found = np.zeros(len(link.pre), g.dtype)
        edges = (link.pre, link.post, link.delay, by_input.start, by_input.column, g.reshape(-1, n_post), batch, past)
        in_parts(kernel.edge_gradients, len(link.pre), threads, found, *edges)
        return found
    first = past - (link.delay if isinstance(link, KernelLinks) else link or 0)
    rows = RowBits(bits[first : first + steps].reshape(steps * batch, -1), n_pre, g.dtype)
    if isinstance(link, KernelLinks):
        shape = arrays[f"W_{place}"].shape
        return _of_kernel(link, rows.listed(threads, scan.workspace), g.reshape(-1, n_post), shape)
    return weight_gradient(rows, g.reshape(-1, n_post), scan.workspace, scan.scales[place])


def _of_kernel(link: KernelLinks, spikes: RowEvents, g: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of a kernel of a shape, from the spikes that arrive in each row of `g`."""
    behind, own = shape[:2]
    others = behind // link.groups
    found = np.empty((others, link.groups * own, int(np.prod(shape[2:]))), g.dtype)
    links = (link.sizes, link.starts, link.to, link.element)
    in_parts(kernel_gradients, others, torch.get_num_threads(), found, spikes.start, spikes.column, g, *links)
    return found.reshape(others, link.groups, own, -1).transpose(1, 0, 2, 3).reshape(shape)
