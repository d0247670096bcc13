"""Groups of parameters by address, each with its own settings of an optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from neurosim.errors import TrainingError, nearest

#: Name of the group of parameters that no pattern names.
OTHERS = "others"


def groups(module: nn.Module, settings: Mapping[str, Mapping[str, Any]], **others: Any) -> list[dict[str, Any]]:
    """Return groups of a module's parameters, as every optimiser of torch takes them.

    Parameters
    ----------
    module
        Whose parameters.
    settings
        By pattern, such as ``"*.delay"`` or ``"hidden.tau_mem"``: what the optimiser should do with the parameters
        whose addresses match, ``{"lr": 0.1}`` say. A parameter belongs to the first pattern that matches.
    others
        Settings of those that no pattern names; without any, the optimiser's own.

    Returns
    -------
    list of dict
        With the keys ``params``, ``name`` (the pattern) and the settings. A pattern is left out whose parameters all
        belong to earlier ones.

    Raises
    ------
    TrainingError
        If a pattern matches nothing.

    Examples
    --------
    ::

        optimiser = torch.optim.Adam(groups(module, {"*.delay": {"lr": 0.1}}), lr=1e-3)
    """
    named = dict(module.named_parameters())
    for pattern in settings:
        if not any(fnmatchcase(name, pattern) for name in named):
            raise TrainingError(f"groups: no parameter is called {pattern!r}.{nearest(pattern, named)}")
    found: dict[str, list[nn.Parameter]] = {pattern: [] for pattern in settings}
    found[OTHERS] = []
    for name, parameter in named.items():
        matching = (pattern for pattern in settings if fnmatchcase(name, pattern))
        found[next(matching, OTHERS)].append(parameter)
    return [
        {"params": parameters, "name": pattern, **(settings[pattern] if pattern in settings else others)}
        for pattern, parameters in found.items()
        if parameters
    ]
