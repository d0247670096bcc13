"""One projection as a torch module: what a spike adds, what a graded synapse sums, and in which order."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from neurosim.backends.snntorch.arrivals import ArrivalOrder
from neurosim.backends.snntorch.delayed_sum import EdgePlan, delayed_sum
from neurosim.backends.snntorch.delays import DELAY, seen, smoothed, whole_steps
from neurosim.backends.snntorch.edge_dynamics import EdgeDynamics
from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie, Values
from neurosim.backends.snntorch.sparse_linear import SparseProduct, sparse_linear, sparse_product
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.circuit.language import names_in
from neurosim.circuit.realised_edges import edge_blocks
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Trainable
from neurosim.program.frozen import Frozen
from neurosim.program.step_program import PopulationProgram, ProjectionProgram
from neurosim.program.torch_printer import Printed, TorchPrinter

Tensors = dict[str, Tensor]


class EdgeExpressions(Frozen):
    """What each edge contributes, by target variable, printed for one mathematics."""

    def __init__(self, item: ProjectionProgram, dtype: torch.dtype, *, exact: bool) -> None:
        printer = TorchPrinter(dtype, exact=exact)
        self.terms: list[tuple[str, Printed]] = [
            (addition.target, printer.print_expression(addition.expression)) for addition in item.additions
        ]


class Projection(nn.Module):
    """Edges between two populations.

    Parameters
    ----------
    item
        The projection's program.
    pre, post
        The populations at its ends.
    trainable, ties
        See :class:`neurosim.backends.snntorch.parameters.Values`.
    options
        Of the module.
    """

    here: Tensor  # empty: says on which device the projection is
    delay_width: Tensor
    _plan: EdgePlan | None = None

    def __init__(
        self,
        item: ProjectionProgram,
        pre: PopulationProgram,
        post: PopulationProgram,
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        options: SnntorchOptions,
    ) -> None:
        super().__init__()
        self.item = item
        self.n_pre, self.n_post = pre.n, post.n
        dtype = options.torch_dtype
        self.all_pairs = _is_all_pairs(item, pre.n, post.n)
        self.learns_delays = DELAY in trainable
        by_matrix = options.propagation == "auto" and self.all_pairs and is_weight_times(item) and _one_delay(item)
        by_matrix = by_matrix and not self.learns_delays
        weight_varies = isinstance(item.values.get(WEIGHT), np.ndarray) or per_edge(trainable.get(WEIGHT))
        #: Multiply by the weight matrix instead of adding edge by edge.
        self.by_matrix = by_matrix and weight_varies and _spread(trainable.get(WEIGHT)) == "edge"
        self.dynamics = None if item.dynamics is None else EdgeDynamics(item, item.dynamics)
        self.print_expressions(dtype)
        self._say_where()
        values = {
            name: np.array(np.broadcast_to(value, (item.n,))) if per_edge(trainable.get(name)) else value
            for name, value in item.values.items()
        }
        if self.learns_delays:
            values[DELAY] = item.delay.astype(np.float64)
            self.register_buffer("delay_width", torch.tensor(0.0, dtype=dtype))
        shape = (post.n, pre.n) if self.by_matrix else None
        self.values = Values(self, values, trainable, ties, item.name, dtype, item, shape, frozenset({DELAY}))

    def print_expressions(self, dtype: torch.dtype) -> None:
        """Print what each edge contributes for a dtype."""
        self.expressions = EdgeExpressions(self.item, dtype, exact=False)
        self.exact_expressions = EdgeExpressions(self.item, dtype, exact=True)
        if self.dynamics is not None:
            self.dynamics.print_programs(dtype)

    @property
    def pre_edges(self) -> Tensor:
        """The neuron before each edge, int64, (edge,): made when it is asked for, which compiled runs never do."""
        return self._indices("pre_index")

    @property
    def post_edges(self) -> Tensor:
        """The neuron behind each edge, int64, (edge,)."""
        return self._indices("post_index")

    def _say_where(self) -> None:
        self.register_buffer("here", torch.zeros(0, dtype=torch.int64), persistent=False)

    def _indices(self, name: str) -> Tensor:
        """Return indices that the program of the projection has, as they are first asked for."""
        found = self._buffers.get(f"_{name}")
        if found is None:
            with torch.inference_mode(False):  # or no gradient could pass by it later
                found = torch.tensor(getattr(self.item, name), dtype=torch.int64, device=self.here.device)
            self.register_buffer(f"_{name}", found, persistent=False)
        return found

    @property
    def arrivals(self) -> ArrivalOrder:
        """The order of arrivals, of pulses that no matrix multiplies."""
        found = self._modules.get("_arrivals")
        if not isinstance(found, ArrivalOrder):
            with torch.inference_mode(False):
                found = ArrivalOrder(self.item.pre_index, self.item.delay).to(self.here.device)
            self.add_module("_arrivals", found)
        return found

    def current(self, *, by_edge: bool) -> Tensors:
        """Return the values of the edges in SI: numbers, (edge,), or a matrix (n_post, n_pre) of weights.

        Parameters
        ----------
        by_edge
            Give a matrix of weights as one value per edge.
        """
        found: Tensors = self.values.current()
        if by_edge and self.by_matrix:
            found[WEIGHT] = found[WEIGHT].T.reshape(-1)
        return found

    def edge_value(self, name: str, edge_values: Tensors) -> Tensor:
        """Return a value per edge, in the order of the edges, (edge,)."""
        value = edge_values[name]
        return (value.T.reshape(-1) if value.ndim == 2 else value).expand(self.item.n)

    def steps(self, edge_values: Tensors) -> Tensor:
        """Return the delays as they are now, in steps, (edge,): real numbers where they are learned."""
        if self.learns_delays:
            return edge_values[DELAY].expand(self.item.n)
        return torch.tensor(self.item.delay, device=self.here.device)

    def whole_delay(self) -> np.ndarray:
        """Return the delays that a simulation uses, in steps, whole numbers of any type, (edge,)."""
        if not self.learns_delays:
            return self.item.edges.step_numbers
        steps: np.ndarray = whole_steps(self.steps(self.values.current())).cpu().numpy().astype(np.int64)
        return steps

    # -- pulses --------------------------------------------------------------------------------------------------

    def deliver(
        self, history: list[Tensor], edge_values: Tensors, ends: EndReader, target: str, value: Tensor
    ) -> Tensor:
        """Return a target variable after this step's arrivals, differentiable in spikes and values.

        Parameters
        ----------
        history
            Spikes by age: ``history[d]`` those of ``d`` steps ago, (batch, n_pre).
        edge_values
            From :meth:`current`.
        ends
            Reads the neurons at both ends.
        target
            Which variable.
        value
            Its value before, (batch, n_post).
        """
        for name, printed in self.expressions.terms:
            if name != target:
                continue
            if not self.item.n:
                continue
            if self.by_matrix:
                value = value + linear(history[self.item.max_delay], edge_values[WEIGHT])
                continue
            if self.learns_delays:
                amount = printed({key: ends.read(key, None) for key in printed.reads})["value"]
                spikes = seen(history, self.pre_edges, self.steps(edge_values), self.longest, interpolate=self.training)
                value = add_in_order(value, self.post_edges, amount * spikes)
                continue
            order = self.arrivals.order
            amount = printed({key: ends.read(key, order) for key in printed.reads})["value"]
            posts = self.post_edges.index_select(0, order)
            value = add_in_order(value, posts, amount * self.arrivals.spikes(history))
        return value

    def brings(self, train: Tensor, edge_values: Tensors, workspace: Workspace) -> Tensors:
        """Return what arrives at each target variable in every step, (time, batch, n_post), all steps at once.

        Only for projections whose pulses are known from their spikes alone
        (:func:`neurosim.program.components.adds_constants`).

        Parameters
        ----------
        train
            Spikes, oldest first, (longest + time, batch, n_pre): as many earlier steps as :attr:`longest` says.
        edge_values
            From :meth:`current`.
        workspace
            Lends arrays to compiled loops.
        """
        found: Tensors = {}
        for target, printed in self.expressions.terms:
            amount = self._block(train, edge_values, printed, workspace)
            found[target] = found[target] + amount if target in found else amount
        return found

    def along_spikes(
        self, train: Tensor, workspace: Workspace, bits: np.ndarray | None = None
    ) -> dict[str, SparseProduct] | None:
        """Return what it :meth:`brings`, not computed yet; ``None`` if that is no weight matrix times few spikes.

        Parameters
        ----------
        train
            Spikes, oldest first, (longest + time, batch, n_pre).
        workspace
            Lends arrays to compiled loops.
        bits
            The same spikes as bits, (time, batch, byte), if these are known and all of them arrive.
        """
        if not self.by_matrix:
            return None
        product = sparse_product(self._due(train), *self.values.scaled(WEIGHT), workspace, bits)
        ((target, _),) = self.expressions.terms
        return None if product is None else {target: product}

    def _due(self, train: Tensor) -> Tensor:
        """Return the spikes that arrive in each step, where all delays are one."""
        steps, newest = train.shape[0] - self.longest, self.longest - self.item.max_delay
        # The derivative of a slice is an array of zeros with a copy inside: not for a slice that is everything.
        return train if len(train) == steps else train[newest : newest + steps]

    @property
    def longest(self) -> int:
        """The longest delay that the projection may have, in steps."""
        return max(self.item.max_delay, self.item.reach)

    def _block(self, train: Tensor, edge_values: Tensors, printed: Printed, workspace: Workspace) -> Tensor:
        if self.by_matrix:
            return sparse_linear(self._due(train), edge_values[WEIGHT], workspace)
        amount = torch.as_tensor(printed({key: edge_values[key] for key in printed.reads})["value"])
        delay = self.steps(edge_values).to(train.dtype)
        if self.learns_delays and not self.training:
            delay = whole_steps(delay)
        elif self.learns_delays and self.delay_width > 0:
            train = smoothed(train, float(self.delay_width))
        amount = amount.to(train.dtype).expand(self.item.n)
        return delayed_sum(train, amount, delay, self.edge_plan(), workspace)

    def edge_plan(self) -> EdgePlan:
        """Return the edges by the neuron at either end."""
        if self._plan is None:
            self._plan = EdgePlan(self.item.pre_index, self.item.post_index, self.n_pre, self.n_post, self.longest)
        return self._plan

    # -- graded --------------------------------------------------------------------------------------------------

    def total(self, target: str, edge_values: Tensors, ends: EndReader, batch: int, *, exact: bool) -> Tensor:
        """Return what a graded projection sums into a variable, (batch, n_post).

        Parameters
        ----------
        target
            Which variable.
        edge_values
            From :meth:`current`; a matrix of weights is multiplied, values per edge are added in their order.
        ends
            Reads the neurons at both ends.
        batch
            Number of trials.
        exact
            Use numpy's functions.
        """
        expressions = self.exact_expressions if exact else self.expressions
        result = torch.zeros((batch, self.n_post), dtype=ends.dtype, device=self.here.device)
        for name, printed in expressions.terms:
            if name != target:
                continue
            if self.by_matrix and edge_values[WEIGHT].ndim == 2:
                key = next(key for key in printed.reads if key != WEIGHT)
                return result + linear(ends.whole(key).expand(batch, self.n_pre), edge_values[WEIGHT])
            amount = printed({key: ends.read(key, None) for key in printed.reads})["value"]
            amount = torch.as_tensor(amount, dtype=ends.dtype, device=result.device)
            result = add_in_order(result, self.post_edges, amount.expand(batch, self.item.n))
        return result


class EndReader:
    """Reads, for each edge, its own values and the variables of the neurons at its ends."""

    def __init__(self, projection: Projection, edge_values: Tensors, pre: Tensors, post: Tensors, dtype: Any) -> None:
        self.projection, self.edge_values, self.pre, self.post, self.dtype = projection, edge_values, pre, post, dtype

    def whole(self, name: str) -> Tensor:
        """Return a presynaptic variable, (batch, n_pre)."""
        return self.pre[name.removesuffix("_pre")]

    def read(self, name: str, edges: Tensor | None, trial: Tensor | None = None) -> Any:
        """Return a value for chosen edges.

        Parameters
        ----------
        name
            ``w``, a parameter or variable of the edges, or a variable of a neuron ending in ``_pre`` or ``_post``.
        edges
            Indices of edges, or ``None`` for all in order.
        trial
            One trial per edge (events); by default every trial, giving (batch, edge).
        """
        if name in self.edge_values:
            value = self.edge_values[name]
            if value.ndim == 0 or edges is None:
                return value
            if value.ndim == 1:
                return value.index_select(0, edges)
            if trial is None:
                return value.index_select(1, edges)
            return value.reshape(-1).index_select(0, trial * value.shape[1] + edges)
        values, index = (
            (self.pre, self.projection.pre_edges) if name.endswith("_pre") else (self.post, self.projection.post_edges)
        )
        value = values[name.removesuffix("_pre").removesuffix("_post")]
        if value.ndim == 0:
            return value
        neurons = index if edges is None else index.index_select(0, edges)
        if value.ndim == 1:
            return value.index_select(0, neurons)
        if trial is None:
            return value.index_select(1, neurons)
        return value.reshape(-1).index_select(0, trial * value.shape[1] + neurons)


def add_in_order(value: Tensor, index: Tensor, amount: Tensor) -> Tensor:
    """Return ``value`` (batch, neuron) with ``amount`` (batch, edge) added one after another at ``index``.

    Notes
    -----
    On a CPU one flat ``index_add`` adds in the order of its index, which makes the sum the one that Brian2 computes.
    """
    batch, neurons = value.shape
    if amount.ndim < 2 or amount.shape[0] != batch:
        amount = amount.expand(batch, index.shape[0])
    flat = index if batch == 1 else (torch.arange(batch, device=index.device)[:, None] * neurons + index).reshape(-1)
    return value.reshape(-1).index_add(0, flat, amount.reshape(-1).to(value.dtype)).reshape(batch, neurons)


def _is_all_pairs(item: ProjectionProgram, n_pre: int, n_post: int) -> bool:
    """Tell whether the edges are every pair, ordered by pre, then post."""
    if item.n != n_pre * n_post:
        return False
    pre, post = item.pre_index, item.post_index
    return all(
        np.array_equal(pre[part] * np.int64(n_post) + post[part], np.arange(part.start, part.stop))
        for part in edge_blocks(item.n)
    )


def is_weight_times(item: ProjectionProgram) -> bool:
    """Tell whether each edge adds ``w`` (a pulse) or ``w`` times a presynaptic variable (graded)."""
    if len(item.additions) != 1:
        return False
    tree = item.additions[0].expression
    if not item.graded:
        return isinstance(tree, ast.Name) and tree.id == WEIGHT
    return (
        isinstance(tree, ast.BinOp)
        and isinstance(tree.op, ast.Mult)
        and isinstance(tree.left, ast.Name)
        and isinstance(tree.right, ast.Name)
        and any(name.endswith("_pre") for name in names_in(tree))
        and WEIGHT in names_in(tree)
    )


def _one_delay(item: ProjectionProgram) -> bool:
    return item.n == 0 or int(item.edges.step_numbers.min()) == item.max_delay


def _spread(mark: Trainable | None) -> str:
    return "edge" if mark is None or mark.per is None else mark.per


def per_edge(mark: Trainable | None) -> bool:
    """Tell whether what is marked has a value for each edge."""
    return mark is not None and mark.per in (None, "edge")
