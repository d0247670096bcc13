"""What to record, and what a run or a measured session ends in.

This floor knows no backend and no circuit: a circuit's catalogue and a `record=` argument give a `RecordPlan`, a
backend fills a `RecordingBuilder` with it, and the result is a `Recording`. Plots are in `neurosim.recording.plots`.
"""

from neurosim.recording.builder import RecordingBuilder
from neurosim.recording.join import concatenate
from neurosim.recording.plan import Recordable, RecordPlan, TracePlan
from neurosim.recording.planning import plan_recording
from neurosim.recording.recording import Recording
from neurosim.recording.request import Record
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import NEVER, State
from neurosim.recording.support import Support

__all__ = [
    "NEVER",
    "Record",
    "RecordPlan",
    "Recordable",
    "Recording",
    "RecordingBuilder",
    "SpikeTrains",
    "State",
    "Support",
    "TracePlan",
    "concatenate",
    "plan_recording",
]
