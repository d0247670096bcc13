r"""What a file of NIR means to a circuit, and what it says beside that.

NIR (the Neuromorphic Intermediate Representation) is a graph of equations in continuous time: its time constants are
seconds, and a spike is a Dirac pulse. What a pulse does follows from the equation that it enters: through
:math:`\tau\,\dot v = (v_{leak} - v) + R I` a pulse of area 1 lifts v by :math:`R/\tau`. Nothing in a file depends on a
time step.

Many libraries execute the same files otherwise: a spike is a current of 1 for one step, so that the same pulse lifts v
by :math:`R\,dt/\tau` (norse 1.1, ``norse/torch/utils/import_nir.py``; snntorch 1.0, ``snntorch/import_nir.py``, with
:math:`dt = 10^{-4}` s). Both readings are here, by name.

References
----------
J. E. Pedersen et al.: Neuromorphic intermediate representation: A unified instruction set for interoperable
brain-inspired computing. Nature Communications 15, 8122 (2024), doi:10.1038/s41467-024-52259-9; the primitives:
https://neuroir.org/docs (``neuromorphs/NIR: docs/source/primitives.md``, where a threshold gives
:math:`\delta(I - \theta)`).
"""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from neurosim.errors import UnsupportedError, nearest

#: What a spike is to the node that it reaches.
SPIKES = {"dirac": "a Dirac pulse of area 1, which needs no time step", "step": "a current of 1 that lasts one step"}

#: What may be lost when a circuit is written, if it is asked for.
LOSSES = {
    "delay": "delays that differ from edge to edge become one for all",
    "refractory": "refractory periods are left out",
    "initial": "initial values are left out",
    "reset": "a reset that lowers v becomes one to the threshold less that",
    "plasticity": "plastic synapses keep the weights that they begin with",
    "map": "a discrete map becomes the equation whose Euler step it is, a spike in every step a constant current",
    "input": "what drives the circuit by itself (Poisson spikes, signals) becomes an input, or is left out",
}


def library(purpose: str) -> Any:
    """Return the package ``nir``.

    Raises
    ------
    UnsupportedError
        If it is not installed.
    """
    if importlib.util.find_spec("nir") is None:
        raise UnsupportedError(f"{purpose} needs nir, which is not installed: pip install 'neurosim-circuits[nir]'.")
    return import_module("nir")


def area(spikes: str, dt: float) -> float:
    """Return the area of a spike under a reading.

    Raises
    ------
    UnsupportedError
        If there is no such reading.
    """
    if spikes not in SPIKES:
        raise UnsupportedError(f"spikes={spikes!r} is unknown.{nearest(str(spikes), SPIKES)}")
    return 1.0 if spikes == "dirac" else dt
