"""Neural circuits written once, simulated by Brian2 and trained in torch, with the same spikes.

Importing this package imports neither Brian2 nor torch: every name is resolved when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neurosim.version import __version__

if TYPE_CHECKING:
    from neurosim import analysis, circuits, datasets, fitting, interop, models, training, units
    from neurosim.analysis.comparison import compare
    from neurosim.backends import RunInterrupted, compile, simulate
    from neurosim.circuit import (
        AllToAll,
        Circuit,
        Convolution,
        Edges,
        FilteredNoise,
        FixedInDegree,
        FixedOutDegree,
        FixedProbability,
        FixedTotalNumber,
        Grouped,
        Matrix,
        NeuronModel,
        Normal,
        OneToOne,
        Pairwise,
        PoissonSource,
        Pulses,
        Ramp,
        Signal,
        SignalSource,
        Sine,
        SpikeSource,
        Step,
        SynapseModel,
        Trainable,
        Uniform,
    )
    from neurosim.errors import (
        AnalysisError,
        BackendError,
        CircuitError,
        EquationError,
        FileFormatError,
        NeurosimError,
        RecordError,
        TrainingError,
        UnitError,
        UnsupportedError,
    )
    from neurosim.fitting import fit
    from neurosim.interop import export_brian2_script
    from neurosim.models import NMDA, Alpha, Delta, DoubleExponential, Exponential
    from neurosim.recording import Record, Recording, SpikeTrains, State
    from neurosim.verification import verify

_HOME = {
    "neurosim.analysis.comparison": ("compare",),
    "neurosim.backends": ("RunInterrupted", "compile", "simulate"),
    "neurosim.circuit": (
        "AllToAll", "Circuit", "Convolution", "Edges", "FilteredNoise", "FixedInDegree", "FixedOutDegree",
        "FixedProbability", "FixedTotalNumber", "Grouped", "Matrix", "NeuronModel", "Normal", "OneToOne", "Pairwise",
        "PoissonSource", "Pulses", "Ramp", "Signal", "SignalSource", "Sine", "SpikeSource", "Step", "SynapseModel",
        "Trainable", "Uniform",
    ),
    "neurosim.errors": (
        "AnalysisError", "BackendError", "CircuitError", "EquationError", "FileFormatError", "NeurosimError",
        "RecordError", "TrainingError", "UnitError", "UnsupportedError",
    ),
    "neurosim.fitting": ("fit",),
    "neurosim.interop": ("export_brian2_script",),
    "neurosim.models": ("NMDA", "Alpha", "Delta", "DoubleExponential", "Exponential"),
    "neurosim.recording": ("Record", "Recording", "SpikeTrains", "State"),
    "neurosim.verification": ("verify",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
_SUBMODULES = ("analysis", "circuits", "datasets", "fitting", "interop", "models", "training", "units")

__all__ = [
    "NMDA", "AllToAll", "Alpha", "AnalysisError", "BackendError", "Circuit", "CircuitError", "Convolution", "Delta",
    "DoubleExponential", "Edges", "EquationError", "Exponential", "FileFormatError", "FilteredNoise",
    "FixedInDegree", "FixedOutDegree", "FixedProbability", "FixedTotalNumber", "Grouped", "Matrix",
    "NeuronModel", "NeurosimError", "Normal", "OneToOne", "Pairwise", "PoissonSource", "Pulses", "Ramp",
    "Record", "RecordError", "Recording", "RunInterrupted", "Signal", "SignalSource", "Sine", "SpikeSource",
    "SpikeTrains", "State", "Step", "SynapseModel", "Trainable", "TrainingError", "Uniform", "UnitError",
    "UnsupportedError", "__version__", "analysis", "circuits", "compare", "compile", "datasets", "export_brian2_script",
    "fit", "fitting", "interop", "models", "simulate", "training", "units", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"neurosim.{name}")
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'neurosim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
