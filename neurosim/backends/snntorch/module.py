"""A circuit as a torch module: trains by gradient, and simulates without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.torch_version import TorchVersion

from neurosim.backends.simulator import Progress, Run, Simulator, draw_noise
from neurosim.backends.snntorch.arguments import (
    check_widths,
    checked_input,
    checked_marks,
    chosen_records,
    extent,
    marks_of,
)
from neurosim.backends.snntorch.blocks import BlockRun
from neurosim.backends.snntorch.delays import DELAY, Rounding, mark_in_steps, rounding, set_width
from neurosim.backends.snntorch.devices import checked_device, checked_dtype
from neurosim.backends.snntorch.explanation import Explanation, explain
from neurosim.backends.snntorch.fused import by_triton, worth_it
from neurosim.backends.snntorch.gpu.runs import simulate_in_kernels, why_runs_stepped
from neurosim.backends.snntorch.kernel_projection import KernelProjection
from neurosim.backends.snntorch.layers import LAYER, checked_layers, layers_of, refuse_layers
from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie
from neurosim.backends.snntorch.paths import Paths
from neurosim.backends.snntorch.poisson import PoissonDrive
from neurosim.backends.snntorch.population import NeuronPopulation, SilentPopulation, print_dynamics
from neurosim.backends.snntorch.projection import Projection
from neurosim.backends.snntorch.refusals import refuse_marks
from neurosim.backends.snntorch.session import TorchSession
from neurosim.backends.snntorch.simulation.simulate import simulate_compiled
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.backends.snntorch.trained_circuit import trained_circuit
from neurosim.backends.states import check_state, plain_state
from neurosim.backends.streaming import digest
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Trainable
from neurosim.errors import BackendError, UnsupportedError
from neurosim.program.components import Component
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.lowering import lower
from neurosim.program.step_program import ProjectionProgram
from neurosim.recording import Recording, RecordingBuilder, State
from neurosim.recording.values import to_numpy

Outputs = dict[str, dict[str, Tensor]]
#: Whether this torch lets a function stand in a graph with the module that it is given; else a call breaks the graph.
GRAPHS = TorchVersion(torch.__version__) >= "2.13"


class CircuitModule(nn.Module, Simulator):
    """A circuit compiled to torch.

    Parameters
    ----------
    circuit
        What to compile.
    options
        See :class:`SnntorchOptions`.

    Notes
    -----
    Parameters carry the circuit's addresses (``"hidden.tau_mem"``, ``"in_to_hidden.weight"``). State is explicit:
    ``out, state = module(inputs, state)``. ``module.to("cuda")``, ``module.double()`` and the like work as in any
    module; what was rounded to float32 stays so in a module that becomes float64.
    """

    def __init__(self, circuit: Circuit, options: SnntorchOptions) -> None:
        nn.Module.__init__(self)
        if options.trainable:
            circuit = circuit.replace(checked_marks(options.trainable))
        self.circuit = circuit
        self.options = options
        self.torch_dtype = options.torch_dtype
        self.device = torch.device("cpu")
        self.relaxed = options.relaxed
        self.program = lower(circuit)
        self.paths = Paths(self)
        check_widths(options.surrogate_width, self.program)
        marks = circuit.trainables() if options.training else {}
        refuse_marks(marks, circuit, self.program)
        ties: dict[str, Tie] = {}
        items = self.program.populations
        for name, item in items.items():
            kind = NeuronPopulation if item.threshold is not None else SilentPopulation
            self._add(name, kind(item, marks_of(marks, name), ties, options))
        for name, projection in self.program.projections.items():
            self._add(name, self._projection(projection, marks_of(marks, name, weight=WEIGHT), ties))
        for drive in self.program.poisson:
            self._add(drive.name, PoissonDrive(drive, items[drive.post].n, marks_of(marks, drive.name), ties, options))
        for name, part in circuit.injections.items():
            self.register_buffer(f"injection_{name}", torch.as_tensor(part.indices), persistent=False)
        parts = {name: self.part(name) for name in (*items, *self.program.projections)}
        for name, layer in checked_layers(options.modules, self.program, self.schedule, parts).items():
            self.part(name).add_module(LAYER, layer.to(self.torch_dtype))
        self.has_layers = bool(options.modules)
        self.to(options.device)

    @property
    def schedule(self) -> tuple[Component, ...]:
        """What advances together, in the order in which it is computed."""
        return self.paths.schedule

    @property
    def stepped(self) -> dict[Component, str | None]:
        """Why each component is stepped by torch's operations; ``None`` where compiled loops can run it."""
        return self.paths.stepped

    def explain(self) -> Explanation:
        """Return by which path each part is computed in a call, and why; ``print(module.explain())`` shows a table."""
        return explain(self)

    @property
    def stepped_runs(self) -> str | None:
        """Why torch's operations step through runs without gradients; ``None`` where compiled code carries them.

        That is compiled programs on a CPU, on a GPU the kernels of calls.
        """
        if by_triton(self):
            return why_runs_stepped(self)
        if self.options.fused == "never":
            return 'fused="never"'
        runs = self.paths.runs
        if runs is None:
            return "it is not float64 on a CPU"
        return runs.stepped

    def _projection(self, item: ProjectionProgram, marks: Mapping[str, Trainable], ties: dict[str, Tie]) -> Projection:
        if isinstance(item, ConvolutionProgram):
            return KernelProjection(item, marks, ties, self.options)
        populations = self.program.populations
        if DELAY in marks:
            marks = {**marks, DELAY: mark_in_steps(marks[DELAY], self.program.dt)}
        return Projection(item, populations[item.pre], populations[item.post], marks, ties, self.options)

    def _add(self, name: str, part: nn.Module) -> None:
        if hasattr(nn.Module, name) or hasattr(self, name):
            raise UnsupportedError(
                f"{name!r} is an attribute of a torch module and cannot also name a part of one; rename it in the "
                "circuit."
            )
        self.add_module(name, part)

    def part(self, name: str) -> Any:
        """Return the module of a population or projection."""
        return self._modules[name]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert the module, as torch does, and compute there and in that dtype from now on.

        Everything of torch that moves or converts a module calls this: ``to``, ``cuda``, ``double``, ``float``, ...

        Raises
        ------
        BackendError
            Before anything is changed, if a module cannot be there or in that dtype.
        """
        try:
            probe = fn(torch.empty(1, dtype=self.torch_dtype, device=self.device))
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise BackendError(f"the module cannot be moved there: {str(error).splitlines()[0]}") from None
        dtype, device = checked_dtype(probe.dtype), checked_device(probe.device)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.device = device
        if dtype != self.torch_dtype:
            self.torch_dtype = dtype
            for name in self.program.populations:
                print_dynamics(self.part(name), dtype)
            for name in self.program.projections:
                self.part(name).print_expressions(dtype)
        return self

    def check_whole(self) -> None:
        """Refuse to compute where parts of the module lie elsewhere, or are in another dtype.

        Raises
        ------
        BackendError
            If a part was moved or converted by itself.
        """
        if not _apart(self, self.torch_dtype, self.device):
            return
        for address, tensor in chain(self.named_parameters(), self.named_buffers()):
            dtype = tensor.dtype if tensor.is_floating_point() else self.torch_dtype
            if tensor.device != self.device or dtype != self.torch_dtype:
                raise BackendError(
                    f"{address} is {dtype} on {tensor.device}, but the module computes in {self.torch_dtype} on "
                    f"{self.device}. Move or convert the whole module, with module.to(...), not a part of it."
                )

    # -- training ------------------------------------------------------------------------------------------------

    def forward(
        self,
        inputs: Mapping[str, Any] | None = None,
        state: State | None = None,
        *,
        steps: int | None = None,
        record: Any = None,
        seed: int = 0,
    ) -> tuple[Outputs, State]:
        r"""Run some steps, differentiably.

        Parameters
        ----------
        inputs
            By name of a source or injection: tensors (time, batch, \*shape) in SI units; spikes are 0 or 1. What is
            not given comes from the circuit (an injection's own signal) or is 0.
        state
            Where to go on from, as returned by the last call; ``None`` starts anew.
        steps
            Number of steps, where no input tells it.
        record
            What to return; by default the spikes and the first state variable of every terminal population.
        seed
            Fixes the noise.

        Returns
        -------
        outputs
            ``outputs[population][variable]``, (time, batch, \*shape).
        state
            The state after the last step, with gradients.
        """
        if not torch.compiler.is_dynamo_compiling():
            return self._call(inputs, state, steps, record, seed)
        if GRAPHS and not self.has_layers:
            from neurosim.backends.snntorch.in_graph import call_in_graph

            return call_in_graph(self, inputs, state, steps, record, seed)
        # The graph breaks here. As a decorator this would load torch's compiler, a second's work, in every process.
        alone: Callable[..., tuple[Outputs, State]] = torch.compiler.disable(self._call)  # type: ignore[no-untyped-call]
        return alone(inputs, state, steps, record, seed)

    def _call(
        self, inputs: Mapping[str, Any] | None, state: State | None, steps: int | None, record: Any, seed: int
    ) -> tuple[Outputs, State]:
        """Run some steps (see :meth:`forward`)."""
        self.check_whole()
        given = {
            name: checked_input(self.circuit, name, value, self.device, self.torch_dtype)
            for name, value in (inputs or {}).items()
        }
        n_steps, batch = extent(given, steps, state)
        if state is None:
            state = self.paths.start(seed, batch)
        else:
            check_state(state, self.circuit, self.program, batch)
        chosen = chosen_records(self.circuit, self.program, record)
        collected, end = BlockRun(self, given, state, n_steps, seed, chosen).run()
        outputs: Outputs = {}
        for name, variable in chosen:
            values = collected[name, variable].to(self.torch_dtype)
            shape = self.circuit.populations[name].shape if name in self.circuit.populations else values.shape[2:]
            outputs.setdefault(name, {})[variable] = values.reshape(*values.shape[:2], *shape)
        return outputs, end

    def project(self) -> None:
        """Put every parameter back into its bounds and sign; call it after each optimiser step."""
        for name, _ in self.named_children():
            self.part(name).values.project()

    def to_circuit(self) -> Circuit:
        """Return the circuit with the module's present values, still marked trainable.

        Batch normalisation is folded: into the weights, and into a neuron that fires in every step and brings the
        constant part.

        Raises
        ------
        UnsupportedError
            If there are other modules than batch normalisation and dropout, which a circuit cannot express.
        """
        return trained_circuit(self)

    def delay_rounding(self) -> dict[str, Rounding]:
        """Return what becomes of the learned delays of each projection when a simulation rounds them to steps."""
        learned = [name for name in self.program.projections if self.part(name).learns_delays]
        return {name: rounding(self.part(name).values.trained()[DELAY].reshape(-1)) for name in learned}

    # -- simulation ----------------------------------------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether runs use numpy's functions: on a CPU in float64."""
        return self.torch_dtype == torch.float64 and self.device.type == "cpu" and not self.relaxed

    def session(
        self, *, seed: int = 0, trials: int = 1, state: State | None = None, record: Any = None
    ) -> TorchSession:
        """Start a closed loop on the path of :meth:`run`, without gradients (see :meth:`Simulator.session`).

        The parameters are read when it starts and at each ``reset()``.
        """
        refuse_layers(self)
        return TorchSession(self, seed=seed, trials=trials, state=state, record=record)

    def _metadata(self) -> dict[str, Any]:
        return {
            "backend": "snntorch",
            "dtype": str(self.torch_dtype).removeprefix("torch."),
            "device": str(self.device),
            "exact": self.exact,
        }

    def _trained(self) -> str:
        return digest({name: to_numpy(value) for name, value in self.state_dict().items()})

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
        refuse_layers(self)
        runs = self.paths.runs
        if runs is not None and (plan := runs.plan_of(run.n_steps * run.trials)) is not None:
            return simulate_compiled(runs.simulated, plan, run, builder, progress)
        if by_triton(self) and worth_it(self, run.n_steps * run.trials) and why_runs_stepped(self) is None:
            return simulate_in_kernels(self, run, builder, progress)
        return self._simulate(run, builder, progress, exact=self.exact, events=True)

    def run_eager(
        self,
        duration: Any,
        *,
        inputs: Mapping[str, Any] | None = None,
        record: Any = None,
        state: State | None = None,
        seed: int = 0,
        trials: int = 1,
        progress: Progress | None = None,
    ) -> Recording:
        """Run like :meth:`run`, through the differentiable path that training uses."""
        refuse_layers(self)
        run = Run(self.circuit, self.program, duration, inputs, record, state, seed, trials)
        builder = RecordingBuilder(run.plan)
        final = self._simulate(run, builder, progress, exact=False, events=False)
        return builder.finish(final, {**run.metadata, **self._metadata(), "exact": False})

    @torch.no_grad()
    def _simulate(
        self, run: Run, builder: RecordingBuilder, progress: Progress | None, *, exact: bool, events: bool
    ) -> State:
        stepper = Stepper(self, run.state, exact=exact, events=events)
        end = run.start + run.n_steps
        for first in range(run.start, end, run.block):
            last = min(first + run.block, end)
            rows = {name: self.tensor(run.inputs.rows(name, first, last)) for name in run.inputs.targets}
            drawn = {name: self.noise_of(name, run.seed, run.trials, first, last) for name in self.program.noisy}
            fired: dict[str, list[Tensor]] = {name: [] for name in run.plan.spikes}
            for step in range(first, last):
                stepper.step({name: value[step - first] for name, value in rows.items()}, _at(drawn, step - first))
                for name, spikes in fired.items():
                    spikes.append(stepper.spikes[name] != 0)
                for trace in builder.due(step):
                    builder.sample(trace.name, trace.variable, step, stepper.value(trace.name, trace.variable))
                if run.stop.requested:
                    break
            for name, spikes in fired.items():
                steps, trials, neurons = np.nonzero(torch.stack(spikes).cpu().numpy())
                builder.add_spikes(name, steps + first, trials, neurons)
            if progress is not None:
                progress(stepper.step_number - run.start, run.n_steps)
            if run.stop.requested:
                break
        return plain_state(stepper.state(run.seed))

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a copy of an array where the module lives, in its dtype."""
        return torch.from_numpy(np.array(array)).to(device=self.device, dtype=self.torch_dtype)

    def noise_of(self, part: str, seed: int, trials: int, first: int, last: int) -> dict[str, Tensor]:
        """Return the random numbers of a part in a span of steps, by symbol, (time, batch, neuron or edge)."""
        drawn = draw_noise(self.program, part, seed, trials, first, last)
        return {symbol: self.tensor(values) for symbol, values in drawn.items()}

    def layers(self) -> list[tuple[str, nn.Module]]:
        """Return the modules of ``modules=`` with the projection or population where each stands."""
        return layers_of(self)

    def set_delay_width(self, width: float) -> None:
        """Set how far learned delays feel for spikes while training: a Gaussian's standard deviation, in steps.

        Parameters
        ----------
        width
            0 reads between two steps; wider kernels let a delay move towards spikes that are far from it, and are
            narrowed from epoch to epoch. Evaluation and simulation do not know it.

        Raises
        ------
        UnsupportedError
            If a learned delay stands in a loop, where later spikes are not known yet.
        """
        set_width(self, width)

    def spread_injection(self, name: str, row: Tensor) -> Tensor:
        """Return an injection's rows, (..., chosen), as (..., neuron) with 0 elsewhere."""
        part = self.circuit.injections[name]
        n = self.program.populations[part.population].n
        if part.n == n and part.indices == tuple(range(n)):
            return row
        whole = torch.zeros((*row.shape[:-1], n), dtype=row.dtype, device=row.device)
        return whole.index_copy(-1, getattr(self, f"injection_{name}"), row)


def _apart(module: nn.Module, dtype: torch.dtype, device: torch.device) -> bool:
    """Tell whether a tensor of a module is elsewhere or in another dtype; torch's own walk takes ten times as long."""
    for tensors in (module._parameters, module._buffers):
        for tensor in tensors.values():
            if tensor is None:
                continue
            if tensor.device != device or (tensor.dtype != dtype and tensor.is_floating_point()):
                return True
    return any(_apart(part, dtype, device) for part in module._modules.values() if part is not None)


def _at(drawn: Mapping[str, Mapping[str, Tensor]], step: int) -> dict[str, dict[str, Tensor]]:
    return {name: {symbol: values[step] for symbol, values in symbols.items()} for name, symbols in drawn.items()}
