"""Receptors of library neurons: what a presynaptic pulse does to the postsynaptic membrane over time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from neurosim.circuit.language import is_name
from neurosim.circuit.values import Distribution, as_value, plain, values_equal
from neurosim.errors import CircuitError, UnitError
from neurosim.units import DIMENSIONLESS, is_quantity


@dataclass(frozen=True, eq=False)
class Receptor(ABC):
    """Base of receptors.

    Parameters
    ----------
    tau
        Time constant.
    reversal
        Reversal potential: the receptor is a conductance. ``None``: it is a current.
    """

    tau: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constant."""
        where = f"{type(self).__name__}: tau"
        tau = plain(as_value(self.tau, "second", where))
        if not isinstance(tau, Distribution) and not np.all(np.asarray(tau, dtype=np.float64) > 0):  # None is NaN
            raise CircuitError(f"{where} must be a positive time, got {self.tau}.")

    @abstractmethod
    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the receptor's variables."""

    def target(self, name: str) -> str:
        """Return the variable that a pulse adds to."""
        return name

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            values_equal(getattr(self, part.name), getattr(other, part.name)) for part in fields(self)
        )

    def __hash__(self) -> int:
        return hash(type(self))


@dataclass(frozen=True, eq=False)
class Exponential(Receptor):
    r"""A jump by the weight, then exponential decay: :math:`w\,e^{-t/\tau}`.

    Parameters
    ----------
    tau
        Time constant of the decay.
    reversal
        Reversal potential of a conductance; ``None`` for a current.
    """

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equation of the decay."""
        return (f"d{name}/dt = -{name}/tau_{name} : {unit}",)


@dataclass(frozen=True, eq=False)
class Alpha(Receptor):
    r"""The alpha function :math:`w\,(t/\tau)\,e^{1 - t/\tau}`: a pulse of weight w peaks at w, at t = tau.

    The pulse adds to a second variable, ``<name>_rise``. ``method="exact"`` (current-based neurons) reproduces the
    function on the grid; ``exponential_euler`` (conductances) holds the rise variable over a step, and its peak is off
    by a fraction of order dt/tau.

    Parameters
    ----------
    tau
        Time constant; the peak comes after it.
    reversal
        Reversal potential of a conductance; ``None`` for a current.
    """

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the alpha function and of the variable that drives it."""
        return (
            f"d{name}/dt = (e*{name}_rise - {name})/tau_{name} : {unit}",
            f"d{name}_rise/dt = -{name}_rise/tau_{name} : {unit}",
        )

    def target(self, name: str) -> str:
        """Return the variable that a pulse adds to."""
        return f"{name}_rise"


class ReceptorUnits(NamedTuple):
    """Units of the membrane that a receptor acts on."""

    voltage: str
    current: str
    conductance: str


#: Units of neurons in physical units, and of neurons in plain numbers.
PHYSICAL = ReceptorUnits("volt", "amp", "siemens")
PLAIN = ReceptorUnits(DIMENSIONLESS, DIMENSIONLESS, DIMENSIONLESS)


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
        raise UnitError(f"{where} must be Exponential(...), Alpha(...) or a time, got {value!r}.")
    return Exponential(value)


def checked_receptors(receptors: Mapping[str, Any] | None, where: str) -> dict[str, Receptor]:
    """Return the receptors by name, bare times replaced."""
    return {name: as_receptor(value, f"{where}: receptor {name!r}") for name, value in (receptors or {}).items()}


def receptor_equations(
    receptors: Mapping[str, Any] | None, units: ReceptorUnits, *, taken: Iterable[str], where: str
) -> ReceptorEquations:
    """Return the equations of a set of receptors.

    Parameters
    ----------
    receptors
        Receptors or times by name.
    units
        Units of the membrane.
    taken
        Names that the neuron uses itself, beside ``v`` and ``i_ext``.
    where
        The model, for error messages.

    Raises
    ------
    CircuitError
        If a name cannot be a variable or is taken.
    UnitError
        If a reversal potential has another unit than the neuron's voltages.
    """
    names = frozenset({"v", "i_ext", *taken})
    lines = [f"i_ext : {units.current}"]
    terms: list[str] = []
    parameters: dict[str, Any] = {}
    checked = checked_receptors(receptors, where)
    for name, receptor in checked.items():
        if not is_name(name) or name in names:
            reason = "the neuron uses that name itself" if name in names else "letters, digits and _, letter first"
            raise CircuitError(f"{where}: a receptor cannot be called {name!r} ({reason}).")
        parameters[f"tau_{name}"] = receptor.tau
        if receptor.reversal is None:
            lines += receptor.lines(name, units.current)
            terms.append(name)
        else:
            as_value(receptor.reversal, units.voltage, f"{where}: reversal of {name!r}")
            parameters[f"reversal_{name}"] = receptor.reversal
            lines += receptor.lines(name, units.conductance)
            terms.append(f"{name}*(reversal_{name} - v)")
    return ReceptorEquations(
        tuple(lines),
        " + ".join([*terms, "i_ext"]),
        parameters,
        {name: receptor.target(name) for name, receptor in checked.items()},
        any(receptor.reversal is not None for receptor in checked.values()),
    )


def reversals(receptors: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
    """Return the reversal potentials by name of the argument; ``None`` for currents."""
    checked = checked_receptors(receptors, where)
    return {f"reversal of {name!r}": receptor.reversal for name, receptor in checked.items()}
