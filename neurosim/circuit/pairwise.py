"""Connectivity by a rule on the positions and indices of each pair of neurons."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from neurosim.circuit.connectivity import Connectivity, check_flags
from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.edge_sampling import EdgeArrays, Indices, edges_of_cells
from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import (
    CONSTANT_NAMES,
    FUNCTIONS,
    RANDOM_FUNCTIONS,
    calls_in,
    is_name,
    names_in,
    parse_expression,
)
from neurosim.circuit.neuron_model import Parameter
from neurosim.circuit.positions import AXES, Positions
from neurosim.errors import CircuitError, EquationError, UnitError, nearest
from neurosim.random import Stream, uniform_from_bits
from neurosim.units import DIMENSIONLESS, to_si, unit_names, unit_of, unit_value

_INDEX_NAMES = ("i", "j", "N_pre", "N_post")
_POSITION_NAMES = (*(f"{axis}_{side}" for side in ("pre", "post") for axis in AXES), "distance")
_RANDOM_HINT = "; the rule gives the probability, and the drawing is done for it."
#: Pairs evaluated at once; the edges do not depend on it.
_BLOCK = 1 << 18
#: How far rounding may carry a probability out of 0 to 1.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Pairwise(Connectivity, readable=True):
    """Each pair of neurons is joined with the probability, or under the condition, that an expression gives.

    Parameters
    ----------
    expression
        In the language of equations. It may read ``i`` and ``j`` (indices of the presynaptic and the postsynaptic
        neuron, counted within a view where one is connected), ``N_pre`` and ``N_post`` (numbers of neurons),
        ``x_pre``, ``y_pre``, ``z_pre``, ``x_post``, ``y_post``, ``z_post`` and ``distance`` (Euclidean) where the
        populations have positions, units, and the names in `parameters`. A condition joins exactly the pairs that
        meet it; a number is a probability, drawn for each pair on its own.
    parameters
        Values of further names: numbers or quantities.
    autapses
        Whether a neuron may connect to itself where both sides are the same population.

    Notes
    -----
    A probability outside 0 to 1 is refused when the edges are drawn: write ``clip(..., 0, 1)`` where it is meant. Pairs
    are evaluated in blocks, so memory goes with the edges; time goes with the pairs.

    Examples
    --------
    >>> Pairwise("abs(i - j) <= 1").realise(3, 3, True, Stream(0, "chain"))[1]
    array([0, 1, 0, 1, 2, 1, 2])
    """

    expression: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    autapses: bool = True
    _places: ClassVar[tuple[Positions | None, Positions | None]] = (None, None)

    def __post_init__(self) -> None:
        """Check the expression and its names."""
        check_flags(self, "autapses")
        text: Any = self.expression
        if not isinstance(text, str):
            raise CircuitError(f"Pairwise: the rule must be text such as 'exp(-distance/sigma)', got {text!r}.")
        object.__setattr__(self, "expression", " ".join(text.split()))
        object.__setattr__(self, "parameters", MappingProxyType(_checked_parameters(self.parameters)))
        tree = self._tree()
        if drawn := sorted(calls_in(tree) & RANDOM_FUNCTIONS):
            raise EquationError(f"Pairwise: {self.expression!r} draws random numbers ({drawn[0]}){_RANDOM_HINT}")
        known = {*_INDEX_NAMES, *_POSITION_NAMES, *self.parameters}
        for name in sorted(names_in(tree) - CONSTANT_NAMES):
            if name not in known and name not in unit_names():
                raise EquationError(f"Pairwise: {name!r} in {self.expression!r} is not defined.{nearest(name, known)}")
        if unused := sorted(self.parameters.keys() - names_in(tree)):
            raise CircuitError(f"Pairwise: {self.expression!r} does not read the parameter {unused[0]!r}.")

    def __repr__(self) -> str:
        """Show the expression."""
        return f"Pairwise({self.expression!r})" if self.autapses else f"Pairwise({self.expression!r}, autapses=False)"

    def _tree(self) -> ast.expr:
        return parse_expression(self.expression, "Pairwise")

    def placed(self, pre: Positions | None, post: Positions | None) -> Connectivity:
        """Return the rule for neurons at these positions."""
        copy = object.__new__(Pairwise)
        for name in ("expression", "parameters", "autapses"):
            object.__setattr__(copy, name, getattr(self, name))
        object.__setattr__(copy, "_places", (pre, post))
        return copy

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse positions that are missing or do not go together, and units that do not agree."""
        checker = self._checker()
        if not checker.is_condition(self.expression):
            checker.expect(self.expression, DIMENSIONLESS, "the probability")

    def _checker(self) -> DimensionChecker:
        read = names_in(self._tree())
        units = dict.fromkeys(_INDEX_NAMES, DIMENSIONLESS)
        units |= {name: parameter.unit for name, parameter in self.parameters.items()}
        for side, place in zip(("pre", "post"), self._places, strict=True):
            wanted = sorted(read & {"distance", *(f"{axis}_{side}" for axis in AXES)})
            if not wanted:
                continue
            synaptic = f"{side}synaptic population"
            if place is None:
                raise CircuitError(f"{self!r} reads {wanted[-1]!r}, but the {synaptic} has no positions=.")
            axes = AXES[: place.values.shape[1]]
            for name in wanted:
                if name != "distance" and name[0] not in axes:
                    raise CircuitError(f"{self!r} reads {name!r}, but the {synaptic} has {len(axes)} coordinates.")
            units |= {f"{axis}_{side}": place.unit for axis in axes}
        pre, post = self._places
        if "distance" in read and pre is not None and post is not None:
            if pre.values.shape[1] != post.values.shape[1]:
                raise CircuitError(
                    f"{self!r}: no distance between positions of {pre.values.shape[1]} and of "
                    f"{post.values.shape[1]} coordinates."
                )
            if pre.unit != post.unit:
                raise UnitError(f"{self!r}: no distance between positions in {pre.unit} and in {post.unit}.")
            units["distance"] = pre.unit
        checker = DimensionChecker(units, repr(self))
        checker.dimension(self.expression)
        return checker

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        return edges_of_cells(self._cells(n_pre, n_post, same, stream), n_pre, n_post, False)

    def _cells(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> Iterator[Indices]:
        """Yield the pairs that are joined as pre * n_post + post, some at a time."""
        for first, values in self._blocks(n_pre, n_post):
            if values.dtype == np.bool_:
                chosen = np.flatnonzero(values)
            else:
                self._refuse_improbable(values, first, n_post)
                chosen = _drawn(values.ravel(), first * n_post, stream)
            cells = chosen + first * n_post
            if same and not self.autapses:
                cells = cells[cells // n_post != cells % n_post]
            yield cells

    def _blocks(self, n_pre: int, n_post: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the values of some rows (presynaptic neurons) at a time, shape (row, n_post)."""
        tree = self._tree()
        read = names_in(tree)
        known: dict[str, Any] = {name: unit_value(name)[0] for name in read & unit_names()}
        known |= {name: parameter.value for name, parameter in self.parameters.items()}
        known |= {"N_pre": np.float64(n_pre), "N_post": np.float64(n_post)}
        known["j"] = np.arange(n_post, dtype=np.float64)[np.newaxis, :]
        pre, post = self._places
        if post is not None:
            known |= {f"{axis}_post": row[np.newaxis, :] for axis, row in zip(AXES, post.values.T, strict=False)}
        n_rows = max(1, _BLOCK // max(n_post, 1))
        for first in range(0, n_pre if n_post else 0, n_rows):
            last = min(first + n_rows, n_pre)
            known["i"] = np.arange(first, last, dtype=np.float64)[:, np.newaxis]
            if pre is not None:
                columns = pre.values[first:last].T
                known |= {f"{axis}_pre": row[:, np.newaxis] for axis, row in zip(AXES, columns, strict=False)}
            if "distance" in read and pre is not None and post is not None:
                known["distance"] = _distances(pre.values[first:last], post.values)
            yield first, np.broadcast_to(np.asarray(evaluate(tree, known)), (last - first, n_post))

    def _refuse_improbable(self, values: np.ndarray, first: int, n_post: int) -> None:
        wrong = np.flatnonzero(~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)))
        if wrong.size:
            row, column = divmod(int(wrong[0]), n_post)
            raise CircuitError(
                f"{self!r} is {values[row, column]:g} for i = {first + row}, j = {column}: a probability lies between "
                "0 and 1. Write clip(..., 0, 1) if the rest is to be cut off."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the expression and the parameters as JSON-ready values."""
        parameters = {name: {"value": p.value, "unit": p.unit} for name, p in self.parameters.items()}
        return {
            "rule": "Pairwise", "expression": self.expression, "parameters": parameters, "autapses": self.autapses,
        }  # fmt: skip

    @classmethod
    def _from_data(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = values["parameters"]
        if not isinstance(given, Mapping):
            raise CircuitError(f"parameters={given!r} must be a mapping.")
        parameters = {name: Parameter(float(data["value"]), str(data["unit"])) for name, data in given.items()}
        return {**values, "parameters": parameters}


def _checked_parameters(given: Any) -> dict[str, Parameter]:
    if not isinstance(given, Mapping):
        raise CircuitError(f"Pairwise: parameters={given!r} must be a mapping of names to values.")
    parameters = {}
    reserved = {*_INDEX_NAMES, *_POSITION_NAMES, *CONSTANT_NAMES, *FUNCTIONS}
    for name, value in given.items():
        if not is_name(name) or name in reserved:
            raise CircuitError(f"Pairwise: {name!r} cannot name a parameter.")
        unit = value.unit if isinstance(value, Parameter) else unit_of(value)
        number = value.value if isinstance(value, Parameter) else to_si(value, unit, f"Pairwise: parameter {name!r}")
        if not isinstance(number, float) or not np.isfinite(number):
            raise CircuitError(f"Pairwise: parameter {name!r} must be one finite number, got {value!r}.")
        parameters[name] = Parameter(number, unit)
    return parameters


def _distances(pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """Return the distances between all of two sets of points, shape (pre, post)."""
    squares = np.zeros((len(pre), len(post)))
    for axis in range(pre.shape[1]):
        squares += (pre[:, axis, np.newaxis] - post[np.newaxis, :, axis]) ** 2
    return np.sqrt(squares)


def _drawn(probabilities: np.ndarray, offset: int, stream: Stream) -> Indices:
    """Return the pairs that are joined; the draw of a pair has its own place in the stream."""
    possible = np.flatnonzero(probabilities > 0)
    if 2 * possible.size > probabilities.size:
        return np.flatnonzero(stream.uniform(probabilities.size, offset=offset) < probabilities)
    draws = uniform_from_bits(stream.bits_at(possible + offset))
    return possible[draws < probabilities[possible]]
