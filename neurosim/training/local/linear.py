"""What a population does by itself to what arrived: the matrix of a step of linear equations, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.population import fixed_values
from neurosim.errors import UnsupportedError

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


def transition(module: CircuitModule, name: str) -> Tensor:
    """Return the matrix by which one step takes the variables of a population on, without spikes or arrivals.

    Parameters
    ----------
    module
        The compiled circuit.
    name
        A population whose equations are linear and do not read the time.

    Returns
    -------
    Tensor
        ``matrix[k, l, neuron]`` of variable k after by variable l before, in the order of the population's state.

    Raises
    ------
    UnsupportedError
        If the equations are not linear.
    """
    item, part = module.program.populations[name], module.part(name)
    fixed = _fixed(module, name)

    def slopes(point: Tensor) -> Tensor:
        """Return the derivatives at a point (variable, neuron); neurons do not mix."""
        names = fixed | dict(zip(item.state, point, strict=True))
        for program in (part.dynamics.integrate, part.dynamics.update):
            names |= program(names)
        rows = [
            torch.autograd.grad(names[key].sum(), point, retain_graph=True)[0]
            if names[key].requires_grad
            else torch.zeros_like(point)
            for key in item.state
        ]
        return torch.stack(rows)

    with torch.enable_grad():
        found = [slopes(point) for point in _points(module, name)]
    # Slopes of linear equations are products of their constants: the same bits everywhere.
    if item.reads_last_spike or not torch.equal(*found):
        raise UnsupportedError(
            f"population {name!r}: its equations are not linear in its variables, so that pulses do not simply add up; "
            "take a model with current receptors, such as ns.models.lif or ns.models.leaky_integrator."
        )
    return found[0]


def above_threshold(module: CircuitModule, name: str, target: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a population that has not fired is above its threshold, when the threshold is looked at.

    Parameters
    ----------
    module
        The compiled circuit.
    name
        A population with linear equations, whose threshold compares sums of variables and constants.
    target
        The variable that pulses add to.
    steps
        For how many steps.

    Returns
    -------
    rest
        Without arrivals, from the circuit's initial state, (step, neuron).
    kernel
        What an arrival of 1 adds k steps later, (k, neuron); 0 at once.

    Raises
    ------
    UnsupportedError
        If the equations or the threshold are not linear.
    """
    item, part = module.program.populations[name], module.part(name)
    matrix = transition(module, name)
    fixed = _fixed(module, name)

    def distance(values: Tensor) -> Tensor:
        """Return the distance above threshold of (variable, neuron)."""
        found = part.dynamics.distance(fixed | dict(zip(item.state, values, strict=True)))["value"]
        return torch.as_tensor(found).expand(item.n)

    points = _points(module, name)
    with torch.enable_grad():
        slopes, others = (
            torch.autograd.grad(distance(point).sum(), point, allow_unused=True, materialize_grads=True)[0]
            for point in points
        )
    if not torch.equal(slopes, others):
        raise UnsupportedError(f"population {name!r}: its threshold is not linear in its variables.")
    state = torch.stack([module.tensor(module.circuit.initial(name, key)).expand(item.n) for key in item.state])
    pulse = torch.zeros_like(state)
    pulse[item.state.index(target)] = 1.0
    rest, kernel = [], [torch.zeros_like(state[0])]
    with torch.no_grad():
        for _ in range(steps):
            names = fixed | dict(zip(item.state, state, strict=True))
            for program in (part.dynamics.integrate, part.dynamics.update):
                names |= program(names)
            state = torch.stack([names[key].expand(item.n) for key in item.state])
            pulse = torch.einsum("kln,ln->kn", matrix, pulse)
            rest.append(distance(state))
            kernel.append((slopes * pulse).sum(0))
    return torch.stack(rest).cpu().numpy(), torch.stack(kernel[:steps]).cpu().numpy()


def _fixed(module: CircuitModule, name: str) -> dict[str, Any]:
    """Return everything that equations read beside the variables: parameters, inputs and noise of 0."""
    item, part = module.program.populations[name], module.part(name)
    zeros = torch.zeros(item.n, dtype=module.torch_dtype, device=module.device)
    with torch.no_grad():
        fixed: dict[str, Any] = dict(fixed_values(part, part.dynamics, module.circuit.dt))
    fixed |= dict.fromkeys([*item.inputs, *(site.symbol for site in item.noise), "t"], zeros)
    return fixed | {"not_refractory": torch.ones_like(zeros, dtype=torch.bool)}


def _points(module: CircuitModule, name: str) -> list[Tensor]:
    """Return two states, (variable, neuron), to compare derivatives at."""
    item = module.program.populations[name]
    drawn = np.random.default_rng(1).normal(size=(2, len(item.state), item.n))
    return [module.tensor(values).requires_grad_() for values in drawn]
