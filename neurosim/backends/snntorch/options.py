"""Options of the torch backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.snntorch.devices import checked_device, checked_dtype, dtype_name
from neurosim.errors import BackendError, nearest

if TYPE_CHECKING:
    import torch

#: Surrogate gradients by name: our own, of compact support, and snnTorch's.
OWN_SURROGATES = ("boxcar", "triangle")
SURROGATES = (
    "atan", "fast_sigmoid", "sigmoid", "straight_through_estimator", "triangular", "spike_rate_escape", "SFS",
    "heaviside", *OWN_SURROGATES,
)  # fmt: skip
PROPAGATIONS = ("auto", "ordered")
FUSED = ("auto", "always", "never")
KEEPS = ("variables", "spikes")


@dataclass(frozen=True)
class SnntorchOptions:
    """How a circuit becomes a torch module.

    Parameters
    ----------
    dtype
        ``"float32"`` or ``"float64"``, or torch's own.
    device
        Where the module is made: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or a ``torch.device``.
    surrogate
        One of snnTorch's surrogate gradients by name, or a callable such as ``snntorch.surrogate.atan(alpha=4)``;
        ``"triangle"`` and ``"boxcar"`` are those of :mod:`neurosim.backends.snntorch.surrogates`, whose slope is 0
        far from the threshold. A callable says where its own is not 0 by an attribute ``support``, (low, high).
    surrogate_width
        By population: what one unit of the surrogate's argument is, in the unit of the membrane. By default the
        distance from threshold to reset, so that slopes mean the same in millivolts and in plain numbers.
    trainable
        Marks values from outside, by address: ``{"hidden.tau_mem": Trainable(per="neuron")}``.
    propagation
        ``"auto"`` multiplies dense projections by their weight matrix; ``"ordered"`` adds arrival after arrival in
        the order of the step contract, bit for bit as Brian2 does.
    modules
        What training puts between the parts: ``"batch_norm"`` or a torch module by projection (acts on what arrives) or
        population (acts on its spikes as they leave); see :mod:`neurosim.backends.snntorch.layers`.
    training
        Make trainable values parameters; without it they are fixed and no gradient is kept.
    fused
        ``"auto"`` runs parts of the circuit, and simulations without gradients, in compiled loops where a call is large
        enough for it, ``"always"`` wherever it can be done, ``"never"`` nowhere: torch's operations step through them.
        ``module.stepped`` says what the loops do not cover, and why.
    keep
        What compiled loops on a CPU keep of every step for the way back: ``"variables"``, or ``"spikes"`` alone (a bit
        each), from which the loops find the variables again, some trials at a time. Gradients are the same to the last
        bit; a training step takes longer by the loops that run twice, and memory no longer goes with the number of
        variables.
    relaxed
        Let spikes be real numbers between 0 and 1 (the smooth function whose derivative the surrogate is: a sigmoid),
        for checking gradients; never for simulation.
    """

    dtype: str = "float32"
    device: str = "cpu"
    surrogate: Any = "atan"
    surrogate_width: Mapping[str, Any] = field(default_factory=dict)
    trainable: Mapping[str, Any] = field(default_factory=dict)
    propagation: str = "auto"
    modules: Mapping[str, Any] = field(default_factory=dict)
    training: bool = True
    fused: str = "auto"
    keep: str = "variables"
    relaxed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", dtype_name(self.dtype))
        if self.device != "cpu":  # which every torch has
            object.__setattr__(self, "device", str(checked_device(self.device)))
        if self.propagation not in PROPAGATIONS:
            raise BackendError(f"propagation={self.propagation!r} is unknown.{nearest(self.propagation, PROPAGATIONS)}")
        if self.fused not in FUSED:
            raise BackendError(f"fused={self.fused!r} is unknown.{nearest(self.fused, FUSED)}")
        if self.keep not in KEEPS:
            raise BackendError(f"keep={self.keep!r} is unknown.{nearest(self.keep, KEEPS)}")
        if isinstance(self.surrogate, str) and self.surrogate not in SURROGATES:
            raise BackendError(f"surrogate={self.surrogate!r} is unknown.{nearest(self.surrogate, SURROGATES)}")
        if not isinstance(self.surrogate, str) and not callable(self.surrogate):
            raise BackendError(
                f"surrogate= must be a name or a surrogate of snnTorch such as snntorch.surrogate.atan(alpha=4), got "
                f"{self.surrogate!r}."
            )
        for name, width in self.surrogate_width.items():
            if np.ndim(width) or not float(np.asarray(width)) > 0:
                raise BackendError(f"surrogate_width[{name!r}] must be one positive value, got {width!r}.")

    @property
    def only_simulates(self) -> bool:
        """Whether nothing of torch is asked for: runs on a CPU in float64, of the circuit as it is, no gradients."""
        plain = not (self.training or self.relaxed or self.modules or self.trainable or self.surrogate_width)
        return plain and self.dtype == "float64" and self.device == "cpu" and self.fused != "never"

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch's."""
        return checked_dtype(self.dtype)

    def spike_gradient(self) -> Any:
        """Return the surrogate as a callable of snnTorch.

        Raises
        ------
        BackendError
            If its slope is not 0 where it says so.
        """
        from snntorch import surrogate

        from neurosim.backends.snntorch import surrogates

        if not isinstance(self.surrogate, str):
            surrogates.check_support(self.surrogate)
            return self.surrogate
        if self.surrogate in OWN_SURROGATES:
            return getattr(surrogates, self.surrogate)()
        found = getattr(surrogate, self.surrogate)()
        if self.surrogate == "sigmoid":
            # snnTorch computes its slope as inf/inf far below the threshold, where it is 0.
            return lambda argument: found(argument.clamp(-3.0, 3.0))
        return found
