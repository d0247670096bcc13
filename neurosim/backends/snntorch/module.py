"""A circuit as a torch module: trains by gradient, and simulates without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import Progress, Run, Simulator, catalogue, initial_state
from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie
from neurosim.backends.snntorch.population import NeuronPopulation, SilentPopulation
from neurosim.backends.snntorch.projection import Projection
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Injection
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.circuit.values import Trainable
from neurosim.errors import BackendError, CircuitError, UnsupportedError, nearest
from neurosim.program.lowering import lower
from neurosim.program.step_program import StepProgram
from neurosim.random import noise
from neurosim.recording import Recording, RecordingBuilder, State
from neurosim.recording.request import read_request

#: Steps whose inputs and noise are computed at once.
BLOCK = 256

Outputs = dict[str, dict[str, Tensor]]


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
    ``out, state = module(inputs, state)``.
    """

    def __init__(self, circuit: Circuit, options: SnntorchOptions) -> None:
        nn.Module.__init__(self)
        if options.trainable:
            circuit = circuit.replace(_marked(circuit, options.trainable))
        self.circuit = circuit
        self.options = options
        self.torch_dtype = options.torch_dtype
        self.relaxed = options.relaxed
        self.program = lower(circuit)
        _check_widths(options.surrogate_width, self.program)
        marks = circuit.trainables() if options.training else {}
        self._refuse(marks)
        ties: dict[str, Tie] = {}
        items = self.program.populations
        for name, item in items.items():
            kind = NeuronPopulation if item.threshold is not None else SilentPopulation
            self._add(name, kind(item, _of(marks, name), ties, options))
        for name, projection in self.program.projections.items():
            pre, post = items[projection.pre], items[projection.post]
            self._add(name, Projection(projection, pre, post, _of(marks, name), ties, options))
        for name, part in circuit.injections.items():
            self.register_buffer(f"injection_{name}", torch.as_tensor(part.indices), persistent=False)
        try:
            self.to(options.device)
        except (RuntimeError, AssertionError) as error:
            raise BackendError(f"device={options.device!r} cannot be used here: {error}") from None

    def _add(self, name: str, part: nn.Module) -> None:
        if hasattr(nn.Module, name) or hasattr(self, name):
            raise UnsupportedError(
                f"{name!r} is an attribute of a torch module and cannot also name a part of one; rename it in the "
                "circuit."
            )
        self.add_module(name, part)

    def _refuse(self, marks: Mapping[str, Trainable]) -> None:
        """Raise once, with everything that this module could not train."""
        problems = []
        for address in marks:
            name, _, value = address.partition(".")
            known = self.program.populations[name].parameters if name in self.program.populations else None
            if value == "delay":
                problems.append(f"{address}: delays are not trainable yet")
            elif known is not None and value not in known:
                problems.append(f"{address}: initial values are not trainable")
        if problems:
            listed = "; ".join(problems)
            raise UnsupportedError(f"the torch backend cannot train everything that is marked: {listed}.")

    def part(self, name: str) -> Any:
        """Return the module of a population or projection."""
        return self._modules[name]

    @property
    def device(self) -> torch.device:
        """Where the module lives."""
        tensor = next((*self.parameters(), *self.buffers()).__iter__(), None)
        return tensor.device if tensor is not None else torch.device(self.options.device)

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
            By name of a source or injection: tensors (time, batch, \\*shape) in SI units; spikes are 0 or 1. What is
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
            ``outputs[population][variable]``, (time, batch, \\*shape).
        state
            The state after the last step, with gradients.
        """
        given = {name: self._input(name, value) for name, value in (inputs or {}).items()}
        n_steps, batch = _extent(given, steps, state)
        if state is None:
            state = initial_state(self.circuit, self.program, seed, batch)
        elif state.trials != batch:
            raise CircuitError(f"the state holds a batch of {state.trials}, the inputs one of {batch}.")
        chosen = self._chosen(record)
        stepper = Stepper(self, state, exact=False, events=False)
        others = Inputs(self.circuit, None, start=state.step, n_steps=n_steps, trials=batch, seed=seed)
        collected: dict[tuple[str, str], list[Tensor]] = {key: [] for key in chosen}
        for first in range(0, n_steps, BLOCK):
            last = min(first + BLOCK, n_steps)
            rows = {
                name: given[name][first:last]
                if name in given
                else self._tensor(others.rows(name, state.step + first, state.step + last))
                for name in others.targets
            }
            drawn = self._noise(seed, batch, state.step + first, state.step + last)
            for step in range(last - first):
                stepper.step({name: value[step] for name, value in rows.items()}, _at(drawn, step))
                for name, variable in chosen:
                    value = stepper.spikes[name] if variable == "spikes" else stepper.value(name, variable)
                    collected[name, variable].append(value)
        outputs: Outputs = {}
        for (name, variable), values in collected.items():
            stacked = torch.stack(values).to(self.torch_dtype)
            shape = self.circuit.populations[name].shape if name in self.circuit.populations else stacked.shape[2:]
            outputs.setdefault(name, {})[variable] = stacked.reshape(*stacked.shape[:2], *shape)
        return outputs, stepper.state(seed)

    def _input(self, name: str, value: Any) -> Tensor:
        parts: dict[str, Any] = {**self.circuit.populations, **self.circuit.injections}
        sources = (PoissonSource, SignalSource, SpikeSource)
        targets = [
            key for key, part in parts.items() if isinstance(getattr(part, "model", part), (*sources, Injection))
        ]
        if name not in targets:
            raise CircuitError(f"inputs: {name!r} is no source or injection of the circuit.{nearest(name, targets)}")
        part = parts[name]
        tensor = torch.as_tensor(value, device=self.device).to(self.torch_dtype)
        shape = part.shape if hasattr(part, "shape") else (part.n,)
        if tensor.ndim != 2 + len(shape) or tensor.shape[2:] != shape:
            expected = ", ".join(map(str, shape))
            raise CircuitError(f"inputs: {name!r} has shape {tuple(tensor.shape)}; expected (time, batch, {expected}).")
        return tensor.reshape(*tensor.shape[:2], part.n)

    def _chosen(self, record: Any) -> list[tuple[str, str]]:
        if record is None:
            sending = {projection.pre for projection in self.program.projections.values()}
            chosen = []
            for name, item in self.program.populations.items():
                if name not in sending and item.kind == "neurons":
                    chosen += [(name, "spikes")] if item.spiking else []
                    variable = self.circuit.populations[name].first_variable
                    chosen += [(name, variable)] if variable is not None else []
            return chosen
        known = catalogue(self.circuit, self.program)
        chosen = []
        for name, wanted in read_request(record).items():
            if name not in known:
                raise CircuitError(f"record: the circuit has no {name!r}.{nearest(name, known)}")
            for one in wanted:
                variables = [*known[name].variables, *(["spikes"] if known[name].spiking else [])]
                if one.variable not in variables:
                    raise CircuitError(f"record: {name!r} has no {one.variable!r}.{nearest(one.variable, variables)}")
                chosen.append((name, one.variable))
        return chosen

    def project(self) -> None:
        """Put every parameter back into its bounds and sign; call it after each optimiser step."""
        for name, _ in self.named_children():
            self.part(name).values.project()

    def to_circuit(self) -> Circuit:
        """Return the circuit with the module's present values, still marked trainable."""
        values = {}
        for name, _ in self.named_children():
            for variable, array in self.part(name).values.trained().items():
                key = "weight" if variable == "w" else variable
                values[f"{name}.{key}"] = self._quantity(name, variable, array)
        return self.circuit.replace(values) if values else self.circuit

    def _quantity(self, name: str, variable: str, array: np.ndarray) -> Any:
        from neurosim.units import quantity

        if name in self.program.populations:
            return quantity(array if array.ndim else float(array), self.program.populations[name].units[variable])
        return quantity(array if array.ndim else float(array), self.program.projections[name].units[variable])

    # -- simulation ----------------------------------------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether runs use numpy's functions: on a CPU in float64."""
        return self.torch_dtype == torch.float64 and self.device.type == "cpu" and not self.relaxed

    def _metadata(self) -> dict[str, Any]:
        return {"backend": "snntorch", "dtype": self.options.dtype, "device": str(self.device), "exact": self.exact}

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
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
        for first in range(run.start, end, BLOCK):
            last = min(first + BLOCK, end)
            rows = {name: self._tensor(run.inputs.rows(name, first, last)) for name in run.inputs.targets}
            drawn = self._noise(run.seed, run.trials, first, last)
            fired: dict[str, list[Tensor]] = {name: [] for name in run.plan.spikes}
            for step in range(first, last):
                stepper.step({name: value[step - first] for name, value in rows.items()}, _at(drawn, step - first))
                for name, spikes in fired.items():
                    spikes.append(stepper.spikes[name] != 0)
                for trace in builder.due(step):
                    builder.sample(trace.name, trace.variable, step, stepper.value(trace.name, trace.variable))
            for name, spikes in fired.items():
                steps, trials, neurons = np.nonzero(torch.stack(spikes).cpu().numpy())
                builder.add_spikes(name, steps + first, trials, neurons)
            if progress is not None:
                progress(last - run.start, run.n_steps)
        return numpy_state(stepper.state(run.seed))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(array)).to(device=self.device, dtype=self.torch_dtype)

    def _noise(self, seed: int, trials: int, first: int, last: int) -> dict[str, dict[str, Tensor]]:
        return {
            name: {
                site.symbol: self._tensor(
                    noise(
                        seed,
                        name,
                        trials=(0, trials),
                        steps=(first, last),
                        neurons=item.n,
                        site=site.site,
                        kind=site.kind,
                    )
                )
                for site in item.noise
            }
            for name, item in self.program.populations.items()
            if item.noise
        }

    def spread_injection(self, name: str, row: Tensor) -> Tensor:
        """Return an injection's row, (batch, chosen), as (batch, neuron) with 0 elsewhere."""
        part = self.circuit.injections[name]
        n = self.program.populations[part.population].n
        if part.n == n and part.indices == tuple(range(n)):
            return row
        whole = torch.zeros((row.shape[0], n), dtype=row.dtype, device=row.device)
        return whole.index_copy(1, getattr(self, f"injection_{name}"), row)


def _at(drawn: Mapping[str, Mapping[str, Tensor]], step: int) -> dict[str, dict[str, Tensor]]:
    return {name: {symbol: values[step] for symbol, values in symbols.items()} for name, symbols in drawn.items()}


def _of(marks: Mapping[str, Trainable], part: str) -> dict[str, Trainable]:
    """Return a part's trainable values by name (a weight is called ``w`` in the equations)."""
    found = {address.partition(".")[2]: mark for address, mark in marks.items() if address.partition(".")[0] == part}
    return {"w" if name == "weight" else name: mark for name, mark in found.items()}


def _check_widths(widths: Mapping[str, Any], program: StepProgram) -> None:
    known = [name for name, item in program.populations.items() if item.threshold is not None]
    for name in widths:
        if name not in known:
            raise BackendError(
                f"surrogate_width: no population with a threshold is called {name!r}.{nearest(name, known)}"
            )


def _marked(circuit: Circuit, trainable: Mapping[str, Any]) -> dict[str, Any]:
    for address, mark in trainable.items():
        if not isinstance(mark, Trainable):
            raise CircuitError(f"trainable: {address!r} must be marked with a Trainable, got {type(mark).__name__}.")
    return dict(trainable)


def _extent(given: Mapping[str, Tensor], steps: int | None, state: State | None) -> tuple[int, int]:
    """Return (steps, batch) that the inputs agree on."""
    lengths = {name: tensor.shape[0] for name, tensor in given.items()}
    batches = {name: tensor.shape[1] for name, tensor in given.items()}
    if len(set(lengths.values())) > 1 or len(set(batches.values())) > 1:
        shapes = {name: tuple(tensor.shape[:2]) for name, tensor in given.items()}
        raise CircuitError(f"inputs differ in (time, batch): {shapes}.")
    if not given and steps is None:
        raise CircuitError("give inputs= or steps=, which tell how long to run.")
    n_steps = next(iter(lengths.values()), steps)
    if steps is not None and n_steps != steps:
        raise CircuitError(f"steps={steps}, but the inputs have {n_steps} rows.")
    batch = next(iter(batches.values()), 1 if state is None else state.trials)
    return int(n_steps or 0), batch


def numpy_state(state: State) -> State:
    """Return a state with numpy arrays: float64, and bool for spikes."""
    from dataclasses import replace

    def convert(array: Any) -> np.ndarray:
        return np.asarray(array.detach().cpu().numpy())

    plain = state.map(convert)
    return replace(
        plain,
        variables={
            name: {key: array.astype(np.float64) for key, array in values.items()}
            for name, values in plain.variables.items()
        },
        spikes={name: array != 0 for name, array in plain.spikes.items()},
    )
