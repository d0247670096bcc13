"""What a benchmark came to: medians, spreads and ratios, as JSON values."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from neurosim.benchmarks.benchmark import OURS, Check, Figure

#: Of the JSON object; raised when a reader of an older one would misunderstand it.
SCHEMA = 1


@dataclass(frozen=True)
class SideOutcome:
    """One side in one case.

    Attributes
    ----------
    name
        Of the side.
    absent
        Why it did not run, or empty.
    failed
        Whether it ought to have run.
    values
        Of every run that counts, in the benchmark's unit.
    first
        Seconds from the start of its process to its first result: ``"cold"`` (nothing was compiled before) and
        ``"warm"`` (all was).
    prepared
        Seconds that it took to get ready after its imports, in the process that was measured.
    peak
        The most memory that the process held, in bytes.
    versions
        Of its packages.
    at_least
        The ratio that is asked for.
    """

    name: str
    absent: str = ""
    failed: bool = False
    values: tuple[float, ...] = ()
    first: Mapping[str, float] = field(default_factory=dict)
    prepared: float | None = None
    peak: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None

    @property
    def median(self) -> float:
        """The middle of its values."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class CaseOutcome:
    """All sides in one case."""

    label: str
    settings: Mapping[str, Any]
    sides: tuple[SideOutcome, ...]
    checks: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()

    def ratio(self, side: SideOutcome) -> float | None:
        """Return a side's median over ours: above 1 it takes longer, or holds more."""
        ours = next((item for item in self.sides if item.name == OURS), None)
        if ours is None or not ours.values or not side.values:
            return None
        return side.median / ours.median


@dataclass(frozen=True)
class Outcome:
    """A benchmark, measured."""

    name: str
    summary: str
    unit: str
    threads: int
    quick: bool
    cases: tuple[CaseOutcome, ...]
    machine: Mapping[str, Any]
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no side failed and all computed the same as ours."""
        return not any(side.failed for case in self.cases for side in case.sides) and all(
            check.ok for case in self.cases for check in case.checks
        )

    def content(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "schema": SCHEMA, "name": self.name, "summary": self.summary, "unit": self.unit, "threads": self.threads,
            "quick": self.quick, "ok": self.ok, "machine": dict(self.machine),
            "cases": [self._case(case) for case in self.cases],
            "figures": [asdict(figure) for figure in self.figures], "notes": list(self.notes),
        }  # fmt: skip

    def _case(self, case: CaseOutcome) -> dict[str, Any]:
        return {
            "label": case.label, "settings": dict(case.settings),
            "sides": [_side(side, case.ratio(side)) for side in case.sides],
            "checks": [asdict(check) for check in case.checks],
            "figures": [asdict(figure) for figure in case.figures],
        }  # fmt: skip


def _side(side: SideOutcome, ratio: float | None) -> dict[str, Any]:
    if not side.values:
        return {"name": side.name, "absent": side.absent, "failed": side.failed, "at_least": side.at_least}
    return {
        "name": side.name, "ratio": ratio, "at_least": side.at_least, "median": side.median,
        "low": min(side.values), "high": max(side.values), "values": list(side.values), "first": dict(side.first),
        "prepared": side.prepared, "peak": side.peak, "versions": dict(side.versions),
    }  # fmt: skip


def joined(before: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return measured benchmarks with others in the place of those of the same name."""
    fresh = {item["name"]: item for item in new}
    kept = [fresh.pop(item["name"], item) for item in before]
    return [*kept, *(item for item in new if item["name"] in fresh)]
