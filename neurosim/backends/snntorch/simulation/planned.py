"""Which runs are compiled, and how: found when the first run asks."""

from __future__ import annotations

import logging
from functools import cached_property

from neurosim.backends.snntorch.simulation.plan import Plan, make_plan
from neurosim.backends.snntorch.simulation.simulated import Simulated
from neurosim.program.straight_line import Uncovered

logger = logging.getLogger(__name__)


class PlannedRuns:
    """The runs of a circuit.

    Parameters
    ----------
    simulated
        The circuit, or a module in float64 on a CPU.
    fused
        ``"auto"`` compiles runs that are long enough for it, ``"always"`` all, ``"never"`` none.
    """

    def __init__(self, simulated: Simulated, fused: str) -> None:
        self.simulated, self.fused = simulated, fused

    @cached_property
    def plan(self) -> Plan | str:
        """How runs are compiled, or why torch's operations step through them."""
        if self.fused == "never":
            return 'fused="never"'
        try:
            return make_plan(self.simulated)
        except Uncovered as reason:
            logger.info("runs of %s are stepped: %s", self.simulated.circuit.name, reason)
            return str(reason)

    @property
    def stepped(self) -> str | None:
        """Why torch's operations step through runs; ``None`` where compiled code carries them."""
        return self.plan if isinstance(self.plan, str) else None

    def plan_of(self, steps: int) -> Plan | None:
        """Return how a run of some steps is compiled; ``None`` where it is stepped."""
        plan = self.plan
        if isinstance(plan, str):
            return None
        return plan if self.fused == "always" or plan.worth_it(steps) else None
