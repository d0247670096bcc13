"""A report as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurosim.verification.comparison import SPIKES, Comparison, Divergence
from neurosim.verification.report import VerifyReport

_MOST_LINES = 8
_SYMBOLS = {"volt": "V", "amp": "A", "siemens": "S", "second": "s", "1": ""}


def report_text(report: VerifyReport) -> str:
    """Return a report for a reader: the outcome, a table of the backends, and for each that differs where and how."""
    trials = f", {report.trials} trials" if report.trials > 1 else ""
    begin = f" from {_time(report.start_step * report.dt)}" if report.start_step else ""
    head = (
        f"{report.circuit}: {_time(report.duration)}{begin} in {report.n_steps} steps of {_time(report.dt)}, "
        f"seed {report.seed}{trials}, {report.dtype}"
    )
    outcome = "IDENTICAL" if report.identical else "NOT IDENTICAL"
    sections = [f"{head}\n{outcome}", _table(_backends(report))]
    sections += [_difference(item, report.dt) for item in report.comparisons if not item.identical]
    return "\n\n".join(sections)


def _backends(report: VerifyReport) -> list[list[str]]:
    reference, *others = report.spikes
    rows = [["backend", "spikes", "", "largest difference", "tolerance"]]
    rows.append([reference, f"{report.spikes[reference]:,}", "reference", "", ""])
    for name in others:
        comparison = report[name]
        outcome = "identical" if comparison.identical else "differs"
        rows.append([name, f"{report.spikes[name]:,}", outcome, _largest(comparison), f"{comparison.tolerance:g}"])
    return rows


def _largest(comparison: Comparison) -> str:
    items = [*comparison.traces, *comparison.state]
    largest = max(items, key=lambda item: item.relative, default=None)
    if largest is None or largest.absolute == 0:
        return "none"
    return f"{largest.relative:.2g} of {largest.address}"


def _difference(comparison: Comparison, dt: float) -> str:
    first, cause = comparison.first_divergence, comparison.state_divergence
    assert first is not None
    lines = [f"{comparison.other} against {comparison.reference}", f"  first divergence: {_place(first, comparison)}"]
    if first.variable not in (SPIKES,) and not any(first.population == name for name, _ in _trace_names(comparison)):
        lines.append("  every spike is equal; only states differ")
    if cause is not None and cause != first:
        lines.append(f"  states differ from: {_place(cause, comparison)}")
    if comparison.spikes and first.variable == SPIKES:
        rows = [["population", "neurons", "spikes", "in common", "from there on", "rate (Hz)", "difference"]]
        for item in comparison.spikes[:_MOST_LINES]:
            rows.append(
                [
                    item.population,
                    f"{item.neurons:,}",
                    _pair(f"{count:,}" for count in item.counts),
                    f"{item.common:,}",
                    _pair(f"{count:,}" for count in item.counts_beyond),
                    _pair(f"{rate:.3g}" for rate in item.rates_beyond),
                    f"{item.relative_difference:+.2%}",
                ]
            )
        lines.append(_indented(_table(rows), len(comparison.spikes)))
    for title, items in (("traces", comparison.traces), ("final states", comparison.state)):
        odd = sorted((item for item in items if item.absolute > 0), key=lambda item: -item.relative)
        if odd:
            rows = [[f"largest differences of {title}", "absolute", "relative"]]
            rows += [[item.address, f"{item.absolute:.3g}", f"{item.relative:.3g}"] for item in odd[:_MOST_LINES]]
            lines.append(_indented(_table(rows), len(odd)))
    return "\n".join(lines)


def _trace_names(comparison: Comparison) -> list[tuple[str, str]]:
    return [(name, variable) for name, _, variable in (item.address.rpartition(".") for item in comparison.traces)]


def _place(place: Divergence, comparison: Comparison) -> str:
    where = f"step {place.step} ({_time(place.time)}), {place.population} neuron {place.neuron}"
    where += f", trial {place.trial}" if place.trial else ""
    if place.variable == SPIKES:
        name = comparison.reference if place.values[0] else comparison.other
        return f"{where}: a spike in {name} only"
    unit = _SYMBOLS.get(place.unit, place.unit)
    values = " against ".join(f"{value!r} {unit}".rstrip() for value in place.values)
    return f"{where}: {place.variable} is {values}"


def _pair(texts: Iterable[str]) -> str:
    return " | ".join(texts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [column > 0 and any(text[:1].isdigit() for text in texts) for column, texts in enumerate(zip(*rows, strict=True))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _indented(table: str, total: int) -> str:
    lines = [f"    {line}" for line in table.splitlines()]
    if total > _MOST_LINES:
        lines.append(f"    ... and {total - _MOST_LINES} more")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 or seconds == 0 else f"{seconds * 1e3:g} ms"
