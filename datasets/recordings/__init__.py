"""Recordings by name: read from published files, or drawn in the same layout; listing them loads none.

``names()``, ``describe(name)`` and ``load(name, ...)``. Nothing is downloaded without ``download=True``.
`drawn_session` makes one that can be written in any form.
"""

from neurosim.datasets.recordings.catalogue import RecordingSet, describe, names
from neurosim.datasets.recordings.drawn_session import drawn_session
from neurosim.datasets.recordings.loading import load

__all__ = ["RecordingSet", "describe", "drawn_session", "load", "names"]
