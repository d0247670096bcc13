"""Models of neurons, and the values of parameters, as plain data and back; arrays lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.neuron_model import NeuronModel, Parameter
from neurosim.circuit.values import Value, as_given, value_from_dict, value_to_dict
from neurosim.units import quantity

Arrays = dict[str, np.ndarray]
Data = dict[str, Any]


def model_to_dict(model: NeuronModel, arrays: Arrays, key: str) -> Data:
    """Return a model as data; its arrays go under names that begin with `key`."""
    return {
        "name": model.name,
        "equations": model.equations,
        "threshold": model.threshold,
        "reset": model.reset,
        "refractory": model.refractory,
        "method": model.method,
        "update": model.update,
        "parameters": parameters_to_dict(model.parameters, arrays, f"{key}.parameters"),
        "initial": initial_to_dict(model.initial, model.units, arrays, f"{key}.initial"),
        "receptors": dict(model.receptors),
    }


def model_from_dict(data: Data, arrays: Arrays) -> NeuronModel:
    """Return the model that :func:`model_to_dict` described."""
    refractory = data["refractory"]
    return NeuronModel(
        data["equations"],
        threshold=data["threshold"],
        reset=data["reset"],
        refractory=quantity(refractory, "second") if isinstance(refractory, float) else refractory,
        method=data["method"],
        update=data["update"],
        parameters=parameters_from_dict(data["parameters"], arrays),
        initial=initial_from_dict(data["initial"], arrays),
        receptors=data["receptors"],
        name=data["name"],
    )


def _value_to_dict(value: Value, unit: str, arrays: Arrays, key: str) -> Data:
    return {"value": value_to_dict(value, arrays, key), "unit": unit}


def _value_from_dict(data: Data, arrays: Arrays) -> Any:
    return as_given(value_from_dict(data["value"], arrays), data["unit"])


def parameters_to_dict(parameters: Mapping[str, Parameter], arrays: Arrays, key: str) -> Data:
    """Return parameters as data, each with its unit."""
    return {name: _value_to_dict(p.value, p.unit, arrays, f"{key}.{name}") for name, p in parameters.items()}


def parameters_from_dict(data: Data, arrays: Arrays) -> Data:
    """Return parameters as ``parameters=`` takes them."""
    return {name: _value_from_dict(parameter, arrays) for name, parameter in data.items()}


def initial_to_dict(initial: Mapping[str, Value | str], units: Mapping[str, str], arrays: Arrays, key: str) -> Data:
    """Return initial values as data; expressions as they are written."""
    return {
        name: value if isinstance(value, str) else _value_to_dict(value, units[name], arrays, f"{key}.{name}")
        for name, value in initial.items()
    }


def initial_from_dict(data: Data, arrays: Arrays) -> Data:
    """Return initial values as ``initial=`` takes them."""
    return {name: value if isinstance(value, str) else _value_from_dict(value, arrays) for name, value in data.items()}
