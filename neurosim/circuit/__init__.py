"""What a circuit is: populations, sources, projections and their equations, as data. Knows no backend."""

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import (
    AllToAll,
    Connectivity,
    Edges,
    FixedInDegree,
    FixedProbability,
    OneToOne,
)
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import EdgeTable, Injection, Population, Projection, View
from neurosim.circuit.signals import AnalogueSignal, Signal, Step
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Distribution, Normal, Trainable, Uniform

__all__ = [
    "AllToAll", "AnalogueSignal", "Circuit", "Connectivity", "Distribution", "EdgeTable", "Edges", "FixedInDegree",
    "FixedProbability", "Injection", "NeuronModel", "Normal", "OneToOne", "PoissonSource", "Population", "Projection",
    "Signal", "SignalSource", "SpikeSource", "Step", "SynapseModel", "Trainable", "Uniform", "View",
]  # fmt: skip
