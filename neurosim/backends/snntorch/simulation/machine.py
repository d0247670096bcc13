"""What a compiled simulation works in, which one run leaves to the next: memory, tables of operations, constants.

To prepare this takes longer than many a run: programs get their constants, edges their places, neurons their values.
None of it changes from run to run but what is read anew each time: the values of single edges, inputs, the seed, and
where the run begins, which is copied back as it stood (:mod:`standing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from neurosim.backends.simulator import Run
from neurosim.backends.snntorch.simulation.division import LONGEST, divided
from neurosim.backends.snntorch.simulation.feeding import Feed
from neurosim.backends.snntorch.simulation.operations import Operations
from neurosim.backends.snntorch.simulation.plan import Plan, fixed_limit
from neurosim.backends.snntorch.simulation.rows import Rows, make_rows
from neurosim.backends.snntorch.simulation.standing import Frame, Standing
from neurosim.backends.snntorch.simulation.trial import Trial
from neurosim.backends.snntorch.simulation.watched import Watched
from neurosim.backends.snntorch.stepper import Stepper

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Bytes of memory that are kept for the next run. Larger networks take longer to run than to prepare.
WORTH_KEEPING = 2**23


class Machine:
    """The trials of a module, prepared.

    Parameters
    ----------
    module, plan
        What is simulated.
    run
        The first run.
    most
        Steps of a chunk at most.
    """

    def __init__(self, module: CircuitModule, plan: Plan, run: Run, most: int) -> None:
        self.module, self.plan, self.most = module, plan, most
        self.threads = torch.get_num_threads()
        program = module.program
        self.stepper = stepper = Stepper(module, run.state, exact=True, events=True)
        self.before = max(program.history_depth.values(), default=0)
        self.division = divided(plan, self._least_delay(), self.threads)
        self.trials = [Trial(plan, stepper, number, self.before, most, self.division) for number in range(run.trials)]
        self._rows = {item.name: self._sorted(item.name) for item in program.pulses if item.n}
        self.operations = Operations(plan, stepper, self._rows, self.division)
        edges = self.operations.edges
        for trial in self.trials:
            trial.edges = {name: edges[name].values(trial.number) for name in stepper.plastic}
        items = stepper.populations
        limits = {name: fixed_limit(items[name], stepper.dynamics[name], stepper.fixed[name]) for name in plan.homes}
        readers = {name: edges[name].reader() for name in stepper.plastic}
        self.frame = Frame(program, plan.homes, readers, limits, stepper.dt, self.before)
        # The values of the run are in the memory of its trials now.
        stepper.values = {name: {} for name in stepper.values}
        stepper.history.clear()
        #: How many steps a chunk had when the last run ended; 0 before there was one.
        self.pace = 0
        self._watched = Watched(module, frozenset(program.projections))
        self._first: Standing | None = None
        self._feed: Feed | None = None
        self._begin(run)
        if run.fresh and self.worth_keeping:
            self._first = Standing(self.frame, run.start, self.trials)

    @property
    def worth_keeping(self) -> bool:
        """Whether this may wait for another run."""
        arrays = [array for trial in self.trials for array in trial.arrays()]
        small = sum(array.nbytes for array in arrays) + self._watched.nbytes <= WORTH_KEEPING
        learned = any(self.module.part(name).learns_delays for name in self._rows)
        return small and self._watched.plain and not learned

    def resumed(self, run: Run) -> bool:
        """Begin another run, unless that needs other preparations."""
        if (run.trials, torch.get_num_threads()) != (len(self.trials), self.threads):
            return False
        standing = self._first if run.fresh else run.state.source
        if not (isinstance(standing, Standing) and standing.frame is self.frame and self._watched.unchanged()):
            return False
        standing.put_back(self.trials)
        self.stepper.edges = {name: self.module.part(name).current(by_edge=True) for name in self.stepper.edges}
        for table in self.operations.edges.values():
            table.read_constants()
        self._begin(run)
        return True

    @property
    def feed(self) -> Feed:
        """What drives the run."""
        if self._feed is None:
            raise TypeError("a machine has begun a run")
        return self._feed

    def _begin(self, run: Run) -> None:
        self.stepper.step_number = run.start
        if self._feed is not None and self._feed.of_circuit and run.inputs.of_circuit:
            self._feed.run = run
        else:
            self._feed = Feed(self.module, run, self.stepper)
        for trial in self.trials:
            self._feed.write_constants(trial, self.plan)
        amounts = {name: self._amounts(name, rows) for name, rows in self._rows.items() if name not in self.plan.edges}
        self.operations.begin(amounts, self._feed.drawn, run.seed)

    def _least_delay(self) -> int:
        """Return after how many steps a spike of a neuron arrives at the earliest; 0 where edges have programs."""
        if self.plan.edges:
            return 0
        delays = [
            self.module.part(item.name).whole_delay().min() for item in self.module.program.pulses
            if item.n and item.pre in self.plan.homes
        ]  # fmt: skip
        return int(min(delays, default=LONGEST))

    def _sorted(self, name: str) -> Rows:
        item, part = self.module.program.projections[name], self.module.part(name)
        key = (name, self.division.parts)
        if key in self.plan.rows:
            return self.plan.rows[key]
        home = self.plan.homes[item.post]
        sizes = self.module.program.populations
        rows = make_rows(
            item.edges, part.whole_delay(), sizes[item.pre].n, home.n, home.slots(), self.division.bounds(home)
        )  # fmt: skip
        if not part.learns_delays:
            self.plan.rows[key] = rows
        return rows

    def _amounts(self, name: str, rows: Rows) -> list[tuple[str, NDArray[np.float64]]]:
        """Return what each edge adds to which variable: one number, or one in the order of the rows."""
        edges, found = self.stepper.edges[name], []
        for target, printed in self.module.part(name).exact_expressions.terms:
            value = printed({key: edges[key] for key in printed.reads})["value"]
            amount = np.asarray(value, dtype=np.float64)
            found.append((target, amount if amount.ndim == 0 else np.ascontiguousarray(amount[rows.order])))
        return found


def prepared(module: CircuitModule, plan: Plan, run: Run, most: int) -> Machine:
    """Return a machine that stands where a run begins: that of the last run, where nothing else has changed."""
    machine = plan.shelf.take()
    if machine is not None and machine.resumed(run):
        return machine
    return Machine(module, plan, run, most)
