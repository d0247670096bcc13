"""The report of a verification: an object, a text, a file."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from neurosim.errors import FileFormatError
from neurosim.recording import Recording
from neurosim.verification.comparison import Comparison, Divergence, PopulationSpikes, VariableDifference

FORMAT = "neurosim-verify-report"
VERSION = 1


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class VerifyReport:
    """Whether simulators of one circuit agree, and if not, where they part.

    Parameters
    ----------
    circuit, circuit_digest : str
        What was run.
    dt : float
        The step in seconds.
    n_steps, start_step : int
        Length of the run, and its first global step.
    seed, trials : int
        Of the run.
    dtype : str
        Of the torch module (of Brian2: float64).
    semantics : str
        What one step means.
    versions : mapping of str to str
        Of the packages that took part.
    spikes : mapping of str to int
        Number of spikes by backend, the reference first.
    comparisons : tuple of Comparison
        Each backend held against the reference.
    recordings : mapping of str to Recording
        What was compared, by backend. Neither saved nor compared with ``==``.
    """

    circuit: str
    circuit_digest: str
    dt: float
    n_steps: int
    start_step: int
    seed: int
    trials: int
    dtype: str
    semantics: str
    versions: Mapping[str, str]
    spikes: Mapping[str, int]
    comparisons: tuple[Comparison, ...]
    recordings: Mapping[str, Recording] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Length of the run in seconds."""
        return self.n_steps * self.dt

    @property
    def identical(self) -> bool:
        """Whether every backend agrees with the reference."""
        return all(comparison.identical for comparison in self.comparisons)

    @property
    def first_divergence(self) -> Divergence | None:
        """The first divergence of any backend from the reference."""
        found = [item.first_divergence for item in self.comparisons if item.first_divergence is not None]
        return min(found, key=lambda divergence: divergence.step, default=None)

    @property
    def final_state_max_abs_diff(self) -> float:
        """The largest absolute difference of a variable of a final state from the reference, whatever its unit."""
        return max(comparison.final_state_max_abs_diff for comparison in self.comparisons)

    @property
    def final_state_max_rel_diff(self) -> float:
        """The same, relative to the largest magnitude of the variable."""
        return max(comparison.final_state_max_rel_diff for comparison in self.comparisons)

    @property
    def tolerance(self) -> float:
        """The largest tolerance of the comparisons; each has its own."""
        return max(comparison.tolerance for comparison in self.comparisons)

    def __getitem__(self, backend: str) -> Comparison:
        """Return the comparison of one backend with the reference."""
        for comparison in self.comparisons:
            if comparison.other == backend:
                return comparison
        raise KeyError(f"{backend!r} was not compared; there are {', '.join(item.other for item in self.comparisons)}")

    def summary(self) -> dict[str, Any]:
        """Return the outcome in a few JSON values, as `neurosim verify --json` prints it."""
        first = self.first_divergence
        place = ("step", "time", "population", "neuron", "variable")
        summary = {
            "circuit": self.circuit,
            "identical": self.identical,
            "first_divergence": None if first is None else {name: getattr(first, name) for name in place},
            "spikes": dict(self.spikes),
            "final_state_max_abs_diff": self.final_state_max_abs_diff,
            "final_state_max_rel_diff": self.final_state_max_rel_diff,
            "tolerance": self.tolerance,
            "dt": self.dt,
            "duration": self.duration,
            "dtype": self.dtype,
        }
        plain: dict[str, Any] = _plain(summary)
        return plain

    def text(self) -> str:
        """Return the report for a reader."""
        from neurosim.verification.text import report_text

        return report_text(self)

    def __str__(self) -> str:
        """Return the report for a reader."""
        return self.text()

    def __repr__(self) -> str:
        """Return the outcome in one line."""
        outcome = "identical" if self.identical else "not identical"
        return f"<VerifyReport {self.circuit!r}, {self.duration:g} s, {', '.join(self.spikes)}: {outcome}>"

    def __eq__(self, other: object) -> bool:
        """Compare by value, recordings left out."""
        return self.to_dict() == other.to_dict() if isinstance(other, VerifyReport) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """Return the whole report, recordings left out, as JSON values; what is not finite is text (``"inf"``)."""
        content = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "recordings"}
        content["comparisons"] = [asdict(comparison) for comparison in self.comparisons]
        plain: dict[str, Any] = _plain(content)
        return plain

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> VerifyReport:
        """Read what `to_dict` gave.

        Raises
        ------
        FileFormatError
            If something is missing or unknown.
        """
        try:
            comparisons = tuple(_comparison(item) for item in content["comparisons"])
            return cls(**{**content, "comparisons": comparisons})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"the report cannot be read: {error!r} is missing, unknown or no value.") from error

    def to_json(self) -> str:
        """Return the whole report as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the report as JSON, with a checksum.

        Raises
        ------
        FileFormatError
            If the file exists and may not be replaced, or its folder does not exist.
        """
        target = Path(path)
        if target.exists() and not overwrite:
            raise FileFormatError(f"{target} exists already; pass overwrite=True to replace it.")
        if not target.parent.is_dir():
            raise FileFormatError(f"the folder {target.parent} does not exist.")
        content = self.to_dict()
        file = {"format": FORMAT, "version": VERSION, "checksum": _checksum(content), "report": content}
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            complete = Path(scratch) / target.name
            complete.write_text(json.dumps(file, indent=2, allow_nan=False) + "\n", encoding="utf-8")
            complete.replace(target)
        return target

    @classmethod
    def load(cls, path: str | Path) -> VerifyReport:
        """Read what `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is missing, truncated, edited, or of another kind or version.
        """
        source = Path(path)
        try:
            file = json.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise FileFormatError(f"{source} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise FileFormatError(f"{source} is no report, or was cut short: {error}.") from error
        if not isinstance(file, dict) or file.get("format") != FORMAT:
            raise FileFormatError(f"{source} is no report of a verification (no format {FORMAT!r}).")
        if file.get("version") != VERSION:
            raise FileFormatError(f"{source} has version {file.get('version')!r}; this neurosim reads {VERSION}.")
        if not isinstance(file.get("report"), dict) or file.get("checksum") != _checksum(file["report"]):
            raise FileFormatError(f"{source} was changed after it was written: its checksum does not fit.")
        return cls.from_dict(file["report"])


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return JSON values only: sequences as lists, and what JSON has no number for as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _comparison(data: Mapping[str, Any]) -> Comparison:
    return Comparison(
        **{
            **data,
            "first_divergence": _divergence(data["first_divergence"]),
            "state_divergence": _divergence(data["state_divergence"]),
            "spikes": tuple(_spikes(item) for item in data["spikes"]),
            "traces": tuple(_difference(item) for item in data["traces"]),
            "state": tuple(_difference(item) for item in data["state"]),
        }
    )


def _divergence(data: Mapping[str, Any] | None) -> Divergence | None:
    return None if data is None else Divergence(**{**data, "values": tuple(map(float, data["values"]))})


def _difference(data: Mapping[str, Any]) -> VariableDifference:
    return VariableDifference(data["address"], float(data["absolute"]), float(data["relative"]))


def _spikes(data: Mapping[str, Any]) -> PopulationSpikes:
    pairs = {name: tuple(data[name]) for name in ("counts", "counts_beyond", "rates_beyond")}
    return PopulationSpikes(**{**data, **pairs})
