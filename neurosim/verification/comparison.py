"""What a comparison of two runs finds, as values."""

from __future__ import annotations

from dataclasses import dataclass

#: The variable of a divergence that is a spike on one side only.
SPIKES = "spikes"


@dataclass(frozen=True)
class Divergence:
    """One difference: where it is, and what either side has there.

    Parameters
    ----------
    step : int
        The global step; states and traces are those at its end.
    time : float
        ``step * dt`` in seconds.
    trial : int
        The trial.
    population : str
        The population (of a plastic variable: the projection).
    neuron : int
        The neuron (or edge).
    variable : str
        Name of the variable, or ``"spikes"``.
    values : tuple of float
        What the reference has and what the other has, in SI units; of spikes 1 for a spike and 0 for none.
    unit : str
        Text of the unit.
    """

    step: int
    time: float
    trial: int
    population: str
    neuron: int
    variable: str
    values: tuple[float, float]
    unit: str


@dataclass(frozen=True)
class VariableDifference:
    """The largest difference of one variable, over neurons and trials (of a trace: over time as well).

    Parameters
    ----------
    address : str
        For instance ``"exc.v"``; ``"exc.spikes"`` are the spikes under way.
    absolute : float
        In SI units.
    relative : float
        Divided by the largest magnitude on either side; of the time of the last spike: in steps.
    """

    address: str
    absolute: float
    relative: float


@dataclass(frozen=True)
class PopulationSpikes:
    """The spikes of one population on both sides, in the whole run and from the first divergence on.

    Parameters
    ----------
    population : str
        Its name.
    neurons : int
        Its size.
    counts : tuple of int
        Spikes of the reference and of the other, over all trials.
    common : int
        Spikes that both have: same trial, step and neuron.
    counts_beyond : tuple of int
        The counts from the first divergence on; 0 where there is none.
    rates_beyond : tuple of float
        The rates from the first divergence on, in hertz per neuron.
    """

    population: str
    neurons: int
    counts: tuple[int, int]
    common: int
    counts_beyond: tuple[int, int]
    rates_beyond: tuple[float, float]

    @property
    def relative_difference(self) -> float:
        """Difference of the counts beyond the divergence, relative to the reference's (to 1 where that is silent)."""
        reference, other = self.counts_beyond
        return (other - reference) / max(reference, 1)


@dataclass(frozen=True)
class Comparison:
    """One simulator held against the reference.

    Parameters
    ----------
    reference, other : str
        Names of the two.
    tolerance : float
        Largest relative difference of a variable that counts as equal.
    first_divergence : Divergence or None
        The first spike that only one side has, or the first value of a trace out of tolerance; where all of these
        are equal and final states are not, the step at which the states parted.
    state_divergence : Divergence or None
        Where rasters or traces part: the difference of states, in or before that step, that led to it.
    spikes : tuple of PopulationSpikes
        Of every spiking population.
    traces : tuple of VariableDifference
        Of every variable of populations that do not spike.
    state : tuple of VariableDifference
        Of everything that the final state holds.
    """

    reference: str
    other: str
    tolerance: float
    first_divergence: Divergence | None
    state_divergence: Divergence | None
    spikes: tuple[PopulationSpikes, ...]
    traces: tuple[VariableDifference, ...]
    state: tuple[VariableDifference, ...]

    @property
    def identical(self) -> bool:
        """Whether every spike is equal, and every trace and final state within tolerance."""
        return self.first_divergence is None

    @property
    def final_state_max_abs_diff(self) -> float:
        """The largest absolute difference of a variable of the final state, whatever its unit."""
        return max((item.absolute for item in self.state), default=0.0)

    @property
    def final_state_max_rel_diff(self) -> float:
        """The largest relative difference of a variable of the final state."""
        return max((item.relative for item in self.state), default=0.0)
