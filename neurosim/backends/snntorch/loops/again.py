"""Going forward again on the way back, some trials at a time, where only spikes were kept of the first time.

The loops and what they are given are those of the first time, and so is every bit of what they find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.loops.kernels import TOGETHER
from neurosim.backends.snntorch.loops.room import room, trains, ways
from neurosim.backends.snntorch.row_events import RowBits
from neurosim.backends.snntorch.threads import in_parts

if TYPE_CHECKING:
    from neurosim.backends.snntorch.loops.scan import Loops

Array = np.ndarray
#: What begins the names of arrays that are found again.
FOUND_AGAIN = "QU"


def worth_it(scan: Loops, given: Mapping[str, Array], drawn: frozenset[str], sizes: tuple[int, int]) -> bool:
    """Tell whether less is kept where variables are found again: all that comes in must then be kept.

    Parameters
    ----------
    scan
        The loops.
    given
        What they are given, by name.
    drawn
        The names of random numbers, which are drawn again.
    sizes
        Steps and trials.
    """
    steps, batch = sizes
    size = next(iter(given.values())).itemsize * steps * batch
    spared = sum(size * text.item.n * (len(text.kept) + (_asks_torch(text))) for text in scan.source.members)
    coming = [name for name in scan.source.forward if name.startswith(("X", "I")) and name in given]
    held = [given[name].nbytes for name in coming if name not in scan.source.backward and name not in drawn]
    return spared > sum(held)


def _asks_torch(text: Any) -> bool:
    return text.spiking and text.member.slope is None


def pieces(
    scan: Loops, given: Mapping[str, Array], kept: Mapping[str, Any], events: Mapping[int, RowBits],
    last: Mapping[int, Tensor], clock: tuple[int, float, int], trials: int,
) -> Iterator[tuple[int, int, dict[str, Any]]]:  # fmt: skip
    """Go forward again; yield the first trial of a piece, how many they are, and what the way back reads of them.

    Parameters
    ----------
    scan
        The loops.
    given
        What they were given, by name.
    kept
        Spikes and who does not rest, as bits, and numbers.
    events
        Spikes from outside, by arrival.
    last
        The step in which each neuron fired last, by member.
    clock
        The first step, how long one takes, and how many there are.
    trials
        How many.
    """
    arrays: dict[str, Any] = {**given, **kept}
    for place, link in enumerate(scan.links):
        arrays.update(ways(scan.workspace, place, link, given, 1.0))
    arrays.update(trains(events))
    threads = torch.get_num_threads()
    for first in range(0, trials, threads * TOGETHER):
        piece = slice(first, min(first + threads * TOGETHER, trials))
        count = piece.stop - first
        here = {name: value[piece] for name, value in given.items() if name[0] == "B"}
        here.update({name: value[:, piece] for name, value in given.items() if name.startswith("past")})
        since = {place: steps[piece] for place, steps in last.items()}
        for text in scan.source.members:
            made = room(scan.workspace, text, here, since, (clock[2], count), whole=True)
            # Bits stay where they are: the same ones are written once more.
            arrays.update({name: value for name, value in made.items() if name[0] not in "ZAK"})
        arrays.update(base=first, whole=1)
        in_parts(
            scan.loops["forward"], count, threads, *clock, *(arrays[name] for name in scan.source.forward), begin=first
        )
        yield first, count, {name: value for name, value in arrays.items() if name[0] in FOUND_AGAIN or name == "base"}
