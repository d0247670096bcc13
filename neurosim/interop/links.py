"""Projections as what they add: so much of a spike, or of a value, to a variable of the neurons behind them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.language import names_in
from neurosim.circuit.sliding import Sliding
from neurosim.interop.affine import NotAffineError, affine
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import ProjectionProgram

#: Entries of a dense matrix of weights; more would not fit the memory of most machines (800 MB).
MOST_ENTRIES = 100_000_000


@dataclass(frozen=True)
class Link:
    """A projection that adds a multiple of what its presynaptic neurons emit.

    Parameters
    ----------
    name, pre, post
        Of the projection and its populations.
    source
        The presynaptic variable that is passed on; ``None`` for spikes.
    target
        The postsynaptic variable that is added to.
    rows, columns
        Presynaptic and postsynaptic neurons, int32, (edge,).
    weight
        SI, (edge,).
    delay
        Steps, (edge,).
    kernel, sliding
        Where the edges share the weights of a kernel: these, and where it lies.
    """

    name: str
    pre: str
    post: str
    source: str | None
    target: str
    rows: np.ndarray
    columns: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    kernel: np.ndarray | None = None
    sliding: Sliding | None = None

    def matrix(self, n_pre: int, n_post: int, chosen: np.ndarray | None = None) -> np.ndarray:
        """Return the weights as a matrix (post, pre), edges between the same two neurons added up.

        Parameters
        ----------
        n_pre, n_post
            Numbers of neurons.
        chosen
            Which edges, a mask; all by default.
        """
        part = slice(None) if chosen is None else chosen
        matrix = np.zeros((n_post, n_pre))
        np.add.at(matrix, (self.columns[part], self.rows[part]), self.weight[part])
        return matrix


class NotALinkError(Exception):
    """A projection does more than add a multiple of what its presynaptic neurons emit; says what."""


def read_link(circuit: Circuit, item: ProjectionProgram) -> Link:
    """Return a projection as what it adds.

    Raises
    ------
    NotALinkError
        If it is plastic, or adds something else.
    """
    pre = circuit.populations[item.pre]
    if item.dynamics is not None:
        raise NotALinkError("its synapses change, or draw random numbers")
    if len(item.additions) != 1:
        raise NotALinkError(f"it changes {len(item.additions)} variables")
    addition = item.additions[0]
    source = None if pre.spiking and not item.graded else pre.first_variable
    if item.graded and (source is None or pre.spiking):
        # A spiking neuron that passes its voltage on has two outputs; other simulators give it one.
        named = next((used for used in sorted(names_in(addition.expression)) if used.endswith("_pre")), "a value")
        raise NotALinkError(f"it passes {named} of neurons on that spike")
    values = {**item.constants, **item.values}
    weight = _weight(addition.expression, values, source, item.n)
    kernel = sliding = None
    if isinstance(item, ConvolutionProgram) and _is_weight(addition.expression, source):
        sliding = item.sliding
        kernel = np.array(np.broadcast_to(np.asarray(item.kernel, dtype=np.float64), sliding.kernel))
    return Link(
        item.name, item.pre, item.post, source, addition.target, item.pre_index, item.post_index, weight, item.delay,
        kernel, sliding,
    )  # fmt: skip


def _is_weight(tree: ast.expr, source: str | None) -> bool:
    """Tell whether nothing but ``w`` is added: ``w``, or ``w`` times what is passed on."""
    return ast.unparse(tree) in (("w",) if source is None else (f"w * {source}_pre", f"{source}_pre * w"))


def _weight(tree: ast.expr, values: Mapping[str, float | np.ndarray], source: str | None, n: int) -> np.ndarray:
    passed = f"{source}_pre"
    try:
        form = affine(tree, values, () if source is None else (passed,))
    except NotAffineError:
        raise NotALinkError(f"what it adds, {ast.unparse(tree)}, is no multiple of what arrives") from None
    if source is not None and (np.any(form.constant) or not form.coefficients):
        raise NotALinkError(f"what it adds, {ast.unparse(tree)}, is no multiple of what arrives")
    weight = form.constant if source is None else form.of(passed)
    return np.array(np.broadcast_to(np.asarray(weight, dtype=np.float64), (n,)))
