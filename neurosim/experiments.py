"""Published results held against what a circuit does: rows of reported and obtained values, and whether they agree.

A ready-made circuit names the function that runs its experiment in its entry of the registry
(:mod:`neurosim.circuits.registry`). The function is called as an :class:`Experiment` and returns a
:class:`Reproduction`, which ``neurosim reproduce`` prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Value: TypeAlias = float | int | str


@dataclass(frozen=True)
class Row:
    """One published value.

    Parameters
    ----------
    what
        What it is the value of, with its unit.
    reported
        What was published: a number, or a word.
    obtained
        What came out here.
    tolerance
        Largest difference of numbers that counts as agreement; words must be the same.

    Examples
    --------
    >>> Row("rate (Hz)", 60, 61.5, tolerance=2).ok
    True
    """

    what: str
    reported: Value
    obtained: Value
    tolerance: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the two agree; never where a number is not finite."""
        if isinstance(self.reported, str) or isinstance(self.obtained, str):
            return self.reported == self.obtained
        return abs(self.obtained - self.reported) <= self.tolerance  # False for NaN

    def summary(self) -> dict[str, Any]:
        """Return the row as JSON values; numbers that are not finite, which JSON lacks, as words."""
        return {
            "what": self.what,
            "reported": _plain(self.reported),
            "obtained": _plain(self.obtained),
            "tolerance": self.tolerance,
            "ok": self.ok,
        }


def _plain(value: Value) -> Value:
    return value if isinstance(value, str) or math.isfinite(value) else str(value)


@dataclass(frozen=True)
class Skipped:
    """A published value that could not be looked for.

    Parameters
    ----------
    what
        What it is the value of.
    needs
        What is missing, and how to get it.
    """

    what: str
    needs: str


@dataclass(frozen=True)
class Measured:
    """A value of ours beside which nothing published stands.

    Parameters
    ----------
    what
        What it is the value of.
    obtained
        What came out here, with its unit and what else belongs to it.
    """

    what: str
    obtained: str


@dataclass(frozen=True)
class Reproduction:
    """What came out of an experiment.

    Parameters
    ----------
    name
        Of the circuit.
    rows
        What was compared.
    skipped
        What could not be.
    draw
        Returns the figure of the experiment, or None if it has none.
    measured
        What came out besides; it decides nothing.
    """

    name: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    draw: Callable[[], Figure] | None = field(default=None, compare=False)
    measured: tuple[Measured, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was compared and all of it agrees."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values: name, ok, rows, and what was measured besides or skipped, if anything."""
        found: dict[str, Any] = {"name": self.name, "ok": self.ok, "rows": [row.summary() for row in self.rows]}
        if self.measured:
            found["measured"] = [{"what": item.what, "obtained": item.obtained} for item in self.measured]
        if self.skipped:
            found["skipped"] = [{"what": item.what, "needs": item.needs} for item in self.skipped]
        return found


class Experiment(Protocol):
    """What a circuit's entry names: a function that runs the published experiment."""

    def __call__(self, *, quick: bool, backend: str, options: Mapping[str, Any], **more: Any) -> Reproduction:
        """Run the experiment.

        Parameters
        ----------
        quick
            Do what takes less than two minutes on two cores, with tolerances that fit.
        backend, options
            What runs it, as for ``neurosim.compile``.
        more
            What it takes besides: ``folder``, where runs are kept and gone on with (a path or None), and ``data``,
            whether to run what needs data that do not come with neurosim.
        """
