"""What a stepper hands to loops or kernels of a component, and what it takes back from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurosim.backends.snntorch.portion import has_variables
from neurosim.backends.snntorch.scanned import Scanned
from neurosim.backends.snntorch.step_lines import LIMIT
from neurosim.program.step_program import PopulationProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.stepper import Stepper


def handed_over(stepper: Stepper, driven: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """Return variables, values of the run, inputs and past spikes of every population, by the names that loops use.

    Values of the run are as they come, numbers among them: few are read (see :func:`only_read`).

    Parameters
    ----------
    stepper
        Of the component.
    driven
        By population, the inputs that have a value in every step, (time, batch, neuron).
    """
    inputs: dict[str, Any] = {}
    names = stepper.portion.places
    for place, name in enumerate(names):
        item = stepper.populations[name]
        inputs.update({f"B{place}_{key}": stepper.values[name][key] for key in item.state if has_variables(item)})
    for place, name in enumerate(names):
        item = stepper.populations[name]
        inputs.update({f"P{place}_{key}": value for key, value in values_of_run(stepper, name, item).items()})
        inputs.update({f"I{place}_{key}": value for key, value in driven[name].items()})
        if item.spiking:
            if past := list(stepper.history[name])[::-1]:
                inputs[f"past{place}"] = torch.stack(past)
            else:
                shape = (0, stepper.batch, item.n)
                inputs[f"past{place}"] = torch.empty(shape, dtype=stepper.dtype, device=stepper.device)
    return inputs


def only_read(
    stepper: Stepper, inputs: Mapping[str, Any], members: Sequence[Any], besides: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Return inputs without those values and inputs that no population reads and `besides` does not name.

    Values of the run are then one per neuron.
    """
    names = {*besides}
    names |= {f"P{text.place}_{key}" for text in members for key in text.fixed}
    names |= {f"I{text.place}_{key}" for text in members for key in text.driven}
    found = {key: value for key, value in inputs.items() if key[0] not in "PI" or key in names}
    sizes = {f"P{place}": stepper.populations[name].n for place, name in enumerate(stepper.portion.places)}
    for key, value in found.items():
        if key[0] == "P":
            n = sizes[key.partition("_")[0]]
            found[key] = torch.as_tensor(value, dtype=stepper.dtype, device=stepper.device).expand(n)
    return found


def feels(value: Any) -> bool:
    """Tell whether a value, which may be a number, is a tensor with a gradient."""
    return isinstance(value, Tensor) and value.requires_grad


def last_fired(stepper: Stepper) -> dict[int, Tensor]:
    """Return the step in which each neuron fired last, (batch, neuron), of populations that rest."""
    names = stepper.portion.places
    return {place: stepper.last[name] for place, name in enumerate(names) if name in stepper.last}


def taken_back(stepper: Stepper, found: Sequence[Scanned], steps: int) -> dict[str, Scanned]:
    """Leave a stepper in the state after some steps; return what each population did, by name."""
    names = stepper.portion.places
    for name, scanned in zip(names, found, strict=True):
        if has_variables(stepper.populations[name]):
            stepper.values[name] = dict(scanned.final)
        if scanned.last is not None and scanned.active is not None:
            stepper.last[name], stepper.active[name] = scanned.last, scanned.active
        if scanned.spikes is not None:
            stepper.remember_all(name, scanned.spikes)
    stepper.step_number += steps
    return dict(zip(names, found, strict=True))


def values_of_run(stepper: Stepper, name: str, item: PopulationProgram) -> dict[str, Any]:
    """Return the values of a population that stay the same in a run, the length of its rest among them."""
    fixed: dict[str, Any] = dict(stepper.fixed[name])
    if item.refractory is not None:
        refractory = stepper.dynamics[name].refractory
        if refractory is None:
            raise TypeError("a population that rests has a printed period")
        fixed[LIMIT] = torch.as_tensor(refractory({**fixed, "dt": stepper.dt})["value"]).detach()
    return fixed
