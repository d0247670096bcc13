"""The text of a script as it grows: its lines, its arrays, and the helpers that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurosim.interop.brian2_script import literals

INDENT = "    "
_WIDTH = 118


class Source:
    """Lines of Python, and the arrays that they read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.helpers: set[str] = set()

    def add(self, *lines: str) -> None:
        """Append lines."""
        self.lines.extend(lines)

    def say(self, text: str) -> None:
        """Append a comment after an empty line."""
        self.add("", literals.comment(text))

    def array(self, key: str, values: np.ndarray) -> str:
        """Keep an array beside the script; return the expression that reads it."""
        self.arrays[key] = values
        return f"arrays[{literals.quoted(key)}]"

    def helper(self, name: str) -> str:
        """Ask for a function of :mod:`neurosim.interop.brian2_script.running`; return its name."""
        self.helpers.add(name)
        return name

    def call(self, left: str, function: str, arguments: Sequence[str], options: Mapping[str, str | None]) -> None:
        """Append ``left = function(arguments, name=option)``, on one line where that fits; options of None are left."""
        given = [*arguments, *(f"{name}={value}" for name, value in options.items() if value is not None)]
        start = f"{left} = {function}" if left else function
        short = f"{start}({', '.join(given)})"
        if len(short) <= _WIDTH and "\n" not in short:
            self.add(short)
        else:
            self.add(f"{start}(", *(f"{INDENT}{argument}," for argument in given), ")")

    def table(self, entries: Mapping[str, str]) -> str | None:
        """Return a dictionary as source for an argument of :meth:`call`: name to source; None where it is empty."""
        if not entries:
            return None
        items = [f"{literals.quoted(name)}: {value}" for name, value in entries.items()]
        short = "{" + ", ".join(items) + "}"
        if len(short) <= _WIDTH - 20:
            return short
        return "\n".join(["{", *(f"{INDENT * 2}{item}," for item in items), f"{INDENT}}}"])
