"""A circuit that is only simulated: its runs are compiled loops, for which torch need not be loaded."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from neurosim.backends.session import Session
from neurosim.backends.simulator import Progress, Run, Simulator
from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.simulation.planned import PlannedRuns
from neurosim.backends.snntorch.simulation.simulate import simulate_compiled
from neurosim.backends.snntorch.simulation.simulated import SimulatedCircuit
from neurosim.backends.streaming import digest
from neurosim.circuit.circuit import Circuit
from neurosim.program.lowering import lower
from neurosim.recording import RecordingBuilder, State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


class CompiledSimulator(Simulator):
    """A circuit compiled for runs without gradients.

    What compiled loops do not cover, runs too short for them, sessions and everything else that a torch module offers
    is left to such a module: ``simulator.explain()``, ``simulator(inputs)``. It is made when it is first needed; from
    then on it does everything, since whoever has it may have changed its values or moved it.

    Parameters
    ----------
    circuit
        What to compile.
    options
        Those that :attr:`~SnntorchOptions.only_simulates` allows.
    """

    def __init__(self, circuit: Circuit, options: SnntorchOptions) -> None:
        self.circuit, self.options = circuit, options
        self.program = lower(circuit)
        self._runs = PlannedRuns(SimulatedCircuit(circuit, self.program), options.fused)

    @cached_property
    def module(self) -> CircuitModule:
        """The circuit as a torch module."""
        from neurosim.backends.snntorch.module import CircuitModule

        return CircuitModule(self.circuit, self.options)

    @property
    def _made(self) -> CircuitModule | None:
        """The module, if it was made."""
        return vars(self).get("module")

    @property
    def runs(self) -> PlannedRuns | None:
        """How runs are compiled; ``None`` where the module has come to compute otherwise than in float64 on a CPU."""
        return self._runs if self._made is None else self._made.paths.runs

    @property
    def stepped_runs(self) -> str | None:
        """Why torch's operations step through runs; ``None`` where compiled code carries them."""
        return self._runs.stepped if self._made is None else self._made.stepped_runs

    def __getattr__(self, name: str) -> Any:
        """Return what the torch module offers under a name."""
        if name.startswith("_") or name in ("circuit", "options", "program"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return getattr(self.module, name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run some steps as the torch module does."""
        return self.module(*arguments, **named)

    def session(self, *, seed: int = 0, trials: int = 1, state: State | None = None, record: Any = None) -> Session:
        """Start a closed loop (see :meth:`Simulator.session`)."""
        return self.module.session(seed=seed, trials=trials, state=state, record=record)

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
        plan = self._runs.plan_of(run.n_steps * run.trials) if self._made is None else None
        if plan is None:
            return self.module._run(run, builder, progress)
        return simulate_compiled(self._runs.simulated, plan, run, builder, progress)

    def _trained(self) -> str:
        return digest({}) if self._made is None else self._made._trained()

    def _metadata(self) -> dict[str, Any]:
        if self._made is not None:
            return self._made._metadata()
        return {"backend": "snntorch", "dtype": "float64", "device": "cpu", "exact": True}
