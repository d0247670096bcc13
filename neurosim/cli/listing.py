"""`neurosim list`: the ready-made circuits, or the recordings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True)
class ListCommand:
    """List the ready-made circuits, or the recordings that can be loaded."""

    what: Annotated[Literal["circuits", "recordings"], tyro.conf.Positional] = "circuits"
    """What to list."""

    json: bool = False
    """Print one JSON array instead of text."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        if self.what == "recordings":
            return self._recordings()
        from neurosim.circuits import describe, names

        entries = [describe(name) for name in names()]
        if self.json:
            items = [
                {"name": entry.name, "summary": entry.summary, "duration": entry.duration, "citation": entry.citation}
                for entry in entries
            ]
            print(json.dumps(items))
            return 0
        _print([(entry.name, entry.summary) for entry in entries])
        return 0

    def _recordings(self) -> int:
        from neurosim.datasets.recordings import describe, names

        entries = [describe(name) for name in names()]
        if self.json:
            fields = ("name", "summary", "form", "licence", "citation", "source")
            print(json.dumps([{field: getattr(entry, field) for field in fields} for entry in entries]))
        else:
            _print([(entry.name, f"{entry.summary} [{entry.form}; {entry.licence}]") for entry in entries])
        return 0


def _print(rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:{width}}  {text}")
