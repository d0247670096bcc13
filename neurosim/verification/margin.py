"""How near to its threshold a neuron ever comes without the last bit deciding: the margin of equal spikes.

Two simulators that do the same operations in another order differ in the last bit of a membrane. As long as no membrane
is that near to its threshold in any step, their spikes must be the same; the margin says how near the nearest was.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import from_dict, to_dict
from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.language import RANDOM_FUNCTIONS, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import CircuitError, UnsupportedError, nearest
from neurosim.recording import Recording
from neurosim.units import text_of_dimension

_DISTANCE, _SIDE, _TESTED = "distance_to_threshold", "threshold_side", "threshold_tested"


@dataclass(frozen=True)
class Margin:
    """The step in which a population came nearest to its threshold.

    Parameters
    ----------
    population
        Its name.
    distance
        Between the two sides of the threshold's comparison, SI.
    scale
        The largest magnitude of either side in the run, SI.
    unit
        Of both.
    step, trial, neuron
        Where it was.
    """

    population: str
    distance: float
    scale: float
    unit: str
    step: int
    trial: int
    neuron: int

    @property
    def relative(self) -> float:
        """The distance relative to the scale: to be held against the precision of a number, 1.1e-16 in float64."""
        return self.distance / self.scale if self.scale else self.distance


def threshold_margins(
    circuit: Circuit,
    duration: Any,
    *,
    populations: tuple[str, ...] | None = None,
    backend: str = "snntorch",
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    trials: int = 1,
    **options: Any,
) -> dict[str, Margin]:
    """Run a circuit and return how near to its threshold each population ever came.

    Parameters
    ----------
    circuit
        What to run; it is told beforehand to note the distance in every step, just before the threshold is tested.
    duration, inputs, seed, trials
        As of `neurosim.simulate`.
    populations
        Of which; by default of all that spike by a threshold.
    backend, options
        What runs it, as for `neurosim.compile`; by default the torch backend as `simulate` uses it.

    Returns
    -------
    dict
        By population. Neurons that are refractory in a step are not tested and do not count.

    Raises
    ------
    CircuitError
        If there is no such population, or none that was ever tested.
    UnsupportedError
        If a threshold is no comparison of two values, or draws random numbers.

    Examples
    --------
    >>> import neurosim as ns
    >>> from neurosim.units import ms
    >>> circuit = ns.Circuit("step", dt=1 * ms)
    >>> cell = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    >>> _ = circuit.population("cell", 1, cell)
    >>> _ = circuit.inject("drive", "cell", "i_ext", ns.Step(0.999))
    >>> found = threshold_margins(circuit, 100 * ms)["cell"]
    >>> found.step, f"{found.relative:.5f}"
    (99, '0.00105')
    """
    known = {
        name: part.model
        for name, part in circuit.populations.items()
        if isinstance(part.model, NeuronModel) and part.model.threshold is not None
    }
    chosen = tuple(known) if populations is None else populations
    for name in chosen:
        if name not in known:
            raise CircuitError(f"threshold_margins: no population {name!r} has a threshold.{nearest(name, known)}")
    noting = _noting(circuit, {name: known[name] for name in chosen})
    if backend == "snntorch":
        options = {"dtype": "float64", "training": False, **options}
    record = {name: [_DISTANCE, _SIDE, _TESTED] for name in chosen}
    recording = compile_circuit(noting, backend=backend, **options).run(
        duration, inputs=inputs, record=record, seed=seed, trials=trials
    )
    units = {name: noting.populations[name].variables[_SIDE] for name in chosen}
    return {name: _nearest(recording, name, units[name]) for name in chosen}


def _noting(circuit: Circuit, chosen: Mapping[str, NeuronModel]) -> Circuit:
    """Return the circuit with variables that note both sides of the threshold's comparison in every step."""
    arrays: dict[str, np.ndarray] = {}
    data = to_dict(circuit, arrays)
    for part in data["parts"]:
        if part["name"] in chosen:
            part["model"] = {**part["model"], **_noted(chosen[part["name"]], part["name"])}
    return from_dict(data, arrays)


def _noted(model: NeuronModel, name: str) -> dict[str, str]:
    where = f"threshold_margins: {name!r}"
    condition = parse_expression(model.threshold or "", where)
    if not isinstance(condition, ast.Compare):
        raise UnsupportedError(f"{where}: its threshold {model.threshold!r} is no comparison of two values.")
    left, right = ast.unparse(condition.left), ast.unparse(condition.comparators[0])
    called = {
        node.func.id for node in ast.walk(condition) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if called & RANDOM_FUNCTIONS:
        raise UnsupportedError(f"{where}: its threshold {model.threshold!r} is drawn anew in every step.")
    checker = DimensionChecker({**model.units, "t": "second", "dt": "second", "lastspike": "second"}, where)
    unit = text_of_dimension(checker.dimension(left))
    lines = f"{_DISTANCE} : {unit}\n{_SIDE} : {unit}\n{_TESTED} : 1"
    tested = "int(not_refractory)" if model.refractory is not None else "1"
    noting = f"{_DISTANCE} = ({left}) - ({right})\n{_SIDE} = {right}\n{_TESTED} = {tested}"
    return {
        "equations": f"{model.equations}\n{lines}",
        "update": f"{model.update}\n{noting}" if model.update else noting,
    }


def _nearest(recording: Recording, name: str, unit: str) -> Margin:
    traces = recording.traces[name]
    distance, side = (traces[variable].values for variable in (_DISTANCE, _SIDE))
    tested = traces[_TESTED].values > 0
    if not tested.any():
        raise CircuitError(f"threshold_margins: {name!r} was never tested: it has no neurons, or the run no steps.")
    magnitude = np.maximum(np.abs(side), np.abs(side + distance))
    apart = np.where(tested, np.abs(distance), np.inf)
    trial, step, neuron = (int(index) for index in np.unravel_index(np.argmin(apart), apart.shape))
    return Margin(name, float(apart.min()), float(magnitude[tested].max()), unit, step, trial, neuron)
