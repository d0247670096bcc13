"""What compiled simulation needs to know of a module, found once: programs, and where everything lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosim.backends.snntorch.population import fixed_values
from neurosim.backends.snntorch.simulation.neuron_source import LIMIT, NeuronForm, neuron_form
from neurosim.backends.snntorch.simulation.programs import function_table
from neurosim.backends.snntorch.simulation.rows import Rows
from neurosim.program.components import adds_constants
from neurosim.program.step_program import PoissonProgram, PopulationProgram, ProjectionProgram
from neurosim.program.straight_line import Uncovered

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Neurons of a block at most: its variables stay in the first cache.
WIDTH = 256
#: Below this many neuron-steps, small populations counted as a block, a run is over before its programs are compiled.
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
    """How a module is simulated.

    Parameters
    ----------
    homes
        Every population of neurons.
    size
        Numbers in memory.
    rows
        Sorted edges by projection, made when they are first needed.
    """

    homes: dict[str, Home]
    size: int
    rows: dict[str, Rows]

    def worth_it(self, steps: int) -> bool:
        """Tell whether a run of some steps is long enough for it."""
        return steps * sum(max(home.n, WIDTH) for home in self.homes.values()) >= WORTH_IT


def make_plan(module: CircuitModule) -> Plan:
    """Return how a module is simulated.

    Raises
    ------
    Uncovered
        With the reason, where it must be stepped.
    """
    _refuse(module)
    homes, size = {}, 0
    for name, item in module.program.populations.items():
        if item.kind == "neurons":
            try:
                homes[name] = Home(_form(module, item), size, item.n)
            except Uncovered as reason:
                raise Uncovered(f"{name} computes {reason}") from None
            size += homes[name].size
    return Plan(homes, size, {})


def _refuse(module: CircuitModule) -> None:
    program = module.program
    if module.options.fused == "never":
        raise Uncovered('fused="never"')
    if not module.exact:
        raise Uncovered("it is not float64 on a CPU")
    if program.graded:
        raise Uncovered(f"{program.graded[0].name} is graded")
    for item in program.pulses:
        if item.dynamics is not None:
            raise Uncovered(f"the edges of {item.name} change")
        if not adds_constants(item):
            raise Uncovered(f"what {item.name} adds depends on neurons or on the time")


def _form(module: CircuitModule, item: PopulationProgram) -> NeuronForm:
    part: Any = module.part(item.name)
    with torch.no_grad():
        fixed: dict[str, Any] = dict(fixed_values(part, part.exact_dynamics, module.program.dt))
    if any(isinstance(value, Tensor) and value.dtype == torch.bool for value in fixed.values()):
        raise Uncovered("conditions of parameters")
    shared = {key: not isinstance(value, Tensor) or value.ndim == 0 for key, value in fixed.items()}
    if item.refractory is not None:
        limit = fixed_limit(item, part.exact_dynamics, fixed)
        if limit is not None:
            shared[LIMIT] = limit.ndim == 0
    width = min(WIDTH, 1 << max(item.n - 1, 7).bit_length())
    form = neuron_form(item, part.exact_dynamics, shared, width=width, asked=_is_asked(module, item))
    for program in (form.integrate, form.reset):
        if program is not None:
            function_table(program.functions)
    return form


def fixed_limit(item: PopulationProgram, dynamics: Any, fixed: Any) -> NDArray[np.float64] | None:
    """Return for how many steps neurons are refractory, one number or (n,); ``None`` where that changes."""
    if item.refractory is None or item.refractory.kind != "time":
        return None
    if not set(dynamics.refractory.reads) <= fixed.keys():
        return None
    return np.asarray(dynamics.refractory(fixed)["value"], dtype=np.float64)


def _is_asked(module: CircuitModule, item: PopulationProgram) -> bool:
    """Tell whether deliveries ask which neurons of a population are refractory."""
    for delivery in module.program.deliveries:
        if isinstance(delivery, PoissonProgram):
            if delivery.post == item.name and delivery.target in item.masked:
                return True
        elif isinstance(delivery, ProjectionProgram) and delivery.post == item.name:
            if any(addition.target in item.masked for addition in delivery.additions):
                return True
    return False
