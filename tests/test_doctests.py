"""The examples in the docstrings run, under the names that the modules have when installed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

#: Programs that a benchmark runs in an interpreter where its peer is installed.
OTHERS = "neurosim.benchmarks.sides."


def modules() -> Iterator[str]:
    for root in ("neurosim", "neurosim.circuits", "neurosim.datasets"):
        yield root
        for found in pkgutil.walk_packages(importlib.import_module(root).__path__, f"{root}."):
            if not found.name.startswith(OTHERS):
                yield found.name


@pytest.mark.parametrize("name", sorted(set(modules())))
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples in {name}; the output above says which"
