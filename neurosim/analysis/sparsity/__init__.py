"""Sparsity: of activity, of patterns on dendrites, of codes for patches, of connections, and what it saves.

Measures are functions of arrays; the forms (:func:`population_sparseness`, :func:`lifetime_sparseness`, :func:`report`)
take recordings too. :mod:`neurosim.analysis.sparsity.differentiable` has the measures with gradients.
"""

from neurosim.analysis.sparsity import plots
from neurosim.analysis.sparsity.coding import SparseCode, encode, weight_for
from neurosim.analysis.sparsity.dictionaries import Dictionary, learn
from neurosim.analysis.sparsity.forms import (
    Null,
    Sparseness,
    against_shuffle,
    dead_units,
    lifetime_sparseness,
    population_sparseness,
    report,
)
from neurosim.analysis.sparsity.measures import (
    MEASURES,
    active_fraction,
    excess_kurtosis,
    gini,
    hoyer,
    participation_ratio,
    treves_rolls,
    vinje_gallant,
    willmore_tolhurst,
)
from neurosim.analysis.sparsity.networks import (
    Modules,
    SmallWorld,
    connection_sparsity,
    density,
    graph,
    modularity,
    small_world,
)
from neurosim.analysis.sparsity.operations import HARDWARE, Hardware, Operations, operations
from neurosim.analysis.sparsity.patches import cut_patches, whiten
from neurosim.analysis.sparsity.pattern_trials import (
    Counted,
    draw_patterns,
    simulate_false_negative,
    simulate_false_positive,
)
from neurosim.analysis.sparsity.patterns import (
    Operating,
    VectorUnion,
    best_threshold,
    false_negative,
    false_positive,
    operating_points,
    overlap_count,
    threshold_for,
    union_false_positive,
    union_synapses,
    vector_union,
)
from neurosim.analysis.sparsity.penalties import PENALTIES, Cel0, Half, Hard, Log, Penalty, Soft, penalty
from neurosim.analysis.sparsity.streams import LifetimeSparseness, PopulationSparseness

__all__ = [
    "HARDWARE", "MEASURES", "PENALTIES", "Cel0", "Counted", "Dictionary", "Half", "Hard", "Hardware",
    "LifetimeSparseness", "Log", "Modules", "Null", "Operating", "Operations", "Penalty", "PopulationSparseness",
    "SmallWorld", "Soft", "SparseCode", "Sparseness", "VectorUnion", "active_fraction", "against_shuffle",
    "best_threshold", "connection_sparsity", "cut_patches", "dead_units", "density", "draw_patterns", "encode",
    "excess_kurtosis", "false_negative", "false_positive", "gini", "graph", "hoyer", "learn", "lifetime_sparseness",
    "modularity", "operating_points", "operations", "overlap_count", "participation_ratio", "penalty", "plots",
    "population_sparseness", "report", "simulate_false_negative", "simulate_false_positive", "small_world",
    "threshold_for", "treves_rolls", "union_false_positive", "union_synapses", "vector_union", "vinje_gallant",
    "weight_for", "whiten", "willmore_tolhurst",
]  # fmt: skip
