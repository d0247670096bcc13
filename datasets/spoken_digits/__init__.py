"""Spoken digits that need no download: twenty words from many synthetic voices, as spikes of 700 places of a cochlea.

Words are synthesised by espeak-ng (`synthesis`) and heard by a model of the cochlea (`cochlea`), the one that turned
the recordings of the Heidelberg digits into spikes. The result is called *synthetic digits*: it has the form of SHD and
the classes of SHD, and results on it are not results on SHD. All voices come from one formant synthesiser; there is no
breath, no room, no noise of a speaker, and repetitions differ in pitch, speed and fibre noise only.
"""

from __future__ import annotations

from neurosim.datasets.spoken_digits.cochlea import Cochlea
from neurosim.datasets.spoken_digits.loading import load_spoken_digits
from neurosim.datasets.spoken_digits.recipe import Recipe

__all__ = ["Cochlea", "Recipe", "load_spoken_digits"]
