r"""What training puts between the parts of a circuit: batch normalisation and dropout, over whole sequences.

They are given by name or as modules, ``compile(..., modules={"in_to_hidden": "batch_norm", "hidden": Dropout(0.4)})``.
At a projection a module acts on what arrives, (time, batch, n_post); at a population on its spikes as they leave,
(time, batch, neuron). A circuit knows neither: ``module.to_circuit()`` folds batch normalisation into weights and a
constant input, and dropout is gone after training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.parameters import power_of_two_near
from neurosim.backends.snntorch.projection import Projection, is_weight_times
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import BackendError, UnsupportedError, nearest
from neurosim.program.components import Component
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.step_program import StepProgram
from neurosim.random import noise

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: What the module of ``modules=`` at a part is called.
LAYER = "layer"
BATCH_NORM = "batch_norm"


class BatchNorm(nn.BatchNorm1d):
    r"""Normalise what arrives at each neuron, with statistics over time and batch.

    .. math:: y = s \left(\gamma \frac{x / s - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta\right)

    with the mean and variance of :math:`x / s` over the sequences of a call while training, and their running averages
    afterwards (Ioffe and Szegedy, ICML 2015).

    Parameters
    ----------
    n
        Number of neurons.
    scale
        :math:`s`, in the unit of what arrives: the size that the normalised input has at first.
    eps, momentum
        As torch's.
    """

    scale: Tensor

    def __init__(self, n: int, scale: float = 1.0, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(n, eps=eps, momentum=momentum)
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, values: Tensor) -> Tensor:
        """Return (time, batch, neuron) normalised."""
        flat: Tensor = super().forward(values.reshape(-1, self.num_features) / self.scale)
        return (flat * self.scale).reshape(values.shape)

    @torch.no_grad()
    def folded(self) -> tuple[Tensor, Tensor]:
        r"""Return the factor and the constant that it comes to after training, each (neuron,).

        :math:`y = x\, \gamma / \sqrt{\sigma^2 + \epsilon} + s (\beta - \gamma \mu / \sqrt{\sigma^2 + \epsilon})`
        """
        mean, variance = self.running_mean, self.running_var
        if mean is None or variance is None:
            raise UnsupportedError("a BatchNorm that keeps no running statistics cannot be folded into a circuit.")
        factor = self.weight.double() / torch.sqrt(variance.double() + self.eps)
        return factor, self.scale.double() * (self.bias.double() - factor * mean.double())


class Dropout(nn.Module):
    r"""Silence neurons of each sequence at random while training, for all of its steps; the others count for more.

    .. math:: y_n[t] = x_n[t]\, z_n / (1 - p), \quad z_n \sim \mathrm{Bernoulli}(1 - p)

    The draw is a pure function of the call's ``seed``, so that a sequence cut into chunks keeps its mask.

    Parameters
    ----------
    p
        Part of the neurons that fall silent, from 0 up to but not including 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise BackendError(f"Dropout: p must be at least 0 and less than 1, got {p!r}.")
        self.p = p

    def forward(self, values: Tensor, *, seed: int = 0, path: str = "") -> Tensor:
        """Return (time, batch, neuron) with some neurons silent."""
        if not self.training or self.p == 0:
            return values
        drawn = noise(
            seed, f"{path}.dropout", trials=(0, values.shape[1]), steps=(0, 1), neurons=values.shape[2], kind="uniform"
        )
        kept = torch.from_numpy(drawn >= self.p).to(values)
        return values * kept / (1 - self.p)

    def extra_repr(self) -> str:
        """Say how much is dropped."""
        return f"p={self.p}"


def apply_layer(layer: Any, values: Tensor, seed: int, path: str) -> Tensor:
    """Return what a layer makes of (time, batch, neuron).

    Raises
    ------
    BackendError
        If the layer changes the shape.
    """
    result = layer(values, seed=seed, path=path) if isinstance(layer, Dropout) else layer(values)
    if not isinstance(result, Tensor) or result.shape != values.shape:
        found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise BackendError(f"modules[{path!r}] must keep the shape {tuple(values.shape)}, it returned {found}.")
    return result


def layers_of(module: CircuitModule) -> list[tuple[str, nn.Module]]:
    """Return the layers of a module with the projection or population where each stands."""
    names = (*module.program.populations, *module.program.projections)
    parts = ((name, module.part(name)._modules.get(LAYER)) for name in names)
    return [(name, layer) for name, layer in parts if layer is not None]


def through_layer(module: CircuitModule, name: str, values: Tensor, seed: int) -> Tensor:
    """Return what leaves a population, or arrives by a projection, (time, batch, neuron), after its layer."""
    layer = getattr(module.part(name), LAYER, None)
    return values if layer is None else apply_layer(layer, values, seed, name)


def refuse_layers(module: CircuitModule) -> None:
    """Refuse to go step by step through a module with layers.

    Raises
    ------
    UnsupportedError
        Naming them.
    """
    if names := ", ".join(name for name, _ in layers_of(module)):
        raise UnsupportedError(
            f"a run goes step by step, without the modules at {names}. Run the circuit that they are folded into: "
            "simulate(module.to_circuit(), ...)."
        )


def checked_layers(
    modules: Mapping[str, Any], program: StepProgram, schedule: tuple[Component, ...], parts: Mapping[str, Any]
) -> dict[str, nn.Module]:
    """Return the layers to add, by projection or population.

    Raises
    ------
    BackendError
        If a name or a layer is unknown.
    UnsupportedError
        If it stands where time advances step by step, or could not be folded.
    """
    ahead = {name for component in schedule for name in component.ahead}
    within = {program.projections[name].pre for component in schedule for name in component.within}
    known = [*program.projections, *(name for name, item in program.populations.items() if item.spiking)]
    found = {}
    for name, given in modules.items():
        if name not in known:
            raise BackendError(
                f"modules: no projection or spiking population is called {name!r}.{nearest(name, known)}"
            )
        part = parts[name]
        if name in program.projections and (name not in ahead or len(part.expressions.terms) != 1):
            raise UnsupportedError(
                f"modules[{name!r}]: it acts on whole sequences, so it needs a projection of pulses of constant size "
                "into one variable, from one part of the circuit to another that does not reach back, and "
                'propagation="auto".'
            )
        if name in program.populations and name in within:
            raise UnsupportedError(
                f"modules[{name!r}]: it acts on whole sequences, and some of the population's projections are stepped, "
                "since their targets reach back to it or read its state."
            )
        found[name] = _layer(name, given, part)
    return found


def _layer(name: str, given: Any, part: Any) -> nn.Module:
    if isinstance(given, nn.Module) and not isinstance(given, BatchNorm):
        return given
    if given != BATCH_NORM and not isinstance(given, BatchNorm):
        raise BackendError(f'modules[{name!r}] must be "batch_norm" or a torch module, got {given!r}.')
    if not isinstance(part, Projection):
        raise UnsupportedError(f"modules[{name!r}]: batch normalisation acts on what a projection brings.")
    if isinstance(part.item, ConvolutionProgram) or not is_weight_times(part.item):
        raise UnsupportedError(
            f"modules[{name!r}]: batch normalisation is folded into weights after training, which needs edges that "
            "add their own weight; a kernel is shared, and other expressions read more."
        )
    if isinstance(given, BatchNorm):
        if given.num_features != part.n_post:
            raise BackendError(f"modules[{name!r}] is for {given.num_features} neurons, there are {part.n_post}.")
        return given
    plain = part.item.units[WEIGHT] == "1"
    return BatchNorm(part.n_post, 1.0 if plain else power_of_two_near(np.asarray(part.item.values[WEIGHT])))
