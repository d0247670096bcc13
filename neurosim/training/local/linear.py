"""What a population does by itself to what arrived: the matrix of one step of linear equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    zeros = torch.zeros(item.n, dtype=module.torch_dtype, device=module.device)
    with torch.no_grad():
        fixed = fixed_values(part, part.dynamics, module.circuit.dt)
    fixed |= dict.fromkeys([*item.inputs, *(site.symbol for site in item.noise), "t"], zeros)
    fixed["not_refractory"] = torch.ones_like(zeros, dtype=torch.bool)

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

    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(2):
        point = torch.randn((len(item.state), item.n), generator=generator, dtype=torch.float64)
        with torch.enable_grad():
            found.append(slopes(point.to(zeros).requires_grad_()))
    # Slopes of linear equations are products of their constants: the same bits everywhere.
    if item.reads_last_spike or not torch.equal(*found):
        raise UnsupportedError(
            f"population {name!r}: its equations are not linear in its variables, so that pulses do not simply add up; "
            "take a model with current receptors, such as ns.models.lif or ns.models.leaky_integrator."
        )
    return found[0]
