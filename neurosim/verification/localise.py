"""Where two runs part, found by running parts of them, so that nothing but two states is ever kept."""

from __future__ import annotations

from neurosim.recording import State
from neurosim.verification.case import Case, Runnable
from neurosim.verification.differences import Place, first_state_difference

#: A run is searched in this many stretches at least, so that a difference that heals is not easily passed over.
STRETCHES = 16


def first_difference_of_states(
    case: Case, reference: Runnable, other: Runnable, tolerance: float, end: int
) -> Place | None:
    """Return the first difference of the states of two runs.

    Both sides go on from their own states in stretches that double in length, until their states differ at the end of
    one; that stretch is then halved until one step is left.

    Parameters
    ----------
    case
        The run.
    reference, other
        The two sides.
    tolerance
        Largest relative difference of a variable that counts as equal.
    end
        Where to stop, in steps from the start of the run.

    Returns
    -------
    Place or None
        None where the states are equal at the end of every stretch: then the whole run and its parts differ. None also
        where a side cannot go on from a state, as a compiled program of Brian2's.

    Notes
    -----
    A difference that arises and heals within a stretch (a reset forgets it, for instance) without a trace in any
    variable or spike is not seen; it cannot matter for what follows.
    """
    if not all(getattr(side, "resumable", True) for side in (reference, other)):
        return None
    before: tuple[State | None, State | None] = (case.state, case.state)
    position, length, longest, halving = 0, 1, max(1, end // STRETCHES), False
    while position < end:
        if halving:
            length = max(1, (end - position) // 2)
        stop = min(position + length, end)
        after = (case.part(reference, before[0], position, stop), case.part(other, before[1], position, stop))
        place = first_state_difference(*after, tolerance=tolerance)
        if place is None:
            position, before, length = stop, after, min(2 * length, longest)
        elif stop - position == 1:
            return place
        else:
            end, halving = stop, True
    return None
