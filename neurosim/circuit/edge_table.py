"""Edges given as a table of neuron names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from neurosim.errors import CircuitError, nearest


def name_columns(rows: Any, pre_column: str, post_column: str) -> tuple[list[Any], list[Any]]:
    """Return the names on both sides from pairs, a mapping of columns, or a data frame."""
    if isinstance(rows, Mapping) or hasattr(rows, "columns"):
        known = [str(column) for column in (rows if isinstance(rows, Mapping) else rows.columns)]
        for column in (pre_column, post_column):
            if column not in known:
                raise CircuitError(f"Edges.from_table: the table has no column {column!r}.{nearest(column, known)}")
        pre, post = list(rows[pre_column]), list(rows[post_column])
        if len(pre) != len(post):
            raise CircuitError(
                f"Edges.from_table: column {pre_column!r} has {len(pre)} rows and {post_column!r} has {len(post)}."
            )
        return pre, post
    pairs = list(rows)
    for i, pair in enumerate(pairs):
        if isinstance(pair, (str, Mapping)) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise CircuitError(
                f"Edges.from_table: row {i} is {pair!r}, not a pair (pre, post) of names; "
                "give pairs, a mapping of columns, or a data frame."
            )
    return [pre for pre, _ in pairs], [post for _, post in pairs]


def positions(side: str, names: list[Any], known: Sequence[str]) -> list[int]:
    """Look names up among the population's; all unknown ones go into one error."""
    index = {name: i for i, name in enumerate(known)}
    if len(index) < len(known):
        twice = next(name for i, name in enumerate(known) if index[name] != i)
        raise CircuitError(f"Edges.from_table: the {side} name {twice!r} stands for more than one neuron.")
    if unknown := sorted({str(name) for name in names if not isinstance(name, str) or name not in index}):
        matches = [(name, difflib.get_close_matches(name, index, n=1)) for name in unknown[:10]]
        shown = ", ".join(f"{name!r} (did you mean {near[0]!r}?)" if near else repr(name) for name, near in matches)
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise CircuitError(
            f"Edges.from_table: unknown {side} names: {shown}{more}. The population has {len(index)} named neurons."
        )
    return [index[name] for name in names]
