"""How the network is trained: batch normalisation and dropout, rates for weights and for delays, narrowing kernels.

References
----------
I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier: Learning delays in spiking neural networks using dilated
convolutions with learnable spacings. ICLR 2024, arXiv:2306.17670; settings as in the configurations of the authors'
repository ``Thvnvtos/SNN-delays``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.backends import compile as compile_circuit
from neurosim.circuit import Circuit, NeuronModel
from neurosim.circuits.delay_snn.schedule import FLOOR, NARROW, cosine, one_cycle, width

if TYPE_CHECKING:
    from torch.optim import Adam

    from neurosim.backends.snntorch.module import CircuitModule


@dataclass(frozen=True)
class Rates:
    """How fast what is learned.

    Parameters
    ----------
    weights
        Highest rate of the weights, and of batch normalisation, in the unit of the weights.
    delays
        First rate of the delays, in steps.
    decay
        Decay of the weights.
    """

    weights: float = 5e-3
    delays: float = 0.1
    decay: float = 1e-5


def prepared(circuit: Circuit, *, dropout: float = 0.0, batch_norm: bool = True, **options: Any) -> CircuitModule:
    """Return the module that is trained: the network with batch normalisation of what arrives at hidden neurons.

    Parameters
    ----------
    circuit
        From :func:`~neurosim.circuits.delay_snn.circuit.build`.
    dropout
        Part of the hidden neurons that are silent for a whole sequence.
    batch_norm
        Normalise.
    options
        Others of ``neurosim.compile``, such as ``device=``.
    """
    from snntorch.surrogate import atan

    from neurosim.backends.snntorch.layers import Dropout

    hidden = [
        name for name, part in circuit.populations.items() if isinstance(part.model, NeuronModel) and part.model.spiking
    ]
    entering = [name for name, part in circuit.projections.items() if part.post in hidden]
    layers: dict[str, Any] = dict.fromkeys(entering, "batch_norm") if batch_norm else {}
    layers |= {name: Dropout(dropout) for name in hidden} if dropout else {}
    module: CircuitModule = compile_circuit(
        circuit, backend="snntorch", **{"surrogate": atan(alpha=5.0), "modules": layers, **options}
    )
    return module


def optimiser(module: CircuitModule, rates: Rates) -> Adam:
    """Return Adam with a group for the weights of each projection, one for delays and one for everything else.

    A parameter of a module is a weight in units of a scale; rate and decay of a group are such that they mean the
    weight itself, as in the paper.
    """
    from torch.optim import Adam

    from neurosim.training import groups

    settings: dict[str, dict[str, float]] = {}
    for name in module.program.projections:
        scale = module.part(name).values.scale("w")
        settings[f"{name}.weight"] = {"lr": rates.weights / scale, "weight_decay": rates.decay * scale**2}
    if any(name.endswith(".delay") for name, _ in module.named_parameters()):
        settings["*.delay"] = {"lr": rates.delays}
    return Adam(groups(module, settings, lr=rates.weights))


class Annealing:
    """Sets rates, momentum and the width of kernels at the beginning of each epoch; ``on_epoch`` of a Trainer.

    All are functions of the number of the epoch alone, so that a run that goes on finds them again.

    Parameters
    ----------
    optimiser
        From :func:`optimiser`.
    rates
        The rates that it was made with.
    start
        First width of the kernels, in steps; half the longest delay by default.
    narrowest
        Standard deviation of the kernels after the first quarter of the epochs, in steps: the paper's by default; 0 are
        two taps.
    settle
        For this part of the epochs, the last, delays are rounded and rest, and the weights learn behind the delays that
        the network will have; 0, the default, rounds after training, as in the paper.
    """

    def __init__(
        self,
        optimiser: Adam,
        rates: Rates,
        *,
        start: float | None = None,
        narrowest: float = NARROW + FLOOR,
        settle: float = 0.0,
    ) -> None:
        self._optimiser, self._rates, self._start = optimiser, rates, start
        self._narrowest, self._settle = narrowest, settle
        #: What the rate of each group is a multiple of.
        self._factors = [
            float(group["lr"]) / (rates.delays if _of_delays(group) else rates.weights)
            for group in optimiser.param_groups
        ]

    def __call__(self, module: CircuitModule, epoch: int, epochs: int) -> None:
        """Set everything for an epoch, counted from 0."""
        settled = epoch >= epochs * (1 - self._settle)
        cycle = one_cycle(epoch, epochs, self._rates.weights)
        for group, factor in zip(self._optimiser.param_groups, self._factors, strict=True):
            if _of_delays(group):
                group["lr"] = 0.0 if settled else factor * cosine(epoch, epochs, self._rates.delays)
            else:
                group["lr"] = factor * cycle.rate
                group["betas"] = (cycle.momentum, group["betas"][1])
        learned = [part for name in module.program.projections if (part := module.part(name)).learns_delays]
        if not learned:
            return
        start = max(part.longest for part in learned) // 2 if self._start is None else self._start
        wide = width(epoch, epochs, start)
        module.set_delay_width(0.0 if settled else self._narrowest if wide == NARROW else wide + FLOOR)
        if settled:
            for part in learned:
                part.delay.data.copy_((part.delay.detach() + 0.5).floor())


def _of_delays(group: dict[str, Any]) -> bool:
    return bool(group["name"] == "*.delay")
