r"""Delayed sums in compiled loops over contiguous rows: what arrives at each neuron in each step, and its gradients.

Trains are kept as (neuron, time, trial), so that a delay is an offset into a row and every edge is a run over
neighbouring numbers: cost does not grow with the longest delay. With :math:`f = \lfloor d \rfloor` and
:math:`r = d - f`

.. math:: y_m[t] = \sum_n w_{mn} \left((1 - r)\, x_n[t - f] + r\, x_n[t - f - 1]\right).

Each thread owns whole rows of the result, and every sum runs in one fixed order, so that no result depends on the
number of threads. Rows that are mostly 0, as spikes are, are for
:mod:`neurosim.backends.snntorch.delay_events`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.delay_events import taps_of
from neurosim.backends.snntorch.threads import kept_on_disk

Array = NDArray[Any]
#: Adding a product in one rounding, and summing a row in several lanes, is all that is allowed here.
_LANES = {"contract", "reassoc", "nsz"}


@kept_on_disk(fastmath={"contract"})
def add_rows(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, weight: Array, delay: Array,
    bounds: Array, x: Array, batch: int,
) -> None:  # fmt: skip
    """Write to the rows of `y` (post, time * trial) what whole rows of `x` bring, which have a step more in front."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    length = y.shape[1]
    for post in range(first, last):
        row = y[post]
        row[:] = 0
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            whole, part = taps_of(delay[edge], bounds)
            near, far = weight[edge] * (one - part), weight[edge] * part
            offset = np.int64(bounds[1] - whole + 1) * batch
            young = x[pre[edge], offset : offset + length]
            if far == 0:
                for place in range(length):
                    row[place] += near * young[place]
            else:
                old = x[pre[edge], offset - batch : offset - batch + length]
                for place in range(length):
                    row[place] += near * young[place] + far * old[place]


@kept_on_disk(fastmath=_LANES)
def edge_gradients_of_rows(
    first: int, last: int, g: Array, starts: Array, edges: Array, pre: Array, weight: Array, delay: Array,
    bounds: Array, x: Array, batch: int, d_weight: Array, d_delay: Array,
) -> None:  # fmt: skip
    """Write the gradients of weights and delays, (edge,), from `g` (post, time * trial) and whole rows of `x`."""
    length = g.shape[1]
    for post in range(first, last):
        row = g[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            whole, part = taps_of(delay[edge], bounds)
            offset = np.int64(bounds[1] - whole + 1) * batch
            young = x[pre[edge], offset : offset + length]
            old = x[pre[edge], offset - batch : offset - batch + length]
            near = far = row[0] * 0
            for place in range(length):
                near += row[place] * young[place]
                far += row[place] * old[place]
            d_weight[edge] = near + part * (far - near)
            d_delay[edge] = weight[edge] * (far - near)
