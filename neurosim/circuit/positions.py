"""Where neurons are: coordinates of a population, in one to three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurosim.errors import CircuitError, UnitError
from neurosim.units import DIMENSIONLESS, to_si, unit_of

if TYPE_CHECKING:
    from neurosim.circuit.parts import Population

#: Names of the coordinates.
AXES = ("x", "y", "z")
_LENGTH = "metre"


class Positions(NamedTuple):
    """Coordinates of some neurons: SI values, shape (neuron, dimension), and the text of their unit."""

    values: np.ndarray
    unit: str


def checked_positions(positions: Any, shape: tuple[int, ...], where: str) -> Positions:
    """Return the positions of a population as given by a user.

    Parameters
    ----------
    positions
        Lengths (quantity) or plain numbers; shape (neuron,) for a line, (neuron, 1 to 3), or ``(*shape, 1 to 3)``.
    shape
        Shape of the population.
    where
        What they belong to, for error messages.

    Raises
    ------
    CircuitError
        If they have another shape or are not finite.
    UnitError
        If they are neither lengths nor plain numbers.
    """
    unit = unit_of(positions)
    if unit not in (DIMENSIONLESS, _LENGTH):
        raise UnitError(f"{where}: positions must be lengths (in metre) or plain numbers, got {unit}.")
    values = np.asarray(to_si(positions, unit, f"{where}: positions"), dtype=np.float64)
    n = int(np.prod(shape))
    columns = values[:, np.newaxis] if values.ndim == 1 else values
    fits = columns.shape[:-1] in ((n,), shape) and 1 <= columns.shape[-1] <= len(AXES)
    if not fits:
        raise CircuitError(
            f"{where}: positions have shape {values.shape}; give one row of 1 to {len(AXES)} coordinates for each of "
            f"the {n} neurons."
        )
    if not np.all(np.isfinite(values)):
        raise CircuitError(f"{where}: positions must be finite numbers.")
    own = columns.reshape(n, columns.shape[-1]).copy()
    own.flags.writeable = False
    return Positions(own, unit)


def positions_of(population: Population, indices: tuple[int, ...] | None) -> Positions | None:
    """Return the positions of some neurons of a population (``None`` for all), where it has any."""
    if population.positions is None:
        return None
    values = population.positions if indices is None else population.positions[np.asarray(indices)]
    return Positions(values, population.position_unit)
