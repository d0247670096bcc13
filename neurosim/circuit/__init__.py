"""What a circuit is: populations, sources, projections and their equations, as data. Knows no backend."""

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import (
    AllToAll,
    Connectivity,
    Edges,
    FixedProbability,
    OneToOne,
)
from neurosim.circuit.convolution import Convolution
from neurosim.circuit.filtered_noise import FilteredNoise
from neurosim.circuit.fixed_numbers import FixedInDegree, FixedOutDegree, FixedTotalNumber
from neurosim.circuit.grouped import Grouped
from neurosim.circuit.including import Included
from neurosim.circuit.matrix import Matrix
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.pairwise import Pairwise
from neurosim.circuit.parts import Injection, Population, Projection, View
from neurosim.circuit.realised_edges import EdgeTable
from neurosim.circuit.signals import AnalogueSignal, SampledSignal, Signal, Step
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.circuit.stimuli import Pulses, Ramp, Sine
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Distribution, Normal, Trainable, Uniform

__all__ = [
    "AllToAll", "AnalogueSignal", "Circuit", "Connectivity", "Convolution", "Distribution", "EdgeTable", "Edges",
    "FilteredNoise", "FixedInDegree", "FixedOutDegree", "FixedProbability", "FixedTotalNumber", "Grouped", "Included",
    "Injection", "Matrix", "NeuronModel", "Normal", "OneToOne", "Pairwise", "PoissonSource", "Population", "Projection",
    "Pulses", "Ramp", "SampledSignal", "Signal", "SignalSource", "Sine", "SpikeSource", "Step", "SynapseModel",
    "Trainable", "Uniform", "View",
]  # fmt: skip
