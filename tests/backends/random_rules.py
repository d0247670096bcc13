"""Random connectivity: every rule that fits the two populations, and kernels where both have a shape."""

from __future__ import annotations

from itertools import product
from math import gcd
from typing import Any

import numpy as np
from hypothesis import strategies as st

import neurosim as ns
from neurosim.circuit import Population
from neurosim.errors import CircuitError

Draw = Any

#: Shapes between which there are kernels; the populations of a circuit take theirs from one of these.
FAMILIES = [None, None, [(2, 6), (1, 6), (2, 3)], [(1, 3, 4), (2, 3, 4), (2, 3, 2)], [(2, 1, 2, 3), (1, 1, 2, 3)]]
Family = list[tuple[int, ...]] | None


def draw_shape(draw: Draw, family: Family) -> int | tuple[int, ...]:
    """Draw a number of neurons, or one of the shapes."""
    return draw(st.integers(1, 12)) if family is None else draw(st.sampled_from(family))


def draw_rule(draw: Draw, first: Population, second: Population, *, part: bool = False) -> Any:
    """Draw a rule that fits.

    Parameters
    ----------
    draw
        Of hypothesis.
    first, second
        The populations.
    part
        Whether only the first few neurons of the one send: rules that need a shape or tell autapses are left out.
    """
    n_pre, n_post = len(first[: len(first) // 2 + 1]) if part else len(first), len(second)
    rules: list[Any] = [
        ns.AllToAll(), ns.FixedProbability(0.4), ns.FixedInDegree(2, multapses=True), ns.FixedOutDegree(1),
        ns.FixedOutDegree(2, multapses=True), ns.FixedTotalNumber(min(5, n_pre * n_post)),
        ns.FixedTotalNumber(7, multapses=True), ns.Edges([0, 0], [0, 0]), ns.Pairwise("abs(i - j) <= 2"),
        ns.Pairwise("0.2 + 0.6*int(i > j)"),
        ns.Matrix(np.random.default_rng(draw(st.integers(0, 99))).random((n_pre, n_post)) < 0.4, dims=("pre", "post")),
    ]  # fmt: skip
    if not part:
        rules += [ns.AllToAll(autapses=False), ns.FixedProbability(0.6, autapses=False)]
    if n_pre == n_post:
        rules.append(ns.OneToOne())
    if first.positions is not None and second.positions is not None:
        rules.append(ns.Pairwise("exp(-distance/2)"))
    groups = gcd(n_pre, n_post)
    if groups > 1:
        within, between = draw(
            st.sampled_from([(ns.AllToAll(), ns.FixedProbability(0.3)), (None, ns.FixedOutDegree(1))])
        )
        rules.append(ns.Grouped(groups, within, between))
    if not part:
        kernels = fitting_kernels(first.shape, second.shape)
        if kernels and draw(st.booleans()):
            return draw(st.sampled_from(kernels))
    return draw(st.sampled_from(rules))


def fitting_kernels(pre: tuple[int, ...], post: tuple[int, ...]) -> list[ns.Convolution]:
    """Return some convolutions that lead from one shape to the other."""
    found = []
    for size, stride, padding, dilation, groups in product((1, 2, 3), (1, 2), (0, 1, "same"), (1, 2), (1, 2)):
        if stride > 1 and padding == "same":
            continue
        rule = ns.Convolution(size, stride=stride, padding=padding, dilation=dilation, groups=groups)
        try:
            _ = rule.shaped(pre, post).sliding
        except CircuitError:
            continue
        found.append(rule)
    return found
