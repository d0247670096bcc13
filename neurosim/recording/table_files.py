"""Tables in a store: an array a column; text as numbers that count in a list of the different texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from neurosim.recording.store import Tree

if TYPE_CHECKING:
    import pandas


def add_table(tree: Tree, path: str, table: pandas.DataFrame) -> list[dict[str, Any]]:
    """Add the columns of a table; return what else is needed to read them, in their order."""
    facts: list[dict[str, Any]] = []
    for name, column in table.items():
        fact: dict[str, Any] = {"name": name}
        if column.dtype.kind in "bif":
            values = column.to_numpy()
        else:
            values, texts = column.factorize()  # what is missing is -1
            fact["texts"] = [str(text) for text in texts]
        tree.add(_place(path, str(name)), values, ("row",))
        facts.append(fact)
    return facts


def table(tree: Tree, path: str, facts: list[Mapping[str, Any]]) -> pandas.DataFrame:
    """Return a table that was added."""
    import pandas

    columns: dict[str, Any] = {}
    for fact in facts:
        values = tree.arrays[_place(path, fact["name"])]
        if "texts" in fact:
            texts = np.array([*fact["texts"], None], dtype=object)
            columns[fact["name"]] = pandas.array(texts[values], dtype="str")
        else:
            columns[fact["name"]] = values
    return pandas.DataFrame(columns)


def _place(path: str, column: str) -> str:
    return f"{path}/{quote(column, safe='').replace('.', '%2E')}"
