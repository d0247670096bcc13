"""A circuit as plain data (dictionaries, lists, numbers, texts, and arrays beside them), and back.

What comes back is built by the same calls that a user makes, so that a description passes the same checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connecting import reads_weight
from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.model_description import (
    Arrays,
    Data,
    initial_from_dict,
    initial_to_dict,
    model_from_dict,
    model_to_dict,
    parameters_from_dict,
    parameters_to_dict,
)
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, Part, PoissonInput, Population, Projection, View
from neurosim.circuit.signal_files import check_signal_readable, signal_from_dict
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import as_given, value_from_dict, value_to_dict
from neurosim.errors import FileFormatError
from neurosim.units import quantity


def to_dict(circuit: Circuit, arrays: Arrays) -> Data:
    """Return a circuit as data.

    Parameters
    ----------
    circuit
        Any circuit.
    arrays
        Receives the arrays, under names that the data refer to.

    Returns
    -------
    dict
        Values are SI floats beside the text of their unit; rules and distributions stay rules.
    """
    return {
        "name": circuit.name,
        "dt": circuit.dt,
        "seed": circuit.seed,
        "round_delays": circuit.round_delays,
        "parts": [_part_to_dict(part, arrays) for part in circuit.parts.values()],
    }


def from_dict(data: Data, arrays: Arrays) -> Circuit:
    """Return the circuit that :func:`to_dict` described.

    Raises
    ------
    FileFormatError
        If something is missing, unknown or would not be accepted from a user, with the part that it belongs to.
    """
    where = "the circuit"
    models: dict[str, NeuronModel] = {}
    try:
        circuit = Circuit(
            data["name"],
            dt=quantity(data["dt"], "second"),
            seed=data["seed"],
            round_delays=data["round_delays"],
        )
        with circuit._taking_paths():
            for part in data["parts"]:
                where = f"{part['kind']} {part['name']!r}"
                _ADD[part["kind"]](circuit, part, arrays, models)
    except KeyError as error:
        raise FileFormatError(f"{where} cannot be read: {error} is missing or unknown.") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise FileFormatError(f"{where} cannot be read: {error}") from error
    return circuit


def check_readable(circuit: Circuit) -> None:
    """Refuse rules and signals of a user's own, whose data could be written but never read.

    Raises
    ------
    FileFormatError
        With the part that holds one.
    """
    for part in circuit.parts.values():
        if isinstance(part, Projection):
            Connectivity.from_dict(part.connectivity.to_dict(), part.connectivity.arrays())
        elif isinstance(part, Injection) and part.signal is not None:
            check_signal_readable(part.signal, f"injection {part.name!r}")


# -- parts -----------------------------------------------------------------------------------------------------------


def _part_to_dict(part: Part, arrays: Arrays) -> Data:
    if isinstance(part, Projection):
        return _projection_to_dict(part, arrays)
    if isinstance(part, Injection):
        key = f"{part.name}.signal"
        return {
            "kind": "injection",
            "name": part.name,
            "population": part.population,
            "variable": part.variable,
            "indices": _indices_to_dict(part.indices, arrays, f"{part.name}.indices"),
            "signal": None if part.signal is None else part.signal.to_dict(arrays, key),
        }
    if isinstance(part, PoissonInput):
        return {
            "kind": "poisson",
            "name": part.name,
            "population": part.population,
            "variable": part.variable,
            "indices": _indices_to_dict(part.indices, arrays, f"{part.name}.indices"),
            "count": part.count,
            "rate": value_to_dict(part.rate, arrays, f"{part.name}.rate"),
            "weight": value_to_dict(part.weight, arrays, f"{part.name}.weight"),
            "weight_unit": part.weight_unit,
        }
    if not isinstance(part.model, NeuronModel):
        size = part.model.n if isinstance(part.model.n, tuple) else (part.model.n,)
        return {
            "kind": "source",
            "name": part.name,
            "source": type(part.model).__name__,
            "n": [int(length) for length in size] if isinstance(part.model.n, tuple) else int(size[0]),
            **({"unit": part.model.unit} if isinstance(part.model, SignalSource) else {}),
            **(
                {"rate": value_to_dict(part.model.rate, arrays, f"{part.name}.rate")}
                if isinstance(part.model, PoissonSource)
                else {}
            ),
            **_positions_to_dict(part, arrays),
        }
    return {
        "kind": "population",
        "name": part.name,
        "shape": list(part.shape),
        "model": model_to_dict(part.model, arrays, f"{part.name}.model"),
        "parameters": parameters_to_dict(part.parameters, arrays, f"{part.name}.parameters"),
        "initial": initial_to_dict(part.initial, part.model.units, arrays, f"{part.name}.initial"),
        "labels": None if part.labels is None else list(part.labels),
        **_positions_to_dict(part, arrays),
    }


def _positions_to_dict(part: Population, arrays: Arrays) -> Data:
    """Return positions where there are any; a population without them is written as it always was."""
    if part.positions is None:
        return {}
    key = f"{part.name}.positions"
    return {"positions": value_to_dict(part.positions, arrays, key), "position_unit": part.position_unit}


def _positions_from_dict(data: Data, arrays: Arrays) -> Any:
    if "positions" not in data:
        return None
    return quantity(value_from_dict(data["positions"], arrays), data["position_unit"])


def _projection_to_dict(part: Projection, arrays: Arrays) -> Data:
    connectivity = part.connectivity.to_dict()
    given = part.connectivity.arrays()
    keys = {name: f"{part.name}.connectivity.{name}" for name in given}
    arrays.update({key: given[name] for name, key in keys.items()})
    synapse = part.synapse
    return {
        "kind": "projection",
        "name": part.name,
        "pre": part.pre,
        "post": part.post,
        "pre_indices": _indices_to_dict(part.pre_indices, arrays, f"{part.name}.pre_indices"),
        "post_indices": _indices_to_dict(part.post_indices, arrays, f"{part.name}.post_indices"),
        "connectivity": {**connectivity, "arrays": keys},
        "synapse": {
            "name": synapse.name,
            "equations": synapse.equations,
            "on_pre": synapse.on_pre,
            "on_post": synapse.on_post,
            "parameters": parameters_to_dict(synapse.parameters, arrays, f"{part.name}.synapse.parameters"),
            **_plastic_to_dict(synapse, arrays, f"{part.name}.synapse.initial"),
        },
        "weight": value_to_dict(part.weight, arrays, f"{part.name}.weight"),
        "weight_unit": part.weight_unit,
        "delay": value_to_dict(part.delay, arrays, f"{part.name}.delay"),
        "parameters": parameters_to_dict(part.parameters, arrays, f"{part.name}.parameters"),
        **({"dyadic": True} if part.dyadic else {}),
        **_plastic_projection_to_dict(part, arrays),
    }


def _plastic_to_dict(synapse: SynapseModel, arrays: Arrays, key: str) -> Data:
    """Return what only a plastic synapse has: nothing for any other."""
    if not synapse.plastic:
        return {}
    initial = initial_to_dict(synapse.initial, synapse.variables, arrays, key)
    return {"initial": initial, "method": synapse.method, "update": synapse.update, "post_first": synapse.post_first}


def _plastic_projection_to_dict(part: Projection, arrays: Arrays) -> Data:
    if not part.synapse.plastic:
        return {}
    return {
        "post_delay": value_to_dict(part.post_delay, arrays, f"{part.name}.post_delay"),
        "initial": initial_to_dict(part.initial, part.synapse.variables, arrays, f"{part.name}.initial"),
    }


def _add_population(circuit: Circuit, data: Data, arrays: Arrays, models: dict[str, NeuronModel]) -> None:
    text = json.dumps(data["model"], sort_keys=True)
    if text not in models:
        models[text] = model_from_dict(data["model"], arrays)
    model = models[text]
    circuit.population(
        data["name"],
        tuple(data["shape"]),
        model,
        parameters=parameters_from_dict(data["parameters"], arrays),
        initial=initial_from_dict(data["initial"], arrays),
        labels=data["labels"],
        positions=_positions_from_dict(data, arrays),
    )


def _add_source(circuit: Circuit, data: Data, arrays: Arrays, models: dict[str, NeuronModel]) -> None:
    n = tuple(data["n"]) if isinstance(data["n"], list) else data["n"]
    positions = _positions_from_dict(data, arrays)
    if data["source"] == "SpikeSource":
        circuit.source(data["name"], SpikeSource(n), positions=positions)
    elif data["source"] == "PoissonSource":
        rate = as_given(value_from_dict(data["rate"], arrays), "hertz")
        circuit.source(data["name"], PoissonSource(n, rate), positions=positions)
    elif data["source"] == "SignalSource":
        circuit.source(data["name"], SignalSource(n, data["unit"]), positions=positions)
    else:
        raise FileFormatError(f"there is no source {data['source']!r}.")


def _add_projection(circuit: Circuit, data: Data, arrays: Arrays, models: dict[str, NeuronModel]) -> None:
    given = data["synapse"]
    synapse = SynapseModel(
        given["equations"],
        on_pre=given["on_pre"],
        on_post=given["on_post"],
        parameters=parameters_from_dict(given["parameters"], arrays),
        initial=initial_from_dict(given.get("initial", {}), arrays),
        method=given.get("method"),
        update=given.get("update", ""),
        post_first=given.get("post_first", False),
        name=given["name"],
    )
    rule = {name: value for name, value in data["connectivity"].items() if name != "arrays"}
    rule_arrays = {name: _array(key, arrays) for name, key in data["connectivity"]["arrays"].items()}
    weight = as_given(value_from_dict(data["weight"], arrays), data["weight_unit"])
    circuit.connect(
        _end(data["pre"], data["pre_indices"], arrays),
        _end(data["post"], data["post_indices"], arrays),
        Connectivity.from_dict(rule, rule_arrays),
        synapse=synapse,
        weight=weight if reads_weight(synapse) else None,
        delay=None if synapse.graded else as_given(value_from_dict(data["delay"], arrays), "second"),
        parameters=parameters_from_dict(data["parameters"], arrays),
        initial=initial_from_dict(data.get("initial", {}), arrays),
        post_delay=as_given(value_from_dict(data["post_delay"], arrays), "second") if synapse.on_post else None,
        name=data["name"],
        dyadic=data.get("dyadic", False),
    )


def _add_injection(circuit: Circuit, data: Data, arrays: Arrays, models: dict[str, NeuronModel]) -> None:
    signal = None if data["signal"] is None else signal_from_dict(data["signal"], arrays)
    circuit.inject(data["name"], _end(data["population"], data["indices"], arrays), data["variable"], signal)


def _add_poisson(circuit: Circuit, data: Data, arrays: Arrays, models: dict[str, NeuronModel]) -> None:
    circuit.poisson(
        data["name"],
        _end(data["population"], data["indices"], arrays),
        receptor=data["variable"],
        rate=as_given(value_from_dict(data["rate"], arrays), "hertz"),
        weight=as_given(value_from_dict(data["weight"], arrays), data["weight_unit"]),
        count=data["count"],
    )


_ADD: dict[str, Callable[[Circuit, Data, Arrays, dict[str, NeuronModel]], None]] = {
    "population": _add_population,
    "source": _add_source,
    "projection": _add_projection,
    "injection": _add_injection,
    "poisson": _add_poisson,
}


# -- indices ---------------------------------------------------------------------------------------------------------


def _indices_to_dict(indices: Sequence[int] | None, arrays: Arrays, key: str) -> Any:
    """Return evenly spaced indices as ``{"start", "step", "count"}``, others as an array."""
    if indices is None:
        return None
    step = indices[1] - indices[0] if len(indices) > 1 else 1
    if step and tuple(indices) == tuple(range(indices[0], indices[0] + step * len(indices), step)):
        return {"start": indices[0], "step": step, "count": len(indices)}
    return value_to_dict(np.array(indices, dtype=np.int64), arrays, key)


def _end(population: str, data: Any, arrays: Arrays) -> str | View:
    if data is None:
        return population
    if "start" in data:
        stop = data["start"] + data["step"] * data["count"]
        return View(population, tuple(range(data["start"], stop, data["step"])))
    return View(population, tuple(int(index) for index in value_from_dict(data, arrays)))


def _array(key: str, arrays: Arrays) -> np.ndarray:
    array: np.ndarray = value_from_dict({"array": key}, arrays)
    return array
