"""From the Brian2 objects of a circuit to the source that makes them again.

What is read is what the Brian2 backend built, and not the circuit, so that a script cannot part from the backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from neurosim.backends.brian2.texts import EXPREL
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_script import literals
from neurosim.interop.brian2_script.native import NativeTexts
from neurosim.interop.brian2_script.source import INDENT, Source
from neurosim.program.discretise import NOT_REFRACTORY
from neurosim.units import is_quantity, text_of_dimension

#: What Brian2 itself takes for the order of an arriving spike.
_BRIAN2_ORDER = {"pre": -1, "post": 1}


def add_group(source: Source, name: str, group: Any, native: NativeTexts | None, skip: Iterable[str] = ()) -> None:
    """Append the source of a ``NeuronGroup``.

    Parameters
    ----------
    source
        The script.
    name
        Of the population.
    group
        As built, in its initial state.
    native
        What stands for the statements that the group executes, or None to keep these.
    skip
        Names of the group's ``run_regularly`` operations that are written elsewhere.
    """
    left = f"groups[{literals.quoted(name)}]"
    dropped = native.dropped if native is not None else frozenset()
    equations = _equations(group.user_equations, dropped)
    threshold, reset = group.events.get("spike"), group.event_codes.get("spike")
    refractory, update = group._refractory, None
    method = None
    if group.state_updater is not None and group.user_equations.diff_eq_names:
        method = _method(source, group.state_updater.method_choice)
    updates = [item for item in _regular(group) if item.name not in skip]
    texts = [equations, threshold or "", reset or "", refractory if isinstance(refractory, str) else ""]
    if native is not None:
        method = None if native.method is None else literals.quoted(native.method)
        threshold, reset, update = native.threshold, native.reset, native.update
        refractory = native.refractory if isinstance(refractory, str) else refractory
        texts = [equations, *(text for text in (threshold, reset, refractory, update) if isinstance(text, str))]
    texts += [item.abstract_code for item in _regular(group)]
    source.call(
        left, "b2.NeuronGroup", [str(len(group)), literals.block(equations, INDENT)],
        {
            "method": method,
            "threshold": None if threshold is None else literals.quoted(threshold),
            "reset": None if reset is None else literals.block(reset, INDENT),
            "refractory": _refractory(refractory),
            "namespace": _namespace(source, group.namespace, texts),
            "name": literals.quoted(group.name),
        },
    )  # fmt: skip
    masked = [
        equation.varname
        for equation in group.user_equations.values()
        if equation.type == "parameter" and group.variables[equation.varname].conditional_write is not None
    ]
    for variable in masked:
        source.add(
            "# Brian2 takes (unless refractory) for differential equations only.",
            f"{left}.variables[{literals.quoted(variable)}].set_conditional_write("
            f"{left}.variables[{literals.quoted(NOT_REFRACTORY)}])",
        )
    runners = (*group.thresholder.values(), *group.resetter.values())
    if native is None and any(not runner.check_units for runner in runners):
        source.add(f"{source.helper('unchecked')}(*{left}.thresholder.values(), *{left}.resetter.values())")
    for item in updates:
        add_regular(source, left, item, None if native is None else native.update)
    _add_values(source, name, left, _stored(group, dropped))


def add_regular(source: Source, left: str, item: Any, text: str | None = None) -> None:
    """Append the source of what a group executes in every step besides integration: `text`, or the operation's own."""
    options = {"when": literals.quoted(item.when), "order": str(item.order), "name": literals.quoted(item.name)}
    code = item.abstract_code if text is None else text
    source.call("update", f"{left}.run_regularly", [literals.block(code, INDENT)], options)
    if text is None and not item.check_units:
        source.add(f"{source.helper('unchecked')}(update)")


def regular(group: Any, name: str) -> Any:
    """Return the ``run_regularly`` operation of that name."""
    return next(item for item in _regular(group) if item.name == name)


def _regular(group: Any) -> list[Any]:
    from brian2.groups.group import CodeRunner

    # Thresholds, resets and pathways are runners of kinds of their own.
    return [item for item in group.contained_objects if type(item) is CodeRunner]


def add_synapses(source: Source, name: str, synapses: Any, ends: tuple[str, str]) -> None:
    """Append the source of a ``Synapses`` object.

    Parameters
    ----------
    source
        The script.
    name
        Of the projection.
    synapses
        As built, with its edges.
    ends
        Names of the populations that it connects.
    """
    left = f"synapses[{literals.quoted(name)}]"
    equations = _synapse_equations(synapses)
    pathways = {pathway.objname: pathway for pathway in synapses._pathways}
    code = {kind: {key: item for key, item in pathways.items() if item.prepost == kind} for kind in ("pre", "post")}
    delays = {key: item.variables["delay"] for key, item in pathways.items()}
    shared = {key: float(delay.get_value()[0]) for key, delay in delays.items() if delay.scalar}
    texts = [
        equations,
        *(item.code for item in pathways.values()),
        *(item.abstract_code for item in _regular(synapses)),
    ]
    method = None if synapses.state_updater is None else _method(source, synapses.state_updater.method_choice)
    source.call(
        left, "b2.Synapses", [f"groups[{literals.quoted(end)}]" for end in ends],
        {
            "model": literals.block(equations, INDENT) if equations else None,
            "on_pre": _pathways(code["pre"], "pre"),
            "on_post": _pathways(code["post"], "post"),
            "delay": _delays(source, shared),
            "method": method,
            "namespace": _namespace(source, synapses.namespace, texts),
            "name": literals.quoted(synapses.name),
        },
    )  # fmt: skip
    first, second = (np.array(synapses.variables[end].get_value()) for end in ("_synaptic_pre", "_synaptic_post"))
    indices = f"i={source.array(f'{name}.i', first)}, j={source.array(f'{name}.j', second)}"
    source.add(f"{left}.connect({indices})")
    _add_values(source, name, left, _stored(synapses, frozenset()))
    for key, pathway in pathways.items():
        if key not in shared:
            written = source.array(f"{name}.{key}.delay", np.array(delays[key].get_value()))
            source.add(f"{left}.{key}.delay = {written} * b2.second")
        if pathway.order != _BRIAN2_ORDER[pathway.prepost]:
            source.add(f"{left}.{key}.order = {pathway.order}")
        if not pathway.check_units:
            source.add(f"{source.helper('unchecked')}({left}.{key})")
    for item in _regular(synapses):
        add_regular(source, left, item)
    for variable, updater in synapses.summed_updaters.items():
        if updater.order != 0:
            source.add(f"{left}.summed_updaters[{literals.quoted(variable)}].order = {updater.order}")


def _pathways(items: Mapping[str, Any], kind: str) -> str | None:
    if not items:
        return None
    if list(items) == [kind]:
        return literals.block(items[kind].code, INDENT)
    return "{" + ", ".join(f"{literals.quoted(key)}: {literals.quoted(item.code)}" for key, item in items.items()) + "}"


def _delays(source: Source, shared: Mapping[str, float]) -> str | None:
    if list(shared) == ["pre"]:
        return literals.quantity(shared["pre"], "second")
    return source.table({key: literals.quantity(value, "second") for key, value in shared.items()})


def _method(source: Source, choice: Any) -> str | None:
    """Return the ``method=`` of a group: its statements where it has its own."""
    if callable(choice):
        return f"{source.helper('step')}({literals.block(choice(None, None), INDENT)})"
    return literals.quoted(choice) if isinstance(choice, str) else None


def _refractory(value: Any) -> str | None:
    if value is False or value is None:
        return None
    return literals.quantity(float(value), "second") if is_quantity(value) else literals.quoted(str(value))


def _equations(equations: Any, dropped: frozenset[str]) -> str:
    return "\n".join(_equation(item) for item in equations.values() if item.varname not in dropped)


def _synapse_equations(synapses: Any) -> str:
    lines = [_equation(item) for item in synapses.equations.values()]
    if synapses.event_driven is not None:
        lines += [_equation(item) for item in synapses.event_driven.values() if item.type == "differential equation"]
    for variable, updater in synapses.summed_updaters.items():
        target = updater.target.variables[variable.removesuffix("_post").removesuffix("_pre")]
        lines.append(f"{variable} = {updater.expression} : {text_of_dimension(target.dim)} (summed)")
    return "\n".join(lines)


def _equation(item: Any) -> str:
    """Return one line of a model, its unit unscaled."""
    left = f"d{item.varname}/dt" if item.type == "differential equation" else item.varname
    right = "" if item.expr is None else f" = {item.expr.code}"
    kind = item.var_type if item.var_type in ("boolean", "integer") else text_of_dimension(item.dim)
    flags = f" ({', '.join(item.flags)})" if item.flags else ""
    return f"{left}{right} : {kind}{flags}"


def _namespace(source: Source, given: Mapping[str, Any], texts: Iterable[str]) -> str:
    """Return the part of a namespace that the texts read, as source; never None, so that nothing else is read."""
    from brian2.core.functions import Function
    from brian2.utils.stringtools import get_identifiers

    read = set().union(*(get_identifiers(text) for text in texts))
    entries = {}
    for name, value in given.items():
        if name not in read:
            continue
        if name == EXPREL:
            helper = source.helper("relative_exponential")
            entries[name] = f"b2.Function({helper}, arg_units=[1], return_unit=1)"
        elif isinstance(value, Function) or np.ndim(value):
            raise UnsupportedError(f"{name!r} cannot be written into a script: {type(value).__name__}.")
        elif is_quantity(value):
            entries[name] = literals.quantity(float(value), text_of_dimension(value.dim))
        else:
            entries[name] = literals.number(value)
    return source.table(entries) or "{}"


def _stored(group: Any, dropped: frozenset[str]) -> dict[str, tuple[np.ndarray, str]]:
    """Return the values of a group that are not zero, with their units."""
    equations = [group.equations] + ([group.event_driven] if getattr(group, "event_driven", None) is not None else [])
    found = {}
    for item in (item for part in equations for item in part.values()):
        name = item.varname
        if item.type == "subexpression" or name in dropped or name in (NOT_REFRACTORY, "lastspike"):
            continue
        values = np.array(group.variables[name].get_value())
        if np.any(values):
            found[name] = (values, text_of_dimension(item.dim))
    return found


def _add_values(source: Source, name: str, left: str, values: Mapping[str, tuple[np.ndarray, str]]) -> None:
    entries = {}
    for variable, (array, unit) in values.items():
        one = literals.same(array)
        if one is not None:
            entries[variable] = literals.quantity(one, unit)
        else:
            written = source.array(f"{name}.{variable}", array)
            entries[variable] = f"{written} * {literals.unit(unit)}" if literals.unit(unit) else written
    if entries:
        source.call("", f"{left}.set_states", [source.table(entries) or ""], {})
