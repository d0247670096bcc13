r"""How unevenly activity is spread: measures of a set of rates, taken along one axis of an array.

All work on :math:`n` values :math:`r_i \ge 0`. Values that are NaN are left out, and :math:`n` counts the rest; where a
measure is not defined (everything 0, or a single value where one is too few) it is NaN, without a warning. All but the
fraction of active units do not change if every value is multiplied by a positive number.

References
----------
A. Treves, E. T. Rolls: What determines the capacity of autoassociative memories in the brain? Network 2:371 (1991).
W. E. Vinje, J. L. Gallant: Sparse coding and decorrelation in primary visual cortex during natural vision. Science
287:1273 (2000). B. Willmore, D. J. Tolhurst: Characterizing the sparseness of neural codes. Network 12:255 (2001).
P. O. Hoyer: Non-negative matrix factorization with sparseness constraints. JMLR 5:1457 (2004). N. Hurley, S. Rickard:
Comparing measures of sparsity. IEEE Trans. Inf. Theory 55:4723 (2009), arXiv:0811.4706.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError, nearest

#: What is done about values below 0: nothing is (an error), they count as 0, or as their magnitude.
Negative = Literal["refuse", "rectify", "magnitude"]


def treves_rolls(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse") -> Any:
    r"""Return the sparseness of Treves and Rolls, small where it is sparse.

    .. math:: a = \frac{(\sum_i r_i / n)^2}{\sum_i r_i^2 / n} = \frac{1}{1 + \mathrm{CV}^2}

    Parameters
    ----------
    rates
        Of any shape.
    axis
        Along which values are compared; it is what the result lacks.
    negative
        What is done about values below 0.

    Returns
    -------
    float or numpy.ndarray
        From 1/n (one value alone) to 1 (all equal); k equal values among zeros give k/n.

    Raises
    ------
    AnalysisError
        If there is nothing along the axis, a value is infinite, or below 0 and not to be.

    Notes
    -----
    Of counts in bins it depends on the width of a bin: with a mean of :math:`\lambda` in each, Poisson spikes have
    :math:`\lambda / (1 + \lambda)`.

    Examples
    --------
    >>> float(round(treves_rolls([4, 1, 0, 0]), 6))
    0.367647
    """
    values, n = _prepared(rates, axis, negative, "treves_rolls")
    return _concentration(values, n)


def willmore_tolhurst(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse") -> Any:
    """Return 1 - :func:`treves_rolls`: from 0 (all equal) to 1 - 1/n (one value alone); parameters as there."""
    return 1.0 - treves_rolls(rates, axis=axis, negative=negative)


def vinje_gallant(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse") -> Any:
    r"""Return the sparseness of Vinje and Gallant, :math:`(1 - a) / (1 - 1/n)`: from 0 (all equal) to 1 (one alone).

    Parameters
    ----------
    rates, axis, negative
        See :func:`treves_rolls`. A single value has none.
    """
    values, n = _prepared(rates, axis, negative, "vinje_gallant")
    return _where(n > 1, lambda: (1.0 - _concentration(values, n)) / (1.0 - 1.0 / np.maximum(n, 2)))


def hoyer(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse") -> Any:
    r"""Return the sparseness of Hoyer: from 0 (all equal) to 1 (one alone).

    .. math:: \frac{\sqrt n - \lVert r \rVert_1 / \lVert r \rVert_2}{\sqrt n - 1}
        = \frac{1 - \sqrt a}{1 - 1/\sqrt n}

    Parameters
    ----------
    rates, axis, negative
        See :func:`treves_rolls`. A single value has none.
    """
    values, n = _prepared(rates, axis, negative, "hoyer")
    return _where(n > 1, lambda: (1.0 - np.sqrt(_concentration(values, n))) / (1.0 - 1.0 / np.sqrt(np.maximum(n, 2))))


def gini(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse", unbiased: bool = False) -> Any:
    r"""Return the Gini index, which alone of these passes every test of Hurley and Rickard.

    .. math:: 1 - 2 \sum_{i=1}^n \frac{r_{(i)}}{\lVert r \rVert_1} \frac{n - i + \tfrac12}{n}, \qquad
        r_{(1)} \le \dots \le r_{(n)}

    Parameters
    ----------
    rates, axis, negative
        See :func:`treves_rolls`.
    unbiased
        Multiply by n/(n - 1), so that one value alone gives 1 and not 1 - 1/n; a single value then has none.
    """
    values, n = _prepared(rates, axis, negative, "gini")
    ordered = np.sort(values, axis=-1)  # NaN last
    place = np.arange(1, ordered.shape[-1] + 1)
    weights = np.maximum(n[..., None] - place + 0.5, 0.0)
    total = np.nansum(ordered, axis=-1)
    share = np.nansum(ordered * weights, axis=-1)
    index = _ratio(2.0 * share, total * np.maximum(n, 1))
    found = 1.0 - index
    if unbiased:
        return _where(n > 1, lambda: found * n / np.maximum(n - 1, 1))
    return found[()]


def excess_kurtosis(values: ArrayLike, *, axis: int = -1) -> Any:
    """Return the fourth central moment over the squared variance, less 3: 0 of a normal distribution.

    Parameters
    ----------
    values
        Of any shape and sign: it is a measure for codes that are symmetric about 0.
    axis
        See :func:`treves_rolls`.

    Returns
    -------
    float or numpy.ndarray
        From -2 up, without an upper bound that is the same for all n; NaN where all values are equal.
    """
    given, n = _prepared(values, axis, None, "excess_kurtosis")
    mean = _ratio(np.nansum(given, axis=-1), n)
    deviation = given - mean[..., None]
    spread = _largest(np.abs(deviation))
    same = ~(_largest(given) > -_largest(-given))
    scaled = deviation / np.where(same | ~(spread > 0), 1.0, spread)[..., None]
    squares = np.square(scaled)
    second = _ratio(np.nansum(squares, axis=-1), n)
    fourth = _ratio(np.nansum(np.square(squares), axis=-1), n)
    return _where(~same, lambda: _ratio(fourth, np.square(second)) - 3.0)


def participation_ratio(rates: ArrayLike, *, axis: int = -1, negative: Negative = "refuse") -> Any:
    r"""Return the effective number of active values, :math:`(\sum r)^2 / \sum r^2`: from 1 to n.

    Parameters
    ----------
    rates, axis, negative
        See :func:`treves_rolls`, of which it is n times.
    """
    values, n = _prepared(rates, axis, negative, "participation_ratio")
    return (n * _concentration(values, n))[()]


def active_fraction(rates: ArrayLike, *, axis: int = -1, threshold: float = 0.0) -> Any:
    """Return the fraction of values above a threshold: small where it is sparse.

    Parameters
    ----------
    rates
        Of any shape and sign.
    axis
        See :func:`treves_rolls`.
    threshold
        In the unit of `rates`.
    """
    values, n = _prepared(rates, axis, None, "active_fraction")
    return _ratio(np.count_nonzero(values > threshold, axis=-1), n)[()]


#: Every measure by its name.
MEASURES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "active_fraction": active_fraction,
        "treves_rolls": treves_rolls,
        "willmore_tolhurst": willmore_tolhurst,
        "vinje_gallant": vinje_gallant,
        "hoyer": hoyer,
        "gini": gini,
        "excess_kurtosis": excess_kurtosis,
        "participation_ratio": participation_ratio,
    }
)


def measure_named(name: str) -> Callable[..., Any]:
    """Return a measure by its name.

    Raises
    ------
    AnalysisError
        If there is none of that name.
    """
    if name not in MEASURES:
        raise AnalysisError(f"there is no measure of sparseness {name!r}.{nearest(str(name), MEASURES)}")
    return MEASURES[name]


def without_negatives(values: NDArray[np.float64], negative: str, name: str) -> NDArray[np.float64]:
    """Return values that are all 0 or more.

    Raises
    ------
    AnalysisError
        If a value is below 0 and that is refused, or `negative` is unknown.
    """
    if negative not in get_args(Negative):
        raise AnalysisError(f"{name}: negative={negative!r} is unknown.{nearest(str(negative), get_args(Negative))}")
    if negative == "magnitude":
        return np.abs(values)
    if negative == "rectify":
        return np.maximum(values, 0.0)
    if (values < 0).any():
        raise AnalysisError(
            f"{name}: {np.count_nonzero(values < 0)} values are below 0. Say what they count as: negative='rectify' "
            "(0), or negative='magnitude'."
        )
    return values


def _prepared(
    given: ArrayLike, axis: int, negative: str | None, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values with the axis last, and how many of them are not NaN."""
    values = np.asarray(given)
    if values.dtype.kind not in "buif":
        raise AnalysisError(f"{name}: rates must be real numbers, got {values.dtype}.")
    if not -values.ndim <= axis < values.ndim:
        raise AnalysisError(f"{name}: there is no axis {axis} in an array of shape {values.shape}.")
    values = np.moveaxis(values.astype(np.float64, copy=False), axis, -1)
    if values.shape[-1] == 0:
        raise AnalysisError(f"{name}: there is no value along axis {axis} (shape {np.shape(given)}).")
    if np.isinf(values).any():
        raise AnalysisError(f"{name}: values must be finite (or NaN, which are left out).")
    if negative is not None:
        values = without_negatives(values, negative, name)
    return values, np.count_nonzero(~np.isnan(values), axis=-1)


def _concentration(values: NDArray[np.float64], n: NDArray[np.int64]) -> Any:
    """Return (mean)^2 / mean of squares; relative to the largest value, so that no square over- or underflows."""
    largest = _largest(values)
    scaled = values / np.where(largest > 0, largest, 1.0)[..., None]
    total, squares = np.nansum(scaled, axis=-1), np.nansum(np.square(scaled), axis=-1)
    return np.minimum(_ratio(total * total, squares * np.maximum(n, 1)), 1.0)[()]  # rounding may lead above


def _largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest value that is not NaN; -inf where all are."""
    return np.asarray(np.where(np.isnan(values), -np.inf, values).max(axis=-1))


def _ratio(over: Any, under: Any) -> NDArray[np.float64]:
    """Return a quotient, NaN where nothing is divided by."""
    below = np.asarray(under, dtype=np.float64)
    quotient = np.full(below.shape, np.nan)
    np.divide(over, below, out=quotient, where=below > 0)
    return quotient


def _where(defined: NDArray[np.bool_], value: Callable[[], Any]) -> Any:
    return np.where(defined, value(), np.nan)[()]
