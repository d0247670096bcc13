"""How populations represent what they are shown, and how alike two of them do it.

Every measure takes matrices (condition or time, unit): arrays, torch tensors, `neurosim.analysis.Features`, recordings.
What smooth measures return for tensors carries the gradient, so that they serve as losses.
"""

from neurosim.analysis.representation.canonical import (
    canonical_correlations,
    cca,
    held_out_correlations,
    pwcca,
    svcca,
)
from neurosim.analysis.representation.ceiling import Ceiling, mean_rdm, noise_ceiling, split_half_reliability
from neurosim.analysis.representation.comparison import compare_rdms, ssm_similarity
from neurosim.analysis.representation.dissimilarity import crossnobis, noise_precision, rdm, square
from neurosim.analysis.representation.inference import ModelComparison, compare_models
from neurosim.analysis.representation.kernels import RunningCKA, cka, hsic, rbf_bandwidth
from neurosim.analysis.representation.shapes import angular_cka, angular_distance, nuclear_cosine, procrustes_distance
from neurosim.analysis.representation.topological import geodesic, geotopological, sigmoid_transform

__all__ = [
    "Ceiling",
    "ModelComparison",
    "RunningCKA",
    "angular_cka",
    "angular_distance",
    "canonical_correlations",
    "cca",
    "cka",
    "compare_models",
    "compare_rdms",
    "crossnobis",
    "geodesic",
    "geotopological",
    "held_out_correlations",
    "hsic",
    "mean_rdm",
    "noise_ceiling",
    "noise_precision",
    "nuclear_cosine",
    "procrustes_distance",
    "pwcca",
    "rbf_bandwidth",
    "rdm",
    "sigmoid_transform",
    "split_half_reliability",
    "square",
    "ssm_similarity",
    "svcca",
]
