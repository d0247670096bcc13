"""Data to run and train circuits on: recorded, anatomical and synthetic, in real formats, with licence and citation.

Nothing is downloaded without being asked. A loader that cannot find its data says which command installs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.datasets import recordings
    from neurosim.datasets.augmentation import Augmented
    from neurosim.datasets.binned import BinnedEvents
    from neurosim.datasets.connectome import ChemicalSynapses, Connectome, GapJunctions, load_connectome
    from neurosim.datasets.event_files import read_events, write_events
    from neurosim.datasets.events import EventSet
    from neurosim.datasets.heidelberg import load_shd, load_ssc
    from neurosim.datasets.leaves import dead_leaves
    from neurosim.datasets.log_mel import LogMel
    from neurosim.datasets.motifs import MotifRasters, motif_kernels, motif_rasters
    from neurosim.datasets.motion import MotionMovies, motion_movies, motion_velocities
    from neurosim.datasets.speech_commands import SpeechCommands, load_speech_commands
    from neurosim.datasets.spoken_digits import load_spoken_digits
    from neurosim.datasets.timing import DelayPatterns, SpikeOrder
    from neurosim.datasets.timing_baselines import count_accuracy, matched_filter

__all__ = [
    "Augmented",
    "BinnedEvents",
    "ChemicalSynapses",
    "Connectome",
    "DelayPatterns",
    "EventSet",
    "GapJunctions",
    "LogMel",
    "MotifRasters",
    "MotionMovies",
    "SpeechCommands",
    "SpikeOrder",
    "count_accuracy",
    "dead_leaves",
    "load_connectome",
    "load_shd",
    "load_speech_commands",
    "load_spoken_digits",
    "load_ssc",
    "matched_filter",
    "motif_kernels",
    "motif_rasters",
    "motion_movies",
    "motion_velocities",
    "read_events",
    "recordings",
    "write_events",
]

_HOMES = {
    "Augmented": "augmentation",
    "BinnedEvents": "binned",
    "ChemicalSynapses": "connectome",
    "Connectome": "connectome",
    "DelayPatterns": "timing",
    "EventSet": "events",
    "GapJunctions": "connectome",
    "LogMel": "log_mel",
    "MotifRasters": "motifs",
    "MotionMovies": "motion",
    "SpeechCommands": "speech_commands",
    "SpikeOrder": "timing",
    "count_accuracy": "timing_baselines",
    "dead_leaves": "leaves",
    "load_connectome": "connectome",
    "load_shd": "heidelberg",
    "load_speech_commands": "speech_commands",
    "load_spoken_digits": "spoken_digits",
    "load_ssc": "heidelberg",
    "matched_filter": "timing_baselines",
    "motif_kernels": "motifs",
    "motif_rasters": "motifs",
    "motion_movies": "motion",
    "motion_velocities": "motion",
    "read_events": "event_files",
    "write_events": "event_files",
}


def __getattr__(name: str) -> Any:
    """Import a loader's module when one of its names is first used."""
    if name == "recordings":
        return importlib.import_module(f"{__name__}.recordings")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
