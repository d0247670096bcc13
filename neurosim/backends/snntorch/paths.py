"""By which path each component of a module is computed, and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neurosim.backends.snntorch.explanation import say_what_is_stepped
from neurosim.backends.snntorch.fused import make_loops, why_stepped
from neurosim.backends.snntorch.scan import Scan
from neurosim.backends.snntorch.simulation.plan import Plan, make_plan
from neurosim.backends.snntorch.triton_scan import TritonScan
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.components import Component, adds_constants, components, one_component
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Uncovered

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

logger = logging.getLogger(__name__)


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
        self._stepped: tuple[Any, dict[Component, str | None]] = (None, {})
        self._loops: dict[Any, Scan | TritonScan] = {}
        #: Memory for the large arrays of a call.
        self.workspace = Workspace()
        self._simulation: tuple[Any, Plan | str] = (None, "")

    @property
    def simulation(self) -> Plan | str:
        """How runs without gradients are compiled, or why torch's operations step through them."""
        key = (self.module.torch_dtype, self.module.device)
        if self._simulation[0] != key:
            try:
                self._simulation = (key, make_plan(self.module))
            except Uncovered as reason:
                logger.info("runs of %s are stepped: %s", self.module.circuit.name, reason)
                self._simulation = (key, str(reason))
        return self._simulation[1]

    def simulated(self, steps: int) -> Plan | None:
        """Return how a run of some steps is compiled; ``None`` where it is stepped."""
        plan = self.simulation
        if isinstance(plan, str):
            return None
        return plan if self.module.options.fused == "always" or plan.worth_it(steps) else None

    @property
    def stepped(self) -> dict[Component, str | None]:
        """Why each component is stepped by torch's operations; ``None`` where compiled loops can run it."""
        module = self.module
        key = (module.torch_dtype, module.device)
        if self._stepped[0] != key:
            self._stepped = (key, {component: why_stepped(module, component) for component in self.schedule})
            say_what_is_stepped(module, self._stepped[1])
        return self._stepped[1]

    def loops(
        self, item: PopulationProgram, targets: Sequence[str], driven: Sequence[str], traced: Sequence[str]
    ) -> Scan | TritonScan:
        """Return the compiled loops of a population, made once."""
        module = self.module
        key = (item.name, module.torch_dtype, module.device.type, tuple(targets), tuple(driven), tuple(traced))
        if key not in self._loops:
            self._loops[key] = make_loops(module, item, targets, driven, traced)
        return self._loops[key]
