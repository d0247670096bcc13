"""Fitting: a circuit's trainable values found from a recording, by gradient or by evolution; what was held out decides.

:func:`fit` (also ``ns.fit``) returns a :class:`Fit`.
"""

from neurosim.fitting.held_out import HeldOut, Neurons, Part, Split, Stimuli, Time, Trials
from neurosim.fitting.result import Fit, FittedValue, Score

__all__ = ["Fit", "FittedValue", "HeldOut", "Neurons", "Part", "Score", "Split", "Stimuli", "Time", "Trials"]
