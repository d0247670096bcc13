"""A circuit inside another: every part of it is added under the path of the place that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from neurosim.circuit.checking import check_projection
from neurosim.circuit.language import is_name
from neurosim.circuit.neuron_model import NeuronModel, Parameter
from neurosim.circuit.parts import Injection, Part, Population, Projection
from neurosim.circuit.values import Trainable, Value, plain
from neurosim.errors import CircuitError, nearest
from neurosim.units import readable

if TYPE_CHECKING:
    from neurosim.circuit.named_parts import NamedParts

#: How far apart, relative to them, two time steps may lie and still be the same (``0.1 * ms`` and ``100 * us``).
_SAME_DT = 1e-12

_Value = TypeVar("_Value", Value, Value | str)


@dataclass(frozen=True, eq=False)
class Included:
    """A circuit that is part of another; ``left["exc"]`` is its population, called ``"left/exc"`` there."""

    name: str
    populations: Mapping[str, Population]

    def __getitem__(self, name: str) -> Population:
        if name not in self.populations:
            raise CircuitError(f"{self.name!r} has no population {name!r}.{nearest(name, self.populations)}")
        return self.populations[name]

    def __repr__(self) -> str:
        held = ", ".join(f"{name} ({part.n})" for name, part in self.populations.items())
        return f"<Included {self.name!r}: {held}>"


def include(circuit: NamedParts, name: str, other: NamedParts) -> Included:
    """Add the parts of another circuit; see :meth:`Circuit.include`."""
    where = f"include {name!r}"
    _check_fit(circuit, name, other, where)
    grown = deepcopy(circuit)  # so that nothing is added where a part is refused
    populations: dict[str, Population] = {}
    with grown._taking_paths():
        for part in other.parts.values():
            placed = _placed(part, name)
            grown._add(placed)
            if isinstance(placed, Projection):
                _check_edges(grown, placed, where)
            elif isinstance(placed, Population):
                populations[part.name] = placed
    circuit._parts.update(grown._parts)
    circuit._includes.update(grown._includes)
    return Included(name, MappingProxyType(populations))


def _check_fit(circuit: NamedParts, name: str, other: NamedParts, where: str) -> None:
    if not is_name(name):
        raise CircuitError(
            f"{where}: not a name: letters, digits and single underscores, a letter first, no underscore at the end."
        )
    if name in circuit._includes:
        raise CircuitError(f"circuit {circuit.name!r} already includes a circuit as {name!r}; choose another name.")
    if name in circuit._parts:
        raise CircuitError(f"circuit {circuit.name!r} already has a part {name!r}; include under another name.")
    if not other.parts:
        raise CircuitError(f"{where}: circuit {other.name!r} has no parts yet; add them first.")
    if abs(other.dt - circuit.dt) > _SAME_DT * circuit.dt:
        ours, theirs = (readable(one.dt, "second") for one in (circuit, other))
        raise CircuitError(
            f"{where}: circuit {circuit.name!r} has dt = {ours}, circuit {other.name!r} has dt = {theirs}; both run in "
            'the same steps. Give them one dt, or include other.replace({"dt": ...}).'
        )


def _check_edges(grown: NamedParts, part: Projection, where: str) -> None:
    """Check a projection anew: its edges are drawn from another stream, and delays may be held to a stricter rule."""
    try:
        check_projection(grown, part)
    except CircuitError as error:
        values = (part.weight, part.delay, *(parameter.value for parameter in part.parameters.values()))
        hint = (
            " The rules of an included circuit are drawn anew, by their path: values that are given edge by edge need "
            "edges that are given too, as with Edges or Matrix."
        )
        by_edge = any(isinstance(plain(value), np.ndarray) for value in values)
        raise CircuitError(f"{where}: {error}{hint if by_edge else ''}") from None


def _placed(part: Part, path: str) -> Part:
    """Return a part as it is called inside another circuit, with all that it refers to."""
    name = f"{path}/{part.name}"
    if isinstance(part, Population):
        own = part.model if isinstance(part.model, NeuronModel) else None
        return replace(
            part,
            name=name,
            parameters=_tied_parameters({} if own is None else own.parameters, part.parameters, path),
            initial=_tied_values({} if own is None else own.initial, part.initial, path),
        )
    if isinstance(part, Projection):
        return replace(
            part,
            name=name,
            pre=f"{path}/{part.pre}",
            post=f"{path}/{part.post}",
            weight=_tied(part.weight, path),
            delay=_tied(part.delay, path),
            post_delay=_tied(part.post_delay, path),
            parameters=_tied_parameters(part.synapse.parameters, part.parameters, path),
        )
    if isinstance(part, Injection):
        return replace(part, name=name, population=f"{path}/{part.population}")
    return replace(part, name=name, population=f"{path}/{part.population}", weight=_tied(part.weight, path))


def _tied(value: _Value, path: str) -> _Value:
    """Return a value whose tie, if any, joins what lies in the same included circuit."""
    if not isinstance(value, Trainable) or value.tie is None:
        return value
    return Trainable(value.initial, bounds=value.bounds, sign=value.sign, per=value.per, tie=f"{path}/{value.tie}")


def _tied_parameters(
    defaults: Mapping[str, Parameter], given: Mapping[str, Parameter], path: str
) -> Mapping[str, Parameter]:
    """Return the parameters of a part, and those of its model whose tie has another name now."""
    placed = {name: replace(parameter, value=_tied(parameter.value, path)) for name, parameter in given.items()}
    for name, parameter in defaults.items():
        if name not in given and (value := _tied(parameter.value, path)) is not parameter.value:
            placed[name] = replace(parameter, value=value)
    return MappingProxyType(placed)


def _tied_values(
    defaults: Mapping[str, Value | str], given: Mapping[str, Value | str], path: str
) -> Mapping[str, Value | str]:
    """Return the initial values of a part likewise."""
    placed = {name: _tied(value, path) for name, value in given.items()}
    for name, value in defaults.items():
        if name not in given and (renamed := _tied(value, path)) is not value:
            placed[name] = renamed
    return MappingProxyType(placed)
