"""The program of one time step of a whole circuit: what every backend executes, in which order."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neurosim.circuit.language import names_in
from neurosim.circuit.realised_edges import EdgeTable
from neurosim.program.frozen import Frozen
from neurosim.program.statements import NoiseSite, Statement, rename
from neurosim.program.synapse_dynamics import SynapseDynamics

if TYPE_CHECKING:
    from neurosim.recording import Recordable, State

#: The meaning of a step, carried by every recording (see docs/architecture.md).
STEP_SEMANTICS = "graded input, integrate, threshold (stamped k*dt), deliver, reset; traces at the end of the step"


@dataclass(frozen=True)
class Refractory:
    """How long, or while what, a neuron stays refractory after a spike."""

    kind: str  # "time" or "condition"
    text: str  # as written, random calls replaced by their symbols
    expression: ast.expr


@dataclass(frozen=True)
class Contribution:
    """One term of an input variable: a graded projection, or an injection into some neurons."""

    source: str  # name of the projection or injection
    kind: str  # "projection" or "injection"


@dataclass(frozen=True, eq=False)
class PopulationProgram(Frozen):
    """One population's part of a step. Expressions hold SI floats; names are the model's."""

    name: str
    n: int
    kind: str  # "neurons", "spikes" or "signal"
    units: Mapping[str, str]
    state: tuple[str, ...]
    constants: Mapping[str, float]
    parameters: Mapping[str, float | np.ndarray]
    inputs: Mapping[str, tuple[Contribution, ...]]
    written: Mapping[str, ast.expr]  # sub-expressions in terms of variables and parameters, as written
    subexpressions: Mapping[str, ast.expr]  # the same, constants folded
    integrate: tuple[Statement, ...]
    update: tuple[Statement, ...]
    threshold: ast.expr | None
    reset: tuple[Statement, ...]
    refractory: Refractory | None
    masked: frozenset[str]
    noise: tuple[NoiseSite, ...]
    method: str | None

    @cached_property
    def reads_last_spike(self) -> bool:
        """Whether any expression reads the time of the last spike."""
        trees = [statement.expression for statement in (*self.integrate, *self.update, *self.reset)]
        trees += [*self.subexpressions.values(), *([self.threshold] if self.threshold is not None else [])]
        trees += [self.refractory.expression] if self.refractory is not None else []
        return any("lastspike" in names_in(tree) for tree in trees)

    def at_end(self, suffix: str) -> dict[str, ast.expr]:
        """Return the sub-expressions as a synapse reads them: every name of the neuron with ``_pre`` or ``_post``."""
        own = self.units.keys()
        return {
            f"{name}{suffix}": rename(tree, {used: f"{used}{suffix}" for used in names_in(tree) if used in own})
            for name, tree in self.written.items()
        }

    @property
    def spiking(self) -> bool:
        """Whether the population emits spikes."""
        return self.threshold is not None or self.kind == "spikes"


@dataclass(frozen=True, eq=False)
class ProjectionProgram(Frozen):
    """One projection's part of a step, with its edges realised."""

    name: str
    pre: str
    post: str
    graded: bool
    edges: EdgeTable
    values: Mapping[str, float | np.ndarray]  # w and parameters: one for all edges, or (edge,)
    constants: Mapping[str, float]  # parameters that are folded into the expressions
    units: Mapping[str, str]
    additions: tuple[Statement, ...]  # target: postsynaptic variable (without _post); expression: what is added
    rank: int
    order: int
    dynamics: SynapseDynamics | None = None  # of edges with a state of their own; they have no `additions`
    reach: int = 0  # the longest delay, in steps, that training may come to

    @property
    def n(self) -> int:
        """Number of edges."""
        return self.edges.n

    @property
    def pre_index(self) -> np.ndarray:
        """Presynaptic neurons, int32, shape (edge,)."""
        return self.edges.pre

    @property
    def post_index(self) -> np.ndarray:
        """Postsynaptic neurons, int32, shape (edge,)."""
        return self.edges.post

    @property
    def delay(self) -> np.ndarray:
        """Delays in steps, int32, shape (edge,)."""
        return self.edges.steps

    @cached_property
    def reads_time(self) -> bool:
        """Whether what an edge adds depends on the time."""
        return "t" in self.reads

    @cached_property
    def max_delay(self) -> int:
        """The longest delay, in steps."""
        return int(self.edges.step_numbers.max()) if self.n else 0

    @property
    def acts_on_pre(self) -> bool:
        """Whether a presynaptic spike does anything."""
        return bool(self.additions) or (self.dynamics is not None and not self.dynamics.on_pre.empty)

    @property
    def acts_on_post(self) -> bool:
        """Whether a postsynaptic spike does anything."""
        return self.dynamics is not None and not self.dynamics.on_post.empty

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every name that the expressions of the projection read."""
        own = frozenset() if self.dynamics is None else self.dynamics.reads
        return own.union(*(addition.reads for addition in self.additions))


@dataclass(frozen=True)
class PostPathway:
    """The place among the deliveries where the ``on_post`` of a projection is executed."""

    projection: ProjectionProgram


@dataclass(frozen=True, eq=False)
class PoissonProgram(Frozen):
    """Background pulses: how many arrive is drawn in every step, each adds the weight."""

    name: str
    post: str
    target: str
    index: np.ndarray  # neurons that receive
    weight: float | np.ndarray  # one for all, or (index,)
    unit: str
    order: int


@dataclass(frozen=True, eq=False)
class StepProgram(Frozen):
    """Everything that one step does, in the order of the contract."""

    name: str
    digest: str
    dt: float
    populations: Mapping[str, PopulationProgram]
    graded: tuple[ProjectionProgram, ...]  # by rank, then in the order of the circuit
    pulses: tuple[ProjectionProgram, ...]  # in the order of the circuit
    poisson: tuple[PoissonProgram, ...] = ()

    def differentiable(self, population: str) -> frozenset[str]:
        """Return the names of a population that something other than its refractory period reads."""
        item = self.populations[population]
        trees = [statement.expression for statement in (*item.integrate, *item.update, *item.reset)]
        trees += [*item.subexpressions.values(), *([item.threshold] if item.threshold is not None else [])]
        names = {used for tree in trees for used in names_in(tree)}
        for projection in self.projections.values():
            reads = projection.reads
            for end, suffix in ((projection.pre, "_pre"), (projection.post, "_post")):
                if end == population:
                    names |= {used.removesuffix(suffix) for used in reads if used.endswith(suffix)}
        return frozenset(names)

    @cached_property
    def recordable(self) -> dict[str, Recordable]:
        """What a run can record of each object, filled in when the first one asks."""
        return {}

    @cached_property
    def begun(self) -> dict[int, State]:
        """The states that runs start from, by number of trials, where they are kept."""
        return {}

    @cached_property
    def projections(self) -> dict[str, ProjectionProgram]:
        """Every projection by name."""
        return {projection.name: projection for projection in (*self.graded, *self.pulses)}

    @cached_property
    def plastic(self) -> tuple[str, ...]:
        """The projections whose edges have a state, or draw random numbers, of their own."""
        return tuple(item.name for item in self.pulses if item.dynamics is not None)

    @cached_property
    def noisy(self) -> dict[str, tuple[PopulationProgram | SynapseDynamics, int]]:
        """Whatever draws random numbers, with the number of its neurons or edges."""
        found: dict[str, tuple[PopulationProgram | SynapseDynamics, int]] = {
            name: (item, item.n) for name, item in self.populations.items() if item.noise
        }
        for projection in self.pulses:
            if projection.dynamics is not None and projection.dynamics.noise:
                found[projection.name] = (projection.dynamics, projection.n)
        return found

    @cached_property
    def deliveries(self) -> tuple[ProjectionProgram | PoissonProgram | PostPathway, ...]:
        """What spikes do, in order: every ``on_pre`` and background pulse as in the circuit, then every ``on_post``.

        A projection whose ``on_post`` acts first has it just before its ``on_pre``.
        """
        acting: tuple[ProjectionProgram | PoissonProgram, ...] = (*self.pulses, *self.poisson)
        first: list[ProjectionProgram | PoissonProgram | PostPathway] = []
        last: list[PostPathway] = []
        for item in sorted(acting, key=lambda item: item.order):
            if isinstance(item, ProjectionProgram) and item.dynamics is not None and item.acts_on_post:
                (first if item.dynamics.post_first else last).append(PostPathway(item))
            first.append(item)
        return (*first, *last)

    @cached_property
    def graded_schedule(self) -> tuple[ProjectionProgram | tuple[str, str], ...]:
        """What the graded stage does, in order: a projection to compute, or an input (population, variable) to sum.

        An input is summed as soon as its last term is known, so that whoever reads it in the same step finds it.
        """
        schedule: list[ProjectionProgram | tuple[str, str]] = []
        waiting = {
            (name, variable): {term.source for term in terms if term.kind == "projection"}
            for name, item in self.populations.items()
            for variable, terms in item.inputs.items()
        }

        def sum_what_is_known() -> None:
            known = [address for address, missing in waiting.items() if not missing]
            schedule.extend(known)
            for address in known:
                del waiting[address]

        sum_what_is_known()
        for projection in self.graded:
            schedule.append(projection)
            for missing in waiting.values():
                missing.discard(projection.name)
            sum_what_is_known()
        return tuple(schedule)

    @cached_property
    def history_depth(self) -> dict[str, int]:
        """For each spiking population how many past steps its spikes may still be under way."""
        depth = {name: 0 for name, population in self.populations.items() if population.spiking}
        for projection in self.pulses:
            depth[projection.pre] = max(depth[projection.pre], projection.max_delay, projection.reach)
            if projection.dynamics is not None and projection.acts_on_post:
                post_delay = int(projection.dynamics.post_delay.max(initial=0))
                depth[projection.post] = max(depth[projection.post], post_delay)
        return depth
