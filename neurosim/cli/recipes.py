"""The recipe that a command names: that of a ready-made circuit, or of a function in a Python file."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.python_files import function_of
from neurosim.cli.values import parse_setting
from neurosim.errors import CircuitError, TrainingError, nearest

if TYPE_CHECKING:
    from neurosim.training.recipe import Recipe


def load_recipe(source: str, settings: Sequence[str], *, quick: bool, seed: int) -> Recipe:
    """Return the recipe that a command names.

    Parameters
    ----------
    source
        The name of a ready-made circuit that says how it is trained, or ``file.py:function``.
    settings
        ``argument=value`` each, of the function that returns the recipe.
    quick
        Ask it for what takes less than two minutes.
    seed
        Given to it where it takes one.

    Raises
    ------
    CircuitError, TrainingError
        If there is no such recipe or argument, or the file fails.
    """
    from neurosim import circuits

    given = dict(parse_setting(text) for text in settings)
    if source in circuits.names():
        return _made(circuits.recipe(source), given, source, quick=quick, seed=seed)
    path, colon, function = source.rpartition(":")
    if colon and path.endswith(".py"):
        with redirect_stdout(sys.stderr), function_of(Path(path), function) as builder:
            return _made(builder, given, f"{path}: {function}()", quick=quick, seed=seed)
    if source.endswith(".json"):
        raise TrainingError(
            f"{source} says what a circuit is, not how it is trained: name a function that returns a Recipe, "
            "file.py:function."
        )
    raise CircuitError(
        f"there is no ready-made circuit {source!r}.{nearest(source, circuits.names())} A function in a file is given "
        "as file.py:function."
    )


def _made(builder: Callable[..., Any], given: Mapping[str, Any], where: str, *, quick: bool, seed: int) -> Recipe:
    """Call the function that returns a recipe."""
    from neurosim.training.recipe import Recipe

    known = inspect.signature(builder).parameters
    for name in given:
        if name not in known or name in ("quick", "seed"):
            settable = [one for one in known if one not in ("quick", "seed")]
            raise TrainingError(f"--set: {where} has no argument {name!r}.{nearest(name, settable)}")
    if quick and "quick" not in known:
        raise TrainingError(f"--quick: {where} has no quick version.")
    told = {name: value for name, value in (("quick", quick), ("seed", seed)) if name in known}
    found = builder(**given, **told)
    if not isinstance(found, Recipe):
        raise TrainingError(
            f"{where} must return a neurosim.training.Recipe, which says how to train; got {type(found).__name__}."
        )
    return found
