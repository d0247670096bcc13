"""Dimension checks of equations and statements: what is right is found here, what is not is told by Brian2's parser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.expression_dimensions import dimension_found, is_condition_found
from neurosim.circuit.language import CONSTANT_NAMES, FUNCTIONS, Assignment, checked_name, identifiers, parse_expression
from neurosim.errors import EquationError, UnitError, nearest
from neurosim.unit_table import NONE, Dimension
from neurosim.units import (
    DIMENSIONLESS,
    dimension_of,
    dimension_of_expression,
    expression_functions,
    expression_variable,
    is_condition,
    text_of_dimension,
    unit_names,
    unit_value,
)


class DimensionChecker:
    """Checks expressions against the units of the names that they may read.

    Parameters
    ----------
    units
        Unit text of each name (``"boolean"`` for a truth value).
    where
        What is checked, for error messages.
    """

    def __init__(self, units: Mapping[str, str], where: str) -> None:
        self.where = where
        self.units = dict(units)
        self._conditions = {name for name, unit in units.items() if unit == "boolean"}
        #: The dimension of each name.
        self.names: dict[str, Dimension] = dict.fromkeys(("pi", "e", "inf"), NONE)
        for name, unit in units.items():
            self.names[name] = NONE if unit == "boolean" else dimension_of(unit)

    def _resolve(self, expression: str) -> None:
        for name in identifiers(expression, self.where) - CONSTANT_NAMES:
            if name in self.names or name in FUNCTIONS:
                continue
            if name in unit_names():
                self.names[name] = dimension_of(unit_value(name)[1])
                continue
            known = [known for known in self.units if known not in ("t", "dt")]
            raise EquationError(f"{self.where}: {name!r} in {expression!r} is not defined.{nearest(name, known)}")

    def _variables(self) -> dict[str, Any]:
        """Return what Brian2's parser is told of names."""
        told = expression_functions()
        for name, dimension in self.names.items():
            kind: dict[str, Any] = {"unit": "boolean"} if name in self._conditions else {"dimension": dimension}
            told[name] = expression_variable(name, **kind)
        return told

    def dimension(self, expression: str) -> Dimension:
        """Return the dimension of an expression.

        Raises
        ------
        EquationError
            If a name is undefined.
        UnitError
            If the units inside do not agree.
        """
        tree = parse_expression(expression, self.where)
        self._resolve(expression)
        found = dimension_found(tree, self.names)
        return dimension_of_expression(expression, self._variables(), self.where) if found is None else found

    def is_condition(self, expression: str) -> bool:
        """Tell whether an expression is true or false, rather than a number or a mixture of both."""
        found = is_condition_found(parse_expression(expression, self.where), self._conditions, self.names.keys())
        return is_condition(expression, self._variables()) if found is None else found

    def expect(self, expression: str, unit: str, what: str) -> None:
        """Check that an expression has a unit."""
        found = self.dimension(expression)
        if found != dimension_of(unit):
            given = text_of_dimension(found)
            raise UnitError(f"{self.where}: {what} {expression!r} must be in {unit}, but it is in {given}.")

    def expect_condition(self, expression: str, what: str) -> None:
        """Check that an expression is true or false."""
        self.dimension(expression)
        if not self.is_condition(expression):
            raise EquationError(f"{self.where}: {what} {expression!r} must be a condition such as 'v > v_threshold'.")

    def check_assignments(self, statements: tuple[Assignment, ...], writable: set[str], what: str) -> None:
        """Check units of assignments in order; a name that is assigned first is a temporary of the result's unit.

        A temporary that nothing reads is refused: it is a variable whose name was mistyped.
        """
        unread: set[str] = set()
        for statement in statements:
            target, expression = statement.target, statement.expression
            found = self.dimension(expression)
            unread -= identifiers(expression, self.where)
            if target in writable:
                unit = self.units[target]
                if statement.operator in ("*=", "/="):
                    unit = DIMENSIONLESS
                if found != dimension_of(unit):
                    raise UnitError(
                        f"{self.where}: {what} '{target} {statement.operator} {expression}' must have the unit "
                        f"{unit}, but the right side is in {text_of_dimension(found)}."
                    )
            elif target in self.units:
                allowed = ", ".join(sorted(writable)) or "nothing"
                raise EquationError(f"{self.where}: {what} may not assign to {target!r}; it may assign to {allowed}.")
            elif statement.operator != "=":
                raise EquationError(f"{self.where}: {what}: {target!r} is not defined.{nearest(target, writable)}")
            else:
                name = checked_name(target, f"{self.where}: {what}")
                self.names[name] = found
                unread.add(target)
        if unread:
            name = min(unread)
            raise EquationError(
                f"{self.where}: {what} assigns to {name!r}, which is no variable and is not read after."
                f"{nearest(name, writable)}"
            )
