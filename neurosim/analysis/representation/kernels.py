"""Centred kernel alignment: plain and debiased, with linear and Gaussian kernels, at once or while data stream in.

Kornblith et al. (2019), ICML 97:3519; the U-statistic: Song et al. (2012), J Mach Learn Res 13:1393.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurosim.analysis.representation.arrays import (
    Array,
    Number,
    centred,
    library,
    matrices,
    matrix,
    not_zero,
    numpy_of,
    pair_indices,
    scalar,
    squared_distances,
)
from neurosim.errors import AnalysisError, nearest

Kernel = Literal["linear", "rbf"]
KERNELS = ("linear", "rbf")
LEAST_DEBIASED = 4  # conditions that the U-statistic needs


def cka(x: Any, y: Any, *, debiased: bool = True, kernel: Kernel = "linear", bandwidth: float = 1.0) -> Number:
    """Return the centred kernel alignment of two representations of the same conditions.

    Plain alignment of unrelated representations is far above 0 where units are many and conditions few: about
    ``n / (n + m - 1)`` for n units each and m conditions. The debiased form, the default, averages to 0 there and may
    be negative. Both are 1 for representations that are equal but for a rotation, a shift and a scale, and change under
    other invertible maps.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Arrays, tensors, `Features` or recordings; numbers of units may differ.
    debiased
        Use the unbiased estimate of each term; needs four conditions.
    kernel
        ``"linear"`` or ``"rbf"`` (Gaussian).
    bandwidth
        Of the Gaussian kernel, in medians of the pairwise distances (see `rbf_bandwidth`).

    Returns
    -------
    float or torch.Tensor
        With its gradient where x or y is a tensor.

    Raises
    ------
    AnalysisError
        If the conditions do not match, values are NaN, or a representation does not vary.
    """
    first, second = matrices(x, y, least_rows=LEAST_DEBIASED if debiased else 2)
    check_kernel(kernel)
    if kernel == "linear":
        terms = _linear_terms(first, second, debiased)
    else:
        terms = _gram_terms(_gaussian(first, bandwidth), _gaussian(second, bandwidth), debiased)
    return scalar(_normalised(*terms))


def hsic(x: Any, y: Any, *, debiased: bool = True, kernel: Kernel = "linear", bandwidth: float = 1.0) -> Number:
    """Return the Hilbert-Schmidt independence criterion, of which `cka` is the normalised form.

    Unbiased, it is divided by ``m (m - 3)`` as a mean over pairs; plain, it is ``<K_c, L_c> / (m - 1)^2``.
    """
    first, second = matrices(x, y, least_rows=LEAST_DEBIASED if debiased else 2)
    check_kernel(kernel)
    if kernel == "linear":
        value = _linear_terms(first, second, debiased)[0]
    else:
        value = _gram_terms(_gaussian(first, bandwidth), _gaussian(second, bandwidth), debiased)[0]
    return scalar(value if debiased else value / (first.shape[0] - 1) ** 2)


def rbf_bandwidth(x: Any, fraction: float = 1.0) -> float:
    """Return the width of the Gaussian kernel: a fraction of the median distance between conditions."""
    values = matrix(x)
    if fraction <= 0:
        raise AnalysisError(f"bandwidth must be positive, got {fraction:g}.")
    distances = np.sqrt(numpy_of(squared_distances(values))[pair_indices(values.shape[0])])
    width = fraction * float(np.median(distances))
    if width == 0:
        raise AnalysisError("more than half of the conditions are represented alike; a Gaussian kernel needs a width.")
    return width


def check_kernel(kernel: str) -> None:
    """Refuse a kernel that does not exist."""
    if kernel not in KERNELS:
        raise AnalysisError(f"there is no kernel {kernel!r}.{nearest(kernel, KERNELS)}")


class RunningCKA:
    """Linear `cka` of data that arrive in batches: exact, in the memory of (n + p)^2 numbers.

    Parameters
    ----------
    debiased
        As in `cka`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> running = RunningCKA()
    >>> for rows in np.split(x, 4):
    ...     running.update(rows, rows[:, :2])
    >>> bool(np.isclose(running.compute(), cka(x, x[:, :2])))
    True
    """

    def __init__(self, *, debiased: bool = True) -> None:
        self.debiased = debiased
        self._sums: _Sums | None = None
        self._shift: tuple[Array, Array] | None = None

    def reset(self) -> None:
        """Forget everything."""
        self._sums = self._shift = None

    def update(self, x: Any, y: Any) -> None:
        """Take a batch: x (condition, unit) and y of the same conditions."""
        first, second = matrices(x, y, least_rows=1)
        if self._shift is None:  # close to the means, so that little is lost when they are subtracted
            self._shift = (first.mean(0), second.mean(0))
        if (first.shape[1], second.shape[1]) != (self._shift[0].shape[0], self._shift[1].shape[0]):
            raise AnalysisError("a batch has other numbers of units than the first.")
        sums = _Sums.of(first - self._shift[0], second - self._shift[1])
        self._sums = sums if self._sums is None else self._sums + sums

    def compute(self) -> Number:
        """Return the alignment of all that was seen."""
        least = LEAST_DEBIASED if self.debiased else 2
        if self._sums is None or self._sums.m < least:
            raise AnalysisError(f"RunningCKA has seen fewer than {least} conditions.")
        return scalar(_normalised(*self._sums.terms(self.debiased)))


def _normalised(xy: Array, xx: Array, yy: Array) -> Array:
    not_zero(xx, "x")
    not_zero(yy, "y")
    return xy / library(xy).sqrt(xx * yy) if not isinstance(xy, float) else xy / float(np.sqrt(xx * yy))


def _linear_terms(x: Array, y: Array, debiased: bool) -> tuple[Array, Array, Array]:
    """Return the three inner products, by units or by conditions, whichever costs less."""
    (m, n), p = x.shape, y.shape[1]
    x, y = centred(x), centred(y)
    _vary(x, "x")
    _vary(y, "y")
    if m * (n + p) < n * n + n * p + p * p:
        return _gram_terms(x @ x.T, y @ y.T, debiased)
    return _Sums.of(x, y).terms(debiased)


def _vary(x: Array, name: str) -> None:
    values = numpy_of(x)
    if float(np.abs(values).max()) == 0:
        raise AnalysisError(f"{name} is the same in all conditions; it cannot be compared.")


def _gaussian(x: Array, fraction: float) -> Array:
    width = rbf_bandwidth(x, fraction)
    return library(x).exp(-squared_distances(x) / (2 * width**2))


def _gram_terms(k: Array, other: Array, debiased: bool) -> tuple[Array, Array, Array]:
    if debiased:
        k, other = _without_diagonal(k), _without_diagonal(other)
        return _unbiased(k, other), _unbiased(k, k), _unbiased(other, other)
    k, other = _double_centred(k), _double_centred(other)
    return (k * other).sum(), (k * k).sum(), (other * other).sum()


def _without_diagonal(k: Array) -> Array:
    xp = library(k)
    return k - xp.diag(xp.diag(k))


def _double_centred(k: Array) -> Array:
    return k - k.mean(0)[None, :] - k.mean(1)[:, None] + k.mean()


def _unbiased(k: Array, other: Array) -> Array:
    m = k.shape[0]
    rows, others = k.sum(0), other.sum(0)
    total = (k * other).sum() + rows.sum() * others.sum() / ((m - 1) * (m - 2)) - 2 / (m - 2) * (rows * others).sum()
    return total / (m * (m - 3))


@dataclass(frozen=True, eq=False)
class _Sums:
    """What linear alignment needs of the data, added up over conditions: no matrix over pairs of conditions."""

    m: int
    x: _One
    y: _One
    cross: Array  # x'y, shape (n, p)
    lengths: Array  # sum over conditions of |x|^2 |y|^2
    x_by_y: Array  # sum of x |y|^2, shape (n,)
    y_by_x: Array  # sum of y |x|^2, shape (p,)

    @classmethod
    def of(cls, x: Array, y: Array) -> _Sums:
        a, b = (x * x).sum(1), (y * y).sum(1)
        return cls(x.shape[0], _One.of(x, a), _One.of(y, b), x.T @ y, (a * b).sum(), x.T @ b, y.T @ a)

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.m + other.m,
            self.x + other.x,
            self.y + other.y,
            self.cross + other.cross,
            self.lengths + other.lengths,
            self.x_by_y + other.x_by_y,
            self.y_by_x + other.y_by_x,
        )

    def terms(self, debiased: bool) -> tuple[Array, Array, Array]:
        x, y, m = self.x, self.y, self.m
        if not debiased:
            xy = self.cross - x.total[:, None] * y.total[None, :] / m
            xx = x.gram - x.total[:, None] * x.total[None, :] / m
            yy = y.gram - y.total[:, None] * y.total[None, :] / m
            return (xy * xy).sum(), (xx * xx).sum(), (yy * yy).sum()
        return (
            _unbiased_sums(m, x, y, self.cross, self.lengths, self.x_by_y, self.y_by_x),
            _unbiased_sums(m, x, x, x.gram, x.fourth, x.by_length, x.by_length),
            _unbiased_sums(m, y, y, y.gram, y.fourth, y.by_length, y.by_length),
        )


@dataclass(frozen=True, eq=False)
class _One:
    """The sums of one representation."""

    total: Array  # sum of x, shape (n,)
    squares: Array  # sum of |x|^2
    gram: Array  # x'x, shape (n, n)
    fourth: Array  # sum of |x|^4
    by_length: Array  # sum of x |x|^2, shape (n,)

    @classmethod
    def of(cls, x: Array, lengths: Array) -> _One:
        return cls(x.sum(0), lengths.sum(), x.T @ x, (lengths * lengths).sum(), x.T @ lengths)

    def __add__(self, other: _One) -> _One:
        return _One(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def _unbiased_sums(m: int, x: _One, y: _One, cross: Array, lengths: Array, x_by_y: Array, y_by_x: Array) -> Array:
    """Return what `_unbiased` would of the two Gram matrices."""
    trace = (cross * cross).sum() - lengths
    sums = ((x.total * x.total).sum() - x.squares) * ((y.total * y.total).sum() - y.squares)
    product = x.total @ cross @ y.total - x.total @ x_by_y - y.total @ y_by_x + lengths
    return (trace + sums / ((m - 1) * (m - 2)) - 2 / (m - 2) * product) / (m * (m - 3))
