"""By which path each component of a module is computed, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neurosim.backends.snntorch.explanation import say_what_is_stepped
from neurosim.backends.snntorch.fused import make_kernels, why_stepped
from neurosim.backends.snntorch.gpu.components import RecurrentKernels
from neurosim.backends.snntorch.gpu.scan import TritonScan
from neurosim.backends.snntorch.loops.components import component_loops
from neurosim.backends.snntorch.loops.graded_terms import GradedStage, graded_stage
from neurosim.backends.snntorch.loops.scan import Loops
from neurosim.backends.snntorch.loops.source import Arrival
from neurosim.backends.snntorch.portion import portion_of
from neurosim.backends.snntorch.simulated_module import SimulatedModule
from neurosim.backends.snntorch.simulation.planned import PlannedRuns
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.backends.states import initial_state
from neurosim.program.components import Component, adds_constants, components, one_component
from neurosim.program.step_program import PopulationProgram, ProjectionProgram
from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Bytes of a state that are kept from call to call: a larger one is made again, which takes little beside its steps.
KEPT = 2**22


class Paths:
    """The components of a module, and the loops that were compiled for them.

    Parameters
    ----------
    module
        The module; what it computes in, and where, may change later.
    """

    def __init__(self, module: CircuitModule) -> None:
        self.module = module
        #: What advances together; everything, where arrivals are to be added in the order of the contract.
        self.schedule: tuple[Component, ...] = (
            (one_component(module.program),)
            if module.options.propagation == "ordered"
            else components(module.program, adds_constants)
        )
        #: What of the program concerns each.
        self.portions = {component: portion_of(module.program, component) for component in self.schedule}
        self._stepped: tuple[Any, dict[Component, str | None]] = (None, {})
        self._kernels: dict[Any, TritonScan] = {}
        #: Kernels of components that reach themselves.
        self.recurrent = RecurrentKernels(module)
        #: Memory for the large arrays of a call.
        self.workspace = Workspace()
        self._loops: dict[Any, Loops] = {}
        self._stages: dict[tuple[str, ...], GradedStage | None] = {}
        self._runs: tuple[Any, PlannedRuns | None] = (None, None)
        self._start: tuple[Any, State | None] = (None, None)

    def start(self, seed: int, trials: int) -> State:
        """Return the state that a call starts from by itself; a small one is kept for the next call."""
        if self._start[0] == (seed, trials) and self._start[1] is not None:
            return self._start[1]
        state = initial_state(self.module.circuit, self.module.program, seed, trials)
        small = sum(array.nbytes for _, array in state.arrays()) <= KEPT
        self._start = ((seed, trials), state if small else None)
        return state

    @property
    def runs(self) -> PlannedRuns | None:
        """How runs without gradients are compiled on a CPU; ``None`` where the module is not exact."""
        key = (self.module.torch_dtype, self.module.device)
        if self._runs[0] != key:
            runs = PlannedRuns(SimulatedModule(self.module), self.module.options.fused) if self.module.exact else None
            self._runs = (key, runs)
        return self._runs[1]

    @property
    def stepped(self) -> dict[Component, str | None]:
        """Why each component is stepped by torch's operations; ``None`` where compiled loops can run it."""
        module = self.module
        # Something else may be put in the surrogate's place at any time.
        estimated = [getattr(module.part(name), "estimator", None) is None for name in module.program.populations]
        key = (module.torch_dtype, module.device, tuple(estimated))
        if self._stepped[0] != key:
            self._stepped = (key, {component: why_stepped(module, component) for component in self.schedule})
            say_what_is_stepped(module, self._stepped[1])
        return self._stepped[1]

    def kernels(
        self, item: PopulationProgram, targets: Sequence[str], driven: Sequence[str], traced: Sequence[str]
    ) -> TritonScan:
        """Return the kernels of a population for a GPU, made once."""
        module = self.module
        key = (item.name, module.torch_dtype, module.device.type, tuple(targets), tuple(driven), tuple(traced))
        if key not in self._kernels:
            self._kernels[key] = make_kernels(module, item, targets, driven, traced)
        return self._kernels[key]

    def graded_stage(self, names: Sequence[str]) -> GradedStage | None:
        """Return the graded stage of a component, found once; ``None`` if it has none.

        Parameters
        ----------
        names
            Its populations, by their places.

        Raises
        ------
        Uncovered
            If a projection reads what loops do not know.
        """
        key = tuple(names)
        if key not in self._stages:
            program = self.module.program
            schedule = (
                action
                for action in program.graded_schedule
                if (action.post if isinstance(action, ProjectionProgram) else action[0]) in key
            )
            self._stages[key] = graded_stage(
                [program.populations[name] for name in key],
                schedule,
                {name for name in program.projections if getattr(self.module.part(name), "by_convolution", False)},
            )
        return self._stages[key]

    def loops(
        self,
        arrivals: Sequence[tuple[Arrival, str]],
        traced: Mapping[str, Sequence[str]],
        learned: Mapping[str, frozenset[str]],
        *,
        keep: bool,
    ) -> Loops:
        """Return the compiled loops of a component, made once.

        Parameters
        ----------
        arrivals
            In the order of the contract, each with the name of what it comes by.
        traced, learned
            By population: what is recorded, and the values that have gradients.
        keep
            Whether the way back will be gone.
        """
        recorded = tuple((name, tuple(keys)) for name, keys in traced.items())
        key = (self.module.torch_dtype, tuple(arrivals), recorded, tuple(learned.items()), keep)
        if key not in self._loops:
            self._loops[key] = component_loops(self.module, arrivals, traced, learned, keep=keep)
        return self._loops[key]
