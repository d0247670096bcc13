"""What a stepper hands to loops or kernels of a component, and what it takes back from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurosim.backends.snntorch.scanned import Scanned
from neurosim.backends.snntorch.step_lines import LIMIT
from neurosim.program.step_program import PopulationProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.stepper import Stepper


def in_places(items: Mapping[str, PopulationProgram]) -> list[str]:
    """Return the populations of a component by their places in the loops: those with variables first."""
    return sorted(items, key=lambda name: not has_variables(items[name]))


def has_variables(item: PopulationProgram) -> bool:
    """Tell whether a population has anything to carry from step to step."""
    return item.kind == "neurons" and bool(item.state)


def handed_over(stepper: Stepper, driven: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return variables, values of the run, inputs and past spikes of every population, by the names that loops use.

    Parameters
    ----------
    stepper
        Of the component.
    driven
        By population, the inputs that have a value in every step, (time, batch, neuron).
    """
    inputs: dict[str, Tensor] = {}
    names = in_places(stepper.populations)
    for place, name in enumerate(names):
        item = stepper.populations[name]
        inputs.update({f"B{place}_{key}": stepper.values[name][key] for key in item.state if has_variables(item)})
    for place, name in enumerate(names):
        item = stepper.populations[name]
        for key, value in values_of_run(stepper, name, item).items():
            inputs[f"P{place}_{key}"] = torch.as_tensor(value, dtype=stepper.dtype, device=stepper.device).expand(
                item.n
            )
        inputs.update({f"I{place}_{key}": value for key, value in driven[name].items()})
        if item.spiking:
            past = list(stepper.history[name])[::-1]
            empty = torch.zeros((0, stepper.batch, item.n), dtype=stepper.dtype, device=stepper.device)
            inputs[f"past{place}"] = torch.stack(past) if past else empty
    return inputs


def only_read(inputs: Mapping[str, Tensor], members: Sequence[Any], besides: Iterable[str] = ()) -> dict[str, Tensor]:
    """Return inputs without those values and inputs that no population reads and `besides` does not name."""
    names = {*besides}
    names |= {f"P{text.place}_{key}" for text in members for key in text.fixed}
    names |= {f"I{text.place}_{key}" for text in members for key in text.driven}
    return {key: value for key, value in inputs.items() if key[0] not in "PI" or key in names}


def last_fired(stepper: Stepper) -> dict[int, Tensor]:
    """Return the step in which each neuron fired last, (batch, neuron), of populations that rest."""
    names = in_places(stepper.populations)
    return {place: stepper.last[name] for place, name in enumerate(names) if name in stepper.last}


def taken_back(stepper: Stepper, found: Sequence[Scanned], steps: int) -> dict[str, Scanned]:
    """Leave a stepper in the state after some steps; return what each population did, by name."""
    names = in_places(stepper.populations)
    for name, scanned in zip(names, found, strict=True):
        if has_variables(stepper.populations[name]):
            stepper.values[name] = dict(scanned.final)
        if scanned.last is not None and scanned.active is not None:
            stepper.last[name], stepper.active[name] = scanned.last, scanned.active
        if scanned.spikes is not None:
            for row in scanned.spikes[-max(stepper.program.history_depth[name], 1) :]:
                stepper.remember(name, row)
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
