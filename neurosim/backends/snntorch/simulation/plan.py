"""What compiled simulation needs to know of a circuit, found once: programs, and where everything lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.carried import fixed_limit, fixed_numbers
from neurosim.backends.snntorch.simulation.edge_form import End
from neurosim.backends.snntorch.simulation.edge_source import EdgeForms
from neurosim.backends.snntorch.simulation.neuron_source import LIMIT, NeuronForm, neuron_form
from neurosim.backends.snntorch.simulation.programs import function_table
from neurosim.backends.snntorch.simulation.rows import Rows
from neurosim.backends.snntorch.simulation.shelf import Shelf
from neurosim.backends.snntorch.simulation.simulated import Simulated
from neurosim.program.components import adds_constants
from neurosim.program.step_program import PoissonProgram, PopulationProgram, ProjectionProgram, StepProgram
from neurosim.program.straight_line import Uncovered

if TYPE_CHECKING:
    from neurosim.backends.snntorch.simulation.machine import Machine

#: Neurons of a block at most: its variables stay in the first cache.
WIDTH = 256
#: Below this many neuron-steps, small populations counted as a block, runs are over before their programs are compiled.
WORTH_IT = 2**16


@dataclass(frozen=True)
class Home:
    """Where a population lies in memory.

    Parameters
    ----------
    form
        Its programs.
    base
        Where its first block begins.
    n
        Neurons.
    """

    form: NeuronForm
    base: int
    n: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.n // self.form.width)

    @property
    def size(self) -> int:
        """Numbers that the population takes."""
        return self.blocks * self.form.stride

    def slots(self, variable: str | None = None) -> NDArray[np.int64]:
        """Return the place of each neuron's variable, or of its first, (n,)."""
        index = np.arange(self.n, dtype=np.int64)
        width = self.form.width
        places = self.base + index // width * self.form.stride + index % width
        return places if variable is None else places + self.form.offset(variable)

    def view(self, memory: NDArray[np.float64], variable: str) -> NDArray[np.float64]:
        """Return a variable in memory, (block, lane)."""
        whole = memory[self.base : self.base + self.size].reshape(self.blocks, -1, self.form.width)
        found: NDArray[np.float64] = whole[:, self.form.variables.index(variable)]
        return found

    def write(self, memory: NDArray[np.float64], variable: str, values: Any) -> None:
        """Put the values of a variable, one or (n,), into memory."""
        padded = np.zeros(self.blocks * self.form.width)
        padded[: self.n] = values
        self.view(memory, variable)[:] = padded.reshape(self.blocks, self.form.width)

    def read(self, memory: NDArray[np.float64], variable: str) -> NDArray[np.float64]:
        """Return the values of a variable, (n,)."""
        return self.view(memory, variable).reshape(-1)[: self.n].copy()


@dataclass
class Plan:
    """How a circuit is simulated.

    Parameters
    ----------
    homes
        Every population of neurons or signals.
    size
        Numbers in memory.
    rows
        Sorted edges by projection and number of parts, made when they are first needed.
    edges
        Programs of the projections that are graded, or whose edges have a state.
    shelf
        What the last run leaves to the next.
    asked
        Neuron-steps of all runs so far.
    """

    homes: dict[str, Home]
    size: int
    rows: dict[tuple[str, int], Rows]
    edges: dict[str, EdgeForms]
    shelf: Shelf[Machine]
    asked: int = 0

    def worth_it(self, steps: int) -> bool:
        """Tell whether a run of some steps, with all before it, is long enough for it."""
        self.asked += steps * sum(max(home.n, WIDTH) for home in self.homes.values())
        return self.asked >= WORTH_IT


def make_plan(simulated: Simulated) -> Plan:
    """Return how a circuit is simulated.

    Raises
    ------
    Uncovered
        With the reason, where it must be stepped.
    """
    _refuse(simulated.program)
    program, homes, size = simulated.program, {}, 0
    shared = {name: _shared(simulated, item) for name, item in program.populations.items()}
    for name, item in program.populations.items():
        if item.kind != "spikes":
            try:
                homes[name] = Home(_form(simulated, item, shared[name]), size, item.n)
            except Uncovered as reason:
                raise Uncovered(f"{name} computes {reason}") from None
            size += homes[name].size
    edges = {}
    for projection in program.projections.values():
        if projection.graded or projection.dynamics is not None:
            try:
                edges[projection.name] = _edge_form(simulated, projection, homes, shared)
            except Uncovered as reason:
                raise Uncovered(f"the edges of {projection.name} compute {reason}") from None
    return Plan(homes, size, {}, edges, Shelf())


def term(source: str) -> str:
    """Return where a term of an input with several stands."""
    return f"_term_{source}"


def terms_of(item: PopulationProgram, variable: str) -> list[str]:
    """Return where each term of an input stands, in order: alone in its place, or beside others."""
    sources = item.inputs[variable]
    if all(source.kind == "injection" for source in sources):
        return [variable] * len(sources)
    return [variable] if len(sources) == 1 else [term(f"{source.source}/{variable}") for source in sources]


def _refuse(program: StepProgram) -> None:
    for item in program.pulses:
        if item.dynamics is None and not adds_constants(item):
            raise Uncovered(f"what {item.name} adds depends on neurons or on the time")


def _shared(simulated: Simulated, item: PopulationProgram) -> dict[str, bool]:
    """Return what does not change within a run, by name: whether it is the same for all neurons."""
    if item.kind != "neurons":
        return {}
    fixed = fixed_numbers(simulated, item.name)
    if any(np.asarray(value).dtype == np.bool_ for value in fixed.values()):
        raise Uncovered(f"{item.name} computes conditions of parameters")
    shared = {key: np.ndim(value) == 0 for key, value in fixed.items()}
    limit = fixed_limit(item, simulated.parts[item.name], fixed)
    return shared if limit is None else {**shared, LIMIT: limit.ndim == 0}


def _form(simulated: Simulated, item: PopulationProgram, shared: dict[str, bool]) -> NeuronForm:
    width = min(WIDTH, 1 << max(item.n - 1, 7).bit_length())
    if item.kind == "signal":
        return NeuronForm(None, None, ("signal",), width)
    several = [places for variable in item.inputs if len(places := terms_of(item, variable)) > 1]
    terms = [place for places in several for place in dict.fromkeys(places) if place not in item.inputs]
    read = {
        name.removesuffix(suffix)
        for projection in simulated.program.projections.values()
        for suffix, end in (("_pre", projection.pre), ("_post", projection.post)) if end == item.name
        for name in projection.reads if name.endswith(suffix)
    }  # fmt: skip
    parts = simulated.parts[item.name]
    form = neuron_form(
        item, parts, shared, width=width, asked=_is_asked(simulated.program, item), also=read, terms=terms
    )
    for program in (form.integrate, form.reset):
        if program is not None:
            function_table(program.functions)
    return form


def _edge_form(
    simulated: Simulated, item: ProjectionProgram, homes: dict[str, Home], shared: dict[str, dict[str, bool]]
) -> EdgeForms:
    values = simulated.edge_values(item.name)
    ends = []
    for name in (item.pre, item.post):
        one = frozenset(key for key, same in shared[name].items() if same)
        own = homes[name].form if name in homes else NeuronForm(None, None, (), WIDTH)
        ends.append(End(simulated.program.populations[name], own, one))
    target = simulated.program.populations[item.post]
    terms = {}
    for variable, sources in target.inputs.items():
        places = terms_of(target, variable)
        names = [source.source for source in sources]
        if item.name in names:
            terms[variable] = places[names.index(item.name)]
    same = {key: value.ndim == 0 for key, value in values.items() if key in item.reads}
    forms = EdgeForms(item, same, ends[0], ends[1], terms)
    function_table(tuple(forms.functions))
    return forms


def _is_asked(program: StepProgram, item: PopulationProgram) -> bool:
    """Tell whether deliveries ask which neurons of a population are refractory."""
    for projection in program.pulses:
        if projection.post == item.name and projection.dynamics is not None:
            if any(addition.target in item.masked for addition in projection.dynamics.on_pre.additions):
                return True
    for delivery in program.deliveries:
        if isinstance(delivery, PoissonProgram):
            if delivery.post == item.name and delivery.target in item.masked:
                return True
        elif isinstance(delivery, ProjectionProgram) and delivery.post == item.name:
            if any(addition.target in item.masked for addition in delivery.additions):
                return True
    return False
