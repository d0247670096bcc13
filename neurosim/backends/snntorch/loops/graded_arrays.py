"""What the graded stage of a component is given and leaves: arrays before either loop, gradients after the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.loops.convolving import channels_before_last
from neurosim.backends.snntorch.loops.graded_kernels import outer_products
from neurosim.backends.snntorch.loops.graded_terms import GradedStage
from neurosim.backends.snntorch.threads import in_parts
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.program.frozen import Frozen

if TYPE_CHECKING:
    from neurosim.backends.snntorch.loops.scan import Loops
    from neurosim.backends.snntorch.stepper import Stepper

Array = np.ndarray
#: How the names of arrays begin that are made from the edges and their values.
_KNOWN = ("GS_", "GX_", "GP_", "GE_", "GH_", "GA_", "GB_", "GC_", "GD_")


class EdgesOfPost(Frozen):
    """The edges of a graded projection neuron by neuron, each neuron's in the order of the circuit.

    Parameters
    ----------
    pre, post
        The neurons at the ends of each edge, (edge,).
    n_post
        Number of postsynaptic neurons.
    """

    def __init__(self, pre: Array, post: Array, n_post: int) -> None:
        self.order = np.argsort(post, kind="stable")
        self.pre, self.post = (np.ascontiguousarray(index[self.order], np.int64) for index in (pre, post))
        self.starts = np.searchsorted(self.post, np.arange(n_post + 1))

    def by_circuit(self, found: Array) -> Array:
        """Return values of edges, (edge,), in the order of the circuit."""
        values = np.empty_like(found)
        values[self.order] = found
        return values


def graded_inputs(stepper: Stepper, stage: GradedStage, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what the graded stage is given.

    The names are those of :class:`~neurosim.backends.snntorch.loops.graded_forward.GradedForward`.

    Parameters
    ----------
    stepper
        Of the component.
    stage
        The graded stage.
    rows
        Values of each injection, (time, batch, receiving neuron).
    """
    found: dict[str, Tensor] = {}
    for number, term in enumerate(stage.terms):
        part, values = stepper.module.part(term.projection), stepper.edges[term.projection]
        if term.kind == "fixed":
            found[f"F_{number}"] = part.total(term.target, values, stepper.reader(term.projection), 1, exact=False)[0]
        elif term.kind == "kernel":
            found[f"GW_{number}"] = values[WEIGHT]
        elif term.kind == "matrix":
            found[f"GW_{number}"] = _matrix(part, values[WEIGHT], stepper.dtype)
        else:
            for key in term.edge_names:
                value = torch.as_tensor(values[key], dtype=stepper.dtype)
                found[f"GE_{number}_{key}"] = value.expand(part.item.n)
    for total in stage.totals:
        for name, sources in total.given().items():
            spread = [stepper.module.spread_injection(source, rows[source]) for source in sources]
            found[name] = stepper.summed(spread)
    return found


def _matrix(part: Any, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the weights of a projection as a matrix (post, pre), 0 where there is no edge."""
    if weight.ndim == 2:
        return weight
    place = part.post_edges * part.n_pre + part.pre_edges
    empty = torch.zeros(part.n_post * part.n_pre, dtype=dtype)
    return empty.index_put((place,), weight.to(dtype).expand(part.item.n)).reshape(part.n_post, part.n_pre)


def rooms(scan: Loops, given: Mapping[str, Array], sizes: tuple[int, int], dtype: Any) -> dict[str, Any]:
    """Return the arrays of the way forward, besides those of the populations."""
    graded, (steps, batch), lent = scan.source.graded, sizes, scan.workspace
    if graded is None:
        return {}
    stage, found = graded.stage, dict[str, Any]()
    for total in stage.totals:
        shape = (steps, batch, stage.items[total.place].n)
        found[f"I{total.place}_{total.variable}"] = lent.empty(shape, dtype)
    for place, key in graded.traced:
        found[f"T{place}_{key}"] = lent.empty((steps, batch, stage.items[place].n), dtype)
    for number, reading in enumerate(stage.readings):
        shape = (steps if graded.keep else 1, batch, stage.items[reading.place].n)
        found[f"Y_{number}"] = lent.empty(shape, dtype)
    for number, term in enumerate(stage.terms):
        if term.kind == "matrix":
            found[f"GW_{number}"] = np.ascontiguousarray(given[f"GW_{number}"].T)
        if term.kind == "kernel":
            found[f"GW_{number}"] = scan.kernels[number].forward(given[f"GW_{number}"])
    return found | _edges(scan, given)


def rooms_back(
    scan: Loops, given: Mapping[str, Array], gradients: Sequence[Tensor | None], sizes: tuple[int, int], dtype: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return the arrays of the way back.

    Parameters
    ----------
    scan
        The loops.
    given
        What was given, and what was kept.
    gradients
        By the inputs whose values were wanted.
    sizes
        Steps and trials.
    dtype
        Of all arrays.
    """
    graded, (steps, batch), lent = scan.source.graded, sizes, scan.workspace
    if graded is None:
        return {}
    items, found = graded.stage.items, dict[str, Any]()
    for place, item in enumerate(items):
        own = {total.variable for total in graded.stage.totals if total.place == place}
        own |= graded.driven(place) & graded.learned[place]
        found.update({f"DI{place}_{key}": lent.zeros((steps, batch, item.n), dtype) for key in sorted(own)})
        learned = graded.fixed(place) & graded.learned[place]
        found.update({f"DP{place}_{key}": np.zeros((batch, item.n), dtype) for key in sorted(learned)})
    for (place, key), gradient in zip(graded.traced, gradients, strict=True):
        shape = (steps, batch, items[place].n)
        upstream = lent.zeros(shape, dtype) if gradient is None else np.ascontiguousarray(gradient.numpy())
        found[f"GT{place}_{key}"] = upstream
    for number, term in enumerate(graded.stage.terms):
        if term.kind == "matrix":
            found[f"GM_{number}"] = np.ascontiguousarray(given[f"GW_{number}"])
        if term.kind == "kernel":
            found[f"GM_{number}"] = channels_before_last(given[f"GW_{number}"])
    found |= _edges(scan, given)
    for name in scan.source.edges:
        number = int(name.removeprefix("edges_"))
        for key in graded.stage.terms[number].edge_names:
            found[f"DE_{number}_{key}"] = np.zeros(len(scan.tables[number].pre), dtype)
    return found


def _edges(scan: Loops, given: Mapping[str, Array]) -> dict[str, Any]:
    """Return the edges and their values, neuron by neuron."""
    found: dict[str, Any] = {}
    for number, kernel in scan.kernels.items():
        found.update(kernel.arrays(number))
    for number, table in scan.tables.items():
        found.update({f"GS_{number}": table.starts, f"GX_{number}": table.pre, f"GP_{number}": table.post})
        start = f"GE_{number}_"
        found.update({name: values[table.order] for name, values in given.items() if name.startswith(start)})
    return found


def kept_of_graded(scan: Loops, names: Sequence[str]) -> list[str]:
    """Return the names of the arrays that the way back needs, given those that its loop reads."""
    graded = scan.source.graded
    if graded is None:
        return list(names)
    kept = [name for name in names if name[:3] not in _KNOWN]
    for number, term in enumerate(graded.stage.terms):
        kept += [f"Y_{reading}" for reading in (*term.readings("a"), *term.readings("b")) if term.kind != "fixed"]
        kept += [f"GW_{number}"] if term.kind in ("matrix", "kernel") else []
        kept += [f"GE_{number}_{key}" for key in term.edge_names if term.kind == "edges"]
    return kept


def sum_over_edges(scan: Loops, arrays: Mapping[str, Any], *times: Any) -> None:
    """Sum the gradients of the values of edges; `times` are the first step, how long one takes, and their number."""
    for name, taken in scan.source.edges.items():
        n_edges = len(scan.tables[int(name.removeprefix("edges_"))].pre)
        arguments = [arrays[key] for key in taken]
        in_parts(scan.loops[name], n_edges, torch.get_num_threads(), *times, *arguments)


def gradient_of_graded(scan: Loops, name: str, arrays: Mapping[str, Any]) -> Tensor:
    """Return the gradient of an input of the graded stage, after the way back."""
    graded = scan.source.graded
    if graded is None:
        raise TypeError("a component without graded projections has no graded input")
    if name.startswith("J"):
        place, _, variable = name.removeprefix("J").split("_", 2)
        return torch.from_numpy(arrays[f"DI{place}_{variable}"])
    kind, _, rest = name.partition("_")
    number = int(rest.partition("_")[0])
    term = graded.stage.terms[number]
    if kind == "GE" and not (term.outer and name.endswith(f"_{WEIGHT}")):
        return torch.from_numpy(scan.tables[number].by_circuit(arrays[f"D{name.removeprefix('G')}"]))
    g = torch.from_numpy(arrays[f"DI{term.post}_{term.target}"])
    if kind == "F":
        return g.sum((0, 1))
    y = torch.from_numpy(arrays[f"Y_{term.source}"])
    if term.kind == "kernel":
        rows = [array.numpy().reshape(-1, array.shape[2]) for array in (g, y)]
        shape = arrays[f"GW_{number}"].shape
        return torch.from_numpy(scan.kernels[number].gradient(rows[0], rows[1], shape, torch.get_num_threads()))
    found = outer_products(g.reshape(-1, g.shape[2]), y.reshape(-1, y.shape[2]))
    if kind == "GW":
        return found
    table = scan.tables[number]
    return torch.from_numpy(table.by_circuit(found.numpy()[table.post, table.pre]))
