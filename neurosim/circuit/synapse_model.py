"""The equations of a kind of synapse, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim.circuit.language import (
    RANDOM_FUNCTIONS,
    Assignment,
    Equation,
    calls_in,
    parse_equations,
    parse_expression,
    parse_statements,
)
from neurosim.circuit.neuron_model import (
    METHODS,
    Parameter,
    checked_initial,
    checked_parameters,
    declared_units,
    line_text,
)
from neurosim.circuit.values import Value, values_equal
from neurosim.errors import EquationError, nearest
from neurosim.units import canonical

#: The variable of a synapse that ``weight=`` sets.
WEIGHT = "w"
#: When the event-driven variables of a synapse were last brought up to date, s.
LAST_UPDATE = "lastupdate"
#: What a statement of a synapse adds to where ``receptor=`` of ``connect`` says to which receptor.
RECEPTOR = "receptor_post"
_RESERVED = {WEIGHT: "weight=", "weight": "weight=", "delay": "delay="}
_FLAGS = {
    "differential": (("event-driven",), ("clock-driven",), ()),
    "parameter": ((), ("constant",)),
    "subexpression": ((),),
    "summed": (("summed",),),
}


@dataclass(frozen=True, eq=False, init=False)
class SynapseModel:
    """What a connection does, in Brian2's language.

    A *pulse* synapse executes ``on_pre`` when a presynaptic spike arrives: ``"ampa_post += w"``. A *graded* synapse
    adds a continuous expression into a postsynaptic variable in every step:
    ``"i_gap_post = w*(v_pre - v_post) : amp (summed)"``. Names ending in ``_pre`` and ``_post`` read the two neurons,
    ``w`` is what ``weight=`` sets.

    A pulse synapse is *plastic* where it has variables of its own, or assigns to ``w``. Each edge then keeps a value of
    each: traces decay between spikes (``"dr/dt = -r/tau : 1 (event-driven)"``, solved exactly when a spike comes) or in
    every step (``(clock-driven)``), and ``on_pre`` and ``on_post`` change them.

    Parameters
    ----------
    equations
        ``(summed)`` lines of a graded synapse, or the variables of each edge.
    on_pre, on_post
        Statements executed at the arrival of a presynaptic, and of a postsynaptic spike (after ``post_delay=`` of
        ``connect``). ``receptor_post += w`` adds to what ``receptor=`` of ``connect`` names.
    parameters
        Constants that the equations name.
    initial
        Where the variables of an edge start: numbers, quantities, arrays, distributions; 0 otherwise.
    method
        Integrator of the clock-driven variables, as in :class:`NeuronModel`.
    update
        Statements of every edge, executed once a step after its clock-driven variables were integrated.
    post_first
        Which of the two acts first on an edge where both spikes arrive in one step: ``on_pre`` of all projections and
        then all ``on_post``, or (True) this projection's ``on_post`` before its ``on_pre``.
    name
        What the model is called in listings.

    Raises
    ------
    EquationError
        For forbidden syntax, or a synapse that does nothing or both.
    """

    equations: str
    on_pre: str
    on_post: str
    parameters: Mapping[str, Parameter]
    initial: Mapping[str, Value]
    method: str | None
    update: str
    post_first: bool
    name: str
    lines: tuple[Equation, ...] = field(repr=False)

    def __init__(
        self,
        equations: str = "",
        *,
        on_pre: str = "",
        on_post: str = "",
        parameters: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        method: str | None = None,
        update: str = "",
        post_first: bool = False,
        name: str = "synapse",
    ) -> None:
        where = f"synapse {name!r}"
        lines = parse_equations(equations, where)
        own = tuple(line for line in lines if line.kind != "summed")
        _check_lines(lines, parameters or {}, where)
        if method is not None and method not in METHODS:
            raise EquationError(f"{where}: unknown method {method!r}.{nearest(method, METHODS)}")
        declared = declared_units(own, where)
        set_field = object.__setattr__
        set_field(self, "equations", "\n".join(line_text(line) for line in lines))
        set_field(self, "on_pre", on_pre)
        set_field(self, "on_post", on_post)
        set_field(self, "name", name)
        set_field(self, "lines", lines)
        set_field(self, "method", method)
        set_field(self, "update", update)
        set_field(self, "post_first", bool(post_first))
        set_field(self, "parameters", checked_parameters(parameters or {}, declared, where))
        units = {name: unit for name, unit in self.variables.items() if name in self.state}
        set_field(self, "initial", checked_initial(initial or {}, units, where))
        self._check(where)

    def _check(self, where: str) -> None:
        pulse = bool(self.on_pre_statements or self.on_post_statements)
        if not pulse and not self.summed:
            raise EquationError(
                f"{where}: give on_pre= (a pulse) or a (summed) line (graded); it does nothing as it is."
            )
        if self.summed and (pulse or self.state):
            raise EquationError(f"{where}: a synapse is either graded or a pulse; write two projections.")
        if self.method is not None and not self.clock_driven:
            raise EquationError(f"{where}: method= is for clock-driven variables, and it has none.")
        if self.post_first and not (self.on_pre_statements and self.on_post_statements):
            raise EquationError(f"{where}: post_first= needs both on_pre and on_post.")

    @property
    def graded(self) -> bool:
        """Whether the synapse is graded (continuous) instead of a pulse."""
        return bool(self.summed)

    @property
    def summed(self) -> tuple[Equation, ...]:
        """The ``(summed)`` lines; their names are postsynaptic variables."""
        return tuple(line for line in self.lines if line.kind == "summed")

    @property
    def event_driven(self) -> tuple[Equation, ...]:
        """The equations that are solved from spike to spike."""
        return tuple(line for line in self.lines if "event-driven" in line.flags)

    @property
    def clock_driven(self) -> tuple[Equation, ...]:
        """The equations that are integrated in every step."""
        return tuple(line for line in self.lines if line.kind == "differential" and "event-driven" not in line.flags)

    @property
    def state(self) -> tuple[str, ...]:
        """What changes on an edge: integrated variables, and what statements assign to (``w`` too, by either)."""
        statements = (*self.on_pre_statements, *self.on_post_statements, *self.update_statements)
        assigned = {statement.target for statement in statements}
        own = [
            line.name
            for line in self.lines
            if line.kind == "differential" or (line.kind == "parameter" and line.name in assigned)
        ]
        return tuple(dict.fromkeys((*((WEIGHT,) if WEIGHT in assigned else ()), *own)))

    @property
    def plastic(self) -> bool:
        """Whether an edge has a state of its own."""
        return bool(self.state)

    @property
    def draws(self) -> bool:
        """Whether a pulse draws random numbers."""
        texts = [line.expression or "" for line in self.lines if line.kind != "summed"]
        texts += [item.expression for item in self.on_pre_statements]
        return any(calls_in(parse_expression(text, self.name)) & RANDOM_FUNCTIONS for text in texts if text)

    @property
    def variables(self) -> dict[str, str]:
        """Unit of each variable that the synapse itself declares."""
        return {line.name: canonical(line.unit) for line in self.lines if line.kind != "summed" and line.name != WEIGHT}

    @property
    def on_pre_statements(self) -> tuple[Assignment, ...]:
        """The statements executed when a presynaptic spike arrives."""
        return parse_statements(self.on_pre, f"on_pre of synapse {self.name!r}")

    @property
    def on_post_statements(self) -> tuple[Assignment, ...]:
        """The statements executed at a postsynaptic spike."""
        return parse_statements(self.on_post, f"on_post of synapse {self.name!r}")

    @property
    def update_statements(self) -> tuple[Assignment, ...]:
        """The statements executed in every step."""
        return parse_statements(self.update, f"update of synapse {self.name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SynapseModel):
            return False
        names = ("equations", "on_pre", "on_post", "name", "method", "update", "post_first")
        return (
            all(getattr(self, name) == getattr(other, name) for name in names)
            and dict(self.parameters) == dict(other.parameters)
            and self.initial.keys() == other.initial.keys()
            and all(values_equal(value, other.initial[name]) for name, value in self.initial.items())
        )

    def __str__(self) -> str:
        """Return the equations and statements as they are written."""
        events = {"update": self.update, "on_pre": self.on_pre, "on_post": self.on_post}
        parts = [self.equations, *(f"{what}: {text}" for what, text in events.items() if text)]
        return "\n".join(part for part in parts if part)

    def __hash__(self) -> int:
        return hash((self.equations, self.on_pre, self.on_post))


def _check_lines(lines: tuple[Equation, ...], parameters: Mapping[str, Any], where: str) -> None:
    for line in lines:
        if line.kind == "summed" and line.flags != ("summed",):
            raise EquationError(f"{where}: '{line.name}_post' can only be (summed), not {', '.join(line.flags)}.")
        if line.flags not in _FLAGS[line.kind]:
            raise EquationError(
                f"{where}: ({', '.join(line.flags)}) has no meaning for {line.name!r}, a {line.kind} of a synapse."
            )
        if line.kind in ("differential", "subexpression") and line.name in parameters:
            raise EquationError(f"{where}: {line.name!r} is a variable, no parameter; its start goes into initial=.")
    own = [line.name for line in lines if line.kind != "summed"]
    integrated = {line.name for line in lines if line.kind == "differential"}
    for used in (*own, *parameters):
        if used in _RESERVED and not (used == WEIGHT and used in integrated):
            raise EquationError(f"{where}: {used!r} is what connect({_RESERVED[used]}) sets; leave it out here.")
        if used == LAST_UPDATE:
            raise EquationError(f"{where}: {used!r} is kept for the time of an edge's last event; choose another name.")
