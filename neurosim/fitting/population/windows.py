"""Recorded activity in pieces that a circuit is trained on, each with some time before it in which it settles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """How steps of a circuit and bins of a recording are laid side by side.

    Parameters
    ----------
    every
        Steps of a bin.
    late
        By how many steps the answer to a step comes later.
    bins
        Of a window.
    lead
        Bins before a window, in which nothing is asked.
    """

    every: int
    late: int
    bins: int
    lead: int

    @property
    def before(self) -> int:
        """Steps of a window's run of which nothing is asked."""
        return self.lead * self.every + self.late

    @property
    def steps(self) -> int:
        """Steps of a window's run."""
        return self.before + self.bins * self.every


class Windows:
    """A dataset: inputs (step, channel) by name and counts (bin, neuron) by address, NaN where nothing is asked.

    Parameters
    ----------
    inputs
        By source or injection, (trial, step, channel).
    targets
        By address, (trial, bin, neuron).
    cut
        How long windows are. Before and behind what there is, inputs are 0.
    """

    def __init__(self, inputs: Mapping[str, Floats], targets: Mapping[str, Floats], cut: Cut) -> None:
        first = next(iter(targets.values()))
        number = -(-first.shape[1] // cut.bins)
        self.cut = cut
        self._inputs = {name: _padded(values, cut.lead * cut.every, cut, number) for name, values in inputs.items()}
        self._targets = {
            address: np.pad(values, ((0, 0), (0, number * cut.bins - values.shape[1]), (0, 0)), constant_values=np.nan)
            for address, values in targets.items()
        }
        asked = np.zeros((first.shape[0], number), dtype=np.bool_)
        for values in self._targets.values():
            asked |= np.isfinite(values).reshape(first.shape[0], number, -1).any(2)
        self._places = np.argwhere(asked)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        trial, place = self._places[index]
        step, bin_ = place * self.cut.bins * self.cut.every, place * self.cut.bins
        return (
            {name: values[trial, step : step + self.cut.steps] for name, values in self._inputs.items()},
            {address: values[trial, bin_ : bin_ + self.cut.bins] for address, values in self._targets.items()},
        )


def _padded(values: Floats, before: int, cut: Cut, number: int) -> Floats:
    behind = number * cut.bins * cut.every + cut.late - values.shape[1]
    return np.pad(values, ((0, 0), (before, max(0, behind)), (0, 0)))
