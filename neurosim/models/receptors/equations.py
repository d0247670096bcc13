"""What a set of receptors adds to the equations of a neuron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.circuit.language import is_name
from neurosim.circuit.values import as_value
from neurosim.errors import CircuitError, UnitError
from neurosim.models.receptors.base import Receptor, ReceptorUnits
from neurosim.models.receptors.exponential import Exponential
from neurosim.units import is_quantity


@dataclass(frozen=True)
class ReceptorEquations:
    """What a set of receptors adds to a neuron.

    Parameters
    ----------
    lines
        Equations of the receptors' variables, and the input ``i_ext``.
    drive
        The sum of their currents and ``i_ext``, for the membrane equation.
    parameters
        Time constants and reversal potentials.
    targets
        For each receptor the variable that its pulses add to.
    conductance
        Whether one of them is a conductance, which makes the membrane equation bilinear.
    """

    lines: tuple[str, ...]
    drive: str
    parameters: Mapping[str, Any]
    targets: Mapping[str, str]
    conductance: bool


def as_receptor(value: Any, where: str) -> Receptor:
    """Return a receptor: a bare time stands for an exponential current.

    Raises
    ------
    UnitError
        If the value is neither.
    """
    if isinstance(value, Receptor):
        return value
    if not is_quantity(value):
        raise UnitError(f"{where} must be a receptor (Exponential(...), Alpha(...), ...) or a time, got {value!r}.")
    return Exponential(value)


def checked_receptors(receptors: Mapping[str, Any] | None, where: str) -> dict[str, Receptor]:
    """Return the receptors by name, bare times replaced."""
    return {name: as_receptor(value, f"{where}: receptor {name!r}") for name, value in (receptors or {}).items()}


def receptor_equations(
    receptors: Mapping[str, Any] | None,
    units: ReceptorUnits,
    *,
    taken: Iterable[str],
    where: str,
    membrane: str = "v",
    external: str = "i_ext",
) -> ReceptorEquations:
    """Return the equations of a set of receptors.

    Parameters
    ----------
    receptors
        Receptors or times by name.
    units
        Units of the membrane.
    taken
        Names that the neuron uses itself, beside `membrane` and `external`.
    where
        The model, for error messages.
    membrane, external
        What the potential and the input from outside are called.

    Raises
    ------
    CircuitError
        If a name cannot be a variable or is taken.
    UnitError
        If a reversal potential has another unit than the neuron's voltages.
    """
    names = frozenset({membrane, external, *taken})
    lines = [f"{external} : {units.current}"]
    terms: list[str] = []
    parameters: dict[str, Any] = {}
    checked = checked_receptors(receptors, where)
    for name, receptor in checked.items():
        if not is_name(name) or name in names:
            reason = "the neuron uses that name itself" if name in names else "letters, digits and _, letter first"
            raise CircuitError(f"{where}: a receptor cannot be called {name!r} ({reason}).")
        parameters |= receptor.parameters(name)
        terms += filter(None, [receptor.drive(name, membrane, units, where)])
        if receptor.reversal is None:
            lines += receptor.lines(name, units.current)
        else:
            as_value(receptor.reversal, units.voltage, f"{where}: reversal of {name!r}")
            parameters[f"reversal_{name}"] = receptor.reversal
            lines += receptor.lines(name, units.conductance)
    return ReceptorEquations(
        tuple(lines),
        " + ".join([*terms, external]),
        parameters,
        {name: receptor.target(name, membrane) for name, receptor in checked.items()},
        any(receptor.reversal is not None for receptor in checked.values()),
    )


def reversals(receptors: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
    """Return the reversal potentials by name of the argument; ``None`` for currents."""
    checked = checked_receptors(receptors, where)
    return {f"reversal of {name!r}": receptor.reversal for name, receptor in checked.items()}
