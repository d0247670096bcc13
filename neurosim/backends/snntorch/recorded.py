"""What a call records of populations that run in loops: variables, inputs, and values that are computed from both.

Loops keep variables and inputs, (time, batch, neuron). What the model calls by a name of its own, such as a rate
``r = tanh(x)``, is computed from these for all steps at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from neurosim.circuit.language import names_in
from neurosim.circuit.sources import SIGNAL
from neurosim.program.step_program import PopulationProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.stepper import Stepper


def read_for(item: PopulationProgram, key: str) -> frozenset[str] | None:
    """Return the variables and inputs from which a value of a population is known, or ``None`` if it is not from these.

    Parameters
    ----------
    item
        The population.
    key
        The value, or ``"spikes"``.
    """
    if key == "spikes":
        return frozenset()
    if item.kind == "signal" or key in item.state or key in item.inputs:
        return frozenset([key])
    if key not in item.subexpressions:
        return None
    names = names_in(item.subexpressions[key]) - item.parameters.keys() - {"t"}
    return names if names <= {*item.state, *item.inputs} else None


def values_recorded(
    stepper: Stepper, name: str, keys: Iterable[str], known: Mapping[str, Tensor], start: int
) -> dict[str, Tensor]:
    """Return what is recorded of a population, (time, batch, neuron).

    Parameters
    ----------
    stepper
        Of its component.
    name
        The population.
    keys
        What is wanted besides spikes.
    known
        What :func:`read_for` names, (time, batch, neuron).
    start
        The first step.
    """
    item, found = stepper.populations[name], dict[str, Tensor]()
    for key in keys:
        if key in known:
            found[key] = known[key]
            continue
        any_value = next(iter(known.values()), None)
        steps = stepper.step_number - start if any_value is None else len(any_value)
        time = torch.from_numpy(np.arange(start, start + steps) * stepper.dt).to(stepper.device, stepper.dtype)
        names = {**stepper.fixed[name], **known, "t": time[:, None, None]}
        value = stepper.dynamics[name].subexpressions[key](names)["value"]
        found[key] = torch.as_tensor(value, dtype=stepper.dtype).expand(steps, stepper.batch, item.n)
    return found


def is_driven(item: PopulationProgram, key: str) -> bool:
    """Tell whether a value is given for all steps before the first: a signal, or an input without projections."""
    if item.kind == "signal":
        return key == SIGNAL
    return key in item.inputs and all(source.kind == "injection" for source in item.inputs[key])
