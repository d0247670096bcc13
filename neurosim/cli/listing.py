"""`neurosim list`: the ready-made circuits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ListCommand:
    """List the ready-made circuits."""

    json: bool = False
    """Print one JSON array instead of text."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.circuits import describe, names

        entries = [describe(name) for name in names()]
        if self.json:
            items = [
                {"name": entry.name, "summary": entry.summary, "duration": entry.duration, "citation": entry.citation}
                for entry in entries
            ]
            print(json.dumps(items))
            return 0
        width = max(len(entry.name) for entry in entries)
        for entry in entries:
            print(f"{entry.name:{width}}  {entry.summary}")
        return 0
