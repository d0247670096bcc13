"""Receptors of library neurons: what a presynaptic pulse does to the postsynaptic membrane over time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neurosim.circuit.language import is_name
from neurosim.circuit.values import Distribution, as_value, plain, values_equal
from neurosim.errors import CircuitError, UnitError
from neurosim.units import DIMENSIONLESS, is_quantity, quantity

#: The program takes constants that differ by less for equal.
_NEARLY_EQUAL = 1e-6
_CONCENTRATION = "mole/meter**3"  # one millimole per litre


class Receptor(ABC):
    """Base of receptors: what a pulse does to the membrane.

    A subclass is a frozen dataclass with `reversal` among its fields: the reversal potential of a conductance, ``None``
    for a current.
    """

    reversal: Any

    @abstractmethod
    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the receptor's variables."""

    @abstractmethod
    def parameters(self, name: str) -> dict[str, Any]:
        """Return the constants that the equations name, but for the reversal potential."""

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return name

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return the current into the membrane, empty for none."""
        return name if self.reversal is None else f"{name}*(reversal_{name} - {membrane})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            values_equal(value, vars(other)[name]) for name, value in vars(self).items()
        )

    def __hash__(self) -> int:
        return hash(type(self))


def _check_time(value: Any, where: str) -> None:
    tau = plain(as_value(value, "second", where))
    if not isinstance(tau, Distribution) and not np.all(np.asarray(tau, dtype=np.float64) > 0):  # None is NaN
        raise CircuitError(f"{where} must be a positive time, got {value}.")


@dataclass(frozen=True, eq=False)
class Exponential(Receptor):
    r"""A jump by the weight, then exponential decay: :math:`w\,e^{-t/\tau}`.

    Parameters
    ----------
    tau
        Time constant of the decay.
    reversal
        Reversal potential of a conductance; ``None`` for a current.

    Notes
    -----
    The area of a pulse of weight w is ``w*tau``: 5 pA ms for 1 pA and 5 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constant."""
        _check_time(self.tau, "Exponential: tau")

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equation of the decay."""
        return (f"d{name}/dt = -{name}/tau_{name} : {unit}",)

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constant."""
        return {f"tau_{name}": self.tau}


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

    Notes
    -----
    The area of a pulse of weight w is ``e*w*tau``: 13.6 pA ms for 1 pA and 5 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constant."""
        _check_time(self.tau, "Alpha: tau")

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the alpha function and of the variable that drives it."""
        return (
            f"d{name}/dt = (e*{name}_rise - {name})/tau_{name} : {unit}",
            f"d{name}_rise/dt = -{name}_rise/tau_{name} : {unit}",
        )

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constant."""
        return {f"tau_{name}": self.tau}

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return f"{name}_rise"


@dataclass(frozen=True, eq=False)
class DoubleExponential(Receptor):
    r"""A rise and a decay of their own: :math:`w\,s\,(e^{-t/\tau_d} - e^{-t/\tau_r})`, scaled to peak at w.

    The pulse adds to a second variable, ``<name>_rise``, as with :class:`Alpha`, and the integrators do the same to it.

    Parameters
    ----------
    tau_rise, tau_decay
        Time constants, the first shorter. Where they are equal the course is that of :class:`Alpha`; it divides by
        their difference, so equal ones are refused.
    reversal
        Reversal potential of a conductance; ``None`` for a current.

    Raises
    ------
    CircuitError
        If `tau_rise` is not shorter than `tau_decay`.

    Notes
    -----
    It peaks at ``tau_rise*tau_decay/(tau_decay - tau_rise)*log(tau_decay/tau_rise)`` after the pulse: 5.12 ms for 2 and
    20 ms.

    References
    ----------
    A. Roth, M. C. W. van Rossum: Modeling synapses. In E. De Schutter (ed.), Computational Modeling Methods for
    Neuroscientists. MIT Press (2009), chapter 6, doi:10.7551/mitpress/9780262013277.003.0007.
    """

    tau_rise: Any
    tau_decay: Any
    reversal: Any = None

    def __post_init__(self) -> None:
        """Check the time constants."""
        kind = type(self).__name__
        _check_time(self.tau_rise, f"{kind}: tau_rise")
        _check_time(self.tau_decay, f"{kind}: tau_decay")
        rise, decay = (plain(as_value(tau, "second", kind)) for tau in (self.tau_rise, self.tau_decay))
        drawn = isinstance(rise, Distribution) or isinstance(decay, Distribution)
        if not drawn and not np.all(np.asarray(rise) < np.asarray(decay) * (1 - _NEARLY_EQUAL)):
            raise CircuitError(
                f"{kind}: tau_rise ({self.tau_rise}) must be shorter than tau_decay ({self.tau_decay}); for equal ones "
                "take Alpha(tau)."
            )

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the course and of the variable that drives it."""
        rise, decay = f"tau_rise_{name}", f"tau_decay_{name}"
        peak = f"({decay}/{rise})**({decay}/({decay} - {rise}))"
        return (
            f"d{name}/dt = ({peak}*{name}_rise - {name})/{decay} : {unit}",
            f"d{name}_rise/dt = -{name}_rise/{rise} : {unit}",
        )

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constants."""
        return {f"tau_rise_{name}": self.tau_rise, f"tau_decay_{name}": self.tau_decay}

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return f"{name}_rise"


@dataclass(frozen=True, eq=False)
class NMDA(DoubleExponential):
    r"""A double exponential conductance that magnesium blocks at low voltage.

    .. math:: I = g\,B(v)\,(E - v), \qquad B(v) = \frac{1}{1 + \frac{[Mg]}{3.57\,mM}\, e^{-v/16.13\,mV}}

    ``exponential_euler`` takes the block from the voltage at the start of a step.

    Parameters
    ----------
    tau_rise, tau_decay
        Time constants, the first shorter.
    reversal
        Reversal potential, with its unit: the block is a function of v in millivolts.
    magnesium
        Concentration outside; ``None`` for 1 mM.

    Raises
    ------
    CircuitError
        If `tau_rise` is not shorter than `tau_decay`, or there is no reversal potential.
    UnitError
        If the concentration has no unit.

    Notes
    -----
    With 1 mM, half of the conductance is open at -20.5 mV, and 4.4 % at -70 mV.

    References
    ----------
    C. E. Jahr, C. F. Stevens: Voltage dependence of NMDA-activated macroscopic conductances predicted by
    single-channel kinetics. Journal of Neuroscience 10, 3178-3182 (1990), doi:10.1523/JNEUROSCI.10-09-03178.1990.
    """

    magnesium: Any = None

    def __post_init__(self) -> None:
        """Check the time constants, the reversal potential and the concentration."""
        super().__post_init__()
        if self.reversal is None:
            raise CircuitError("NMDA: give reversal= (0*mV is usual); the block acts on a conductance.")
        if self.magnesium is not None:
            as_value(self.magnesium, _CONCENTRATION, "NMDA: magnesium")

    def parameters(self, name: str) -> dict[str, Any]:
        """Return the time constants and the concentration."""
        magnesium = quantity(1.0, _CONCENTRATION) if self.magnesium is None else self.magnesium
        return {**super().parameters(name), f"magnesium_{name}": magnesium}

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return the current through the open channels."""
        if units.voltage == DIMENSIONLESS:
            raise UnitError(
                f"{where}: receptor {name!r} (NMDA) needs voltages in volt; the block depends on millivolts."
            )
        return f"{name}*(reversal_{name} - {membrane})/(1 + magnesium_{name}/(3.57*mmolar)*exp(-0.062*{membrane}/mV))"


@dataclass(frozen=True, eq=False)
class Delta(Receptor):
    r"""A pulse makes v jump by its weight, a voltage: :math:`v \leftarrow v + w`. It has no variable of its own.

    While v stands still in the refractory period, pulses are lost.

    Notes
    -----
    A pulse that finds a leaky neuron at rest leaves it ``w*exp(-t/tau_mem)`` above after the time t; pulses of rate f
    hold it ``f*tau_mem*w`` above rest on average: 10 mV for 1 kHz, 20 ms and 0.5 mV.

    References
    ----------
    N. Brunel: Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons. Journal of
    Computational Neuroscience 8, 183-208 (2000), doi:10.1023/A:1008925309027.
    """

    @property
    def reversal(self) -> None:
        """No reversal potential."""
        return None

    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return no equation."""
        return ()

    def parameters(self, name: str) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def target(self, name: str, membrane: str) -> str:
        """Return the membrane potential."""
        return membrane

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return no current."""
        return ""


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
