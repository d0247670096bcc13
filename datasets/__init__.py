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
    from neurosim.datasets.digit_images import DigitImages, load_digit_images
    from neurosim.datasets.event_files import read_events, write_events
    from neurosim.datasets.events import EventSet
    from neurosim.datasets.fly_wiring import FlyWiring, load_fly_wiring, write_fly_wiring
    from neurosim.datasets.heidelberg import load_shd, load_ssc
    from neurosim.datasets.leaves import dead_leaves
    from neurosim.datasets.log_mel import LogMel
    from neurosim.datasets.motifs import MotifRasters, motif_kernels, motif_rasters
    from neurosim.datasets.motion import MotionMovies, motion_movies, motion_velocities
    from neurosim.datasets.signal_propagation import (
        AtlasWiring,
        SignalPropagation,
        load_atlas_wiring,
        load_signal_propagation,
        write_signal_propagation,
    )
    from neurosim.datasets.speech_commands import SpeechCommands, load_speech_commands
    from neurosim.datasets.spoken_digits import load_spoken_digits
    from neurosim.datasets.textures import Textures, texture_images
    from neurosim.datasets.timing import DelayPatterns, SpikeOrder
    from neurosim.datasets.timing_baselines import count_accuracy, matched_filter
    from neurosim.datasets.worm_consensus import (
        ConsensusConnectome,
        WormGraph,
        read_consensus_connectome,
        read_worm_graph,
        write_consensus_connectome,
    )

__all__ = [
    "AtlasWiring",
    "Augmented",
    "BinnedEvents",
    "ChemicalSynapses",
    "Connectome",
    "ConsensusConnectome",
    "DelayPatterns",
    "DigitImages",
    "EventSet",
    "FlyWiring",
    "GapJunctions",
    "LogMel",
    "MotifRasters",
    "MotionMovies",
    "SignalPropagation",
    "SpeechCommands",
    "SpikeOrder",
    "Textures",
    "WormGraph",
    "count_accuracy",
    "dead_leaves",
    "load_atlas_wiring",
    "load_connectome",
    "load_digit_images",
    "load_fly_wiring",
    "load_shd",
    "load_signal_propagation",
    "load_speech_commands",
    "load_spoken_digits",
    "load_ssc",
    "matched_filter",
    "motif_kernels",
    "motif_rasters",
    "motion_movies",
    "motion_velocities",
    "read_consensus_connectome",
    "read_events",
    "read_worm_graph",
    "recordings",
    "texture_images",
    "write_consensus_connectome",
    "write_events",
    "write_fly_wiring",
    "write_signal_propagation",
]

_HOMES = {
    "AtlasWiring": "signal_propagation",
    "Augmented": "augmentation",
    "BinnedEvents": "binned",
    "ChemicalSynapses": "connectome",
    "Connectome": "connectome",
    "ConsensusConnectome": "worm_consensus",
    "DelayPatterns": "timing",
    "DigitImages": "digit_images",
    "EventSet": "events",
    "FlyWiring": "fly_wiring",
    "GapJunctions": "connectome",
    "LogMel": "log_mel",
    "MotifRasters": "motifs",
    "MotionMovies": "motion",
    "SignalPropagation": "signal_propagation",
    "SpeechCommands": "speech_commands",
    "SpikeOrder": "timing",
    "Textures": "textures",
    "WormGraph": "worm_consensus",
    "count_accuracy": "timing_baselines",
    "dead_leaves": "leaves",
    "load_atlas_wiring": "signal_propagation",
    "load_connectome": "connectome",
    "load_digit_images": "digit_images",
    "load_fly_wiring": "fly_wiring",
    "load_shd": "heidelberg",
    "load_signal_propagation": "signal_propagation",
    "load_speech_commands": "speech_commands",
    "load_spoken_digits": "spoken_digits",
    "load_ssc": "heidelberg",
    "matched_filter": "timing_baselines",
    "motif_kernels": "motifs",
    "motif_rasters": "motifs",
    "motion_movies": "motion",
    "motion_velocities": "motion",
    "read_consensus_connectome": "worm_consensus",
    "read_events": "event_files",
    "read_worm_graph": "worm_consensus",
    "texture_images": "textures",
    "write_consensus_connectome": "worm_consensus",
    "write_events": "event_files",
    "write_fly_wiring": "fly_wiring",
    "write_signal_propagation": "signal_propagation",
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
