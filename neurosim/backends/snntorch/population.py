"""One population as a torch module: integrate, fire, reset, each a pure function of explicit values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import snntorch
import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie, Values
from neurosim.backends.snntorch.step_parts import StepParts
from neurosim.circuit.language import names_in
from neurosim.circuit.values import Trainable
from neurosim.program.normalise import constant, constant_value, fold
from neurosim.program.statements import Statement
from neurosim.program.step_program import PopulationProgram
from neurosim.program.torch_printer import Printed, TorchPrinter

Tensors = dict[str, Tensor]


class Dynamics(StepParts):
    """The printed programs of one population for one mathematics (torch's or numpy's)."""

    def __init__(self, item: PopulationProgram, width: float | None, dtype: torch.dtype, *, exact: bool) -> None:
        super().__init__(item)
        printer = TorchPrinter(dtype, exact=exact)
        self.integrate, self.update, self.reset = (
            printer.print(self.steps[prefix], _copied(self.steps[prefix]))
            for prefix in ("fixed_integrate_", "fixed_update_", "fixed_reset_")
        )
        self.threshold: Printed | None = None
        self.distance: Printed | None = None
        self.refractory: Printed | None = None
        if item.threshold is not None:
            self.threshold = printer.print(self.steps["threshold"], ["value"])
            distance = [Statement("value", _distance(item.threshold)), Statement("width", _width(item, width))]
            self.steps["distance"] = tuple(distance)
            self.distance = printer.print(distance, ["value", "width"])
        if item.refractory is not None:
            self.refractory = printer.print(self.steps["refractory"], ["value"])
        self.subexpressions = {name: printer.print_expression(tree) for name, tree in item.subexpressions.items()}
        once = list(dict.fromkeys(statement.target for statement in self.prologue))
        self.printed_prologue = printer.print(self.prologue, once)


def _copied(statements: tuple[Statement, ...]) -> list[str]:
    """Return the variables that statements write (temporaries begin with an underscore; xi is one too)."""
    return list(dict.fromkeys(s.target for s in statements if not s.target.startswith("_") and s.target != "xi"))


def _distance(tree: ast.expr) -> ast.expr:
    """Return how far above its threshold a condition is: positive where it holds."""
    if isinstance(tree, ast.Compare):
        left, right = tree.left, tree.comparators[0]
        if isinstance(tree.ops[0], (ast.Lt, ast.LtE)):
            left, right = right, left
        return ast.BinOp(left, ast.Sub(), right)
    if isinstance(tree, ast.BoolOp):
        name = "minimum" if isinstance(tree.op, ast.And) else "maximum"
        result = _distance(tree.values[0])
        for part in tree.values[1:]:
            result = ast.Call(ast.Name(name, ast.Load()), [result, _distance(part)], [])
        return result
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return ast.UnaryOp(ast.USub(), _distance(tree.operand))
    return tree


def _width(item: PopulationProgram, given: float | None) -> ast.expr:
    """Return what one unit of the surrogate's argument is: threshold minus reset, where both are known."""
    if given is not None:
        return constant(given)
    comparison = next((node for node in ast.walk(item.threshold) if isinstance(node, ast.Compare)), None)  # type: ignore[arg-type]
    if comparison is not None:
        threshold = comparison.comparators[0]
        values = {statement.target: statement.expression for statement in item.reset}
        for variable in sorted(names_in(comparison.left) & values.keys()):
            reset = values[variable]
            reset = values.get(reset.id, reset) if isinstance(reset, ast.Name) else reset
            known = item.parameters.keys()
            if names_in(reset) <= known and names_in(threshold) <= known:
                difference = fold(ast.BinOp(threshold, ast.Sub(), reset), {})
                if constant_value(difference) != 0.0:
                    return difference
        number = constant_value(threshold)
        if number:
            return constant(abs(number))
    return constant(1.0)


class NeuronPopulation(snntorch.SpikingNeuron):  # type: ignore[misc]
    """A population with a threshold, as a spiking neuron of snnTorch.

    Spikes are decided by the circuit's own comparison; snnTorch's surrogate supplies the gradient.
    """

    #: Where set, gives spikes another gradient than the surrogate's: called with what the threshold reads,
    #: spikes (batch, neuron) and the neurons that are not refractory (``None``: all), it returns the spikes.
    estimator: Callable[[Mapping[str, Any], Tensor, Tensor | None], Tensor] | None = None

    def __init__(
        self,
        item: PopulationProgram,
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        options: SnntorchOptions,
    ) -> None:
        super().__init__(spike_grad=options.spike_gradient())
        # snnTorch keeps every neuron alive in a list of the class, and would reset ours with its own.
        instances = snntorch.SpikingNeuron.instances
        instances[:] = [other for other in instances if other is not self]
        for buffer in ("threshold", "graded_spikes_factor", "reset_mechanism_val"):
            del self._buffers[buffer]
        _equip(self, item, trainable, ties, options)

    def fire(self, values: Mapping[str, Any], active: Tensor | None, dynamics: Dynamics) -> Tensor:
        """Return the spikes of this step, 0 or 1, with the surrogate's gradient.

        Parameters
        ----------
        values
            What the threshold reads.
        active
            Neurons that are not refractory, or ``None`` for all.
        dynamics
            The printed programs to use.
        """
        if dynamics.threshold is None or dynamics.distance is None:
            raise TypeError("a population without a threshold does not fire")
        spikes = _tensor(dynamics.threshold(values)["value"], torch.bool)
        if self.estimator is not None:
            return self.estimator(values, spikes, active)
        if not torch.is_grad_enabled() and not self.relaxed:
            return spikes if active is None else spikes & active
        distance = dynamics.distance(values)
        argument = _tensor(distance["value"] / distance["width"], self.compute_dtype)
        if self.relaxed:
            spikes = torch.sigmoid(4.0 * argument)
        else:
            soft = self._soft(argument)
            spikes = soft + (spikes.to(argument.dtype) - soft).detach()
        return spikes if active is None else spikes * active

    def _soft(self, argument: Tensor) -> Tensor:
        """Return something whose gradient is the surrogate's."""
        soft: Tensor = self.spike_grad(argument)
        if soft.dtype == argument.dtype or not argument.requires_grad:
            return soft.to(argument.dtype)
        # snnTorch's answer is float32, through which gradients would be rounded; its slope is not.
        point = argument.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.spike_grad(point).sum(), point)
        return slope * (argument - point.detach())


def _tensor(value: Any, dtype: torch.dtype) -> Tensor:
    """Return a value as a tensor; what reads nothing that changes is a Python number."""
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=dtype)


class SilentPopulation(nn.Module):
    """A population without a threshold, or a source."""

    def __init__(
        self,
        item: PopulationProgram,
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        options: SnntorchOptions,
    ) -> None:
        super().__init__()
        _equip(self, item, trainable, ties, options)


def _equip(
    module: Any,
    item: PopulationProgram,
    trainable: Mapping[str, Trainable],
    ties: dict[str, Tie],
    options: SnntorchOptions,
) -> None:
    width = options.surrogate_width.get(item.name)
    module.width = None if width is None else float(np.asarray(width))
    module.item = item
    module.relaxed = options.relaxed
    print_dynamics(module, options.torch_dtype)
    module.values = Values(module, dict(item.parameters), trainable, ties, item.name, options.torch_dtype)


def print_dynamics(population: Any, dtype: torch.dtype) -> None:
    """Print a population's programs for a dtype."""
    population.compute_dtype = dtype
    population.dynamics = Dynamics(population.item, population.width, dtype, exact=False)
    population.exact_dynamics = Dynamics(population.item, population.width, dtype, exact=True)


Population = NeuronPopulation | SilentPopulation


def fixed_values(population: Any, dynamics: Dynamics, dt: float) -> Tensors:
    """Return what a run computes once: the parameters, and everything that depends on them alone."""
    values = {**population.values.current(), "dt": dt}
    return {**values, **dynamics.printed_prologue(values)}
