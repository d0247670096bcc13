"""Spike statistics: intervals, correlations, distances, responses to events and stimuli, activity of populations.

Functions take a recording, simulated or measured, spike trains, or lists of times. :class:`CountStatistics` takes
counts batch by batch; :mod:`neurosim.analysis.spikes.differentiable` has what a loss may be made of.
"""

from neurosim.analysis.spikes import plots
from neurosim.analysis.spikes.coincidence import coincidence_factor
from neurosim.analysis.spikes.correlation import (
    Correlogram,
    correlogram,
    count_correlation,
    mean_correlation,
    synchrony,
    tiling_coefficient,
)
from neurosim.analysis.spikes.distances import (
    distance_matrix,
    isi_distance,
    spike_distance,
    van_rossum,
    victor_purpura,
)
from neurosim.analysis.spikes.intervals import Intervals, cv, cv2, fano, intervals, lv, spike_counts
from neurosim.analysis.spikes.population import (
    PopulationSpectrum,
    lempel_ziv,
    population_complexity,
    population_spectrum,
)
from neurosim.analysis.spikes.prediction import bits_per_spike, deviance_explained, poisson_log_likelihood
from neurosim.analysis.spikes.responses import (
    Psth,
    TriggeredAverage,
    Tuning,
    psth,
    spike_triggered_average,
    tuning,
)
from neurosim.analysis.spikes.streams import CountStatistics, PredictionScore
from neurosim.analysis.spikes.timescales import Autocorrelation, autocorrelation, decay_time
from neurosim.analysis.spikes.trains import spike_trains

__all__ = [
    "Autocorrelation", "Correlogram", "CountStatistics", "Intervals", "PopulationSpectrum", "PredictionScore", "Psth",
    "TriggeredAverage", "Tuning", "autocorrelation", "bits_per_spike", "coincidence_factor", "correlogram",
    "count_correlation", "cv", "cv2", "decay_time", "deviance_explained", "distance_matrix", "fano", "intervals",
    "isi_distance", "lempel_ziv", "lv", "mean_correlation", "plots", "poisson_log_likelihood", "population_complexity",
    "population_spectrum", "psth", "spike_counts", "spike_distance", "spike_trains", "spike_triggered_average",
    "synchrony", "tiling_coefficient", "tuning", "van_rossum", "victor_purpura",
]  # fmt: skip
