"""Population and lifetime sparseness of many responses, which say different things and do not imply each other.

*Population* sparseness: over neurons in each sample (a stimulus, a bin of time), averaged over samples. *Lifetime*
sparseness, or selectivity: over samples for each neuron, averaged over neurons. Each is computed first and averaged
then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.features import features
from neurosim.analysis.sparsity.measures import MEASURES, Negative, measure_named, without_negatives
from neurosim.errors import AnalysisError, nearest
from neurosim.random import Stream

if TYPE_CHECKING:
    import pandas

Form = Literal["population", "lifetime"]


@dataclass(frozen=True, eq=False)
class Sparseness:
    """A measure of many responses.

    Parameters
    ----------
    measure
        Its name.
    form
        ``"population"`` or ``"lifetime"``.
    mean
        Over the samples, or neurons, of which it is defined; NaN if there are none.
    n
        How many that are.
    excluded
        Of how many it is not defined (silent ones), so that they are not in the mean.
    values
        The measure of each sample, or neuron, NaN where it is not defined; None of a stream that kept only the mean.
    """

    measure: str
    form: Form
    mean: float
    n: int
    excluded: int
    values: NDArray[np.float64] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, values: NDArray[np.float64], measure: str, form: Form) -> Sparseness:
        """Average the values that are defined."""
        defined = ~np.isnan(values)
        n = int(np.count_nonzero(defined))
        mean = float(values[defined].mean()) if n else float("nan")
        return cls(measure, form, mean, n, values.size - n, values)


def population_sparseness(
    source: Any, measure: str | Callable[..., Any] = "treves_rolls", *, negative: Negative = "refuse", **where: Any
) -> Sparseness:
    """Return how sparse the population is in each sample, and on average.

    Parameters
    ----------
    source
        Responses (sample, neuron): an array, a tensor, `Features`; or a `Recording`.
    measure
        A name of ``MEASURES``, or a function of an array and ``axis=``.
    negative
        What is done about responses below 0 by measures that want none.
    **where
        Of a recording: what :func:`neurosim.analysis.features` takes, such as ``population="exc"`` and ``bin=10 * ms``.
        The shorter the bins of spike counts, the sparser they seem: name the width with the result.

    Raises
    ------
    AnalysisError
        If there is no such measure, or nothing to measure.
    """
    return _measured(source, measure, "population", negative, where)


def lifetime_sparseness(
    source: Any, measure: str | Callable[..., Any] = "treves_rolls", *, negative: Negative = "refuse", **where: Any
) -> Sparseness:
    """Return how sparse each neuron is over the samples, and on average: how selective it is.

    Parameters
    ----------
    source, measure, negative, **where
        See :func:`population_sparseness`; of the transposed responses, this is that.
    """
    return _measured(source, measure, "lifetime", negative, where)


def dead_units(source: Any, **where: Any) -> NDArray[np.bool_]:
    """Tell which neurons respond to nothing at all.

    Parameters
    ----------
    source, **where
        See :func:`population_sparseness`.

    Returns
    -------
    numpy.ndarray of bool, shape (neuron,)
        Its mean is the fraction of dead neurons. Neurons that are silent in one sample are
        ``1 - active_fraction(sample)``.
    """
    return _silent(_responses(source, where), axis=0)


def report(source: Any, *, negative: Negative = "refuse", **where: Any) -> pandas.DataFrame:
    """Return every measure in both forms, and what share of neurons is dead.

    Parameters
    ----------
    source, negative, **where
        See :func:`population_sparseness`.

    Returns
    -------
    pandas.DataFrame
        A row for each measure, named in the index: ``population`` and ``lifetime``, the means, and how many samples and
        neurons are left out of them, ``silent_samples`` and ``silent_neurons``. The last row is ``dead_units``: of
        neurons, and for the other form of samples.
    """
    import pandas

    responses = _responses(source, where)
    rows = {}
    for name in MEASURES:
        both = [_measured(responses, name, form, negative, {}) for form in get_args(Form)]
        rows[name] = [*(found.mean for found in both), *(found.excluded for found in both)]
    rows["dead_units"] = [*(float(_silent(responses, axis).mean()) for axis in (1, 0)), 0, 0]
    table = pandas.DataFrame.from_dict(
        rows, orient="index", columns=["population", "lifetime", "silent_samples", "silent_neurons"]
    )
    return table.astype({"silent_samples": int, "silent_neurons": int})


@dataclass(frozen=True, eq=False)
class Null:
    """A measure beside what it is of shuffled responses.

    Parameters
    ----------
    obtained
        The mean that the responses have.
    shuffled
        The mean in each shuffle, shape (shuffle,).
    """

    obtained: float
    shuffled: NDArray[np.float64]

    @property
    def p(self) -> float:
        """How often a shuffle is as far from the mean of all, counting what was obtained (two-sided)."""
        centre = float(self.shuffled.mean())
        far = np.abs(self.shuffled - centre) >= abs(self.obtained - centre) * (1 - 1e-12)
        return float((1 + np.count_nonzero(far)) / (1 + self.shuffled.size))


def against_shuffle(
    source: Any,
    measure: str | Callable[..., Any] = "treves_rolls",
    form: Form = "population",
    *,
    shuffles: int = 100,
    seed: int = 0,
    negative: Negative = "refuse",
    **where: Any,
) -> Null:
    """Hold a measure against shuffled responses of the same rates.

    Parameters
    ----------
    source, measure, negative, **where
        See :func:`population_sparseness`.
    form
        For ``"population"``, the samples of each neuron are shuffled: every neuron keeps its rate and its lifetime
        sparseness. For ``"lifetime"``, the neurons of each sample are.
    shuffles
        How many.
    seed
        Of the shuffles.
    """
    if form not in get_args(Form):
        raise AnalysisError(f"form={form!r} is unknown.{nearest(str(form), get_args(Form))}")
    if shuffles < 1:
        raise AnalysisError(f"against_shuffle: shuffles must be 1 at least, got {shuffles}.")
    responses = _responses(source, where)
    axis = 0 if form == "population" else 1
    stream = Stream(seed, "sparsity/shuffle")
    means = []
    for number in range(shuffles):
        keys = stream.uniform(responses.size, offset=number * responses.size).reshape(responses.shape)
        mixed = np.take_along_axis(responses, np.argsort(keys, axis=axis), axis=axis)
        means.append(_measured(mixed, measure, form, negative, {}).mean)
    return Null(_measured(responses, measure, form, negative, {}).mean, np.array(means))


def _silent(responses: NDArray[np.float64], axis: int) -> NDArray[np.bool_]:
    """Return where nothing is active along an axis; what is not known is not active."""
    return np.asarray(~(np.nan_to_num(responses) != 0).any(axis=axis))


def _responses(source: Any, where: dict[str, Any]) -> NDArray[np.float64]:
    """Return responses (sample, neuron)."""
    responses = features(source, **where).values
    if 0 in responses.shape:
        raise AnalysisError(f"there are no responses: {responses.shape[0]} samples of {responses.shape[1]} neurons.")
    return responses


def _measured(
    source: Any, measure: str | Callable[..., Any], form: Form, negative: Negative, where: dict[str, Any]
) -> Sparseness:
    function = measure_named(measure) if isinstance(measure, str) else measure
    name = measure if isinstance(measure, str) else str(getattr(measure, "__name__", measure))
    responses = _responses(source, where)
    if name not in ("active_fraction", "excess_kurtosis"):
        responses = without_negatives(responses, negative, name)
    values = np.asarray(function(responses, axis=1 if form == "population" else 0), dtype=np.float64)
    return Sparseness.of(values, name, form)
