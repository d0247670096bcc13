"""A drive is put into a circuit on either backend, and what follows it is measured at several places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.analysis.frequency.drives import Drive
from neurosim.analysis.frequency.estimate import transfer_function
from neurosim.analysis.frequency.linearity import Linearity, linearity
from neurosim.analysis.frequency.responses import response_of
from neurosim.analysis.frequency.transfer import TransferFunction
from neurosim.backends.compile import simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Population
from neurosim.circuit.sources import PoissonSource
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Record, Recording
from neurosim.recording.times import one_time
from neurosim.units import quantity, to_si

#: By what the input is divided to see whether the response is linear.
HALF = 2.0


@dataclass(frozen=True, eq=False)
class CircuitResponse(Mapping[str, TransferFunction]):
    """Transfer functions by the address of what answered, in the order in which they were asked for.

    Parameters
    ----------
    responses
        By address; of spikes, behind ``"address, filtered"``, also what the next stage makes of them.
    linear
        By address, whether half the input had the same gain; empty if that was not asked.
    backend
        What simulated.
    """

    responses: Mapping[str, TransferFunction]
    linear: Mapping[str, Linearity]
    backend: str

    def __getitem__(self, address: str) -> TransferFunction:
        """Return the transfer function of one response."""
        if address not in self.responses:
            raise AnalysisError(f"{address!r} was not measured.{nearest(address, self.responses)}")
        return self.responses[address]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the addresses."""
        return iter(self.responses)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.responses)


def measure_response(
    circuit: Circuit,
    into: str,
    drive: Drive,
    amplitude: Any,
    responses: Sequence[str],
    *,
    mean: Any = None,
    after: Any = None,
    check_linearity: bool = False,
    backend: str = "brian2",
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    trials: int = 1,
    segment: Any = None,
    window: str = "hann",
    overlap: float = 0.5,
    confidence: float = 0.95,
    **options: Any,
) -> CircuitResponse:
    """Feed a drive into a circuit and return how several of its populations follow.

    Parameters
    ----------
    circuit
        Any circuit whose step is the drive's.
    into
        An injection or :class:`SignalSource`, to which ``mean + amplitude*drive`` is given, or a
        :class:`PoissonSource` or Poisson input, whose rate that becomes.
    drive
        Broadband noise or a sum of sines.
    amplitude, mean
        Quantities in the unit of what is fed. Keep the amplitude a small part of the noise, or of the distance to the
        threshold.
    responses
        Addresses: ``"exc.spikes"``, ``"exc.v"``; in the order of depth, for :func:`through_depth`.
    after
        Time constant of a leaky stage behind spikes, such as the synapse or the membrane that they go to. Each
        response that is spikes is then also measured behind it, as ``"exc.spikes, filtered"``: that one tells the
        bias, since a spike itself is sharp and has all frequencies.
    check_linearity
        Run once more with half the amplitude and compare.
    backend, seed, trials, options
        As for :func:`neurosim.simulate`. The drive is the same in all trials, the noise is not.
    inputs
        What else is fed.
    segment, window, overlap, confidence
        As for :func:`transfer_function`.

    Returns
    -------
    CircuitResponse

    Raises
    ------
    AnalysisError
        If the drive's step is not the circuit's, `into` does not exist, or a response cannot be recorded.
    """
    if abs(drive.dt - circuit.dt) > 1e-9 * circuit.dt:
        raise AnalysisError(f"the drive has steps of {drive.dt:g} s, circuit {circuit.name!r} of {circuit.dt:g} s.")
    if not responses:
        raise AnalysisError("measure_response: name at least one response, such as 'exc.spikes'.")
    wanted: dict[str, list[Any]] = {}
    for address in responses:
        population, _, variable = address.rpartition(".")
        if population not in circuit.populations:
            raise AnalysisError(
                f"response {address!r} must be 'population.spikes' or 'population.variable'."
                f"{nearest(population or address, circuit.populations)}"
            )
        wanted.setdefault(population, []).append(variable if variable == "spikes" else Record(variable, reduce="mean"))
    unit, rate = _unit(circuit, into)

    def run(scale: float) -> Recording:
        size = amplitude / scale
        signal = drive.rate(0.0 * amplitude if mean is None else mean, size) if rate else drive.signal(size, mean)
        return simulate(
            circuit, quantity(drive.duration, "second"), backend=backend, inputs={**(inputs or {}), into: signal},
            record=wanted, seed=seed, trials=trials, **options,
        )  # fmt: skip

    strength = float(np.asarray(to_si(amplitude, unit, "amplitude")))

    def read(recording: Recording, scale: float) -> dict[str, TransferFunction]:
        found = {}
        for address in responses:
            answer = response_of(recording, address)
            if answer.n_cells is None:  # the mean was recorded, which does not say of how many
                answer = replace(answer, n_cells=circuit.populations[address.rpartition(".")[0]].n)
            sides = {address: answer}
            if answer.stage == "spikes" and after is not None:
                sides[f"{address}, filtered"] = answer.filtered(one_time(after, "after"))
            for name, side in sides.items():
                found[name] = transfer_function(
                    drive, side, segment=segment, window=window, overlap=overlap, confidence=confidence,
                    amplitude=strength / scale,
                )  # fmt: skip
        return found

    measured = read(run(1.0), 1.0)
    compared: dict[str, Linearity] = {}
    if check_linearity:
        halved = read(run(HALF), HALF)
        compared = {name: linearity(halved[name], measured[name]) for name in measured}
    return CircuitResponse(MappingProxyType(measured), MappingProxyType(compared), backend)


def _unit(circuit: Circuit, into: str) -> tuple[str, bool]:
    """Return the unit of what is fed, and whether it is a rate."""
    if into in circuit.injections:
        return circuit.injections[into].unit, False
    if into in circuit.poisson_inputs:
        return "hertz", True
    part: Population | None = circuit.populations.get(into)
    if part is not None and isinstance(part.model, PoissonSource):
        return "hertz", True
    unit = getattr(getattr(part, "model", None), "unit", None)
    if isinstance(unit, str):
        return unit, False
    known = [*circuit.injections, *circuit.poisson_inputs]
    known += [name for name, one in circuit.populations.items() if hasattr(one.model, "unit")]
    raise AnalysisError(
        f"{into!r} is no injection, SignalSource or Poisson source of circuit {circuit.name!r}.{nearest(into, known)} "
        f"Add one: circuit.inject({into!r}, 'population', 'i_ext')."
    )
