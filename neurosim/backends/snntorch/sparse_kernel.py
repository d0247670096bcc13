"""A weight matrix times spikes in compiled loops: only the rows of inputs that are active are touched."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from neurosim.backends.snntorch.delay_kernel import kept_on_disk

Array = NDArray[Any]


@kept_on_disk()
def add_rows_of_events(
    first: int, last: int, y: Array, start: Array, index: Array, value: Array, weight: Array
) -> None:
    """Add to each row of `y` (sample, post) the rows of `weight` (pre, post) that its events name."""
    for sample in range(first, last):
        row = y[sample]
        for event in range(start[sample], start[sample + 1]):
            line, size = weight[index[event]], value[event]
            for post in range(row.shape[0]):
                row[post] += size * line[post]


@kept_on_disk()
def sort_events(start: Array, index: Array, value: Array, starts: Array, samples: Array, values: Array) -> None:
    """Write the events of each input neuron, in the order of the samples; `starts` (pre + 1,) is moved on by it."""
    for sample in range(start.shape[0] - 1):
        for event in range(start[sample], start[sample + 1]):
            place = starts[index[event]]
            samples[place] = sample
            values[place] = value[event]
            starts[index[event]] = place + 1


@kept_on_disk()
def weight_gradients(
    first: int, last: int, d_weight: Array, starts: Array, samples: Array, values: Array, g: Array
) -> None:
    """Add to each row of `d_weight` (pre, post) the rows of `g` (sample, post) in which that input was active."""
    for pre in range(first, last):
        row = d_weight[pre]
        for event in range(starts[pre], starts[pre + 1]):
            line, size = g[samples[event]], values[event]
            for post in range(row.shape[0]):
                row[post] += size * line[post]
