"""The circuit that a command names: a ready-made one, a file, or a function in a Python file."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.cli.python_files import function_of
from neurosim.cli.values import parse_setting
from neurosim.errors import CircuitError, nearest
from neurosim.units import DIMENSIONLESS, is_quantity, to_si, unit_of

#: Values of the circuit itself, which have no part to address.
_OWN = ("dt", "seed")


@dataclass(frozen=True)
class NamedCircuit:
    """A circuit, and what a run of it needs that is not part of it.

    Parameters
    ----------
    circuit
        With its settings applied.
    source
        How the command named it.
    duration
        How long to run it where the command does not say, in seconds; None if unknown.
    record
        What to record where the command does not say; empty for the default.
    figures
        The module with its own ``plot(recording, circuit, ax)``, or None.
    notes
        Tells what data it is built from, or None.
    arguments
        What the function that builds it was called with, defaults included; empty for a circuit from a ``.json`` file.
    """

    circuit: Circuit
    source: str
    duration: float | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    figures: str | None = None
    notes: Callable[[], str] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def load_circuit(source: str, settings: Sequence[str], dt: Any = None) -> NamedCircuit:
    """Return the circuit that a command names.

    Parameters
    ----------
    source
        The name of a ready-made circuit; a ``.json`` file; or ``file.py:function``: the file is run, and the function
        called, which returns the circuit.
    settings
        ``address=value`` each: an address in the circuit, or an argument of the function that builds it.
    dt
        Another time step, or None.

    Raises
    ------
    CircuitError, FileFormatError, UnitError
        If there is no such circuit or setting, or the file cannot be read or fails.
    """
    given = dict(parse_setting(text) for text in settings)
    if len(given) != len(settings):
        raise CircuitError("--set: an address is given twice.")
    named = _named(source, given)
    return named if dt is None else replace(named, circuit=named.circuit.replace({"dt": dt}))


def _named(source: str, given: Mapping[str, Any]) -> NamedCircuit:
    from neurosim import circuits

    if source in circuits.names():
        entry = circuits.describe(source)
        known = entry.parameters()
        for name in given.keys() & known.keys():
            _check_kind(name, given[name], known[name])
        circuit, arguments = _built(entry.load(), given, f"circuit {source!r}")
        module = entry.builder.partition(":")[0]
        figures = f"{module.rpartition('.')[0]}.figure"
        own = figures if importlib.util.find_spec(figures) is not None else None
        notes = getattr(import_module(module), "notes", None)
        told = None if notes is None else partial(notes, **{name: given[name] for name in given.keys() & known.keys()})
        return NamedCircuit(circuit, source, entry.duration, entry.record, own, told, arguments)
    path, colon, function = source.rpartition(":")
    if colon and path.endswith(".py"):
        with redirect_stdout(sys.stderr):  # what the file prints must not mix with our output
            circuit, arguments = _from_python(Path(path), function, given)
        return NamedCircuit(circuit, source, arguments=arguments)
    if source.endswith(".json"):
        return NamedCircuit(_replaced(Circuit.load(source), given), source)
    if source.endswith(".py"):
        raise CircuitError(f"{source} is a file; name the function in it that returns the circuit: {source}:FUNCTION.")
    raise CircuitError(
        f"there is no ready-made circuit {source!r}.{nearest(source, circuits.names())} A file is given as "
        "circuit.json or as file.py:function."
    )


def _check_kind(name: str, value: Any, default: Any) -> None:
    """Refuse a text or a quantity where the circuit's own value is a number, and the other way round.

    Raises
    ------
    CircuitError, UnitError
        Naming the argument and what it is by default.
    """
    if default is None:
        return
    if is_quantity(default):
        to_si(value, unit_of(default), f"--set {name}")
    elif isinstance(default, (bool, str)) or isinstance(value, (bool, str)):
        if type(value) is not type(default):
            raise CircuitError(f"--set {name} must be like {default!r}, which is its default, got {value!r}.")
    elif isinstance(default, (int, float)):
        to_si(value, DIMENSIONLESS, f"--set {name}")


def _built(builder: Callable[..., Circuit], given: Mapping[str, Any], where: str) -> tuple[Circuit, dict[str, Any]]:
    """Call the builder with the settings that are its arguments, and put the others into the circuit.

    Returns
    -------
    tuple
        The circuit, and what the builder was called with, defaults included.
    """
    known = inspect.signature(builder).parameters
    arguments = {name: value for name, value in given.items() if name in known}
    others = {name: value for name, value in given.items() if name not in known}
    for name in others:
        if "." not in name and name not in _OWN:
            raise CircuitError(f"--set: {where} has no argument {name!r}.{nearest(name, [*known, *_OWN])}")
    circuit = builder(**arguments)
    if not isinstance(circuit, Circuit):
        raise CircuitError(f"{where} must return a Circuit, got {type(circuit).__name__}.")
    defaults = {name: item.default for name, item in known.items() if item.default is not item.empty}
    return _replaced(circuit, others), {**defaults, **arguments}


def _replaced(circuit: Circuit, values: Mapping[str, Any]) -> Circuit:
    return circuit.replace(values) if values else circuit


def _from_python(path: Path, function: str, given: Mapping[str, Any]) -> tuple[Circuit, dict[str, Any]]:
    with function_of(path, function) as builder:
        return _built(builder, given, f"{path}: {function}()")
