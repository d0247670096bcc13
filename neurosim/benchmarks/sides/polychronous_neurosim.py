"""The plastic network with delays through neurosim: its spikes, and what its synapses tend to at the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.benchmarks.sides.network_neurosim import Side as Network


class Side(Network):
    """The network."""

    def result(self) -> dict[str, Any]:
        """Return all spikes, and the tendencies of all synapses at the end."""
        return {**super().result(), "tendency": np.ravel(self.recording.state.variables["excitation"]["sd"])}
