"""How ``neurosim train delay-snn`` trains."""

from __future__ import annotations

from neurosim.circuits.delay_snn.sizes import checked_delays
from neurosim.circuits.delay_snn.study import recipe_of
from neurosim.circuits.delay_snn.tasks import digits_task, timing_task
from neurosim.errors import CircuitError, nearest
from neurosim.training.recipe import Recipe

#: What can be learned.
TASKS = ("digits", "timing")


def recipe(
    *, task: str = "digits", delays: str = "learned", width: int = 48, quick: bool = False, seed: int = 0
) -> Recipe:
    """Return how the network is trained on one of the tasks of its experiment.

    Parameters
    ----------
    task
        ``"digits"``, synthetic spoken digits (made at first, in minutes), or ``"timing"``.
    delays
        ``"learned"``, ``"random"`` or ``"none"``; networks without learned delays have as many parameters on digits,
        and as many neurons on timing.
    width
        Neurons of a hidden layer with learned delays, on digits.
    quick
        Take the small set of digits that comes with neurosim, or fewer epochs on timing.
    seed
        Of the network.

    Raises
    ------
    CircuitError
        If there is no such task or kind of delays.
    """
    checked_delays(delays, "recipe")
    if task not in TASKS:
        raise CircuitError(f"recipe: task={task!r} is unknown.{nearest(str(task), TASKS)}")
    chosen = timing_task(quick) if task == "timing" else digits_task(width, sample=quick)
    return recipe_of(chosen, delays, seed)
