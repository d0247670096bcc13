"""Training of compiled modules: what is minimised, what is held, and how sequences are cut."""

from neurosim.training import constraints, local, losses, readouts, regularisers, stochastic
from neurosim.training.chunks import chunked, chunks
from neurosim.training.history import History
from neurosim.training.interruption import TrainingInterrupted
from neurosim.training.monitor import Monitor
from neurosim.training.parameter_groups import groups
from neurosim.training.recipe import Recipe
from neurosim.training.schedules import EveryStep
from neurosim.training.trainer import Trainer
from neurosim.training.update import Clip

__all__ = [
    "Clip",
    "EveryStep",
    "History",
    "Monitor",
    "Recipe",
    "Trainer",
    "TrainingInterrupted",
    "chunked",
    "chunks",
    "constraints",
    "groups",
    "local",
    "losses",
    "readouts",
    "regularisers",
    "stochastic",
]
