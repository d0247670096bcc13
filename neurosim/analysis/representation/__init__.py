"""How populations represent what they are shown, and how alike two of them do it.

Every measure takes matrices (condition or time, unit): arrays, torch tensors, `neurosim.analysis.Features`, recordings.
What smooth measures return for tensors carries the gradient, so that they serve as losses.
"""

from neurosim.analysis.representation.abstraction import (
    Generalisation,
    Shattering,
    balanced_dichotomies,
    ccgp,
    parallelism_score,
    shattering,
)
from neurosim.analysis.representation.canonical import canonical_correlations, cca, held_out_correlations, pwcca, svcca
from neurosim.analysis.representation.ceiling import Ceiling, mean_rdm, noise_ceiling, split_half_reliability
from neurosim.analysis.representation.comparison import compare_rdms, ssm_similarity
from neurosim.analysis.representation.connectome import (
    DynamicConnectome,
    communities,
    dynamic_connectome,
    mutual_information,
    windowed_affinity,
)
from neurosim.analysis.representation.decoding import Decoding, decode
from neurosim.analysis.representation.dimensionality import (
    RunningCovariance,
    expected_participation_ratio,
    participation_ratio,
    spectrum_ratio,
)
from neurosim.analysis.representation.dissimilarity import crossnobis, noise_precision, rdm, square
from neurosim.analysis.representation.factors import Factors, error_by_rank, factor_match, nonnegative_factors
from neurosim.analysis.representation.feature_strength import FeatureStrength, feature_strengths, variance_of_feature
from neurosim.analysis.representation.glm_hmm import GLMHMM, fit_glm_hmm
from neurosim.analysis.representation.inference import ModelComparison, compare_models
from neurosim.analysis.representation.kernels import RunningCKA, cka, hsic, rbf_bandwidth
from neurosim.analysis.representation.matching import UnitMatch, match_units, unit_correlations
from neurosim.analysis.representation.plots import plot_models, plot_rdm, plot_states, plot_subsampling
from neurosim.analysis.representation.predictivity import Predictivity, predictivity, regression_r2
from neurosim.analysis.representation.relative import relative_representation
from neurosim.analysis.representation.report import METRICS, Line, Report, half_ceiling, similarity_report
from neurosim.analysis.representation.shapes import angular_cka, angular_distance, nuclear_cosine, procrustes_distance
from neurosim.analysis.representation.splits import block_splits, group_splits, label_splits
from neurosim.analysis.representation.subsampling import Subsampling, subsampling_report
from neurosim.analysis.representation.topological import geodesic, geotopological, sigmoid_transform
from neurosim.analysis.representation.value_decoding import ValueDecoding, decode_values, lagged

__all__ = [
    "GLMHMM",
    "METRICS",
    "Ceiling",
    "Decoding",
    "DynamicConnectome",
    "Factors",
    "FeatureStrength",
    "Generalisation",
    "Line",
    "ModelComparison",
    "Predictivity",
    "Report",
    "RunningCKA",
    "RunningCovariance",
    "Shattering",
    "Subsampling",
    "UnitMatch",
    "ValueDecoding",
    "angular_cka",
    "angular_distance",
    "balanced_dichotomies",
    "block_splits",
    "canonical_correlations",
    "cca",
    "ccgp",
    "cka",
    "communities",
    "compare_models",
    "compare_rdms",
    "crossnobis",
    "decode",
    "decode_values",
    "dynamic_connectome",
    "error_by_rank",
    "expected_participation_ratio",
    "factor_match",
    "feature_strengths",
    "fit_glm_hmm",
    "geodesic",
    "geotopological",
    "group_splits",
    "half_ceiling",
    "held_out_correlations",
    "hsic",
    "label_splits",
    "lagged",
    "match_units",
    "mean_rdm",
    "mutual_information",
    "noise_ceiling",
    "noise_precision",
    "nonnegative_factors",
    "nuclear_cosine",
    "parallelism_score",
    "participation_ratio",
    "plot_models",
    "plot_rdm",
    "plot_states",
    "plot_subsampling",
    "predictivity",
    "procrustes_distance",
    "pwcca",
    "rbf_bandwidth",
    "rdm",
    "regression_r2",
    "relative_representation",
    "shattering",
    "sigmoid_transform",
    "similarity_report",
    "spectrum_ratio",
    "split_half_reliability",
    "square",
    "ssm_similarity",
    "subsampling_report",
    "svcca",
    "unit_correlations",
    "variance_of_feature",
    "windowed_affinity",
]
