"""The leaky membrane that integrate-and-fire neurons and leaky integrators share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.circuit.neuron_model import value_unit
from neurosim.errors import UnitError
from neurosim.models.arguments import VOLT, checked_arguments, voltage_unit
from neurosim.models.receptors import PHYSICAL, PLAIN, ReceptorUnits, receptor_equations, reversals
from neurosim.units import DIMENSIONLESS


@dataclass(frozen=True)
class Membrane:
    """Equations of a leaky membrane with its receptors.

    Parameters
    ----------
    equations
        Lines of the membrane, the input ``i_ext`` and the receptors.
    parameters
        What the lines name.
    targets
        For each receptor the variable that its pulses add to.
    method
        ``"exact"`` where the equations are linear, else ``"exponential_euler"``.
    """

    equations: str
    parameters: Mapping[str, Any]
    targets: Mapping[str, str]
    method: str


def leaky_membrane(
    *,
    tau_mem: Any,
    r: Any,
    receptors: Mapping[str, Any] | None,
    voltages: Mapping[str, Any],
    refractory: bool,
    where: str,
    taken: Iterable[str] = (),
) -> Membrane:
    """Return the equations ``dv/dt = (v_leak - v + r*(receptors + i_ext))/tau_mem``.

    Parameters
    ----------
    tau_mem
        Membrane time constant.
    r
        Membrane resistance. ``None``: currents are counted in volts, as the shift of v that they would hold, and
        conductances relative to the leak.
    receptors
        By name.
    voltages
        Every voltage of the model by name, ``v_leak`` among them; all become parameters.
    refractory
        Whether v stands still while the neuron is refractory.
    where
        The model, for error messages.
    taken
        Further names that no receptor may have.
    """
    unit = voltage_unit({**voltages, **reversals(receptors, where)}, where)
    own = checked_arguments({"tau_mem": (tau_mem, "second")}, where) | dict(voltages)
    own |= {} if r is None else {"r": r}
    found = receptor_equations(receptors, _receptor_units(unit, r, where), taken={*own, "tau_ref", *taken}, where=where)
    drive = found.drive if r is None else f"r*({found.drive})"
    flag = " (unless refractory)" if refractory else ""
    lines = [f"dv/dt = (v_leak - v + {drive})/tau_mem : {unit}{flag}", *found.lines]
    method = "exponential_euler" if found.conductance else "exact"
    return Membrane("\n".join(lines), {**own, **found.parameters}, found.targets, method)


def _receptor_units(unit: str, r: Any, where: str) -> ReceptorUnits:
    resistance = DIMENSIONLESS if r is None else value_unit(r)
    if unit == DIMENSIONLESS and resistance != DIMENSIONLESS:
        raise UnitError(f"{where}: r is in {resistance}, but the voltages are plain numbers. Give all a unit, or none.")
    if unit == VOLT and r is not None and resistance != "ohm":
        raise UnitError(f"{where}: r must be a resistance such as 100*Mohm where voltages are in volt, got {r}.")
    if unit == DIMENSIONLESS:
        return PLAIN
    return PHYSICAL if r is not None else ReceptorUnits(VOLT, VOLT, DIMENSIONLESS)
