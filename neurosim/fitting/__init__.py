"""Fitting: a circuit's trainable values found from a recording, by gradient or by evolution; what was held out decides.

:func:`fit` (also ``ns.fit``) returns a :class:`Fit`; what it minimises is in :mod:`neurosim.fitting.losses`.
:func:`fit_population` fits networks to counts of many units, :func:`fit_states` finds hidden states of trials.
"""

from neurosim.fitting.baselines import own_past, same_bin_ridge
from neurosim.fitting.fit import fit
from neurosim.fitting.held_out import HeldOut, Neurons, Part, Split, Stimuli, Time, Trials
from neurosim.fitting.population import PopulationFit, fit_population, rate_network
from neurosim.fitting.result import Fit, FittedValue, Score
from neurosim.fitting.states import StatesFit, fit_states

__all__ = [
    "Fit", "FittedValue", "HeldOut", "Neurons", "Part", "PopulationFit", "Score", "Split", "StatesFit", "Stimuli",
    "Time", "Trials", "fit", "fit_population", "fit_states", "own_past", "rate_network", "same_bin_ridge",
]  # fmt: skip
