"""The equations of a kind of synapse, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim.circuit.language import Assignment, Equation, parse_equations, parse_statements
from neurosim.circuit.neuron_model import Parameter, checked_parameters, declared_units, line_text
from neurosim.errors import EquationError
from neurosim.units import canonical

#: The variable of a synapse that ``weight=`` sets.
WEIGHT = "w"
_RESERVED = {WEIGHT: "weight", "weight": "weight", "delay": "delay"}


@dataclass(frozen=True, eq=False, init=False)
class SynapseModel:
    """What a connection does, in Brian2's language.

    A *pulse* synapse executes ``on_pre`` when a presynaptic spike arrives: ``"ampa_post += w"``. A *graded* synapse
    adds a continuous expression into a postsynaptic variable in every step:
    ``"i_gap_post = w*(v_pre - v_post) : amp (summed)"``. Names ending in ``_pre`` and ``_post`` read the two neurons,
    ``w`` is what ``weight=`` sets.

    Parameters
    ----------
    equations
        ``(summed)`` lines of a graded synapse, or variables of each synapse.
    on_pre, on_post
        Statements executed at the arrival of a presynaptic, or at a postsynaptic spike.
    parameters
        Constants that the equations name.
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
    name: str
    lines: tuple[Equation, ...] = field(repr=False)

    def __init__(
        self,
        equations: str = "",
        *,
        on_pre: str = "",
        on_post: str = "",
        parameters: Mapping[str, Any] | None = None,
        name: str = "synapse",
    ) -> None:
        where = f"synapse {name!r}"
        lines = parse_equations(equations, where)
        own = tuple(line for line in lines if line.kind != "summed")
        for line in lines:
            if line.kind == "summed" and line.flags != ("summed",):
                raise EquationError(f"{where}: '{line.name}_post' can only be (summed), not {', '.join(line.flags)}.")
        for used in (*(line.name for line in own), *(parameters or {})):
            if used in _RESERVED:
                raise EquationError(f"{where}: {used!r} is what connect({_RESERVED[used]}=) sets; leave it out here.")
        declared = declared_units(own, where)
        set_field = object.__setattr__
        set_field(self, "equations", "\n".join(line_text(line) for line in lines))
        set_field(self, "on_pre", on_pre)
        set_field(self, "on_post", on_post)
        set_field(self, "name", name)
        set_field(self, "lines", lines)
        set_field(self, "parameters", checked_parameters(parameters or {}, declared, where))
        if not self.on_pre_statements and not self.on_post_statements and not self.summed:
            raise EquationError(
                f"{where}: give on_pre= (a pulse) or a (summed) line (graded); it does nothing as it is."
            )
        if self.summed and (self.on_pre_statements or self.on_post_statements):
            raise EquationError(f"{where}: a synapse is either graded or a pulse; write two projections.")

    @property
    def graded(self) -> bool:
        """Whether the synapse is graded (continuous) instead of a pulse."""
        return bool(self.summed)

    @property
    def summed(self) -> tuple[Equation, ...]:
        """The ``(summed)`` lines; their names are postsynaptic variables."""
        return tuple(line for line in self.lines if line.kind == "summed")

    @property
    def variables(self) -> dict[str, str]:
        """Unit of each variable that the synapse itself declares."""
        return {line.name: canonical(line.unit) for line in self.lines if line.kind != "summed"}

    @property
    def on_pre_statements(self) -> tuple[Assignment, ...]:
        """The statements executed when a presynaptic spike arrives."""
        return parse_statements(self.on_pre, f"on_pre of synapse {self.name!r}")

    @property
    def on_post_statements(self) -> tuple[Assignment, ...]:
        """The statements executed at a postsynaptic spike."""
        return parse_statements(self.on_post, f"on_post of synapse {self.name!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SynapseModel) and (
            (self.equations, self.on_pre, self.on_post, self.name, dict(self.parameters))
            == (other.equations, other.on_pre, other.on_post, other.name, dict(other.parameters))
        )

    def __hash__(self) -> int:
        return hash((self.equations, self.on_pre, self.on_post))
