"""What a compiled simulation works in, which one run leaves to the next: memory, tables of operations, constants.

To prepare this takes longer than many a run: programs get their constants, edges their places, neurons their values.
None of it changes from run to run but what is read anew each time: the values of single edges, inputs, the seed, and
where the run begins, which is copied back as it stood (:mod:`standing`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.simulator import Run
from neurosim.backends.snntorch.simulation.carried import Carried
from neurosim.backends.snntorch.simulation.division import LONGEST, divided
from neurosim.backends.snntorch.simulation.feeding import Feed
from neurosim.backends.snntorch.simulation.operations import Operations
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.backends.snntorch.simulation.rows import Rows, make_rows
from neurosim.backends.snntorch.simulation.simulated import Simulated
from neurosim.backends.snntorch.simulation.standing import Frame, Standing
from neurosim.backends.snntorch.simulation.trial import Trial
from neurosim.backends.snntorch.threads import thread_count
from neurosim.program.exact_numbers import exact_number

#: Bytes of memory that are kept for the next run at most. Larger networks take longer to run than to prepare.
WORTH_KEEPING = 2**23


class Machine:
    """The trials of a circuit, prepared.

    Parameters
    ----------
    simulated, plan
        What is simulated.
    run
        The first run.
    most
        Steps of a chunk at most.
    """

    def __init__(self, simulated: Simulated, plan: Plan, run: Run, most: int) -> None:
        self.simulated, self.plan, self.most = simulated, plan, most
        self.threads = thread_count()
        program = simulated.program
        self.stepper = stepper = Carried(simulated, run.state)
        self.before = max(program.history_depth.values(), default=0)
        self.division = divided(plan, self._least_delay(), self.threads, self._edges_of_a_neuron())
        self.trials = [Trial(plan, stepper, number, self.before, most, self.division) for number in range(run.trials)]
        self._rows = {item.name: self._sorted(item.name) for item in program.pulses if item.n}
        self.operations = Operations(plan, stepper, self._rows, self.division)
        edges = self.operations.edges
        for trial in self.trials:
            trial.edges = {name: edges[name].values(trial.number) for name in stepper.plastic}
        limits = {name: stepper.limit(name) for name in plan.homes}
        readers = {name: edges[name].reader() for name in stepper.plastic}
        self.frame = Frame(program, plan.homes, readers, limits, stepper.dt, self.before)
        # The values of the run are in the memory of its trials now.
        stepper.values = {name: {} for name in stepper.values}
        stepper.history.clear()
        #: How many steps a chunk had when the last run ended; 0 before there was one.
        self.pace = 0
        self._watched = simulated.watch()
        self._amounts = {name: self._added(name) for name in self._rows if name not in plan.edges}
        self._first: Standing | None = None
        self._feed: Feed | None = None
        self._anew = [name for name in sorted(self._watched.large) if not self._lives(name)]
        learned = any(simulated.learns_delays(name) for name in self._rows)
        self._keeps = self._watched.plain and not learned and self.nbytes <= WORTH_KEEPING
        self._begin(run)
        if run.fresh and self._keeps:
            self._first = Standing(self.frame, run.start, self.trials, copied=True)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept for the next run."""
        held = sum(array.nbytes for trial in self.trials for array in trial.arrays())
        return held + self._watched.nbytes

    def left(self, step: int) -> Standing | None:
        """Leave this to the next run, and return where it stands before a step; ``None`` where it is not kept."""
        if not self._keeps or any(trial.room > WORTH_KEEPING for trial in self.trials):
            return None
        standing = Standing(self.frame, step, self.trials, copied=True)
        if not self.feed.of_circuit:
            self._feed = None  # what the run was given may be large
        self.plan.shelf.put(self)
        return standing

    def resumed(self, run: Run) -> bool:
        """Begin another run, unless that needs other preparations."""
        if (run.trials, thread_count()) != (len(self.trials), self.threads):
            return False
        standing = self._first if run.fresh else run.state.source
        if not (isinstance(standing, Standing) and standing.frame is self.frame and self._watched.unchanged()):
            return False
        standing.put_back(self.trials)
        for name in self._anew:
            self.stepper.edges[name] = self.simulated.edge_values(name)
            if name in self.operations.edges:
                table = self.operations.edges[name]
                own = [trial.edges[name] for trial in self.trials if name in trial.edges]  # graded ones are shared
                table.read_constants(own or [table.values(0)])
            elif name in self._rows:
                self._amounts[name] = self._added(name)
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
            self._feed = Feed(run, self.stepper)
        for trial in self.trials:
            self._feed.write_constants(trial, self.plan)
        self.operations.begin(self._amounts, self._feed.drawn, run.seed)

    def _least_delay(self) -> int:
        """Return after how many steps a spike of a neuron arrives at the earliest; 0 where edges have programs."""
        if self.plan.edges:
            return 0
        delays = [
            self.simulated.whole_delay(item.name).min() for item in self.simulated.program.pulses
            if item.n and item.pre in self.plan.homes
        ]  # fmt: skip
        return int(min(delays, default=LONGEST))

    def _edges_of_a_neuron(self) -> float:
        """Return how many edges a neuron has on average."""
        neurons = sum(home.n for home in self.plan.homes.values())
        return sum(item.n for item in self.simulated.program.pulses) / max(neurons, 1)

    def _sorted(self, name: str) -> Rows:
        item = self.simulated.program.projections[name]
        key = (name, self.division.parts)
        if key in self.plan.rows:
            return self.plan.rows[key]
        home = self.plan.homes[item.post]
        sizes = self.simulated.program.populations
        delay, bounds = self.simulated.whole_delay(name), self.division.bounds(home)
        rows = make_rows(item.edges, delay, sizes[item.pre].n, home.n, home.size, bounds)
        if not self.simulated.learns_delays(name):
            self.plan.rows[key] = rows
        return rows

    def _lives(self, name: str) -> bool:
        """Tell whether runs read the values of a projection where the module has them, so that none is out of date."""
        if name in self.operations.edges:
            return False
        now = list(self.simulated.edge_values(name).values())  # where they were before, or else they are computed
        used = [*self.stepper.edges[name].values(), *(amount for _, amount in self._amounts.get(name, []))]
        return all(array.size == 1 or any(np.may_share_memory(array, own) for own in now) for array in used)

    def _added(self, name: str) -> list[tuple[str, NDArray[np.float64]]]:
        """Return what each edge adds to which variable: one number, or one in the order of the rows."""
        edges, rows, found = self.stepper.edges[name], self._rows[name], []
        for addition in self.simulated.program.projections[name].additions:
            amount = np.asarray(exact_number(addition.expression, edges), dtype=np.float64)
            found.append((addition.target, amount if amount.ndim == 0 else np.ascontiguousarray(amount[rows.order])))
        return found


def prepared(simulated: Simulated, plan: Plan, run: Run, most: int) -> Machine:
    """Return a machine that stands where a run begins: that of the last run, where nothing else has changed."""
    machine = plan.shelf.take()
    if machine is not None and machine.resumed(run):
        return machine
    return Machine(simulated, plan, run, most)
